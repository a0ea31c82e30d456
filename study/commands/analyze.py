"""`study analyze`: fit the models to the results and write the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from study.commands.arguments import Folder
from study.commands.terminal import tell
from study.errors import Fault, InputFaults
from study.paths import Paths
from study.plan import read_plan
from study.reading import read_study
from study.result_store import read_results, stored_results
from study.run import baseline_runs
from study.study_file import FILE_NAME, Study


def analyze(
    folder: Folder = Path("."),
    results: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Analyse this table instead, CSV or Parquet; may be repeated."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where the report goes; report/ of the study if left out.")] = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Parametric bootstrap refits for percentile intervals.")] = 0,
    mix_versions: Annotated[
        bool, typer.Option("--mix-versions", help="Take scores of different versions together.")
    ] = False,
    cross_check: Annotated[
        str | None, typer.Option("--cross-check", metavar="ENGINE", help="Fit the models by this engine too: lme4.")
    ] = None,
) -> None:
    """Fit the models and write the report; `--results` analyses a table from elsewhere, without a study folder too."""
    if results:
        report = _analyze_tables(folder, results, out, bootstrap, mix_versions, cross_check)
    else:
        report = analyze_study(read_study(folder), out, bootstrap, mix_versions, cross_check)
    print(report)


def analyze_study(
    study: Study,
    out: Path | None = None,
    bootstrap: int = 0,
    mix_versions: bool = False,
    cross_check: str | None = None,
) -> Path:
    """Analyse a study's own results: those of its plan and baselines, on its targets as they are defined now."""
    from analysis.analyze import analyze as story
    from jobs.prepared import read_prepared

    paths = Paths(study.store)
    runs = baseline_runs(study) + read_plan(paths.plan, study)
    stored = list(stored_results(paths))
    if not stored:
        raise InputFaults([Fault(str(paths.results), "", None, "no results yet; `study launch` makes them")])
    ids, made = {run.run_id for run in runs}, read_prepared(study).targets
    now = {(name, made[name].fingerprint) for name in study.targets if name in made}
    belonging = {item.path for item in stored if item.run_id in ids and (item.target, item.fingerprint) in now}
    if len(belonging) < len(stored):
        n_other = len(stored) - len(belonging)
        tell(f"{n_other} results of another version of the study file or its targets are left out")
    rows, faults = read_results(paths, lambda item: item.path in belonging)
    for fault in faults:
        tell(str(fault))
    found = story(
        rows, {name: target.primary_metric for name, target in study.targets.items()}, list(study.sources),
        out or paths.report, study.name, plan=pd.read_parquet(paths.plan), bootstrap=bootstrap, seed=study.seed,
        factors=study.further_factors, mix_versions=mix_versions, cross_check=cross_check,
    )  # fmt: skip
    for sentence in (*found.findings, *found.cross_check):
        tell(sentence)
    return found.page


def _analyze_tables(
    folder: Path, files: list[Path], out: Path | None, bootstrap: int, mix_versions: bool, cross_check: str | None
) -> Path:
    """Tables from elsewhere; the study file, where there is one, says the metrics and the order of sources."""
    from analysis.analyze import analyze as story
    from analysis.results_table import read_table

    study = read_study(folder) if (folder / FILE_NAME).exists() else None
    rows = pd.concat([read_table(path) for path in files], ignore_index=True)
    further = study.further_factors if study else {}
    factors = {name: levels for name, levels in further.items() if f"factor.{name}" in rows}
    found = story(
        rows, {name: target.primary_metric for name, target in study.targets.items()} if study else {},
        _in_order(study, rows), out or (Paths(study.store).report if study else folder / "report"),
        study.name if study else files[0].stem, bootstrap=bootstrap, seed=study.seed if study else 0,
        factors=factors, mix_versions=mix_versions, cross_check=cross_check,
    )  # fmt: skip
    for sentence in (*found.findings, *found.cross_check):
        tell(sentence)
    return found.page


def _in_order(study: Study | None, rows: pd.DataFrame) -> list[str] | None:
    """The study's sources as far as the table has them; None, and they are read off its columns, without any."""
    return [name for name in study.sources if f"source.{name}" in rows] or None if study else None

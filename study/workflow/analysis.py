"""Analysis and report of a study's own results or of tables made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from study.core.columns import factor_column, nuisance_column, source_column
from study.core.errors import Damaged, Fault, InputFaults, raise_all
from study.core.paths import FILE_NAME, Paths
from study.core.plan import assigned_before, read_plan
from study.core.plan_sections import AnalysisSection, Model
from study.core.progress import Tell, silent
from study.core.reading import read_study
from study.core.results import stored_results
from study.core.run import Run, baseline_runs
from study.core.study_file import Study
from study.core.valid_results import expected_results, read_results
from study.workflow.function_results import function_table
from study.workflow.learning_curves import learning_curves
from study.workflow.stopping import on_precision, read_until

if TYPE_CHECKING:
    from analysis.analyze import Analysis
    from analysis.roles import Asked
    from jobs.prepared_data import Prepared


def analyze_study(
    study: Study,
    until: str | None = None,
    formulas: Sequence[str] = (),
    tell: Tell = silent,
    **options: Any,
) -> Analysis:
    """Analyse a study's own results: those of its plan and baselines, on its targets as now defined.

    Nothing is written before `analysis.write_report(report_folder(...))`. `until` is a rule on precision; `formulas`
    are models in addition to those of the study file; `options` are those of `analysis.options.AnalysisOptions`.
    """
    from analysis.analyze import analyze
    from analysis.exhibits.exhibit import Exhibit
    from analysis.options import AnalysisOptions

    paths, rows = Paths(study.store), own_results(study, tell)
    rule = None if until is None else read_until(study, until)
    options = {
        "name": study.name,
        "metrics": study.primary_metrics,
        "sources": list(study.sources),
        "levels": study.score_factors,
        "strategies": study.known_strategies,
        "plan": pd.read_parquet(paths.plan),
        "seed": study.seed,
        "own": _with_formulas(study.analysis, formulas),
        **(_of_sound(study, tell) if study.run is None else {}),
    } | options
    if study.run is not None:
        table = function_table(study, rows)
        table = replace(table, scores=with_nuisance(study, table.scores))
        return analyze(table, AnalysisOptions(**options))
    analysis = analyze(rows, AnalysisOptions(**options))
    precision = tuple(on_precision(study, rule, analysis.evidence.strategy, analysis.table))
    return analysis.adding(Exhibit("precision", "runs", sentences=precision)) if precision else analysis


def _of_sound(study: Study, tell: Tell) -> dict[str, Any]:
    """What only runs that learned from sound leave behind."""
    from jobs.kept_representations import read_topics
    from jobs.prepared_data import read_prepared, sound_left_out

    prepared = read_prepared(study)
    left_out = "; ".join(f"{name}: {count} clips" for name, count in sound_left_out(study, prepared).items())
    return {
        "kept": partial(_kept_unless_damaged, study, tell),
        "topics": read_topics(study, prepared),
        "same_sound": _same_sound(prepared),
        "targets": _targets(study, prepared),
        "curves": learning_curves(study, read_plan(Paths(study.store).plan, study)),
        "provenance": {"sound left out": left_out or "none"},
    }


def _targets(study: Study, prepared: Prepared) -> pd.DataFrame:
    """What the targets are (paper, Table 5): index target; `task, n_tracks, n_classes, split`."""
    rows = {
        name: {
            "task": study.targets[name].task,
            "n_tracks": target.n_tracks,
            "n_classes": target.n_classes,
            "split": target.split,
        }
        for name, target in prepared.targets.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.astype({"n_classes": "Int64"})


def _kept_unless_damaged(study: Study, tell: Tell, run_id: str, target: str) -> pd.DataFrame | None:
    """What was kept of a run's representation of a target; None, and the file is named, if that is damaged."""
    from jobs.kept_representations import kept_representation

    try:
        return kept_representation(study, run_id, target)
    except Damaged as damaged:
        tell(f"left out: {damaged}")
        return None


def _same_sound(prepared: Prepared) -> list[list[str]]:
    """The targets that are evaluated on the same sound, together."""
    by_sound: dict[str, list[str]] = {}
    for name, target in prepared.targets.items():
        by_sound.setdefault(target.sound, []).append(name)
    return [names for names in by_sound.values() if len(names) > 1]


def report_folder(folder: Path, overrides: Sequence[str] = ()) -> Path:
    """The default folder of the report: in the store of the folder's study, if there is one."""
    return Paths(read_study(folder, overrides).store).report if (folder / FILE_NAME).exists() else folder / "report"


def own_results(study: Study, tell: Tell = silent) -> pd.DataFrame:
    """The result rows of the plan's runs and of the baselines, on the study's targets as now defined."""
    from jobs.prepared_data import read_prepared

    paths = Paths(study.store)
    runs = baseline_runs(study) + read_plan(paths.plan, study)
    stored = list(stored_results(paths))
    if not stored:
        raise InputFaults([Fault(str(paths.results), "", None, "no results yet; run `study launch`")])
    expected = expected_results(study, runs, read_prepared(study).target_fingerprints)
    n_other = sum(item.path not in expected for item in stored)
    if n_other:
        tell(f"{n_other} results left out: they are from another version of the study file or its targets")
    rows, faults = read_results(paths, expected)
    for fault in faults:
        tell(str(fault))
    return with_nuisance(study, _with_levels_of_baselines(runs, _with_sources(study, rows)))


def with_nuisance(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a column `nuisance.<name>` for each nuisance factor, as the plan assigned it to their runs."""
    given = assigned_before(Paths(study.store).plan)
    levels = {name: rows["run_id"].map({run: of[name] for run, of in given.items() if name in of})
              for name in study.nuisance_factors}  # fmt: skip
    return rows.assign(**{nuisance_column(name): column for name, column in levels.items()})


def _with_sources(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a column for each source; rows from before one came into the study file lack its column."""
    return rows.assign(**{name: _present(rows, name) for name in (source_column(source) for source in study.sources)})


def _present(rows: pd.DataFrame, column: str) -> pd.Series:
    """Whether each row's run learned from the source."""
    return rows[column].eq(True) if column in rows else pd.Series(False, index=rows.index)


def _with_levels_of_baselines(runs: Sequence[Run], rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with each baseline's levels, which rows written before baselines had any lack."""
    for run in runs:
        for name, level in run.factors.items() if run.is_baseline else ():
            column = factor_column(name)
            lacks = (rows["run_id"] == run.run_id) & (rows[column].isna() if column in rows else True)
            rows.loc[lacks, column] = level
    return rows


def analyze_tables(
    folder: Path, files: Sequence[Path], formulas: Sequence[str] = (), overrides: Sequence[str] = (), **options: Any
) -> Analysis:
    """Analyse tables made elsewhere. The study file, if there is one, gives the metrics and the order of sources of
    results of such a study.

    Nothing is written.
    """
    from analysis.analyze import analyze
    from analysis.options import AnalysisOptions
    from analysis.result_checks import RESULTS
    from analysis.roles import is_of_a_study
    from analysis.table_file import read_table

    rows = pd.concat([read_table(path) for path in files], ignore_index=True)
    study = None
    if (folder / FILE_NAME).exists() and "strategy" in rows:
        study = read_study(folder, overrides)
        study = study if is_of_a_study(rows, study.known_strategies) else None
    options = _of_study(study, rows) | options
    options["name"] = study.name if study else files[0].stem
    options["own"] = _with_formulas(study.analysis if study else AnalysisSection(), formulas)
    try:
        return analyze(rows, AnalysisOptions(**options))
    except InputFaults as error:  # the results are these files
        named = ", ".join(map(str, files))
        faults = (replace(fault, file=named) if fault.file == RESULTS else fault for fault in error.faults)
        raise InputFaults(faults) from None


def asked_columns(
    score: str = "",
    target: str = "",
    unit: str | Sequence[str] = (),
    treatment: str | Sequence[str] = (),
    reference: str | Sequence[str] = (),
) -> Asked:
    """The columns of a table by role, of which several may be one text with commas."""
    from analysis.roles import Asked

    def several(given: str | Sequence[str]) -> tuple[str, ...]:
        parts = given.split(",") if isinstance(given, str) else given
        return tuple(part.strip() for part in parts if part.strip())

    return Asked(score, target, several(unit), several(treatment), several(reference))


def _of_study(study: Study | None, rows: pd.DataFrame) -> dict[str, Any]:
    """A study file's settings for a table: metrics, seed, and the order of the table's sources and levels."""
    if study is None:
        return {}
    levels = {name: levels for name, levels in study.score_factors.items() if factor_column(name) in rows}
    # without any, they are read off the columns
    sources = [name for name in study.sources if source_column(name) in rows]
    return {
        "metrics": study.primary_metrics,
        "seed": study.seed,
        "sources": sources or None,
        "levels": levels,
        "strategies": study.known_strategies,
    }


def _with_formulas(given: AnalysisSection, formulas: Sequence[str]) -> AnalysisSection:
    """The section with the formulas of the command line added as models `formula-1`, `formula-2` and so on."""
    expected = 'expected a formula, such as "score ~ strategy + (1 | target)"'
    raise_all(Fault("", "--formula", text, expected) for text in formulas if not text)
    taken = {model.name for model in given.model}
    names = (name for name in (f"formula-{number}" for number in count(1)) if name not in taken)
    further = tuple(Model(name=name, formula=text) for name, text in zip(names, formulas, strict=False))
    return given.model_copy(update={"model": given.model + further})

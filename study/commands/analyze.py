"""`study analyze`: fit the models to the results and write the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import Folder, Overrides
from study.commands.terminal import tell
from study.core.errors import Fault, InputFaults


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
        str | None,
        typer.Option("--cross-check", metavar="ENGINE", help="Fit the models once more by lme4 or statsmodels."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar='"strategy < 0.1"', help="Say if these 95 % intervals are so narrow, or what it takes."),
    ] = None,
    engine: Annotated[str, typer.Option(help="Who fits the models: native, statsmodels or lme4.")] = "native",
    formula: Annotated[
        list[str] | None,
        typer.Option(metavar='"score ~ ..."', help="Fit this model too, in lme4's language; may be repeated."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Fit the models and write the report; `--results` analyses a table from elsewhere, without a study folder too."""
    from study.core.reading import read_study
    from study.workflow.analysis import analyze_study, analyze_tables, report_folder

    options = {"bootstrap": bootstrap, "mix_versions": mix_versions, "engine": engine, "cross_check": cross_check}
    if results and until:
        raise InputFaults([Fault("", "--until", until, "not together with --results: it asks for a study's plan")])
    if out and out.exists() and not out.is_dir():
        raise InputFaults([Fault("", "--out", str(out), "is a file; expected a folder for the report")])
    if results:
        analysis = analyze_tables(folder, results, formula or (), overrides or (), **options)
    else:
        analysis = analyze_study(read_study(folder, overrides or ()), until, formula or (), tell, **options)
    for sentence in (*analysis.findings, *analysis.cross_check):
        tell(sentence)
    print(analysis.write_report(out or report_folder(folder, overrides or ())))

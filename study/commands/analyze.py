"""`study analyze`: fit the models to the results and write the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import Folder, Overrides
from study.commands.terminal import tell
from study.core.errors import Fault, InputFaults, raise_all


def analyze(
    folder: Folder = Path("."),
    results: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Analyse this table of scores (CSV or Parquet) instead; may be repeated."),
    ] = None,
    score: Annotated[str, typer.Option(metavar="COL", help="Column of scores of --results; guessed if omitted.")] = "",
    target: Annotated[
        str, typer.Option(metavar="COL", help="Column of targets: what is scored on (tasks, data sets); guessed.")
    ] = "",
    unit: Annotated[
        str,
        typer.Option(metavar="COL[,COL...]", help="Columns of units, whose scores belong together (runs, seeds)."),
    ] = "",
    treatment: Annotated[
        str,
        typer.Option(metavar="COL[,COL...]", help="Columns of treatments: what is compared; guessed. Also log(COL)."),
    ] = "",
    reference: Annotated[
        str,
        typer.Option(metavar="LEVEL[,LEVEL...]", help="Levels that the others are compared with."),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for the report; by default report/ in the store.")] = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Number of parametric bootstrap refits, for percentile intervals.")
    ] = 0,
    mix_versions: Annotated[
        bool, typer.Option("--mix-versions", help="Pool scores made by different versions of this program.")
    ] = False,
    cross_check: Annotated[
        str | None,
        typer.Option("--cross-check", metavar="ENGINE", help="Refit the models with lme4 or statsmodels and compare."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar='"strategy < 0.1"',
            help="Report whether the 95 % intervals meet this limit and, if not, how many more runs would.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Models that the report uses: headline, or paper (the paper's to the letter).")
    ] = "headline",
    equivalence: Annotated[
        str | None,
        typer.Option(
            metavar='0.01|"0.2 SD"',
            help="Differences up to this do not matter: in the unit of the metric, or in standard deviations.",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine that fits the models: native, statsmodels or lme4.")] = "native",
    formula: Annotated[
        list[str] | None,
        typer.Option(metavar='"score ~ ..."', help="Also fit this model, in lme4's formula language; may be repeated."),
    ] = None,
    means: Annotated[
        list[str] | None,
        typer.Option(metavar="FACTOR", help="Marginal means of this factor by your own models; may be repeated."),
    ] = None,
    pairs: Annotated[
        list[str] | None,
        typer.Option(metavar="FACTOR", help="Pairwise comparisons of the means of this factor; may be repeated."),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Fit the models to the results and write the report.

    With --results, any table of scores of any field is analysed. No study folder is needed for that. Columns are
    recognised by usual names; the first lines say which, and --score, --target, --unit and --treatment choose others.
    """
    from study.core.reading import read_study
    from study.workflow.analysis import analyze_study, analyze_tables, asked_columns, report_folder

    options = {
        "bootstrap": bootstrap,
        "mix_versions": mix_versions,
        "engine": engine,
        "cross_check": cross_check,
        "model": model,
        "equivalence": equivalence,
        "means": tuple(means or ()),
        "pairs": tuple(pairs or ()),
    }
    asked = {"--score": score, "--target": target, "--unit": unit, "--treatment": treatment, "--reference": reference}
    if not results:
        expected = "needs --results: the columns of a study's own results are known"
        raise_all(Fault("", option, given, expected) for option, given in asked.items() if given)
    if results and until:
        raise InputFaults([Fault("", "--until", until, "cannot be combined with --results: it needs a study's plan")])
    if out and out.exists() and not out.is_dir():
        raise InputFaults([Fault("", "--out", str(out), "is a file; expected a folder for the report")])
    if results:
        columns = asked_columns(score, target, unit, treatment, reference)
        analysis = analyze_tables(folder, results, formula or (), overrides or (), asked=columns, **options)
    else:
        analysis = analyze_study(read_study(folder, overrides or ()), until, formula or (), tell, **options)
    for sentence in (*analysis.reading, *analysis.findings, *analysis.cross_check):
        tell(sentence)
    print(analysis.write_report(out or report_folder(folder, overrides or ())))

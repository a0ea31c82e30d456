"""The Python interface: a study folder and its verbs, and the analysis of any table of scores.

Methods return values that show themselves, raise `study.StudyError`, and never exit or print.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.core.progress import Tell, silent
from study.core.reading import read_study
from study.core.study_file import Study
from study.display.shown import Shown

if TYPE_CHECKING:
    import pandas as pd

    from analysis.analyze import Analysis
    from analysis.formulas.fit_mixed import MixedModel


@dataclass(frozen=True)
class StudyFolder:
    """A study: the folder of its study file, and the file's settings when the folder was opened."""

    folder: Path
    settings: Study

    def __repr__(self) -> str:
        targets, sources = ", ".join(self.settings.targets), ", ".join(self.settings.sources)
        return f"study {self.settings.name!r} in {self.folder}\nsources: {sources}\ntargets: {targets}"

    def check(self) -> Shown:
        """List every fault and warning of the study file, its tables and its sound, without raising."""
        from study.display.check import draw_check
        from study.workflow.check import check_folder

        checked = check_folder(self.folder)
        return Shown(checked.as_json(), partial(draw_check, checked))

    def design(self, budget: int | str | None = None, **options: Any) -> Shown:
        """Plan the runs; `budget` as on the command line: 40, "400gpuh", "30cpuh", "5d".

        `options`: those of `study.workflow.plan.design_study`, such as `append=True`.
        """
        from study.display.plan import draw_plan
        from study.workflow.plan import design_study

        return Shown(design_study(self.settings, None if budget is None else str(budget), **options), draw_plan)

    def prepare(self, tell: Tell = silent) -> None:
        """Convert sound to mel stores and label tables to label distributions, where missing or stale."""
        from study.workflow.prepare import prepare_study

        prepare_study(self.settings, tell, all_frames=True)

    def launch(self, tell: Tell = silent, **options: Any) -> Shown:
        """Run every planned run that lacks results, and return the status afterwards.

        `options`: the fields of `study.workflow.launch.LaunchOptions`, such as `in_process=True` or `address="auto"`.
        Raises RunFailed, after finishing the rest, if a run failed.
        """
        from study.workflow.launch import LaunchOptions, launch_study

        launch_study(self.settings, LaunchOptions(**options), tell)
        return self.status()

    def status(self) -> Shown:
        """Runs planned, done, running and failed; hours spent and left."""
        from study.display.status import draw_status
        from study.workflow.status import study_status

        return Shown(study_status(self.settings), draw_status)

    def verify(self, deep: bool = False) -> Shown:
        """Every file of the store that is damaged or no longer fits its inputs; `deep` reads all sound and tables."""
        from study.display.verify import draw_verify
        from study.workflow.verify import verify_study

        return Shown(verify_study(self.settings, deep), draw_verify)

    def clean(self, remove: bool = False) -> pd.DataFrame:
        """What of the store no plan uses: path (below the store), n_bytes and why. `remove` deletes these for good.

        Raises InputFaults without a plan of this study file and prepared data, and RunFailed naming what is left.
        """
        import pandas as pd

        from study.workflow.clean import remove_stale, stale_files

        found, store = stale_files(self.settings), self.settings.store
        rows = [(str(one.path.relative_to(store)), one.n_bytes, one.why) for one in found]
        if remove:
            remove_stale(found)
        return pd.DataFrame(rows, columns=["path", "n_bytes", "why"])

    def plan(self) -> pd.DataFrame:
        """plan.parquet, one row per planned run, in order. Raises InputFaults without a plan of this study file."""
        import pandas as pd

        from study.core.paths import Paths
        from study.core.plan import read_plan

        path = Paths(self.settings.store).plan
        read_plan(path, self.settings)
        return pd.read_parquet(path)

    def runs(self) -> pd.DataFrame:
        """One row per run, baselines included: levels, state and scores by target."""
        from study.workflow.runs import study_runs

        return study_runs(self.settings)

    def results(self) -> pd.DataFrame:
        """One row per run x target x repeat x fold x metric, as in results/*.parquet."""
        from study.workflow.analysis import own_results

        return own_results(self.settings)

    def analyze(self, until: str | None = None, formulas: Sequence[str] = (), **options: Any) -> Analysis:
        """Fit the models to the results. Nothing is written before `write_report(folder)` is called.

        `options`: fields of `analysis.options.AnalysisOptions`, such as `bootstrap=1000` or `engine="lme4"`.
        """
        from study.workflow.analysis import analyze_study

        return analyze_study(self.settings, until, formulas, **options)

    def power(self, **options: Any) -> Shown:
        """Simulate which effects the plan can detect. `options`: fields of `study.workflow.power.PowerOptions`."""
        from study.display.power import draw_power_table
        from study.workflow.power import PowerOptions, study_power

        return Shown(study_power(self.settings, PowerOptions(**options)), draw_power_table)

    def embed(self, run: str, files: Sequence[str | Path]) -> pd.DataFrame:
        """A run's representation of sound files: see `study.embed`. `run` is a run_id or its beginning."""
        from study.workflow.embed import weights_in_study

        return embed(weights_in_study(self.settings, run), files)


def open(folder: str | Path = ".") -> StudyFolder:
    """The study in a folder. Raises InputFaults with every fault of its study file."""
    path = Path(folder)
    return StudyFolder(path, read_study(path))


def new(folder: str | Path, template: str = "minimal", seed: int | None = None, tell: Tell = silent) -> StudyFolder:
    """A new study folder from a template: "minimal", "demo" or "one-representation"."""
    from study.workflow.new import new_study

    new_study(Path(folder), template, seed, tell)
    return open(folder)


def analyze(
    frame: pd.DataFrame,
    score: str = "",
    target: str = "",
    unit: str | Sequence[str] = (),
    treatment: str | Sequence[str] = (),
    reference: str | Sequence[str] = (),
    **options: Any,
) -> Analysis:
    """Analyse a table of scores of any field.

    `score`, `target` (what is scored on), `unit` (whose scores belong together) and `treatment` (what is compared) name
    columns; those that are not named are guessed from usual names, and `Analysis.reading` says how. Levels of
    `reference` are compared with the others of their treatment. A table with the columns of a study's results is
    analysed as a study's. `options`: fields of `analysis.options.AnalysisOptions`, such as `bootstrap=1000`.
    """
    from analysis.analyze import analyze as analyze_rows
    from analysis.options import AnalysisOptions
    from study.workflow.analysis import asked_columns

    asked = asked_columns(score, target, unit, treatment, reference)
    return analyze_rows(frame, AnalysisOptions(asked=asked, **options))


def fit_mixed(formula: str, frame: pd.DataFrame, reml: bool = True) -> MixedModel:
    """Fit a linear mixed model, written in lme4's formula language, to any data frame.

    Raises InputFaults for missing columns, and NotCertified if no optimum can be certified.
    """
    from analysis.formulas.fit_mixed import fit_mixed as fit

    return fit(formula, frame, reml)


def embed(weights: str | Path, files: Sequence[str | Path]) -> pd.DataFrame:
    """One row per sound file: path, run_id, duration_s, n_crops and its representation, a float32 vector.

    `weights` is a weights.safetensors or its folder. Raises InputFaults naming every sound that cannot be embedded.
    """
    import pandas as pd

    from study.workflow.embed import embed_files

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "vectors.parquet"
        embed_files(str(weights), [Path(file) for file in files], out)
        return pd.read_parquet(out)

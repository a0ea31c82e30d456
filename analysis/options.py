"""What an analysis may be asked for, beyond the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.fitting.engines import NATIVE
from analysis.roles import Asked
from analysis.simultaneous import Judging
from study.core.factors import Level
from study.core.margin import Margin, read_margin
from study.core.plan_sections import AnalysisSection
from study.core.strategies import BUILT_IN, Strategies

Kept = Callable[[str, str], pd.DataFrame | None]
"""`kept(run_id, target)`: index track_id; `mean_<d>`, `deviation_<d>`, and a track's strongest `topic.<source>`."""


HEADLINE = "headline"
MODELS = (HEADLINE, "paper")


@dataclass(frozen=True)
class AnalysisOptions:
    """What the rows do not say of themselves, and how they are to be analysed.

    `name` heads the report. `metrics` names each target's primary metric; empty, each target has one metric.
    `sources` in the study's order; None, they are read off the columns. `levels` are those of further factors in the
    study's order; None, those that occur, ascending. `strategies` are those known to the study, its own and the six.
    `plan` (as plan.parquet) says what was planned.

    `model` is the one that the report goes by, of `MODELS`: the headline, or the paper's to the letter.

    `asked` names the columns of a table of another field by their roles (`analysis.roles`); those that it does not
    name are guessed.

    `bootstrap` refits from `seed` give percentile intervals. `engine` fits the models (the components and what else is
    refitted are native); `cross_check` names another one that fits them once more. `own` are the study's own models
    and contrasts, which `study check` has passed. `mix_versions` takes scores of different versions together.

    `equivalence` is the region of practical equivalence, `0.01` or `"0.2 SD"` (`study.core.margin`); None, that of
    `own`, if any. Each of `same_sound` are targets whose tracks are the same sound.

    `targets` says what the targets are (index target; `task, n_tracks, n_classes, split`).

    `kept` gives kept representations, and `topics` (`source, topic, terms`) what their topics are. `curves` are the
    losses of trainings (`analysis.exhibits.learning_curves`). `provenance` is what else is known of the data, by name.
    `means` and `pairs` name factors of the study's own models whose levels' marginal means, and differences of these,
    are reported. `families` is how many of statements are judged together where none of them stands out (`analyze`
    sets it).
    """

    name: str = "analysis"
    metrics: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[str] | None = None
    levels: Mapping[str, Sequence[Level]] | None = None
    strategies: Strategies = field(default_factory=lambda: BUILT_IN)
    plan: pd.DataFrame | None = None
    bootstrap: int = 0
    seed: int = 0
    model: str = HEADLINE
    engine: str = NATIVE
    cross_check: str | None = None
    own: AnalysisSection = field(default_factory=AnalysisSection)
    mix_versions: bool = False
    equivalence: float | str | None = None
    same_sound: Sequence[Sequence[str]] = ()
    asked: Asked = field(default_factory=Asked)
    targets: pd.DataFrame | None = None
    kept: Kept | None = None
    topics: pd.DataFrame | None = None
    curves: pd.DataFrame | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    families: int = 1
    means: Sequence[str] = ()
    pairs: Sequence[str] = ()

    @property
    def judging(self) -> Judging:
        """How families of statements are judged."""
        return Judging(self.seed, self.families)

    @property
    def margin(self) -> Margin | None:
        """The region of practical equivalence, if one was asked for. Raises `ValueError` with what was expected."""
        given = self.own.equivalence if self.equivalence is None else self.equivalence
        return None if given is None else read_margin(given)

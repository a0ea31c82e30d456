"""Factors of the evaluation: in which ways every run is evaluated on a target, with nothing trained again for it.

They are columns of the results; no design varies them, and they are no part of a run's identity. A row has a level of
each that its study names:

transfer  a probe on the frozen representation, or what else of the network is trained for the target
probe     the simple model on the representation
pca       all features ("off"), or so many principal components of them
readout   which stages of the network are read and how they are summarised over time
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

FROZEN, LAST_LAYER, FINE_TUNE, SCRATCH, OWN_HEAD = "frozen", "last-layer", "fine-tune", "scratch", "own-head"
TRAINED = (LAST_LAYER, FINE_TUNE, SCRATCH)
"""Levels of `transfer` that train a network on the target's labels, with the settings of `[fine_tuning]`."""
ALL_FEATURES = "off"
REPRESENTATION = "representation"
"""The readout of a study without the factor: mean and deviation of the representation over slices."""
STATISTICS = ("mean", "deviation", "max")
DEFAULT_STATISTICS = ("mean", "deviation")


@dataclass(frozen=True)
class EvaluationFactor:
    """Its levels that have names, the reference first; `pattern` matches any others, as `form` describes them.

    With `needs_reference`, a study that varies the factor must have the reference among its levels: what the factor
    does not apply to is evaluated there alone.
    """

    named: tuple[str, ...]
    pattern: str | None = None
    form: str = ""
    needs_reference: bool = True

    @property
    def expected(self) -> str:
        """What its levels may be."""
        return f"expected one of {', '.join(self.named)}" if self.pattern is None else f"expected {self.form}"

    def has(self, level: object) -> bool:
        """Whether it has this level."""
        return isinstance(level, str) and (
            level in self.named or (self.pattern is not None and re.fullmatch(self.pattern, level) is not None)
        )

    def in_order(self, levels: Iterable[object]) -> tuple[str, ...]:
        """Levels, those with names first: the same order whether a study file or only its results are at hand."""
        texts = {str(level) for level in levels}
        others = sorted(texts - {*self.named}, key=lambda text: (len(text), text))  # numbers by size
        return (*(name for name in self.named if name in texts), *others)


_STATISTIC = "|".join(STATISTICS)
EVALUATION_FACTORS = {
    "transfer": EvaluationFactor((FROZEN, *TRAINED, OWN_HEAD)),
    "probe": EvaluationFactor(("mlp", "logistic", "knn", "svm"), needs_reference=False),
    "pca": EvaluationFactor(
        (ALL_FEATURES,), "[1-9][0-9]{0,5}", '"off" or a number of components as text, such as "512"'
    ),
    "readout": EvaluationFactor(
        (REPRESENTATION,),
        rf"[\w-]+(\+[\w-]+)*(:({_STATISTIC})(\+({_STATISTIC}))*)?",
        f'"{REPRESENTATION}" or stages with statistics, such as "conv4+conv5:mean+max"',
    ),
}


@dataclass(frozen=True)
class Setting:
    """One way in which a run is evaluated on a target: a level of each factor; without a probe, the target's own."""

    transfer: str = FROZEN
    probe: str = ""
    pca: str = ALL_FEATURES
    readout: str = REPRESENTATION

    @property
    def components(self) -> int | None:
        """The number of principal components that the probe gets, None for all features."""
        return None if self.pca == ALL_FEATURES else int(self.pca)

    @property
    def needs_network(self) -> bool:
        """Whether a function of crops or files is not enough."""
        return self.transfer != FROZEN or self.readout != REPRESENTATION

    def levels(self, names: Iterable[str]) -> tuple[str, ...]:
        """Its levels of these factors."""
        return tuple(getattr(self, name) for name in names)

    def label(self, reference: Setting) -> str:
        """What sets it apart from the reference, for names of columns and files: `svm.512`; empty for the reference."""
        own = [(getattr(self, field.name), getattr(reference, field.name)) for field in fields(self)]
        return ".".join(level for level, other in own if level != other)


def stages_and_statistics(readout: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stages that a readout concatenates, and their statistics over time."""
    stages, _, statistics = readout.partition(":")
    return tuple(stages.split("+")), tuple(statistics.split("+")) if statistics else DEFAULT_STATISTICS


def crossed(
    transfers: Sequence[str], probes: Sequence[str], pcas: Sequence[str], readouts: Sequence[str]
) -> tuple[Setting, ...]:
    """Every setting of a probe on the frozen representation, the reference first, then each other transfer.

    These have no probe: in the other factors they stand at the reference, with which they are to be compared.
    """
    frozen = (Setting(FROZEN, probe, pca, readout) for probe in probes for pca in pcas for readout in readouts)
    others = (Setting(name, probes[0], pcas[0], readouts[0]) for name in transfers if name != FROZEN)
    return (*frozen, *others)


def of_evaluation(factors: Mapping[str, Iterable[object]]) -> dict[str, tuple[str, ...]]:
    """The factors of the evaluation among others, with their levels in order."""
    return {name: factor.in_order(factors[name]) for name, factor in EVALUATION_FACTORS.items() if name in factors}

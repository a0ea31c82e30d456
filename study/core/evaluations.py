"""In which ways a run is evaluated on a target: the levels of the evaluation factors that apply to both."""

from __future__ import annotations

from collections.abc import Container

from study.core.evaluation_factors import (
    ALL_FEATURES,
    FROZEN,
    OWN_HEAD,
    REPRESENTATION,
    SCRATCH,
    Setting,
    crossed,
)
from study.core.factors import BASELINES, WITHOUT_NETWORK
from study.core.run import Run
from study.core.sections import METRICS
from study.core.study_file import Study


def evaluations(study: Study, run: Run, target: str) -> tuple[Setting, ...]:
    """The settings of a run on a target, the reference first."""
    return evaluations_of(study, run.strategy, run.sources, target)


def evaluations_of(study: Study, strategy: str, sources: Container[str], target: str) -> tuple[Setting, ...]:
    """As `evaluations`, of any run of a strategy and sources.

    Levels that do not apply are left out: of `transfer` and `readout` where there is no network, of `transfer` and
    `probe` on a recommendation or a task of a package, the logistic probe on a regression, the run's own head where the
    target is not of a source that the run learns. The baseline Random is not trained from scratch, since its network
    fine-tuned is that, and has no head.
    """
    varied, of = study.evaluation_factors, study.targets[target]
    transfers, readouts = varied.get("transfer", (FROZEN,)), varied.get("readout", (REPRESENTATION,))
    probes = varied.get("probe", (of.probe,))
    if strategy in (*WITHOUT_NETWORK, *study.baselines.own):
        transfers, readouts = (FROZEN,), (REPRESENTATION,)
    if strategy in BASELINES:
        transfers = tuple(name for name in transfers if name not in (SCRATCH, OWN_HEAD))
    if of.source is None or of.source not in sources:
        transfers = tuple(name for name in transfers if name != OWN_HEAD)
    if of.task == "recommendation" or of.task not in METRICS:
        transfers, probes = (FROZEN,), probes[:1]
    if of.task == "regression":
        probes = tuple(name for name in probes if name != "logistic")
    return crossed(transfers, probes, varied.get("pca", (ALL_FEATURES,)), readouts)


def network_transfers(study: Study, run: Run, target: str) -> tuple[str, ...]:
    """The levels of `transfer` whose predictions are a network's."""
    transfers = (setting.transfer for setting in evaluations(study, run, target))
    return tuple(transfer for transfer in transfers if transfer != FROZEN)

"""The factors of a study: the strategy, the sources (present or absent) and all others in `[factors]`."""

from __future__ import annotations

STRATEGIES = ("SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")
"""Kim et al. 2019, Fig. 5, from the smallest network to the largest; SS-R has one source, the others two or more."""

ALONE = ""
"""The strategy of all runs where there is nothing to share: those of a function."""

RANDOM = "Random"
"""The baseline that has a network of this program."""

BASELINES = ("MFCC", RANDOM, "Choi")
"""Strategies of the runs of phase `baseline`; installed packages may add others."""

BASELINE_PHASE = "baseline"

TRAINING_FACTORS = (
    "epochs",
    "iterations",
    "batch_size",
    "learning_rate",
    "l2",
    "width",
    "precision",
    "backbone",
    "activation",
    "optimiser",
    "loss",
    "reduction",
    "initialisation",
    "schedule",
    "select",
    "patience",
    "dropout",
    "learning_rate_schedule",
    "clip_norm",
    "weight_decay",
    "learner",
)
"""Keys of `[training]` that a factor of the same name sets for each run. Any other factor is a setting of a learner, or
has no effect on training, so that it can be designed and analysed but not launched."""

NETWORK_FACTORS = ("width", "backbone", "activation", "initialisation")
"""Training factors that also change an untrained network."""

WITHOUT_NETWORK = ("MFCC", "Choi")
"""Baselines without a network of this program: they can neither be fine-tuned nor embed sound."""

Level = str | int | float | bool


def sources_allowed(strategy: str, n_sources: int) -> bool:
    """SS-R learns from exactly one source, every other strategy from two or more (paper 3.2); a function from any."""
    if strategy == ALONE:
        return True
    return n_sources == 1 if strategy == "SS-R" else n_sources >= 2

"""The factors of a study: the strategy, the sources (present or absent) and all others in `[factors]`."""

from __future__ import annotations

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

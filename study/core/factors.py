"""The factors of a study: the strategy, the sources (present or absent) and all others in `[factors]`."""

from __future__ import annotations

BASELINES = ("MFCC", "Random", "Choi")
"""Strategies of the runs of phase `baseline`."""

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
)
"""Keys of `[training]` that a factor of the same name sets for each run. Any other factor has no effect on training in
this version, so it can be designed and analysed but not launched."""

NETWORK_FACTORS = ("width", "backbone", "activation", "initialisation")
"""Training factors that also change an untrained network."""

TRANSFERS = ("frozen", "fine-tune")
"""Levels of `transfer`: a probe on the run's frozen representation, or its network fine-tuned on the target."""

EVALUATION_FACTORS = {"transfer": TRANSFERS}
"""Factors of the evaluation, each with its levels. Every run is evaluated at each level. They are columns of the
results; no design varies them, and they are not part of a run's identity."""

WITHOUT_NETWORK = ("MFCC", "Choi")
"""Baselines without a network of this program: they can neither be fine-tuned nor embed sound."""

Level = str | int | float | bool

"""The factors of a study: the strategy, the sources (present or not), and whatever else `[factors]` varies."""

from __future__ import annotations

STRATEGIES = ("SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")
"""Kim et al. 2019, Fig. 5, from the smallest network to the largest; SS-R has one source, the others two or more."""

BASELINES = ("MFCC", "Random", "Choi")
"""Strategies of the runs of phase `baseline`."""

BASELINE_PHASE = "baseline"

# fmt: off
TRAINING_FACTORS = ("epochs", "iterations", "batch_size", "learning_rate", "l2", "width", "precision",
                    "backbone", "activation", "optimiser", "loss")
# fmt: on
"""Keys of `[training]` that a factor of the same name sets for each run; any other factor changes nothing that
this version can train, so it can be designed and analysed but not launched."""

NETWORK_FACTORS = ("width", "backbone", "activation")
"""Training factors that make another network even of one that is not trained."""

TRANSFERS = ("frozen", "fine-tune")
"""Levels of `transfer`: a probe on the run's representation as it is, or its network trained on for the target."""

EVALUATION_FACTORS = {"transfer": TRANSFERS}
"""Factors that act on the evaluation, each with its levels: columns of the results, which no design varies and no
run's identity knows. Every run is evaluated under each level."""

WITHOUT_NETWORK = ("MFCC", "Choi")
"""Baselines that are no network of ours: there is nothing to fine-tune and nothing to embed with."""

Level = str | int | float | bool


def sources_allowed(strategy: str, n_sources: int) -> bool:
    """SS-R learns from exactly one source, every other strategy from two or more (paper 3.2)."""
    return n_sources == 1 if strategy == "SS-R" else n_sources >= 2

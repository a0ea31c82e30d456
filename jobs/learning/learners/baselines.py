"""The baselines as learners of no steps (Kim et al. 2019, 4.2): an untrained network, and MFCC."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jobs.learning.learners.learner import Context, Learned
from jobs.learning.learners.multi_source import untrained_network
from jobs.learning.representation import set_normalisations
from jobs.sound.decode import decode
from jobs.sound.spectra import mfcc


def random(context: Context) -> Learned:
    """An untrained network, whose batch normalisations are set by one pass over the corpus."""
    network = untrained_network(context)
    set_normalisations(
        network,
        context.store,
        context.statistics,
        context.training_tracks,
        context.crop_frames,
        context.seed("initial weights"),
        context.device,
    )
    return Learned(network)


def mfcc_of_files(context: Context) -> Learned:
    """20 coefficients with their first and second differences, over frames."""
    rate, channels, mel = context.sample_rate_hz, context.store.channels, context.mel

    def series(path: Path) -> np.ndarray:
        return mfcc(decode(path, rate, channels), rate, mel)

    return Learned(of_file=series, dimensions=60, seconds=0.0)

"""The learner `base`: Algorithm 1 of Kim et al. 2019 (`jobs.learning.train`)."""

from __future__ import annotations

from jobs.learning.learners.learner import Context, Learned
from jobs.learning.train import train
from jobs.networks.branching import Network, build_network


def learn(context: Context) -> Learned:
    """Train the run's network, from its newest checkpoint if there is one."""
    network = untrained_network(context)
    ended = train(
        network,
        store=context.store,
        statistics=context.statistics,
        crop_frames=context.crop_frames,
        labels=context.labels,
        training_tracks=context.training_tracks,
        validation_tracks=context.validation_tracks,
        settings=context.settings,
        run_id=context.run_id,
        device=context.device,
        threads=context.threads,
        checkpoint_folder=context.folder,
        log_path=context.log_path,
        arithmetic=context.arithmetic,
        gpu_share=context.gpu_share,
    )
    return Learned(
        network,
        steps=ended.steps,
        seconds=ended.seconds,
        precision=context.arithmetic.precision,
        outcome="ok" if ended.outcome == "ok" else "diverged",
    )


def untrained_network(context: Context) -> Network:
    """The run's network with its initial weights."""
    settings = context.settings
    return build_network(
        context.sharing,
        context.source_factors,
        context.store.channels,
        context.store.n_mels,
        settings.width,
        settings.backbone,
        settings.activation,
        settings.initialisation,
        context.objectives,
        settings.dropout,
        crop_frames=context.crop_frames,
        seed=context.seed("initial weights"),
    )

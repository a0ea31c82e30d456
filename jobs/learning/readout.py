"""Readouts of a network at other stages than its last, summarised over time in other ways.

What a stage gives for a slice is averaged over bands, which leaves its maps as series over time (Choi et al. 2017,
*Transfer learning for music classification and regression tasks*, average over bands and time); the representation
gives one value a slice. A statistic is taken over all positions of all slices of a track. Of branches, the stages of
one name are concatenated in the study's order, as in the representation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from jobs.learning.batches import Statistics, crop_reader
from jobs.learning.precision import use_float32
from jobs.learning.representation import groups_of_tracks, mean_over_crops, of_crops
from jobs.networks.branching import Network
from jobs.sound.mel_store import MelStore
from study.core.cost import n_slices
from study.core.evaluation_factors import REPRESENTATION, stages_and_statistics


def read_out(
    network: Network,
    store: MelStore,
    statistics: Statistics,
    crop_frames: int,
    readout: str,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Each statistic of `readout` in turn, of all its stages: (n_tracks, n_statistics * n_maps) float32.

    Tracks are in the store's order. Raises ValueError for a stage that the network does not have.
    """
    stages, names = stages_and_statistics(readout)
    device = torch.device(device)
    reader = crop_reader(store, statistics, crop_frames, device)
    vectors = []
    with series_of(network.to(device), stages) as series:
        for tracks in groups_of_tracks(n_slices(store.n_sound_frames, crop_frames)):
            with use_float32("float32"):
                values, of_track = of_crops(lambda crops: _moments(series(crops)), reader, tracks)
            mean, variance, largest = np.split(values, 3, axis=1)
            over_slices = mean_over_crops(mean, of_track)
            spread = mean_over_crops(variance + np.square(mean - over_slices[of_track]), of_track)
            found = {
                "mean": over_slices,
                "deviation": np.sqrt(spread),
                "max": np.maximum.reduceat(largest, np.flatnonzero(np.diff(of_track, prepend=-1))),
            }
            vectors.append(np.concatenate([found[name] for name in names], axis=1))
    return np.concatenate(vectors).astype(np.float32)


@contextmanager
def series_of(network: Network, stages: Sequence[str]) -> Iterator[Callable[[Tensor], list[Tensor]]]:
    """Within, a function from crops to what each stage gives for them, (batch, maps, positions), in evaluation mode."""
    modules = [(name, module) for name, module in network.shared.named_children() if name in stages]
    modules += [each for branch in network.branches for each in branch.named_children() if each[0] in stages]
    if lacking := set(stages) - {REPRESENTATION, *(name for name, _ in modules)}:
        raise ValueError(f"the network has no stage {', '.join(sorted(lacking))}")
    seen: dict[str, list[Tensor]] = {}

    def series(crops: Tensor) -> list[Tensor]:
        seen.clear()
        seen[REPRESENTATION] = [network.representation(crops).unsqueeze(2)]
        return [torch.cat(seen[stage], dim=1) for stage in stages]

    def keep(name: str, output: Tensor) -> None:  # at once, since a later stage may change it in place
        seen.setdefault(name, []).append(output.mean(dim=3) if output.dim() == 4 else output.unsqueeze(2).clone())

    hooks = [
        module.register_forward_hook(lambda module, crops, output, name=name: keep(name, output))
        for name, module in modules
    ]
    try:
        yield series
    finally:
        for hook in hooks:
            hook.remove()


def _moments(series: Sequence[Tensor]) -> Tensor:
    """Means, variances and maxima over positions of all series, (batch, 3 * maps) float64."""
    each = [maps.double() for maps in series]
    of_each = ([maps.mean(dim=2), maps.var(dim=2, correction=0), maps.amax(dim=2)] for maps in each)
    return torch.cat([torch.cat(kind, dim=1) for kind in zip(*of_each, strict=True)], dim=1)

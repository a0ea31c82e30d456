"""How much of a backbone the sources share before branching: a strategy (`study.core.strategies`) as a network.

The six of Kim et al. 2019, Fig. 5, on the base backbone; the others state their branching points in
`study/core/backbones`:

strategy    shared                  of its own, for each source           representation
SS-R        all (one source)        output layer                          256
MS-SR@FC    all                     output layer                          256
MS-CR@6     conv1 to conv5          conv61, conv62, fc_feature, output    256 per source
MS-CR@4     conv1 to conv3          conv4 to fc_feature, output           256 per source
MS-CR@2     conv1                   conv2 to fc_feature, output           256 per source
MSS-CR      nothing                 everything                            256 per source
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jobs.learning.objectives import objective
from jobs.networks.stages import ACTIVATIONS, measured_costs, stages
from study.core.backbones import BACKBONES, backbone_named
from study.core.extensions import BACKBONES as GROUP
from study.core.extensions import extension_names
from study.core.objectives import OF_LABELS
from study.core.strategies import Strategy, as_written, strategy_named

DROPOUT = 0.5
DEFAULTS = ("pairs", "kl")
"""Objectives that a network has by default, by whether its source has labels."""


class Network(nn.Module):
    """A run's network. Each step trains one source; weights that it does not use get no gradient (None).

    Crops are (batch, channels, frames, bands), standardised by band.
    """

    def __init__(
        self,
        strategy: Strategy,
        source_factors: Mapping[str, int | None],
        channels: int,
        n_mels: int,
        width: float,
        backbone: str,
        activation: str,
        objectives: Mapping[str, str] | None = None,
        dropout: float = DROPOUT,
        crop_frames: int | None = None,
    ) -> None:
        super().__init__()
        self.objectives = {
            name: OF_LABELS["self"][0] if factors is None else OF_LABELS["gmm"][0]
            for name, factors in source_factors.items()
        } | dict(objectives or {})
        self.strategy = strategy
        self.source_factors = dict(source_factors)
        self.channels, self.n_mels, self.width = channels, n_mels, width
        self.backbone, self.activation = backbone, activation
        declared = backbone_named(backbone)
        self.minimum_crop = declared.minimum_crop
        cut, every = declared.shares[strategy.share], len(declared.layers)
        n_branches = len(source_factors) if cut < every else 0
        self.crop_frames = crop_frames if declared.has_one_length else None
        crop = channels, self.crop_frames or self.minimum_crop[0], n_mels
        costs = declared.costs(crop, width) or measured_costs(declared, crop, width, activation)
        features = costs[-1].shape[0]
        built = declared, crop, width, activation
        self.shared = stages(0, cut, *built)
        self.branches = nn.ModuleList(stages(cut, every, *built) for _ in range(n_branches))
        self.heads = nn.ModuleList(
            objective(self.objectives[name]).head(features, factors or 0, dropout, activation)
            for name, factors in source_factors.items()
        )
        self.representation_dim = max(1, n_branches) * features
        # from 8 filters in the first layer on, channels last is usually the faster layout (benchmarks/layouts.py)
        first, *_ = declared.costs(crop) or costs
        self.memory_format = torch.channels_last if first.shape[0] * width >= 8 else torch.contiguous_format
        self.to(memory_format=self.memory_format)

    @property
    def n_parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def specification(self) -> dict[str, Any]:
        """What `build_network` needs to build this network again."""
        heads = {name: self.objectives[name] for name in self.objectives if self.objectives[name] not in DEFAULTS}
        one_length = {"crop_frames": self.crop_frames} if self.crop_frames else {}
        return (
            one_length
            | ({"objectives": heads} if heads else {})
            | {
                "strategy": as_written(self.strategy),
                "source_factors": self.source_factors,
                "channels": self.channels,
                "n_mels": self.n_mels,
                "width": self.width,
                "backbone": self.backbone,
                "activation": self.activation,
            }
        )

    @torch.inference_mode()
    def representation(self, crops: Tensor) -> Tensor:
        """The transferred representation (batch, representation_dim): all branches, concatenated in the study's order.

        Computed in evaluation mode, whatever the network's mode.
        """
        training = self.training
        self.eval()
        features = self.all_features(crops)
        self.train(training)
        return features

    def all_features(self, crops: Tensor) -> Tensor:
        """Every branch's features, concatenated in the study's order, (batch, representation_dim)."""
        shared = self.trunk(crops)
        return torch.cat([branch(shared) for branch in self.branches], dim=1) if self.branches else shared

    def trunk(self, crops: Tensor) -> Tensor:
        """The output of the shared layers: maps, or the representation if nothing branches before the output.

        Raises ValueError for crops that do not suit this network.
        """
        (frames, bands), (least_frames, least_bands) = crops.shape[2:], self.minimum_crop
        if frames < least_frames or bands < least_bands:
            raise ValueError(
                f"backbone {self.backbone!r} needs crops of at least {least_frames} frames and {least_bands} bands; "
                f"these have {frames} frames and {bands} bands"
            )
        if crops.shape[1] != self.channels or crops.shape[3] != self.n_mels:
            raise ValueError(
                f"this network is for crops of {self.channels} channels and {self.n_mels} bands, "
                f"and these have {crops.shape[1]} and {crops.shape[3]}"
            )
        if self.crop_frames not in (None, frames):
            raise ValueError(f"this network is for crops of {self.crop_frames} frames, and these have {frames}")
        return self.shared(crops.contiguous(memory_format=self.memory_format))


def build_network(
    strategy: str | Mapping[str, str] | Strategy,
    source_factors: Mapping[str, int | None],
    channels: int = 2,
    n_mels: int = 128,
    width: float = 1.0,
    backbone: str = "base",
    activation: str = "relu",
    initialisation: str = "pytorch",
    objectives: Mapping[str, str] | None = None,
    dropout: float = DROPOUT,
    crop_frames: int | None = None,
    *,
    seed: np.random.SeedSequence,
) -> Network:
    """A network initialised from `seed` alone; torch's global state is not touched.

    `strategy` is one of the six by name, or any by its definition. `source_factors` in the study's order: source ->
    number of factors, None for `self`; `objectives` names those of sources that learn otherwise than by pairs or KL.
    `initialisation` is PyTorch's default ("pytorch") or "glorot"; `dropout` is that of the heads; `crop_frames`
    matters to backbones for crops of one length.
    A strategy of one source has at most one; without any it is the bare encoder (baseline Random).
    Raises ValueError for an unknown strategy, backbone or activation, for a stage that the backbone lacks, and for
    sources that the strategy cannot have.
    """
    how = strategy_named(strategy)
    for kind, name, valid in (
        ("backbone", backbone, (*BACKBONES, *extension_names(GROUP))),
        ("activation", activation, ACTIVATIONS),
    ):
        if name not in valid:
            raise ValueError(f"no {kind} {name!r}; expected one of {', '.join(valid)}")
    if how.share not in backbone_named(backbone).shares:
        raise ValueError(f"backbone {backbone!r} has no stage {how.share!r}")
    if (how.is_single and len(source_factors) > 1) or (not how.is_single and not source_factors):
        raise ValueError(f"strategy {as_written(how)} cannot have {len(source_factors)} sources")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed))
        network = Network(
            how, source_factors, channels, n_mels, width, backbone, activation, objectives, dropout, crop_frames
        )
        if initialisation == "glorot":
            _initialise_glorot(network)
        return network


def torch_seed(seed: np.random.SeedSequence) -> int:
    """An integer seed for torch's generators from a NumPy seed sequence."""
    return int(seed.generate_state(1, np.uint64)[0])


def _initialise_glorot(network: Network) -> None:
    """Glorot and Bengio 2010, uniform, for the weights of convolutions and fully connected layers, save output layers:
    what the authors' code does."""
    outputs = {[layer for layer in head.modules() if isinstance(layer, nn.Linear)][-1] for head in network.heads}
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer not in outputs:
            nn.init.xavier_uniform_(layer.weight)

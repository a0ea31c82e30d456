"""The costs of a study's networks, layer by layer: declared, or measured where a package's own layer declares none.

`study prepare` measures (`jobs.networks.stages.measured_costs`). Until then such costs are unknown, and hours of
runs with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from study.core.backbones import BACKBONES, backbone_named
from study.core.backbones.layers import Backbone, Cost, Shape
from study.core.digests import read, sealed_json
from study.core.errors import Damaged, Fault
from study.core.paths import FILE_NAME, Paths
from study.core.sections import Training
from study.core.study_file import Study
from study.core.writing import write_whole

Measured = dict[str, list[tuple[int, int, list[int]]]]
"""Parameters, FLOPs and output shape of each layer, by network and crop."""
NO_COST = "declares no cost: plans count its runs alike, and hours are known once `study prepare` has measured it"


def crop_of(study: Study) -> Shape:
    """Channels, frames and bands of the study's crops."""
    return study.corpus.channels, study.crop_frames, study.mel.n_mels


def layer_costs(study: Study, training: Training) -> list[Cost] | None:
    """The cost of each layer of a network for one crop; None while it is unknown."""
    declared = backbone_named(training.backbone).costs(crop_of(study), training.width)
    if declared is not None:
        return declared
    found = _read(study).get(_key(study, training))
    return None if found is None else [Cost(parameters, flops, (a, b, c)) for parameters, flops, (a, b, c) in found]


def write_costs(study: Study, measured: Iterable[tuple[Training, list[Cost]]]) -> None:
    """Keep the costs of networks that declare none."""
    write_whole(_path(study), sealed_json({_key(study, training): costs for training, costs in measured}))


def own_backbones(study: Study) -> list[str]:
    """The study's backbones that installed packages offer, by name; loads nothing."""
    return [] if study.run is not None else [name for name in map(str, study.backbones) if name not in BACKBONES]


def undeclared(study: Study) -> list[str]:
    """The study's backbones that declare no cost; loads those of installed packages."""
    return [name for name in own_backbones(study) if backbone_named(name).costs(crop_of(study)) is None]


def unmeasured_backbones(study: Study) -> list[str]:
    """Those of them that have not been measured for the study's crops either."""
    names = undeclared(study)
    return [name for name in names if layer_costs(study, study.training_of({"backbone": name})) is None]


def faults_of_own_backbones(study: Study) -> Iterator[Fault]:
    """What `check` cannot know of the backbones of installed packages, as it loads none: their stages and crops."""
    for name in own_backbones(study):
        _, frames, bands = crop_of(study)
        network = backbone_named(name)
        least_frames, least_bands = network.minimum_crop
        if frames < least_frames or bands < least_bands:
            because = f'backbone = "{name}" needs crops of {least_frames} frames and {least_bands} bands or more'
            yield Fault(FILE_NAME, "[mel] crop_s", study.mel.crop_s, f"{because}; these have {frames} and {bands}")
        yield from _faults_of_strategies(study, name, network)


def _faults_of_strategies(study: Study, name: str, network: Backbone) -> Iterator[Fault]:
    for strategy in study.strategies:
        share = study.known_strategies[strategy].share
        if share not in network.shares:
            expected = (
                f'shares up to {share}, and backbone = "{name}" has the stages {", ".join(network.stages)}; expected '
                "other levels of [factors] strategy, such as your own under [strategies]"
            )
            yield Fault(FILE_NAME, "[factors] strategy", strategy, expected)


def _read(study: Study) -> Measured:
    try:
        found: dict[str, list[tuple[int, int, list[int]]]] = read(
            _path(study), json.loads, "`study prepare` measures it"
        )
    except (FileNotFoundError, Damaged):
        return {}
    return found


def _path(study: Study) -> Path:
    return Paths(study.store).prepared / "backbones.json"


def _key(study: Study, training: Training) -> str:
    return f"{training.backbone}, width {training.width:g}, {'x'.join(map(str, crop_of(study)))}"

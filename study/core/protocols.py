"""`[study] protocol`: whether a study follows the paper, or what the authors' released code does otherwise.

A protocol is a set of defaults for keys that the study file omits; docs/learning.md has the table. The code is that of
https://github.com/eldrin/MTLMusicRepresentation-PyTorch.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

AUTHORS_TRAINING = {"reduction": "mean", "initialisation": "glorot", "iterations": "l"}
AUTHORS_PROBES = {"features": "raw", "unsplit": "folds"}
"""Of targets for classification and regression."""
AUTHORS_RECOMMENDATION = {"holdout": 0.05}


def with_protocol(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of a study file with the keys that its protocol sets and the file omits."""
    filled = copy.deepcopy(dict(tables))
    header, targets = filled.get("study"), filled.get("targets", {})
    if not isinstance(header, dict) or header.get("protocol") != "authors":
        return filled
    if isinstance(filled.setdefault("training", {}), dict):
        filled["training"] = AUTHORS_TRAINING | filled["training"]
    for name, target in targets.items() if isinstance(targets, dict) else ():
        if isinstance(target, dict):
            targets[name] = _of_target(target) | target
    return filled


def _of_target(target: Mapping[str, Any]) -> dict[str, Any]:
    task = target.get("task")
    if task == "recommendation":
        return AUTHORS_RECOMMENDATION
    if task not in ("classification", "regression"):
        return {}
    divided = "folds" in target or target.get("split") == "random"  # by the file itself
    return {key: value for key, value in AUTHORS_PROBES.items() if key != "unsplit" or not divided}

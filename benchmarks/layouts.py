"""Channels innermost or outermost: which layout trains a backbone faster on a CPU, by width.

    python benchmarks/layouts.py

Forward and backward of a batch of 8 stereo crops, one thread, the two layouts in turn; the best of five rounds each.
What is above 1 is faster with channels innermost; a star marks where `Network` has them there.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from jobs.networks.branching import build_network
from study.core.backbones import BACKBONES

WIDTHS = (0.125, 0.25, 0.5, 1.0)
LAYOUTS = (torch.contiguous_format, torch.channels_last)
ROUNDS = 5


def seconds(backbone: str, width: float, frames: int, n_mels: int) -> tuple[dict[torch.memory_format, float], bool]:
    """Of a step in each layout, and whether the network is with channels innermost."""
    network = build_network("SS-R", {}, 2, n_mels, width, backbone, seed=np.random.SeedSequence(0))
    innermost = network.memory_format == torch.channels_last
    crops = torch.randn(8, 2, frames, n_mels)
    took = dict.fromkeys(LAYOUTS, float("inf"))
    for round_number in range(1 + ROUNDS):
        for layout in LAYOUTS:
            network.to(memory_format=layout)
            network.memory_format = layout
            began = time.perf_counter()
            network.trunk(crops).sum().backward()
            if round_number:  # the first warms up
                took[layout] = min(took[layout], time.perf_counter() - began)
    return took, innermost


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{'width':12}" + "".join(f"{width:>10}" for width in WIDTHS))
    for name, declared in BACKBONES.items():
        frames, n_mels = (1366, 96) if declared.minimum_crop[0] > 216 else (216, 128)
        row = ""
        for width in WIDTHS:
            took, innermost = seconds(name, width, frames, n_mels)
            outer, inner = (took[layout] for layout in LAYOUTS)
            row += f"{f'{outer / inner:.2f}' + ('*' if innermost else ''):>10}"
        print(f"{name:12}{row}", flush=True)

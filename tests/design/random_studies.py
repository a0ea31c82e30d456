"""Study files drawn at random, sound and unsound ones, with budgets to plan them by."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path

from study.core.errors import InputFaults
from tests.design.spaces import write_study

BUDGETS = ("0", "1", "3", "7", "12", "19", "40", "1000000", "5gpuh", "2d", "x", "²")


def write_random_study(folder: Path, draw: random.Random) -> None:
    """Write a study of a few sources, factors, phases and constraints; some have faults."""
    with contextlib.suppress(InputFaults):
        write_study(folder, *_random_study(draw))


def _random_study(draw: random.Random) -> tuple[str, int, str]:
    """Phases, number of sources and factors, as `write_study` takes them; of two in three nothing is known that would
    be a fault."""
    is_sound = draw.random() < 2 / 3
    n_sources = draw.randint(1, 5)
    strategies = draw.sample(["SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"], draw.randint(1, 4))
    factors = draw.sample(["width = [0.5, 1.0]", "learning_rate = [1e-5, 1e-3, 0.1, 1.0]", "epochs = [1, 2, 3]",
                           "l2 = { from = 0.0, to = 0.1, points = 5 }",
                           "batch_size = { from = 2, to = 1000000 }", 'node = ["a", "b"]'],
                          draw.randint(0, 2))  # fmt: skip
    if is_sound and n_sources > 1 and strategies == ["SS-R"]:
        strategies.append("MSS-CR")
    if is_sound and n_sources == 1:
        strategies = ["SS-R"]
    if draw.random() < 0.1 and not is_sound:
        factors.append('loss = ["kl", "x"]')
    phases = ""
    for name in ("one", "two")[: draw.randint(1, 2)]:
        sizes = sorted(draw.sample(range(1, n_sources + 1), draw.randint(1, n_sources)))
        criterion = draw.choice(["", "anytime", "anytime", "balance-alias", "D", "A", "I"])
        if is_sound and strategies != ["SS-R"]:
            sizes = sorted({*sizes, n_sources})  # some run of several sources is possible
        phases += f'[[design.phase]]\nname = "{name}"\nn_sources = {sizes}\nstrategy = {json.dumps(strategies)}\n'
        phases += f'criterion = "{criterion}"\n' if criterion else ""
        for line in ('model = "first"', 'model = { main = 1, first = 0.5 }', 'model = "strategy * sources"',
                     'want_if_possible = ["sources^2"]', "repeat_share = 0.2", "share = 0.5", 'nuisance = ["node"]',
                     'balance = ["strategy"]', "repeats = 2"):  # fmt: skip
            if draw.random() < 0.1 and not (is_sound and _is_fault(line, criterion, factors)):
                phases += line + "\n"
    if draw.random() < 0.3 and not (is_sound and n_sources < 2):
        phases += f"[[design.constraint]]\nforbid = {{ strategy = {json.dumps(strategies[0])}, n_sources = 2 }}\n"
    has_rate = any("learning_rate" in factor for factor in factors)
    scales = '\n[scale]\nlearning_rate = "log"\n' if draw.random() < 0.3 and (has_rate or not is_sound) else ""
    targets = "".join(
        f'[targets.t{k}]\ntask = "classification"\ntracks = "t{k}.csv"\n' for k in range(draw.randint(0, 3))
    )
    return phases, n_sources, "\n".join(factors) + "\n" + scales + targets


def _is_fault(line: str, criterion: str, factors: list[str]) -> bool:
    """Whether a phase of this criterion may not have the line."""
    key = line.partition(" ")[0]
    if key == "nuisance":
        return not any(factor.startswith("node") for factor in factors)
    allowed = {"model": ("anytime",), "want_if_possible": ("anytime",), "repeats": ("",),
               "balance": ("anytime", "balance-alias")}  # fmt: skip
    return criterion not in allowed.get(key, ("anytime", "balance-alias", "D", "A", "I"))

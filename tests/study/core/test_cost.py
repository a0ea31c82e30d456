from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.core.backbones import BACKBONES
from study.core.cost import (
    REFERENCE_FLOP_PER_S,
    epoch_steps,
    forward_flops,
    n_parameters,
    representation_dim,
    run_cost_gpu_hours,
    run_steps,
    run_work,
    source_factors_of,
    step_flops,
    training_flops,
)
from study.core.run import baseline_runs, make_run
from study.core.strategies import BUILT_IN, STRATEGIES
from study.core.study_file import Study

ALL_SOURCES = {"self": None} | dict.fromkeys(("bpm", "year", "taste", "tag", "lyrics", "cdr_tag", "artist"), 50)

LAYERS = forward_flops(216, 128)


def study(**further: Any) -> Study:
    sections = {
        "schema": 1,
        "study": {"name": "costs", "seed": 1},
        "corpus": {"tracks": "tracks.csv", "sample_rate_hz": 22050, "channels": 2},
        "sources": {
            "self": {"labels": "self"},
            "year": {"labels": "gmm", "table": "year.csv", "factors": 20},
            "tag": {"labels": "plsa", "table": "tag.csv"},
        },
        "targets": {"genre": {"task": "classification", "tracks": "genre.csv", "metrics": ["accuracy"]}},
    }
    return Study.model_validate(sections | further)


@pytest.mark.parametrize(
    ("strategy", "sources", "expected"),
    [
        ("SS-R", {"bpm": 50}, 576_482),
        ("SS-R", {"self": None}, 629_810),
        ("SS-R", {}, 563_632),
        ("MS-SR@FC", ALL_SOURCES, 719_760),
        ("MS-CR@6", ALL_SOURCES, 3_717_776),
        ("MS-CR@4", ALL_SOURCES, 4_495_952),
        ("MS-CR@2", ALL_SOURCES, 4_659_248),
        ("MSS-CR", ALL_SOURCES, 4_665_184),
    ],
)
def test_parameters_counted_by_hand_from_table_3(strategy: str, sources: dict[str, int | None], expected: int) -> None:
    assert n_parameters(strategy, sources) == expected


def test_sizes_are_those_of_the_papers_figure_15() -> None:
    single = sum(n_parameters("SS-R", {name: k}) for name, k in ALL_SOURCES.items()) / len(ALL_SOURCES)
    assert n_parameters("MS-SR@FC", ALL_SOURCES) / single == pytest.approx(1.2, abs=0.05)
    assert n_parameters("MS-CR@6", ALL_SOURCES) / single == pytest.approx(6.3, abs=0.1)
    of_self, of_labels = (n_parameters("SS-R", {"any": factors}) for factors in (None, 50))
    without_outputs = n_parameters("SS-R", {})
    outputs = of_self + 7 * of_labels - 8 * without_outputs
    ratios = [  # as docs/learning.md has them
        [n_parameters(strategy, ALL_SOURCES) / by for strategy in ("MS-CR@6", "MS-SR@FC")]
        for by in (single, of_self, of_labels)
    ]
    ratios += [[(n_parameters(s, ALL_SOURCES) - outputs) / without_outputs for s in ("MS-CR@6", "MS-SR@FC")]]
    assert np.round(ratios, 2).tolist() == [[6.38, 1.23], [5.90, 1.14], [6.45, 1.25], [6.32, 1.00]]


def test_parameters_grow_with_strategy_sources_and_width() -> None:
    sizes = [n_parameters(strategy, ALL_SOURCES) for strategy in STRATEGIES if strategy != "SS-R"]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)
    assert all(one.share in backbone.shares for backbone in BACKBONES.values() for one in BUILT_IN.values())
    mono = n_parameters("MSS-CR", ALL_SOURCES, channels=1)
    assert n_parameters("MSS-CR", ALL_SOURCES, channels=2) - mono == 8 * 16 * 25
    assert n_parameters("SS-R", {"bpm": 50}, width=0.25) < 576_482 / 8


def test_the_representation_has_256_dimensions_a_branch() -> None:
    assert [representation_dim(strategy, 8) for strategy in STRATEGIES] == [256, 256, 2048, 2048, 2048, 2048]
    assert representation_dim("MS-CR@2", 3, width=0.25) == 192


def test_flops_of_a_crop_and_a_step() -> None:
    assert forward_flops(216, 128)[0] == 2 * 108 * 128 * (2 * 5 * 5) * 16
    assert forward_flops(216, 128)[-1] == 2 * 256 * 256
    assert sum(forward_flops(216, 128)) == pytest.approx(0.117e9, rel=1e-3)
    assert step_flops({"bpm": 50}, LAYERS) == pytest.approx(42e9, rel=5e-3)
    assert step_flops({"self": None}, LAYERS) == 2 * step_flops({"bpm": 50}, LAYERS)
    assert step_flops(ALL_SOURCES, LAYERS) == 9 / 8 * step_flops({"bpm": 50}, LAYERS)


def test_an_epoch_visits_all_tracks_for_every_source() -> None:
    assert epoch_steps(41_841, 128, 8, "lm") == 327 * 8
    assert epoch_steps(41_841, 128, 8, "l") == 327
    assert epoch_steps(5, 128, 1, "lm") == 1


def test_steps_and_cost_of_a_run() -> None:
    this = study(factors={"epochs": [100, 300]})
    run = make_run(this, "all", 0, "MS-CR@2", ("tag", "self", "year"), {"epochs": 300})
    assert source_factors_of(this, run) == {"self": None, "year": 20, "tag": 50}
    assert run_steps(this, run, 41_841) == 300 * 327 * 3
    hours = run_cost_gpu_hours(this, run, 41_841)
    flops = 300 * 327 * 3 * 4 / 3 * 42.1e9
    assert hours == pytest.approx(flops / REFERENCE_FLOP_PER_S / 3600, rel=1e-3)
    assert run_cost_gpu_hours(this, run, None) is None


def test_work_is_the_flops_for_each_track_whatever_the_batch() -> None:
    this = study(factors={"batch_size": [32, 128], "iterations": ["l", "lm"]})
    one = step_flops({"self": None, "year": 20}, LAYERS, batch_size=1)
    for batch_size in (32, 128):
        for iterations, visits in (("l", 1), ("lm", 2)):
            levels = {"batch_size": batch_size, "iterations": iterations}
            run = make_run(this, "all", 0, "MSS-CR", ("self", "year"), levels)
            assert run_work(this, run) == pytest.approx(200 * visits * one)
            assert training_flops(this, run, 1280) == pytest.approx(1280 * run_work(this, run))


def test_a_baseline_trains_nothing() -> None:
    this = study()
    for run in baseline_runs(this):
        assert run_steps(this, run, 1000) == 0
    mfcc, random, *_ = baseline_runs(this)
    assert run_cost_gpu_hours(this, mfcc, None) == 0
    assert run_cost_gpu_hours(this, random, None) is None
    a_pass = sum(forward_flops(216, 128)) * 1000 / REFERENCE_FLOP_PER_S / 3600
    assert run_cost_gpu_hours(this, random, 1000) == pytest.approx(a_pass)


def test_a_wider_untrained_network_costs_more() -> None:
    runs = [run for run in baseline_runs(study(factors={"width": [1.0, 2.0]})) if run.strategy == "Random"]
    costs = {run.factors["width"]: run_cost_gpu_hours(study(), run, 1000) or 0.0 for run in runs}
    assert costs[2.0] == pytest.approx(costs[1.0] * sum(forward_flops(216, 128, 2, 2.0)) / sum(forward_flops(216, 128)))


def test_the_table_in_the_docs_is_right() -> None:
    text = (Path(__file__).parents[3] / "docs/learning.md").read_text(encoding="utf-8")
    table = text[text.index("| m |") :].splitlines()[:9]
    header, _, *rows = [line.strip("| ").split(" | ") for line in table]
    assert header[1:] == [strategy for strategy in STRATEGIES if strategy != "SS-R"]
    assert [row[0] for row in rows] == [str(m) for m in range(2, 9)]
    for m, *counts in rows:
        sources = dict(list(ALL_SOURCES.items())[: int(m)])
        assert counts == [f"{n_parameters(strategy, sources):,}" for strategy in header[1:]]


def test_the_tables_of_backbones_in_the_docs_are_right() -> None:
    text = (Path(__file__).parents[3] / "docs/learning.md").read_text(encoding="utf-8")
    for name, backbone in BACKBONES.items():
        rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        (_, _, shared, crop, gflop), (_, *counts) = rows
        assert shared == "{}, {}, {} of {}".format(*backbone.branches_after, len(backbone.layers))
        frames, bands = backbone.minimum_crop
        assert crop == (f"{frames} x {bands}" if bands > 1 else f"{frames} frame{'s' if frames > 1 else ''}")
        size = (1366, 96) if name in ("k2c1", "k1c2", "k2c2") else (216, 128)
        assert gflop == f"{sum(forward_flops(*size, backbone=name)) / 1e9:.3f}"
        sources = {strategy: {"bpm": 50} if strategy == "SS-R" else ALL_SOURCES for strategy in STRATEGIES}
        assert counts == [f"{n_parameters(strategy, sources[strategy], backbone=name):,}" for strategy in STRATEGIES]

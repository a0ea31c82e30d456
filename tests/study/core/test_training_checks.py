"""Settings of a training: when they enter a run's id, what they cost, and which exclude each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.core.cost import run_steps, run_work, training_flops
from study.core.errors import InputFaults
from study.core.reading import read_study
from study.core.run import make_run
from study.core.study_file import Study
from tests.small_study import STUDY


def study_with(folder: Path, *lines: str, validation: str = "") -> Study:
    text = STUDY.replace("[training]\n", "[training]\n" + "".join(f"{line}\n" for line in lines))
    (folder / "study.toml").write_text(text.replace("channels = 1", f"channels = 1\n{validation}"), encoding="utf-8")
    return read_study(folder)


DEFAULTS = (
    'schedule = "one"', "weights = {}", 'select = "last"', "dropout = 0.5", 'learning_rate_schedule = "constant"',
    'weight_decay = "coupled"',
)  # fmt: skip
OTHERS = (
    'schedule = "sum"', 'select = "best"', "patience = 3", "dropout = 0.1", 'learning_rate_schedule = "cosine"',
    "clip_norm = 1.0", 'weight_decay = "decoupled"',
)  # fmt: skip


def test_settings_enter_the_id_off_their_defaults_only(tmp_path: Path) -> None:
    def run_id(*lines: str) -> str:
        return make_run(study_with(tmp_path, *lines), "", 0, "MS-CR@4", ("self", "tag")).run_id

    plain = run_id()
    assert run_id(*DEFAULTS) == plain
    assert len({plain, *(run_id(line) for line in OTHERS)}) == 1 + len(OTHERS)
    summed = run_id(OTHERS[0])
    assert run_id(OTHERS[0], "weights = { self = 1.0, pitch = 4.0 }") == summed, "the run has no pitch"
    assert run_id(OTHERS[0], "weights = { tag = 2.0 }") != summed


def test_a_sum_has_as_many_batches_in_fewer_steps(tmp_path: Path) -> None:
    one, summed = study_with(tmp_path), study_with(tmp_path, 'schedule = "sum"')
    runs = [make_run(study, "", 0, "MS-CR@4", ("self", "pitch", "tag")) for study in (one, summed)]
    assert (run_steps(one, runs[0], 100), run_steps(summed, runs[1], 100)) == (39, 13)
    for cost in (run_work, lambda study, run: training_flops(study, run, 100)):
        assert cost(one, runs[0]) == pytest.approx(cost(summed, runs[1]))


@pytest.mark.parametrize(
    ("lines", "key", "expected"),
    [
        (['schedule = "sum"', "weights = { pich = 2.0 }"], "[training] weights", "expected one of the sources self"),
        (["weights = { pitch = 2.0 }"], "[training] weights", 'has no effect without schedule = "sum"'),
        (["weights = { pitch = 0.0 }"], "[training] weights.pitch", "greater than 0"),
        (['optimiser = "sgd"', 'weight_decay = "decoupled"'], "[training] weight_decay", 'optimiser "sgd" has no such'),
        (["dropout = 1.0"], "[training] dropout", "less than 1"),
        (["patience = 0"], "[training] patience", "greater than or equal to 1"),
        (["clip_norm = 0"], "[training] clip_norm", "greater than 0"),
        (['learning_rate_schedule = "cosin"'], "[training] learning_rate_schedule", "expected 'constant', 'linear'"),
    ],
)
def test_faults(tmp_path: Path, lines: list[str], key: str, expected: str) -> None:
    with pytest.raises(InputFaults) as caught:
        study_with(tmp_path, *lines)
    (fault,) = caught.value.faults
    assert fault.key == key and expected in fault.expected


@pytest.mark.parametrize("line", ['select = "best"', "patience = 2"])
def test_selection_needs_validation_tracks(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputFaults, match=r"needs validation tracks; expected \[corpus\] validation above 0"):
        study_with(tmp_path, line, validation="validation = 0.0")


def test_settings_as_factors(tmp_path: Path) -> None:
    factors = '[factors]\nschedule = ["one", "sum"]\ndropout = [0.0, 0.5]\nselect = ["last", "best"]\n'
    (tmp_path / "study.toml").write_text(STUDY.replace("[training]", factors + "[training]"), encoding="utf-8")
    training = read_study(tmp_path).training_of({"schedule": "sum", "dropout": 0.0, "select": "best"})
    assert (training.schedule, training.dropout, training.select) == ("sum", 0.0, "best")

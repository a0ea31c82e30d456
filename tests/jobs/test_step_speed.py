from __future__ import annotations

from pathlib import Path

import pytest

from jobs import step_speed
from jobs.learning import step_time
from study.core.cost import network_name
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.sections import Compute, Training


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks that were timed, each at 1e9 FLOP/s times its width."""
    names: list[str] = []

    def at_known_speed(settings: Training, crop: tuple[int, int, int]) -> float:
        names.append(network_name(settings))
        return 1e9 * settings.width

    monkeypatch.setattr(step_time, "training_flop_per_s", at_known_speed)
    return names


def test_each_network_is_measured_once_and_again_on_another_machine(
    small_study: Path, timed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = read_study(small_study)
    narrow, wide = (Training(width=width) for width in (0.5, 1.0))
    assert step_speed.read_step_speed(study) is None
    found = step_speed.measured_step_speed(study, [narrow])
    assert found.flop_per_s == {network_name(narrow): 0.5e9} and found.threads == 1
    assert step_speed.read_step_speed(study) == found
    found = step_speed.measured_step_speed(study, [narrow, wide])
    assert timed == [network_name(narrow), network_name(wide)] and len(found.flop_per_s) == 2
    monkeypatch.setattr(step_speed, "processor", lambda: "another")
    assert step_speed.read_step_speed(study) == found, "what another machine measured stays until this one measures"
    found = step_speed.measured_step_speed(study, [wide])
    assert timed[2:] == [network_name(wide)] and found.processor == "another" and len(found.flop_per_s) == 1


def test_what_was_measured_with_other_threads_or_crops_is_not_used(small_study: Path, timed: list[str]) -> None:
    study = read_study(small_study)
    step_speed.measured_step_speed(study, [Training()])
    threads = study.model_copy(update={"compute": Compute(threads=2)})
    crops = study.model_copy(update={"mel": study.mel.model_copy(update={"crop_s": 0.25})})
    for changed in (threads, crops):
        assert step_speed.read_step_speed(changed) is None
        step_speed.measured_step_speed(changed, [Training()])
    assert len(timed) == 3
    Paths(study.store).step_speed.write_text("{")
    assert step_speed.read_step_speed(study) is None


def test_a_step_is_timed_and_the_random_numbers_of_others_stay() -> None:
    import torch

    torch.manual_seed(1)
    before = torch.get_rng_state()
    assert 1e6 < step_time.training_flop_per_s(Training(width=0.125, batch_size=4), (1, 63, 32)) < 1e14
    assert torch.equal(torch.get_rng_state(), before)

"""The index of valid results: a cache, which changes how long an answer takes and never the answer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jobs.prepared_data import read_prepared
from study.core import result_index, valid_results
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.result_index import Survey, survey_results
from study.core.run import baseline_runs
from study.core.study_file import Study
from study.core.valid_results import expected_results


@pytest.fixture
def study(run_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A store whose files, though they have just been made, count as settled."""
    monkeypatch.setattr(result_index, "SETTLED_NS", -(10**12))
    return read_study(Path(shutil.copytree(run_study, tmp_path / "store")))


def survey(study: Study) -> Survey:
    runs = baseline_runs(study) + read_plan(Paths(study.store).plan, study)
    expected = expected_results(study, runs, read_prepared(study).target_fingerprints)
    return survey_results(Paths(study.store), expected)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read, as they are."""
    names: list[str] = []
    check = valid_results.check_content

    def checked(stored, content, expected):
        names.append(stored.path.name)
        return check(stored, content, expected)

    monkeypatch.setattr(valid_results, "check_content", checked)
    return names


def test_a_file_is_read_once(study: Study, read: list[str]) -> None:
    first = survey(study)
    assert len(read) == len(first.valid) > 10 and not first.invalid
    read.clear()
    assert survey(study) == first and read == []


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes(9))


def damage_and_set_times_back(path: Path) -> None:
    before = path.stat()
    damage(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_a_copy_with_the_same_times(path: Path) -> None:
    shutil.copy2(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)


@pytest.mark.parametrize(
    ("change", "is_valid"),
    [(damage, False), (damage_and_set_times_back, False), (replace_by_a_copy_with_the_same_times, True)],
)
def test_a_changed_file_is_read_again(
    study: Study, read: list[str], change: Callable[[Path], None], is_valid: bool
) -> None:
    first = survey(study)
    path = first.valid[3].stored.path
    change(path)
    read.clear()
    again = survey(study)
    assert read == [path.name]
    assert (again == first) is is_valid and [stored.path for stored, _ in again.invalid] == [path] * (not is_valid)


def test_an_invalid_file_is_read_and_named_every_time(study: Study, read: list[str]) -> None:
    damage(survey(study).valid[3].stored.path)
    first = survey(study)
    read.clear()
    assert survey(study) == first and len(read) == 1


def test_what_the_study_asks_for_now_is_what_counts(study: Study, read: list[str]) -> None:
    first = survey(study)
    fewer = study.model_copy(
        update={"targets": study.targets | {"timbre": study.targets["timbre"].model_copy(update={"repeats": 1})}}
    )
    read.clear()
    n_timbre = sum(valid.stored.target == "timbre" for valid in first.valid)
    assert len(survey(fewer).invalid) == len(read) == n_timbre
    assert survey(study) == first


def test_a_lost_or_damaged_index_changes_nothing(study: Study, read: list[str]) -> None:
    first, index = survey(study), Paths(study.store).results_index
    whole = index.read_bytes()
    rng = np.random.default_rng(13)
    for bit in [*rng.choice(8 * len(whole), 5, replace=False), None]:
        flipped = bytearray(whole)
        if bit is not None:
            flipped[bit // 8] ^= 1 << bit % 8
            index.write_bytes(flipped)
        else:
            index.unlink()
        read.clear()
        assert survey(study) == first and len(read) == len(first.valid)
        assert index.read_bytes() == whole


def test_an_index_of_before_written_by_another_launch_changes_nothing(study: Study) -> None:
    """Of before a file was damaged, another removed, and a third added."""
    index = Paths(study.store).results_index
    before = survey(study)
    removed, damaged, added = (valid.stored.path for valid in before.valid[:3])
    hidden = added.rename(added.with_suffix(".hidden"))
    survey(study)
    stale = index.read_bytes()
    hidden.rename(added)
    damage(damaged)
    removed.unlink()
    first = survey(study)
    index.write_bytes(stale)
    assert survey(study) == first
    assert [stored.path for stored, _ in first.invalid] == [damaged] and len(first.valid) == len(before.valid) - 2


def test_what_has_just_changed_is_not_trusted(study: Study, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_index, "SETTLED_NS", 10**12)
    first = survey(study)
    read.clear()
    assert survey(study) == first and len(read) == len(first.valid)


def test_other_code_judges_again(study: Study, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    first = survey(study)
    monkeypatch.setattr(result_index, "CODE", result_index.hashlib.sha256(b"the next version"))
    read.clear()
    assert survey(study) == first and len(read) == len(first.valid)


def test_a_store_that_may_not_be_written(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(result_index, "write_whole", refuse)
    assert survey(study).valid

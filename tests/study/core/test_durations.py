from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.durations import Left, Rates, Slots, Work, slots_of, time_to_go_s


def test_work_is_compared_with_its_own_kind_or_else_with_the_next_wider_one() -> None:
    rates = Rates()
    narrow, wide = (Work((("train", width), ("train",)), 10.0, True) for width in (0.5, 1.0))
    assert rates.seconds(narrow) == 10, "as modelled, before anything has finished"
    rates.add(narrow, 30.0)
    rates.add(Work(narrow.kinds, 5.0), 15.0)
    assert rates.seconds(narrow) == 30
    assert rates.seconds(wide) == 30, "none of its kind: as any training"
    rates.add(wide, 5.0)
    assert rates.seconds(wide) == 5
    assert rates.seconds(narrow) == 30
    assert rates.seconds(Work((("train", 2.0), ("train",)), 10.0)) == pytest.approx(10 * 50 / 25)


def test_a_model_of_proportions_knows_nothing_before_a_piece_has_finished() -> None:
    rates, work = Rates(), Work((("evaluate", "genre"),), 1.0)
    assert rates.seconds(work) is None
    rates.add(work, 2.0)
    rates.add(work, 4.0)
    assert rates.seconds(work) == 3


@given(st.floats(0, 20), st.floats(0.1, 5), st.lists(st.floats(1, 50), min_size=3, max_size=8))
def test_a_fixed_part_is_told_from_a_rate(fixed_s: float, rate: float, sizes: list[float]) -> None:
    """Short pieces are not taken for cheaper than they are: start and loading count for each."""
    rates = Rates()
    sizes = [*sizes, 1.0, 50.0]
    for size in sizes:
        rates.add(Work((("train",),), size), fixed_s + rate * size)
    for size in (0.5, 7.0, 200.0):
        assert rates.seconds(Work((("train",),), size)) == pytest.approx(fixed_s + rate * size, rel=1e-3, abs=1e-3)


def test_pieces_alike_show_no_fixed_part() -> None:
    rates = Rates()
    for seconds in (10.0, 11.0, 9.0, 10.5):
        rates.add(Work((("train",),), 5.0), seconds)
    assert rates.seconds(Work((("train",),), 10.0)) == pytest.approx(20.25)


def test_time_to_go_is_the_longest_of_its_three_bounds() -> None:
    left = [Left("a", True, 40.0), Left("a", False, 6.0), Left("b", True, 20.0), Left("b", False, 8.0)]
    assert time_to_go_s(left, Slots(training=1, all=1)) == 74
    assert time_to_go_s(left, Slots(training=1, all=16)) == 60, "one GPU: the trainings wait for it"
    assert time_to_go_s(left, Slots(training=2, all=16)) == 46, "the longest run"
    assert time_to_go_s([*left, *(Left(name, True, 30.0) for name in "cdef")], Slots(2, 16)) == 90
    assert time_to_go_s([], Slots(1, 1)) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 100))), st.integers(1, 8))
def test_more_slots_never_take_longer(pieces: list[tuple[str, bool, float]], n: int) -> None:
    left = [Left(*piece) for piece in pieces]
    one, several = time_to_go_s(left, Slots(1, 1)), time_to_go_s(left, Slots(n, n))
    assert one / n <= several * (1 + 1e-9) and several <= one * (1 + 1e-9)


@pytest.mark.parametrize(
    ("cpus", "gpus", "threads", "share", "expected"),
    [
        (16, 0, 1, 1.0, Slots(16, 16)),
        (16, 0, 3, 0.1, Slots(5, 5)),
        (16, 2, 1, 1.0, Slots(2, 16, True)),
        (16, 1, 1, 0.1, Slots(10, 16, True)),
        (4, 8, 2, 0.5, Slots(2, 2, True)),
        (1, 0, 4, 1.0, Slots(1, 1)),
    ],
)
def test_steps_at_a_time(cpus: float, gpus: float, threads: int, share: float, expected: Slots) -> None:
    assert slots_of(cpus, gpus, threads, share) == expected

"""A run's identity: what it hangs on, what it does not, and ten of them fixed for good."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from study.core.backbones import BACKBONES
from study.core.errors import InputFaults
from study.core.reading import read_study
from study.core.run import Run, baseline_runs, make_run, named_run, seed_sequence, study_seed_sequence
from study.core.sections import Training
from study.core.study_file import Study
from tests.small_study import STUDY


def read(folder: Path, text: str = STUDY) -> Study:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return read_study(folder)


def ids(study: Study) -> list[str]:
    runs = [make_run(study, "single", replicate, "SS-R", (name,)) for name in study.sources for replicate in (0, 1)]
    runs.append(make_run(study, "all", 0, "MSS-CR", tuple(study.sources)))
    return [run.run_id for run in runs + baseline_runs(study)]


GOLDEN = """
3ed6b716775b5efb 18876db7fc80fc7c 6445aa276f28cefc cfdd8d50b44298fb f6ff9ea6451a4409
e4984335b9130c24 f555bb47a59b23fd bc8b5281a0df4634 75f609e52cf1a244 c9f06482d29c3409
"""


def test_golden(tmp_path: Path) -> None:
    """If this fails, every result that anybody has stored would be orphaned: a new schema version is needed."""
    assert ids(read(tmp_path)) == GOLDEN.split()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "small"', 'name = "other"'),
        ('table = "pitch.csv"', 'table = "elsewhere/pitch.parquet"'),
        ('tracks = "timbre.csv"', 'tracks = "other.csv"'),
        ("repeats = 2", "repeats = 3"),
        ("width = 0.125", "width = 0.125\ncheckpoint_minutes = 5"),
        ("epochs = 1", 'epochs = 1\niterations = "lm"'),
        ("[baselines]", "[compute]\nthreads = 2\n[baselines]"),
        ("width = 0.125", "width = 0.125\n\n[cluster]\ngpus = 8"),
    ],
)
def test_does_not_hang_on_data_paths_or_times(tmp_path: Path, old: str, new: str) -> None:
    assert old in STUDY
    assert ids(read(tmp_path / "a", STUDY.replace(old, new))) == ids(read(tmp_path / "b"))


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("seed = 5", "seed = 6", 10),
        ("epochs = 1", "epochs = 2", 10),
        ("n_mels = 32", "n_mels = 40", 10),
        ("factors = 4", "factors = 5", 3),  # the two runs of pitch, and the one of all sources
        ("factors = 3", "factors = 3\ntf_idf = true", 3),
    ],
)
def test_hangs_on_what_it_uses(tmp_path: Path, old: str, new: str, changed: int) -> None:
    before, after = ids(read(tmp_path / "a")), ids(read(tmp_path / "b", STUDY.replace(old, new)))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == changed


@pytest.mark.parametrize("key", ["backbone", "activation", "optimiser", "loss"])
def test_settings_of_later_versions_enter_only_off_their_defaults(tmp_path: Path, key: str) -> None:
    default = Training.model_fields[key].default
    named = tuple(BACKBONES) if key == "backbone" else get_args(Training.model_fields[key].annotation)
    other = named[-1]  # of the backbones, one for crops as small as these
    text = STUDY.replace('labels = "plsa"', 'labels = "tags"')  # else no source learns by another loss
    before = ids(read(tmp_path / "a", text))
    assert ids(read(tmp_path / "b", text.replace("width = 0.125", f'width = 0.125\n{key} = "{default}"'))) == before
    changed = ids(read(tmp_path / "c", text.replace("width = 0.125", f'width = 0.125\n{key} = "{other}"')))
    assert not set(changed) & set(before)


def test_label_settings_of_later_versions_enter_only_off_their_defaults(tmp_path: Path) -> None:
    gmm, ordinal = 'labels = "gmm"\ntable = "pitch.csv"\nfactors = 4', 'labels = "ordinal"\ntable = "pitch.csv"'

    def changed(old: str, new: str) -> int:
        before, after = (ids(read(tmp_path, STUDY.replace(gmm, source))) for source in (old, new))
        return sum(one != other for one, other in zip(before, after, strict=True))

    assert changed(gmm, f"{gmm}\nresolution = 1.0") == 3  # the two runs of pitch, and the one of all sources
    assert changed(gmm, ordinal) == 3
    assert changed(ordinal, f'{ordinal}\norder = ["b", "a"]') == 3
    assert changed(f'{ordinal}\norder = ["a", "b"]', f'{ordinal}\norder = ["b", "a"]') == 3
    assert changed(ordinal, f"{ordinal}\nfactors = 6") == 0  # it can only repeat what the table says


def test_order_of_sources_and_phase_do_not_matter(tmp_path: Path) -> None:
    study = read(tmp_path)
    run = make_run(study, "all", 0, "MSS-CR", ("tag", "self"))
    assert run.sources == ("self", "tag")
    assert run.run_id == make_run(study, "sequential", 0, "MSS-CR", ("self", "tag")).run_id
    assert isinstance(hash(run), int)


def test_further_factors_enter_the_identity(tmp_path: Path) -> None:
    study = read(tmp_path, STUDY + "\n[factors]\nwidth = [0.125, 0.25]\n")
    one, two = (make_run(study, "s", 0, "SS-R", ("self",), {"width": width}) for width in (0.125, 0.25))
    assert one.run_id != two.run_id


def test_seeds_differ_by_run_and_purpose() -> None:
    draws = {
        tuple(np.random.default_rng(seed_sequence(run_id, purpose)).integers(0, 2**62, 2))
        for run_id in ("00", "01") for purpose in ("batches", "dropout")
    }  # fmt: skip
    assert len(draws) == 4
    same = [np.random.default_rng(seed_sequence("00", "batches")).random() for _ in range(2)]
    assert same[0] == same[1]


def test_study_seeds_hang_on_the_study_alone(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert study_seed_sequence(study, "a").entropy == 5


def test_baselines(tmp_path: Path) -> None:
    runs = baseline_runs(read(tmp_path))
    assert [(run.strategy, run.replicate) for run in runs] == [("MFCC", 0), ("Random", 0), ("Random", 1)]
    assert all(run.is_baseline and run.n_sources == 0 for run in runs)
    assert not Run("0", "all", 0, "MSS-CR", ("a",)).is_baseline


def test_a_run_is_named_by_its_id_or_the_beginning_of_it() -> None:
    known = ["ab12", "ab34", "cd56"]
    assert named_run("c", known, "--run") == named_run("cd56", known, "--run") == "cd56"
    for text, told in {
        "ab": "--run = 'ab': matches 2 runs: ab12, ab34",
        "cd57": "--run = 'cd57': no such run; `study runs` lists them; did you mean 'cd56'?",
        "": "--run = '': no such run",
    }.items():
        with pytest.raises(InputFaults) as caught:
            named_run(text, known, "--run")
        assert str(caught.value).startswith(told)


def test_there_is_a_random_baseline_for_each_untrained_network_and_the_default_keeps_its_name(tmp_path: Path) -> None:
    def random_of(name: str, factors: str) -> list[Run]:
        return [run for run in baseline_runs(read(tmp_path / name, STUDY + factors)) if run.strategy == "Random"]

    today = [run.run_id for run in random_of("none", "")]
    assert today == ids(read(tmp_path / "none"))[-2:]
    assert [run.run_id for run in random_of("other", "\n[factors]\nepochs = [1, 2]\n")] == today
    levels = "\n[factors]\nwidth = [0.25, 0.125]\nactivation = ['relu', 'gelu']\nepochs = [1, 2]\n"
    runs = random_of("levels", levels)
    of_default = [run for run in runs if run.factors == {"width": 0.125, "activation": "relu"}]
    assert [run.run_id for run in of_default] == today
    assert len(runs) == len({run.run_id for run in runs}) == 8
    assert {tuple(run.factors.values()) for run in runs} == {(w, a) for w in (0.25, 0.125) for a in ("relu", "gelu")}
    without = random_of("without", "\n[factors]\nwidth = [0.25, 0.5]\n")
    assert {run.factors["width"] for run in without} == {0.25, 0.5}
    assert not {run.run_id for run in without} & set(today)

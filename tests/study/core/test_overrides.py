from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.errors import InputFaults
from study.core.overrides import read_overrides
from study.core.reading import read_study
from study.core.run import baseline_runs, make_run
from study.core.study_file import Study
from tests.small_study import STUDY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def told(folder: Path, *overrides: str) -> str:
    with pytest.raises(InputFaults) as caught:
        read_study(folder, overrides)
    return str(caught.value)


SCALARS = (
    st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="ascii", exclude_characters="\x7f"))
)


@given(SCALARS | st.lists(SCALARS))
def test_values_are_toml(value: object) -> None:
    assert read_overrides([f"a.b = {json.dumps(value)}"])[0].value == value


@given(st.from_regex(r"[a-z/@._][a-zA-Z0-9/@._ -]*", fullmatch=True))
def test_what_is_no_toml_is_a_word(text: str) -> None:
    (override,) = read_overrides([f"a.b={text}"])
    words = {"true": True, "false": False, "inf": float("inf")}
    assert override.value == words.get(text.strip(), text.strip()) or text.strip() == "nan"


def test_settings_of_every_kind(folder: Path) -> None:
    study = read_study(folder, [
        "training.epochs=2", "training.optimiser=sgd", "mel.crop_s=1.0", "study.store=elsewhere",
        "factors.width=[0.5, 1]", "sources.tag.factors=5", "sources.more.labels=self", "design.phase.2.repeats=3",
        "targets.plays.metrics=['ndcg@5']",
    ])  # fmt: skip
    assert (study.training.epochs, study.training.optimiser) == (2, "sgd")
    assert study.store == (folder / "elsewhere").resolve()
    assert study.further_factors == {"width": (0.5, 1)}
    assert study.sources["tag"].factors == 5 and list(study.sources)[-1] == "more"
    assert [phase.repeats for phase in study.phases] == [2, 3, 1]
    assert study.targets["plays"].primary_metric == "ndcg@5"
    assert read_study(folder).training.epochs == 1, "for one command"


def test_of_a_key_set_twice_the_last_counts(folder: Path) -> None:
    assert read_study(folder, ["training.epochs=2", "training.epochs=3"]).training.epochs == 3


def test_an_override_is_part_of_the_identity_as_the_file_is(folder: Path) -> None:
    def name(study: Study) -> str:
        return make_run(study, "all", 0, "MSS-CR", ("self", "tag")).run_id

    given_ = read_study(folder, ["training.epochs=2"])
    plain = read_study(folder)
    (folder / "study.toml").write_text(STUDY.replace("epochs = 1", "epochs = 2"), encoding="utf-8")
    written = read_study(folder)
    assert name(given_) == name(written) != name(plain)
    assert baseline_runs(given_) == baseline_runs(written)


@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ("training.epochs=two", "--set training.epochs = 'two': expected a valid integer"),
        ("training.epoch=2", "--set training.epoch = 2: unknown key; expected one of epochs,"),
        ("trainng.epochs=2", "study.toml with --set trainng.epochs=2: [trainng]: unknown section; did you mean"),
        ("targets.timbre.metrics=['acuracy']", "--set targets.timbre.metrics = 'acuracy': expected one of accuracy"),
        ("design.phase.2.repeats=0", "--set design.phase.2.repeats = 0: expected greater than or equal to 1"),
        ("design.phase.4.repeats=1", "--set design.phase.4.repeats = 1: the study file has no section design.phase.4"),
        ("design.phase.4=1", "--set design.phase.4 = 1: expected a number from 1 to 3 after design.phase"),
        ("training.epochs.more=1", "--set training.epochs.more = 1: the study file has no section training.epochs"),
        ("mel.hop_samples=512", "study.toml with --set mel.hop_samples=512: [mel] crop_s = 0.5: a crop has"),
        ("training.epochs", "--set = 'training.epochs': expected section.key=value, such as training.epochs=2"),
        ("training.epochs=", "--set = 'training.epochs=': expected section.key=value"),
        ("schema=1", "--set = 'schema=1': expected section.key=value"),
        ("training epochs=2", "--set = 'training epochs=2': expected section.key=value"),
        ("factors.width=[0.5", "--set factors.width = '[0.5': not valid TOML"),
        ("training.epochs=2\nwidth=3", "--set training.epochs = '2\\nwidth=3': expected a valid integer"),
    ],
)  # fmt: skip
def test_faults_name_the_option(folder: Path, override: str, fault: str) -> None:
    assert told(folder, override).startswith(fault)


def test_faults_of_the_file_and_of_overrides_come_together_each_under_its_name(folder: Path) -> None:
    (folder / "study.toml").write_text(STUDY.replace("batch_size = 8", "batch_size = 1"), encoding="utf-8")
    lines = told(folder, "training.epochs=0", "targets.height.repeats=0").splitlines()
    assert sorted(lines) == [
        "--set targets.height.repeats = 0: expected greater than or equal to 1",
        "--set training.epochs = 0: expected greater than or equal to 1",
        "study.toml: [training] batch_size = 1: expected greater than or equal to 2",
    ]
    assert read_study(folder, ["training.batch_size=4"]).training.batch_size == 4, "an override may mend the file"

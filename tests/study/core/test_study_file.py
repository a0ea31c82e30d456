"""Faults of the study file: all at once, each with its key, what stands there, what was expected, the nearest name."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.errors import InputFaults, nearest
from study.core.named_files import missing_files
from study.core.reading import read_study
from study.core.study_checks import not_launchable
from study.core.study_file import Study, default_phases
from tests.small_study import STUDY

TEMPLATES = [entry for entry in (files("study") / "templates").iterdir() if (entry / "study.toml").is_file()]


def read(tmp_path: Path, text: str) -> Study:
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    return read_study(tmp_path)


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InputFaults) as caught:
        read(tmp_path, text)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[training]", "[traning]", ["study.toml: [traning]: unknown section; did you mean 'training'?"]),
        ("epochs = 1", "epocs = 1", ["[training] epocs = 1: unknown key", "did you mean 'epochs'?"]),
        ("epochs = 1", "epochs = -1", ["[training] epochs = -1: expected greater than or equal to 1"]),
        ("epochs = 1", 'epochs = "1"', ["[training] epochs = '1': expected a valid integer"]),
        ("[targets.timbre]", f"[targets.{'t' * 101}]", ["[targets.ttt", "expected at most 100 characters"]),
        ("epochs = 1", "epochs = true", ["[training] epochs = True: expected a valid integer"]),
        ('tracks = "height.csv"', "tracks = 3", ["[targets.height] tracks = 3: expected a path as text"]),
        (
            "sample_rate_hz = 8000",
            "sample_rate_hz = 44.1",
            ["[corpus] sample_rate_hz = 44.1", "4000 to 192000; did you mean '44100'"],
        ),
        (
            '"MS-CR@6", "MS-CR@4"',
            '"MS-CR6", "MS-CR@4"',
            ["[[design.phase]] 2 (all) strategy = 'MS-CR6'", "did you mean 'MS-CR@6'?"],
        ),
        ('labels = "gmm"', 'labels = "gmn"', ["[sources.pitch] labels = 'gmn'", "did you mean 'gmm'?"]),
        ('table = "tags.csv"', "", ['[sources.tag] table: missing; labels = "plsa" needs a table']),
        ("factors = 4", "factors = 4\nresolution = 0", ["[sources.pitch] resolution = 0: expected greater than 0"]),
        ("factors = 3", "factors = 3\nresolution = 1", ['[sources.tag] resolution = 1.0: only for labels = "gmm"']),
        ("factors = 4", 'order = ["a", "b"]', ["[sources.pitch] order = ['a', 'b']: only for labels = \"ordinal\""]),
        (
            'labels = "gmm"',
            'labels = "ordinal"\norder = ["soft", "even", "loud"]',
            ["[sources.pitch] factors = 4: expected 3, the number of levels in `order`; or leave it out"],
        ),
        (
            'labels = "gmm"',
            'labels = "ordinal"\norder = ["soft", "even", "soft", "loud"]',
            ["[sources.pitch] order", "expected each item only once"],
        ),
        (
            'labels = "self"',
            'labels = "self"\ntable = "x.csv"',
            ["[sources.self] table", 'labels = "self" has no table'],
        ),
        ("[sources.self]", "[sources.Self]", ["[sources.Self]", "expected a name made of a-z, 0-9, _ and -"]),
        ('interactions = "plays.csv"', "", ["[targets.plays] interactions: missing"]),
        ('metrics = ["ndcg@10", ', 'metrics = ["ndgc@10", ', ["[targets.plays] metrics = 'ndgc@10'", "did you mean"]),
        (
            'task = "regression"',
            'task = "multilabel"',
            ["[targets.height] task = 'multilabel': tables are not supported by this version; expected `source`"],
        ),
        ('tracks = "height.csv"', 'reader = "fma.medium"\npath = "fma"', ["[targets.height] reader", "not supported"]),
        (
            'name = "small"',
            'name = "small"\nstore = "s3://bucket/x"',
            ["[study] store", "object stores are not supported"],
        ),
        (
            "n_sources = [2]",
            "n_sources = { from = 2, to = 4 }",
            ["[[design.phase]] 3 (sequential) n_sources = 4: expected at most 3"],
        ),
        ("n_sources = [2]", "n_sources = [1]", ["no run is possible: SS-R has one source"]),
        ('name = "all"', 'name = "single"', ["[[design.phase]] 2 (single) name = 'single': this name is taken"]),
        ("seed = 5", "seed = 5\nsede = 6", ["[study] sede = 6: unknown key", "did you mean 'seed'?"]),
        ("seed = 5", "seed = 9223372036854775808", ["[study] seed", "less than 9223372036854775808"]),
        ("learning_rate = 0.001", "learning_rate = inf", ["[training] learning_rate = inf: expected a finite number"]),
        ("schema = 1", "schema = 2", ["schema = 2: expected 1"]),
        ("schema = 1\n", "", ["study.toml: schema: missing"]),
    ],
)
def test_one_fault(tmp_path: Path, old: str, new: str, told: list[str]) -> None:
    assert old in STUDY
    found = faults(tmp_path, STUDY.replace(old, new, 1))
    assert len(found) == 1, found
    assert all(part in found[0] for part in told), found


def test_phases_have_the_studys_strategies(tmp_path: Path) -> None:
    text = STUDY.split("[[design.phase]]")[0] + '[factors]\nstrategy = ["MSS-CR", "SS-R"]\n'
    free = '[[design.phase]]\nname = "any"\nn_sources = [1, 2]\n'
    bound = '[[design.phase]]\nname = "bound"\nstrategy = ["SS-R"]\nn_sources = [1]\n'
    phases = read(tmp_path, text + free + bound).phases
    assert [phase.strategy for phase in phases] == [("MSS-CR", "SS-R"), ("SS-R",)]
    (found,) = faults(tmp_path, text + bound.replace("SS-R", "MS-CR@4").replace("[1]", "[2]"))
    assert "[[design.phase]] 1 (bound) strategy = 'MS-CR@4': not a level of [factors] strategy: MSS-CR, SS-R" in found


def test_phases_without_strategies_need_sources_that_the_studys_allow(tmp_path: Path) -> None:
    text = STUDY.split("[[design.phase]]")[0] + '[factors]\nstrategy = ["MSS-CR"]\n'
    (found,) = faults(tmp_path, text + '[[design.phase]]\nname = "any"\nn_sources = [1]\n')
    assert "no run is possible" in found


def test_all_faults_at_once(tmp_path: Path) -> None:
    text = (
        STUDY.replace("epochs = 1", "epochs = 0\nbatchsize = 8")
        .replace('"gmm"', '"gm"')
        .replace('table = "tags.csv"', "")
    )
    found = faults(tmp_path, text + "[factors]\nwidth = [1.0]\n[[design.constraint]]\nforbid = { strategi = 'SS-R' }\n")
    keys = ("epochs", "batchsize", "[sources.pitch] labels", "[sources.tag] table", "[factors] width")
    assert all(any(key in fault for fault in found) for key in keys), found


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        ("width = [0.5, -1.0]", "[factors] width = -1.0: expected greater than 0"),
        ("width = [0.5, 0.5]", "expected each item only once"),
        ("colour = ['red', 1]", "expected levels of one kind"),
        ("colour = [0.5, nan]", "[factors] colour = nan: expected a finite number"),
        ("phase = ['a', 'b']", "this name is taken"),
        ("strategy = ['SSR']", "did you mean 'SS-R'"),
    ],
)
def test_factors(tmp_path: Path, factors: str, told: str) -> None:
    assert any(told in fault for fault in faults(tmp_path, f"{STUDY}\n[factors]\n{factors}\n"))


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        ("forbid = { strategy = 'MSSCR' }", "did you mean 'MSS-CR'"),
        ("forbid = { sources = ['slf'] }", "did you mean 'self'"),
        ("forbid = { n_sources = 9 }", "expected one of 1, 2, 3"),
        ("forbid = { colour = 'red' }", "1 forbid.colour: expected one of strategy, sources, n_sources"),
        ("require = { sources = ['self', 'pich'] }", "1 require.sources = 'pich': expected one of self, pitch, tag"),
        ("when = { strategi = 'SS-R' }\nrequire = { sources = 'self' }", "1 when.strategi: expected one of strategy"),
        ("when = { strategy = 'SS-R' }", "[[design.constraint]] 1: expected either `forbid` or `require`"),
        ("forbid = { n_sources = 2 }\nrequire = { sources = 'self' }", "1: expected either `forbid` or `require`"),
        ("forbid = { n_sources = 2 }\nwhen = { sources = 'self' }", "1 when: works only with `require`"),
        ("forbid = { sources = [] }", "[[design.constraint]] 1 forbid"),
        ("require = {}", "[[design.constraint]] 1 require"),
    ],
)
def test_constraints(tmp_path: Path, constraint: str, told: str) -> None:
    found = faults(tmp_path, f"{STUDY}\n[[design.constraint]]\n{constraint}\n")
    assert len(found) == 1
    assert told in found[0]


def test_a_factor_that_trains_nothing_can_be_designed_but_not_launched(tmp_path: Path) -> None:
    study = read(tmp_path, f"{STUDY}\n[factors]\nwidht = [0.5, 1.0]\nlearning_rate = [0.1, 0.01]\n")
    (fault,) = not_launchable(study)
    assert fault.key == "[factors] widht" and fault.nearest == "width"
    assert study.training_of({"learning_rate": 0.1}).learning_rate == 0.1


def test_missing_files_are_no_fault_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "track.csv").touch()
    found = missing_files(read(tmp_path, STUDY))
    assert len(found) == 7
    assert found[0].nearest == "track.csv"


def test_broken_toml_and_no_file(tmp_path: Path) -> None:
    assert "not valid TOML" in faults(tmp_path, "schema = ")[0]
    with pytest.raises(InputFaults, match=r"no study\.toml in this folder"):
        read_study(tmp_path / "nowhere")


def test_defaults_are_the_papers(tmp_path: Path) -> None:
    minimal = """schema = 1
[study]
name = "x"
seed = 1
[corpus]
tracks = "t.csv"
sample_rate_hz = 22050
channels = 2
[sources.self]
labels = "self"
[sources.year]
labels = "gmm"
table = "year.csv"
[targets.a]
task = "classification"
tracks = "a.csv"
"""
    study = read(tmp_path, minimal)
    assert study.crop_frames == 216
    assert study.training.model_dump(exclude={"precision", "checkpoint_minutes", "compile"}) == {
        "epochs": 200, "iterations": "lm", "batch_size": 128, "learning_rate": 0.00025, "l2": 1e-6, "width": 1.0,
        "backbone": "base", "learner": "base", "activation": "relu", "optimiser": "adam", "loss": "kl",
        "reduction": "batchmean", "initialisation": "pytorch", "schedule": "one", "weights": {}, "select": "last",
        "patience": None, "dropout": 0.5, "learning_rate_schedule": "constant", "clip_norm": None,
        "weight_decay": "coupled",
    }  # fmt: skip
    assert study.sources["year"].factors == 50
    assert study.targets["a"].metric_names == ("accuracy",) and study.targets["a"].repeats == 5
    assert study.corpus.tracks == tmp_path / "t.csv" and study.store == tmp_path
    assert [phase.name for phase in study.phases] == ["single", "all"]


def test_default_phases() -> None:
    single, everything, sequential = default_phases(("SS-R", "MSS-CR", "MS-CR@2"), 8)
    assert single.n_sources == (1,) and everything.n_sources == (8,)
    assert sequential.n_sources == tuple(range(2, 8)) and sequential.criterion == "anytime"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda entry: entry.name)
def test_templates_are_valid(template: Path, tmp_path: Path) -> None:
    study = read(tmp_path, (template / "study.toml").read_text(encoding="utf-8"))
    assert study.targets


def test_schema_accepts_what_the_model_writes(tmp_path: Path) -> None:
    schema = Study.model_json_schema(by_alias=True)
    assert set(tomllib.loads(STUDY)) <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_schema_takes_what_the_file_may_say_and_nothing_else(tmp_path: Path) -> None:
    """Lists and ranges, of levels and of numbers of sources; refused by the schema where the reader refuses them."""
    validator = pytest.importorskip("jsonschema").Draft202012Validator(Study.model_json_schema(by_alias=True))
    factors = "[factors]\n{}\n[[design.phase]]\nname = 'p'\nn_sources = {}\n"
    lists = ("width = [0.5, 1.0]", "[2, 3]")
    ranges = ("l2 = { from = 0.0, to = 0.1, points = 5 }", "{ from = 2, to = 3 }")
    wrong = [("width = []", "[2]"), ("width = [0.5]", "[]"), ("l2 = { from = 0.0 }", "[2]"),
             ("l2 = { from = 0.0, to = 0.1, points = 1 }", "[2]"), ("width = [0.5]", "{ from = 2 }"),
             ("width = [0.5]", "[0.5]")]  # fmt: skip
    for words in (lists, ranges):
        text = STUDY + factors.format(*words)
        assert read(tmp_path, text) and validator.is_valid(tomllib.loads(text))
    for words in wrong:
        text = STUDY + factors.format(*words)
        with pytest.raises(InputFaults):
            read(tmp_path, text)
        assert not validator.is_valid(tomllib.loads(text)), words
    for entry in TEMPLATES:
        validator.validate(tomllib.loads((entry / "study.toml").read_text(encoding="utf-8")))


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_any_section_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, raw: dict) -> None:
    """Whatever stands in [training] and [sources], the file is read or its faults are told; nothing else is raised."""
    from pydantic import ValidationError

    from study.core.file_checks import faults_of_validation
    from study.core.sections import Source, Training

    for model in (Training, Source):
        try:
            model.model_validate(raw)
        except ValidationError as error:
            assert all(str(fault) for fault in faults_of_validation("study.toml", "training", model, error))


def test_nearest() -> None:
    assert nearest("ms-cr@5", ("SS-R", "MS-CR@6")) == "MS-CR@6"
    assert nearest("zzz", ("SS-R", "MS-CR@6")) is None

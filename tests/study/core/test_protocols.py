from __future__ import annotations

from pathlib import Path

import pytest

from study.core.errors import InputFaults
from study.core.reading import read_study
from study.core.run import baseline_runs, make_run
from tests.small_study import STUDY


def read(folder: Path, text: str, *overrides: str):
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return read_study(folder, overrides)


AUTHORS = STUDY.replace("[study]", '[study]\nprotocol = "authors"')


def test_a_protocol_sets_what_the_file_omits(tmp_path: Path) -> None:
    study = read(tmp_path, AUTHORS)
    training = study.training
    assert (training.reduction, training.initialisation, training.iterations) == ("mean", "glorot", "l")
    assert study.targets["plays"].holdout == 0.05
    for name in ("timbre", "height"):
        assert (study.targets[name].features, study.targets[name].unsplit) == ("raw", "folds")
    assert training.epochs == 1, "as the file has it"


def test_the_file_wins(tmp_path: Path) -> None:
    own = AUTHORS.replace("[training]", '[training]\niterations = "lm"').replace(
        '"timbre.csv"\n', '"timbre.csv"\nfeatures = "standardised"\nfolds = 3\n'
    )
    study = read(tmp_path, own, "targets.height.split=random")
    assert (study.training.iterations, study.training.initialisation) == ("lm", "glorot")
    assert (study.targets["timbre"].features, study.targets["timbre"].unsplit) == ("standardised", "random")
    assert study.targets["height"].unsplit == "random"


def test_the_paper_is_the_default_and_has_the_ids_of_before(tmp_path: Path) -> None:
    plain = read(tmp_path, STUDY)
    paper = read(tmp_path, STUDY.replace("[study]", '[study]\nprotocol = "paper"'))
    authors = read(tmp_path, AUTHORS)
    runs = [make_run(study, "", 0, "SS-R", ("pitch",)).run_id for study in (plain, paper, authors)]
    assert runs[0] == runs[1] != runs[2]
    randoms = [baseline_runs(study)[1].run_id for study in (plain, paper, authors)]
    assert randoms[0] == randoms[1] != randoms[2], "an untrained network is initialised otherwise"
    identities = [study.targets["timbre"].identity() for study in (plain, paper, authors)]
    assert identities[0] == identities[1] and "unsplit" not in identities[0] and "unsplit" in identities[2]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ('unsplit = "folds"\nfolds = 3', "unsplit"),
        ('unsplit = "folds"\nsplit = "random"', "unsplit"),
        ('unsplit = "folds"', "repeats"),
    ],
)
def test_settings_that_contradict_each_other(tmp_path: Path, settings: str, key: str) -> None:
    repeats = "repeats = 2" if key == "unsplit" else "repeats = 1"
    text = STUDY.replace('probe = "knn"\nrepeats = 2', f'probe = "knn"\n{repeats}\n{settings}', 1)
    with pytest.raises(InputFaults) as caught:
        read(tmp_path, text)
    assert [fault.key for fault in caught.value.faults] == [f"[targets.timbre] {key}"]


def test_a_malformed_section_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(InputFaults) as caught:
        read(tmp_path, AUTHORS.replace("[training]\nepochs = 1", "[training]\nepochs = 0"))
    assert [fault.key for fault in caught.value.faults] == ["[training] epochs"]

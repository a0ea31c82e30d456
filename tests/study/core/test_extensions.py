"""What installed packages add: names from metadata, and one clear error where one cannot be loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from study.core.errors import InputFaults
from study.core.extensions import GROUPS, OBJECTIVES, SOURCES, extension_names, extensions, load_extension
from tests.own_package import unpack, write_wheel

MODULE = "VALUE = 3\n\ndef function():\n    pass\n"
POINTS = {OBJECTIVES: {"three": "addsthree:VALUE", "gone": "addsthree:LOST", "call": "addsthree:function"},
          SOURCES: {"broken": "addsbroken:VALUE"}}  # fmt: skip
FILES = {"addsthree.py": MODULE, "addsbroken.py": "1 / 0\n"}


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    site = unpack(write_wheel(tmp_path, FILES, POINTS, "adds-three", "1.2"), tmp_path / "site")
    monkeypatch.syspath_prepend(str(site))
    return site


def test_names_packages_and_versions_without_loading() -> None:
    found = extensions()
    assert [str(one) for one in found] == [
        "kind of labels 'broken' of adds-three 1.2",
        "objective 'call' of adds-three 1.2",
        "objective 'gone' of adds-three 1.2",
        "objective 'three' of adds-three 1.2",
    ]
    assert extension_names(OBJECTIVES) == ("call", "gone", "three") and extensions(*GROUPS) == found
    assert not {"addsthree", "addsbroken"} & set(sys.modules)


def test_loading_by_name() -> None:
    assert load_extension(OBJECTIVES, "three", int) == 3


@pytest.mark.parametrize(
    ("group", "name", "message"),
    [
        (OBJECTIVES, "thre", "no installed package offers this objective; did you mean 'three'?"),
        (SOURCES, "three", "no installed package offers this kind of labels"),
        (OBJECTIVES, "gone", "addsthree:LOST of adds-three 1.2 cannot be imported: AttributeError"),
        (SOURCES, "broken", "addsbroken:VALUE of adds-three 1.2 cannot be imported: ZeroDivisionError"),
        (OBJECTIVES, "call", "expected a value of study.extend.int, found a value of function"),
    ],
)
def test_one_clear_error(group: str, name: str, message: str) -> None:
    with pytest.raises(InputFaults) as caught:
        load_extension(group, name, int)
    (fault,) = caught.value.faults
    assert fault.key == f"{group} {name}" and message in str(fault)


def test_two_packages_with_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write_wheel(tmp_path, {}, {OBJECTIVES: {"three": "addsthree:VALUE"}}, "adds-more", "0.1")
    monkeypatch.syspath_prepend(str(unpack(other, tmp_path / "more")))
    assert extension_names(OBJECTIVES) == ("call", "gone", "three")
    with pytest.raises(InputFaults, match=r"expected one package to offer it; found adds-more 0\.1, adds-three 1\.2"):
        load_extension(OBJECTIVES, "three", int)


def test_the_current_folder_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a stranger's, such as the folder of a study."""
    stranger = write_wheel(tmp_path, FILES, {OBJECTIVES: {"stranger": "addsthree:VALUE"}}, "stranger", "1")
    folder = unpack(stranger, tmp_path / "folder")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    assert "stranger" not in extension_names(OBJECTIVES)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    assert "stranger" in extension_names(OBJECTIVES)

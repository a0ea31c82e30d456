"""A package that adds to studies, as a user would install it: a wheel, installed by pip."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_wheel(
    folder: Path, files: Mapping[str, str], entry_points: Mapping[str, Mapping[str, str]], name: str, version: str
) -> Path:
    """A wheel of `files` by their paths, with `entry_points` by group and name; built without a network."""
    groups = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in entry_points.items()
    ]
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    whole = dict(files) | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": WHEEL,
        f"{info}/entry_points.txt": "\n".join(groups),
    }
    record = "".join(f"{path},,\n" for path in [*whole, f"{info}/RECORD"])
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, content in [*whole.items(), (f"{info}/RECORD", record)]:
            wheel.writestr(inner, content)
    return path


def install(wheel: Path, site: Path) -> Path:
    """Install a wheel into a folder of its own; the folder."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*command, "--disable-pip-version-check", "--target", str(site), str(wheel)], check=True)
    return site


def import_from(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and those that it starts import what is installed in a folder."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(site))
    for name in [name for name in sys.modules if name.split(".")[0] == "soundlab"]:
        monkeypatch.delitem(sys.modules, name)


def unpack(wheel: Path, site: Path) -> Path:
    """As `install`, without pip: a wheel of Python alone is its own installed form."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site

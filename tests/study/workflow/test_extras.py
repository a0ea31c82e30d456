from __future__ import annotations

import sys
from pathlib import Path

import pytest

from study.core.errors import MissingExtra
from study.workflow.extras import needs_train
from study.workflow.new import new_study


def test_a_missing_package_of_the_extra_names_the_line_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "jobs.demo.synthesis", raising=False)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtra, match=r"this needs soundfile.*pip install 'representation-study\[train\]'"):
        new_study(tmp_path / "demo", "demo")


def test_any_other_missing_module_is_a_bug_and_stays_one() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"), needs_train():
        import nowhere  # noqa: F401

"""Docs stay true: every command, key, factor, source kind and result column is in them, and what they run exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

import study.core
from jobs.failures import DAMAGED, DISK_FULL, ERROR, GPU_MEMORY, HOST_MEMORY, LOST
from study.cli import app
from study.core.evaluation_factors import EVALUATION_FACTORS
from study.core.factors import BASELINES, TRAINING_FACTORS
from study.core.field_types import Section
from study.core.reading import read_study
from study.core.results import result_schema
from study.core.sections import METRICS
from study.core.strategies import STRATEGIES
from study.core.study_file import Study
from tests.small_study import STUDY

ROOT = Path(__file__).parents[1]
PAGES = sorted(ROOT.glob("docs/*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = get_command(app).commands


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


@pytest.mark.parametrize("text", [README, *map(Path.read_text, PAGES)], ids=["README", *(path.name for path in PAGES)])
def test_every_command_line_is_one(text: str) -> None:
    for words in map(shlex.split, shell_lines(text)):
        if words[0] == "study":
            command = COMMANDS[words[1]]
            options = {option for parameter in command.params for option in parameter.opts}
            assert {word.split("=")[0] for word in words if word.startswith("--")} <= options, words


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for line in shell_lines(README) if line.startswith("make ")}
    assert named == {"demo", "test"} and named <= targets


def test_every_command_is_shown() -> None:
    everything = README + "".join(path.read_text() for path in PAGES)
    for name, command in COMMANDS.items():
        assert f"study {name}" in everything, name
        assert command.help, name


SECTIONS = [section for section in Section.__subclasses__() if section is not Study]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_of_the_study_file_is_documented(section) -> None:
    text = page("study-file.md")
    for key in section.model_fields:
        assert any(form in text for form in (f"`{key}`", f"{key} =", f"`{key}` in", f".{key}]]")), key


def test_names_are_documented() -> None:
    text = page("study-file.md") + page("results.md") + page("learning.md")
    levels = [level for factor in EVALUATION_FACTORS.values() for level in factor.named]
    factors = [*TRAINING_FACTORS, *EVALUATION_FACTORS, *levels]
    names = [*STRATEGIES, *BASELINES[:2], *factors, *(name for of in METRICS.values() for name in of)]
    assert [name for name in names if name not in text] == []
    causes = page("cluster.md")
    assert all(f"`{cause}`" in causes for cause in (LOST, GPU_MEMORY, HOST_MEMORY, DISK_FULL, DAMAGED, ERROR))


def test_every_result_column_is_documented(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    text = page("results.md")
    for name in result_schema(read_study(tmp_path)).names:
        assert f"`{name}`" in text or name.startswith("source."), name


def test_the_study_file_of_the_readme_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "study.toml").write_text(block, encoding="utf-8")
    assert [phase.name for phase in read_study(tmp_path).phases] == ["single", "all", "sequential"]


def test_links_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *PAGES):
        for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_index_of_the_ground_has_every_file() -> None:
    named = set(re.findall(r"[a-z_]+", study.core.__doc__ or ""))
    assert {path.stem for path in Path(study.core.__file__).parent.glob("[!_]*")} - {"py"} <= named

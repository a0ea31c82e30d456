"""Further models and contrasts of a study file: what is wrong with them is told before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.core.errors import InputFaults
from study.core.plan_sections import AnalysisSection
from study.core.reading import read_study
from tests.small_study import STUDY

FACTORS = """
[factors]
strategy = ["SS-R", "MS-CR@2", "MSS-CR"]
width = [0.125, 0.25]
precision = ["auto", "float32"]
"""
MODEL = """
[[analysis.model]]
name = "interaction"
formula = "score ~ strategy * n_star + pitch + width + (1 + n_star | target) + (1 | run_id)"
"""
CONTRAST = """
[[analysis.contrast]]
model = "strategy"
name = "one network less one source"
weights = { "strategy[MS-CR@2]" = 1, "strategy[SS-R]" = -1.0, "factor.precision[float32]" = 0.5 }
"""


def read(tmp_path: Path, text: str) -> AnalysisSection:
    without_phases = STUDY.partition("[[design.phase]]")[0]
    (tmp_path / "study.toml").write_text(without_phases + FACTORS + text, encoding="utf-8")
    return read_study(tmp_path).analysis


def test_models_and_contrasts_are_read(tmp_path: Path) -> None:
    analysis = read(tmp_path, MODEL + CONTRAST)
    assert analysis.model[0].name == "interaction"
    assert analysis.contrast[0].weights == {
        "strategy[MS-CR@2]": 1.0, "strategy[SS-R]": -1.0, "factor.precision[float32]": 0.5
    }  # fmt: skip


def test_contrasts_of_the_second_model_and_of_formulas_are_read(tmp_path: Path) -> None:
    size = CONTRAST.replace('"strategy"', '"size"', 1).replace("strategy[MS-CR@2]", "r_star:n_star")
    size = size.replace("strategy[SS-R]", "r_star").replace("factor.precision[float32]", "intercept")
    own = CONTRAST.replace('"strategy"', '"interaction"', 1).replace("strategy[MS-CR@2]", "what only the rows tell")
    assert len(read(tmp_path, MODEL + size + own).contrast) == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"interaction"', '"size"', "[[analysis.model]] 1 (size) name = 'size': this name is taken"),
        ("+ pitch", "+ pich", "column 29: `pich`: no such variable; expected one of source.self, source.pitch,"),
        ("+ pitch", "+ pich", "did you mean 'pitch'?"),
        ("* n_star +", "* n_star +*", "column 28: `*`: expected a variable, 0, 1 or `(`"),
        ('model = "strategy"', 'model = "interactoin"',
         "[[analysis.contrast]] 1 (one network less one source) model = 'interactoin': no such model; expected one of "
         "strategy, size, paper_strategy, paper_size, interaction; did you mean 'interaction'?"),
        ('model = "strategy"', 'model = "components"', "no such model"),
        ("strategy[MS-CR@2]", "strategy[MS-CR2]", "weights = 'strategy[MS-CR2]': no such term; expected one of"),
        ("strategy[MS-CR@2]", "strategy[MS-CR2]", "did you mean 'strategy[MS-CR@2]'?"),
        ("strategy[MS-CR@2]", "strategy[MS-CR@4]", "weights = 'strategy[MS-CR@4]': no such term"),  # not in this study
        ("strategy[MS-CR@2]", "factor.precision[auto]", "no such term"),  # the level that the others stand against
        ('= 1, "strategy[SS-R]" = -1.0, "factor.precision[float32]" = 0.5', "= 0", "expected at least one that is not"),
        ("= -1.0", '= "a"', "[[analysis.contrast]] 1 weights strategy[SS-R] = 'a'"),
        ("[[analysis.contrast]]", CONTRAST + "[[analysis.contrast]]", "2 (one network less one source) name"),
        ("[[analysis.model]]", MODEL + "[[analysis.model]]", "[[analysis.model]] 2 (interaction) name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(InputFaults) as caught:
        read(tmp_path, (MODEL + CONTRAST).replace(old, new, 1))
    assert told in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    wrong = (MODEL + CONTRAST).replace("pitch", "pich").replace("n_star |", "n_str |").replace("MS-CR@2", "MS-CR")
    with pytest.raises(InputFaults) as caught:
        read(tmp_path, wrong + '[[design.phase]]\nname = "x"\nn_sources = [9]\n')
    assert len(caught.value.faults) == 4

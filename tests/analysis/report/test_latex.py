from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.exhibits.exhibit import Table
from analysis.report.latex import escaped, latex


def test_a_table_is_set_between_the_rules_of_booktabs() -> None:
    frame = pd.DataFrame({"term": ["strategy[SS-R]:n_star", "50 % & more"], "p": [2.5e-7, np.nan], "runs": [3, -1],
                          "boundary": [True, False]})  # fmt: skip
    lines = latex(Table("strategy_fixed", "Fixed effects", "By R^2", frame)).splitlines()
    assert lines[3:6] == [
        r"\caption{Fixed effects. By R\textasciicircum{}2}", r"\label{tab:strategy_fixed}", r"\begin{tabular}{lrrl}",
    ]  # fmt: skip
    assert lines[6:-2] == [
        r"\toprule", r"term & p & runs & boundary \\", r"\midrule",
        r"strategy[SS-R]:n\_star & $2.5\times 10^{-7}$ & 3 & yes \\", r"50 \% \& more & -- & $-1$ & no \\",
        r"\bottomrule",
    ]  # fmt: skip


def test_nothing_of_a_name_is_read_as_a_command() -> None:
    hostile = r"\input{/etc/passwd} $x$ {a} b_c ~ ^ # % & <|> {{ 7*7 }}"
    text = escaped(hostile)
    bare = text
    for shown in (r"\textbackslash{}", r"\textasciitilde{}", r"\textasciicircum{}", r"\textless{}", r"\textgreater{}",
                  r"\textbar{}", r"\{", r"\}", r"\$", r"\&", r"\%", r"\#", r"\_"):  # fmt: skip
        assert shown in text
        bare = bare.replace(shown, "")
    assert not set(bare) & set("\\{}$&#^_%~<>|")
    assert "7*7" in bare

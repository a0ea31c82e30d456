"""A table as LaTeX, to be put into a paper as it stands: booktabs rules, numbers as on the page, text escaped."""

from __future__ import annotations

import pandas as pd

from analysis.exhibits.exhibit import Table
from analysis.wording import cell

ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "%": r"\%",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': r"\textquotedbl{}",
        "−": "$-$",
        "–": "--",
        "—": "---",
        "²": r"\textsuperscript{2}",
        "\n": " ",
    }
)
"""Every character that LaTeX reads as something else, and those of the report's own beyond ASCII."""


def latex(table: Table) -> str:
    """A `table` environment with `\\toprule`, `\\midrule` and `\\bottomrule`; needs the packages booktabs and fontenc
    (T1). Numbers stand to the right, text to the left; the title and the note are the caption."""
    types = pd.api.types
    numeric = [types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind) for kind in table.frame.dtypes]
    rows = [
        [_number(value) if is_number else escaped(cell(value)) for value, is_number in zip(row, numeric, strict=True)]
        for row in table.frame.itertuples(index=False, name=None)
    ]
    caption = escaped(f"{table.title}. {table.note}".strip())
    return "\n".join(
        [
            "% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}",
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{caption}}}",
            f"\\label{{tab:{table.name}}}",
            f"\\begin{{tabular}}{{{''.join('r' if is_number else 'l' for is_number in numeric)}}}",
            "\\toprule",
            _line([escaped(str(name)) for name in table.frame]),
            "\\midrule",
            *map(_line, rows),
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return text.translate(ESCAPED)


def _number(value: object) -> str:
    digits, _, exponent = cell(value).partition("e")
    power = f"\\times 10^{{{int(exponent)}}}" if exponent else ""
    return f"${digits}{power}$" if digits.startswith("-") or power else escaped(digits)


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"

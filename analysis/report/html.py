"""The report's HTML, from the templates of this room."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.wording import cell, number
from study.pages.html import environment


def render(template: str, **values: object) -> str:
    """The template with these values."""
    made = environment(Path(__file__).parent)
    made.filters |= {"cell": cell, "decimals": number}
    made.tests["numeric"] = pd.api.types.is_numeric_dtype
    return made.get_template(template).render(**values)

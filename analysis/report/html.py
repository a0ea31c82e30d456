"""HTML from the templates of this room: all text from outside is escaped."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from analysis.wording import cell, number


def render(template: str, **values: object) -> str:
    """The template with these values."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "decimals": number}
    environment.tests["numeric"] = pd.api.types.is_numeric_dtype
    return environment.get_template(template).render(**values)

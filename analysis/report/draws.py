"""The parametric bootstrap's draws as a file: what anybody needs for an interval of their own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.models import Model


def write_draws(model: Model, seed: int, path: Path) -> None:
    """Write a row for each certified refit: `fixed.<term>` and `variance.<group>.<term>`, without the fit's own values.

    The schema's metadata say `seed` (of the whole report), `model`, `formula`, `refits` and `refits_left_out`, those
    that were not certified.
    """
    fit, refits = model.fit, model.refits
    fixed = pd.DataFrame(refits.estimate, columns=[f"fixed.{term}" for term in fit.fixed_terms])
    random = [f"variance.{term.group}.{name}" for term in fit.random for name in term.columns]
    variance = pd.DataFrame(refits.variance, columns=random)
    table = pa.Table.from_pandas(pd.concat([fixed, variance], axis=1), preserve_index=False)
    about = {
        "seed": seed, "model": model.name, "formula": model.formula, "refits": len(refits.estimate),
        "refits_left_out": refits.n_uncertified,
    }  # fmt: skip
    pq.write_table(table.replace_schema_metadata({name: str(value) for name, value in about.items()}), path)

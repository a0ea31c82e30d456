"""The parametric bootstrap's draws as a file: what anybody needs for an interval of their own."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from analysis.fitted_model import Model
from analysis.fitting.bootstrap import draws
from study.core.content import parquet_bytes
from study.core.writing import write_whole


def write_draws(model: Model, seed: int, path: Path) -> None:
    """Write `draws` of the model's refits, a row for each that was certified.

    The schema's metadata say `seed` (of the whole report), `model`, `formula`, `refits` and `refits_left_out`, those
    that were not certified.
    """
    if model.fit is None or model.refits is None:
        return
    table = pa.Table.from_pandas(draws(model.fit, model.refits), preserve_index=False)
    about = {
        "seed": seed,
        "model": model.name,
        "formula": model.formula,
        "refits": len(model.refits.estimate),
        "refits_left_out": model.refits.n_uncertified,
    }
    write_whole(path, parquet_bytes(table.replace_schema_metadata({name: str(value) for name, value in about.items()})))

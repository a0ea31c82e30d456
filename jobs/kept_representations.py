"""The representations of sounds until they are scored; those of targets that runs kept, and the most probable factor of
each track by each output layer."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.prepared_data import Prepared, topics_path
from study.core.content import npy_bytes, text_of_cell
from study.core.digests import is_sealed, read, sealed, table_of
from study.core.paths import Paths
from study.core.study_file import Study
from study.core.writing import write_beside_another_launch

KEPT = "representation.parquet"
KEPT_AGAIN = "delete the run's result on this target, and `study launch` makes both again"
"""The remedy for a damaged representation that was kept."""
MADE_AGAIN = "the launch makes it again"
"""The remedy for what is in the store until it is scored."""


def save_representation(path: Path, vectors: np.ndarray) -> None:
    """Write the vectors of a set of sounds (n_tracks, d), until targets are scored with them."""
    write_beside_another_launch(path, sealed(npy_bytes(vectors)))


def read_representation(path: Path) -> np.ndarray:
    """What `save_representation` wrote. Raises FileNotFoundError and Damaged."""

    def parse(content: bytes) -> np.ndarray:
        if not is_sealed(content):
            raise ValueError("no digest")
        return np.load(io.BytesIO(content), allow_pickle=False)

    return read(path, parse, MADE_AGAIN)


def kept_representation(study: Study, run_id: str, target: str) -> pd.DataFrame | None:
    """Index track_id, columns `mean_<d>` and `deviation_<d>` as kept, and `topic.<source>`; None if nothing was kept.

    `topic.<source>`, counted from 1, is the factor of the source that the run's own output layer finds most probable
    at the track's mean representation (Kim et al. 2019, 5.5). Output layers are linear, so it is also the most
    probable factor in the geometric mean over the track's crops. `self` and baselines have no topics.
    """
    path = Paths(study.store).target(run_id, target) / KEPT
    if not path.is_file():
        return None
    kept = read(path, table_of, KEPT_AGAIN).to_pandas().set_index("track_id")
    if not Paths(study.store).weights(run_id).is_file():
        return kept
    import torch  # takes seconds, and few reports need it

    from jobs.learning.representation import load_network

    network, _, _ = load_network(Paths(study.store).weights(run_id))
    mean = torch.from_numpy(kept.filter(regex="^mean_").to_numpy("float32").copy())
    branches = mean.chunk(len(network.branches), dim=1) if network.branches else [mean] * len(network.heads)
    with torch.inference_mode():
        topics = {
            f"topic.{source}": 1 + head(branch).argmax(dim=1).numpy()
            for (source, factors), head, branch in zip(
                network.source_factors.items(), network.heads, branches, strict=True
            )
            if factors is not None
        }
    return kept.assign(**topics)


def read_topics(study: Study, prepared: Prepared) -> pd.DataFrame:
    """`source, topic, terms`: the strongest terms of each topic, as one text, for sources with topics."""
    tables = []
    for name, fingerprint in prepared.sources.items():
        path = topics_path(study, name, fingerprint)
        if path.is_file():
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            terms = table.filter(regex="^term_").map(text_of_cell).agg(", ".join, axis=1)
            tables.append(pd.DataFrame({"source": name, "topic": table["topic"].astype(int), "terms": terms}))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["source", "topic", "terms"])

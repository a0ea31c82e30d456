"""A target's tracks as one of the runs hears them, coloured by their strongest topic (paper 5.5, Fig. 16, Table 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.options import Kept
from analysis.results_table import ResultsTable
from study.core.columns import source_column

FEWEST_TRACKS = 10
MOST_TRACKS = 2000
"""More are drawn from at random: a map takes time, and points cover each other."""
PRINCIPAL_COMPONENTS = 50
PERPLEXITY = 30.0
TOPICS_SHOWN = 7
TOPIC_STYLES = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#E69F00", "D"),
    ("#56B4E9", "v"),
    ("#CC79A7", "P"),
    ("#000000", "X"),
)


def exhibit(evidence: Evidence) -> Exhibit:
    """Maps of kept representations, and the topics."""
    options = evidence.options
    items = shown(evidence.table.frozen, options.kept, options.topics, options.seed)
    return Exhibit("representation_map", "representations", tuple(items))


def shown(table: ResultsTable, kept: Kept | None, topics: pd.DataFrame | None, seed: int) -> Iterator[Picture | Table]:
    """A map of each target that kept representations, else what it takes; `topics` has `source, topic, terms`."""
    terms = {} if topics is None else topics.set_index(["source", "topic"])["terms"].to_dict()
    drawn = False
    for target in table.targets if kept and terms else ():
        found = _best_kept(table, kept, target, {source for source, _ in terms})
        if found is not None:
            drawn = True
            yield _picture(table, target, *found, terms, seed)
    if not drawn:
        yield Picture(
            "representation_map",
            "Tracks by their strongest topics",
            'Not drawn: a map needs stored representations of the tracks of a target (keep = ["representation"] under '
            "[targets.<name>] of the study file stores them from the next evaluation on) and a run that learned from a "
            'source with terms (labels = "plsa").',
            None,
        )
    if terms:
        yield Table(
            "topics",
            "Topics of the sources with terms",
            "The most probable terms of each topic, strongest first, by probabilistic latent semantic analysis.",
            topics,
        )


def tracks_on_a_plane(features: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton 2008) of features (n, d), standardised, by 50 principal components: (n, 2)."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    deviation = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    with threadpool_limits(1):  # another number of threads gives other bits
        components = PCA(min(PRINCIPAL_COMPONENTS, *scaled.shape), random_state=seed).fit_transform(scaled)
        perplexity = min(PERPLEXITY, (len(scaled) - 1) / 3.0)
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(components)


def _best_kept(
    table: ResultsTable, kept: Kept, target: str, sources: set[str]
) -> tuple[str, list[str], pd.DataFrame] | None:
    """The run with the highest score on the target among those with a kept representation and a source with terms."""
    here = table.scores[table.scores["target"] == target].sort_values("score", ascending=False, kind="stable")
    for _, run in here.iterrows():
        named = [name for name in table.sources if name in sources and run[source_column(name)]]
        found = kept(run["run_id"], target) if named else None
        if found is not None and _spans_a_plane(_features(found)):
            heard = [name for name in named if f"topic.{name}" in found]  # none where the weights are gone
            if heard:
                return run["run_id"], heard, found
    return None


def _features(kept: pd.DataFrame) -> np.ndarray:
    return kept.filter(regex="^(mean|deviation)_").to_numpy(dtype=np.float64)


def _spans_a_plane(features: np.ndarray) -> bool:
    return len(features) >= FEWEST_TRACKS and (np.ptp(features, axis=0) > 0).sum() >= 2


def _picture(
    table: ResultsTable,
    target: str,
    run_id: str,
    sources: list[str],
    kept: pd.DataFrame,
    terms: Mapping[tuple[str, int], str],
    seed: int,
) -> Picture:
    run = table.runs.set_index("run_id").loc[run_id]
    heard = [name for name in table.sources if run[source_column(name)]]
    shown = kept.sample(MOST_TRACKS, random_state=seed) if len(kept) > MOST_TRACKS else kept
    return Picture(
        f"representation_map_{target}",
        f"Tracks of {target} by their strongest topics",
        f"t-SNE of the representation of {len(shown)} of {len(kept)} tracks by run {run_id} ({run['strategy']} of "
        f"{', '.join(heard)}), the best run on {target} whose representation is stored. Colours and shapes: the topic "
        f"that the run's own output layer finds most probable, by source; the {TOPICS_SHOWN} most frequent are named, "
        "with the number of tracks; grey: others.",
        lambda: topic_map(shown, sources, terms, seed),
    )


def topic_map(kept: pd.DataFrame, sources: list[str], terms: Mapping[tuple[str, int], str], seed: int) -> Figure:
    """The same map in a panel for each source, its most frequent topics coloured and named."""
    at = tracks_on_a_plane(_features(kept), seed)
    figure, axes = panels(len(sources), width=4.8, height=4.6, per_row=2)
    for one, source in zip(axes, sources, strict=True):
        topic = kept[f"topic.{source}"].to_numpy()
        counts = pd.Series(topic).value_counts().head(TOPICS_SHOWN)
        rest = ~np.isin(topic, counts.index)
        one.plot(*at[rest].T, ".", color="#C8C8C8", markersize=3, zorder=1)
        for (number, count), (colour, marker) in zip(counts.items(), TOPIC_STYLES, strict=False):
            name = f"{_within(terms[source, number])} ({count})"
            one.plot(
                *at[topic == number].T,
                marker,
                color=colour,
                markersize=4,
                markeredgecolor="white",
                markeredgewidth=0.3,
                linestyle="none",
                label=f"{number}: {name}",
            )
        one.set(title=source, xticks=[], yticks=[])
        one.legend(loc="upper left", bbox_to_anchor=(0.0, -0.02), fontsize=7.5, markerscale=1.6, handletextpad=0.2)
    return figure


def _within(name: str, letters: int = 54) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"

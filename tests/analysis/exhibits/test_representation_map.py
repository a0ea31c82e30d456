from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.exhibits.representation_map import TOPICS_SHOWN, shown, topic_map, tracks_on_a_plane
from analysis.results_table import results_table
from study.pages.figures import drawing
from tests.analysis.conftest import kept_by_one_run

TOPICS = pd.DataFrame({"source": "tag", "topic": range(1, 10), "terms": [f"term {k}" for k in range(9)]})


def test_clumps_of_a_representation_are_clumps_of_the_map() -> None:
    kept = kept_by_one_run("run020", "gtzan")
    topic = kept["topic.tag"].to_numpy()
    at = tracks_on_a_plane(kept.drop(columns="topic.tag").to_numpy(), seed=0)
    distance = np.linalg.norm(at[:, None] - at, axis=2) + 1e9 * np.eye(len(at))
    assert (topic[distance.argmin(axis=1)] == topic).mean() > 0.9
    np.testing.assert_array_equal(at, tracks_on_a_plane(kept.drop(columns="topic.tag").to_numpy(), seed=0))


def test_the_most_frequent_topics_are_named_and_all_tracks_are_drawn() -> None:
    kept = kept_by_one_run("run020", "gtzan")
    with drawing():
        (axes,) = topic_map(kept, ["tag"], TOPICS.set_index(["source", "topic"])["terms"].to_dict(), 0).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(names) == TOPICS_SHOWN
    assert names[0] == "1: term 0 (7)"
    assert sum(len(line.get_xdata()) for line in axes.lines) == len(kept)


def test_the_best_scoring_kept_run_with_terms_is_taken(results) -> None:
    table = results_table(results, {})
    here = table.scores[(table.scores["target"] == "irmas") & table.scores["source.tag"].astype(bool)]
    flat, without_weights, best, next_best = here.sort_values("score", ascending=False)["run_id"].head(4)
    with_tag = set(here["run_id"])

    def kept(run_id: str, target: str) -> pd.DataFrame | None:
        assert run_id in with_tag, "the network of another has no layer for the source"
        if target != "irmas" or run_id not in (flat, without_weights, best, next_best):
            return None
        found = kept_by_one_run("run020", "gtzan")
        if run_id == without_weights:
            return found.drop(columns="topic.tag")
        features = [name for name in found if name != "topic.tag"]
        return found if run_id != flat else found.assign(**dict.fromkeys(features, 0.0))

    picture, topics = shown(table, kept, TOPICS, 0)
    assert picture.name == "representation_map_irmas" and f"by run {best} " in picture.caption
    assert topics.frame is TOPICS


@pytest.mark.parametrize(
    ("kept", "topics"), [(None, None), (lambda run, target: None, TOPICS), (kept_by_one_run, None)]
)
def test_where_nothing_was_kept_it_says_what_to_set(results, kept, topics) -> None:
    picture = next(shown(results_table(results, {}), kept, topics, 0))
    assert picture.draw is None
    assert 'keep = ["representation"] under [targets.<name>]' in picture.caption

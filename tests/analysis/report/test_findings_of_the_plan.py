"""On the paper's own 425 runs the sentences say what was planted, in the numbers of fit.json."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
import pytest

from analysis.exhibits.predictions import predictions
from analysis.models import size_model, strategy_model
from analysis.report.fit_json import model_record
from analysis.results_table import results_table
from analysis.wording import number
from study.core.strategies import STRATEGIES
from tests.analysis.conftest import findings
from tests.analysis.paper_plan import PUBLISHED, paper_runs, simulated_scores

BRANCHED = STRATEGIES[2:]
UNIT = "SD (95 % CI "
NOTHING = dict.fromkeys(STRATEGIES, 0.0)


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    if not PUBLISHED.exists():
        pytest.skip(f"the published design is not at {PUBLISHED}")
    return paper_runs()


class Answer(NamedTuple):
    """The sentences by what they are on, and the numbers of fit.json: statements and contrasts by name."""

    against_single: str
    best: str
    each_source: str
    size: str
    fixed: dict[str, dict]
    contrasts: dict[str, dict]
    size_fixed: dict[str, dict]


def answer(rows: pd.DataFrame) -> Answer:
    table = results_table(rows, {})
    strategy, size = strategy_model(table, {}), size_model(table, table.factor_levels)
    said = findings(table, strategy, size)
    starts = ("Compared with", "The highest", "Each further", "Network size")
    record, size_record = model_record(strategy), model_record(size)
    return Answer(
        *(next(sentence for sentence in said if sentence.startswith(start)) for start in starts),
        {row["effect"]: row for row in record["statements"]},
        {row["contrast"]: row for row in record["contrasts"]},
        {row["effect"]: row for row in size_record["statements"]},
    )


def shown(name: str, row: dict) -> str:
    """An effect in a list, without the `UNIT` that the first of each list has."""
    sign = "+" if row["estimate"] > 0 else ""
    return f"{name} {sign}{number(row['estimate'])} ({number(row['ci_low'])} to {number(row['ci_high'])}; p "


def is_shown(name: str, row: dict, sentence: str) -> bool:
    return shown(name, row) in sentence.replace(UNIT, "(")


def test_what_the_paper_found_is_told_where_it_was_planted(runs) -> None:
    found = answer(simulated_scores(runs, seed=3))
    assert "lower" not in found.against_single and "not significant" not in found.against_single
    for name in STRATEGIES[1:]:
        assert is_shown(name, found.contrasts[f"{name} - SS-R"], found.against_single)
    assert "is that of MSS-CR" in found.best
    raised, untold = found.each_source.split("; it has no detectable effect with ")
    slopes = {name: found.fixed[f"strategy[{name}]:n_star"] for name in STRATEGIES[1:]}
    for name in BRANCHED:
        assert is_shown(name, slopes[name], raised)
        assert slopes[name]["ci_low"] < 0.16 < slopes[name]["ci_high"]
    assert untold.replace(UNIT, "(").startswith(shown("MS-SR@FC", slopes["MS-SR@FC"]))
    assert untold.endswith("). Intervals are simultaneous over the 5 slopes.") and untold.count("SD") == 1
    # of the six strategies five differ little: they show no trend along r*
    assert f" by +{number(found.size_fixed['r_star']['estimate'])} SD (" in found.size
    assert "has no detectable effect" in found.size


def test_with_the_strategies_swapped_the_sentences_turn_round(runs) -> None:
    effects = dict(zip(STRATEGIES, (0.15, 0.1, 0.05, 0.0, -0.4, -1.0), strict=True))
    slopes = NOTHING | {"MS-SR@FC": 0.16, "MSS-CR": -0.16}
    found = answer(simulated_scores(runs, seed=4, strategies=effects, slopes=slopes))
    lower = found.against_single.split("lower for ")[1].split(" for ")[0]
    assert is_shown("MSS-CR", found.contrasts["MSS-CR - SS-R"], lower)
    assert "higher" not in found.against_single
    assert "is that of MS-SR@FC" in found.best
    raised, lowered, untold = found.each_source.split("; it ")
    assert raised.startswith("Each further source raises the score with MS-SR@FC +") and "," not in raised
    assert lowered.startswith("lowers the score with MSS-CR −")
    assert all(name in untold for name in ("MS-CR@6", "MS-CR@4", "MS-CR@2"))
    assert "lowers the score: from SS-R to MSS-CR" in found.size


def test_with_nothing_planted_nothing_is_told(runs) -> None:
    found = answer(simulated_scores(runs, seed=5, strategies=NOTHING, slopes=NOTHING))
    assert "higher" not in found.against_single and "lower" not in found.against_single
    assert found.each_source.startswith("Each further source has no detectable effect with")
    assert "; it " not in found.each_source
    assert "has no detectable effect" in found.size


def test_a_source_planted_on_one_target_is_in_its_predicted_best_and_not_in_the_others(runs) -> None:
    rows = simulated_scores(runs, seed=6)
    rows["score"] += 0.08 * (rows["source.bpm"] & (rows["target"] == "ballroom"))
    rows["score"] -= 0.08 * (rows["source.bpm"] & (rows["target"] != "ballroom"))
    best = predictions(results_table(rows, {}), {}).best
    first = best[(best["rank"] == 1) & (best["n_sources"] == 4)].set_index("target")["sources"]
    assert {target for target, sources in first.items() if "bpm" in sources} == {"ballroom"}

"""The sentences say what was planted, and other sentences when something else was."""

from __future__ import annotations

import re

import pytest
from scipy import stats

from analysis.exhibits.score_figures import single_source_scores
from analysis.models import size_model, strategy_model
from analysis.report.findings import strategy_verdicts
from analysis.results_table import results_table
from study.core.strategies import STRATEGIES
from tests.analysis.conftest import findings


def sentences(rows) -> str:
    table = results_table(rows, {})
    return "\n".join(findings(table, strategy_model(table, {}), size_model(table, table.factor_levels)))


def sentence(rows, start: str) -> str:
    (found,) = [line for line in sentences(rows).splitlines() if line.startswith(start)]
    return found


def test_planted_strategies_and_slopes_are_told(results) -> None:
    against = sentence(results, "Compared with single-source learning")
    assert "lower for" not in against
    assert "is higher for MS-CR@4 +" in against and "MSS-CR +" in against
    each = sentence(results, "Each further source")
    raised, untold = each.split("; it has no detectable effect with")
    assert raised.startswith("Each further source raises the score with MS-CR@4 +0.")
    assert "MS-SR@FC" in untold and "MS-SR@FC" not in raised
    assert each.endswith(" Intervals are simultaneous over the 5 slopes.")
    size = sentence(results, "Network size")
    assert size.startswith(
        "Network size raises the score: from SS-R to MSS-CR (r* from 0 to 1, at n* = 0) it changes by +"
    )


def test_swapped_strategies_swap_the_answer(simulate) -> None:
    effects = dict(zip(STRATEGIES, (1.0, -1.0, -1.0, -1.0, -1.0, -1.0), strict=True))
    against = sentence(simulate(strategies=effects, slopes=dict.fromkeys(STRATEGIES, -0.4)), "Compared with")
    assert "lower for MS-SR@FC −" in against and "higher for" not in against
    each = sentence(simulate(strategies=effects, slopes=dict.fromkeys(STRATEGIES, -0.4)), "Each further source")
    assert each.startswith("Each further source lowers the score with MS-SR@FC −0.")


def test_the_highest_mean_is_held_against_the_others_where_it_was_taken(simulate) -> None:
    alike = dict.fromkeys(STRATEGIES, 0.0)
    rows = simulate(strategies=alike, slopes=alike | {"MSS-CR": 2.0}, noise=0.3, targets=tuple("abcdefgh"))
    assert "higher for" not in sentence(rows, "Compared with")
    best = sentence(rows, "The highest estimated mean")
    assert "(n = 3) is that of MSS-CR" in best and "does not differ significantly" not in best


def test_a_strategy_that_always_had_as_many_sources_is_compared_only_there(simulate) -> None:
    rows = simulate(noise=0.3)
    always_four = rows[(rows["strategy"] != "MS-CR@4") | (rows["n_sources"] == 4)]
    for start in ("Compared with", "The highest"):
        said, aside = sentence(always_four, start).split("; not compared: ")
        assert "MS-CR@4" not in said and aside.startswith("MS-CR@4, because all its rows have n* = 2.")
    both = rows[rows["n_sources"].isin([0, 1, 4])]
    assert sentence(both, "Compared with").startswith(
        "Compared with single-source learning (SS-R), the score with 4 sources is higher for MS-CR@6 +"
    )
    unknown = rows[[name for name in rows if name != "n_sources" and not name.startswith("source.")]]
    assert "at the numbers of sources of these runs, which the rows do not give," in sentence(unknown, "Compared")


def test_further_factors_are_told_with_their_levels(results) -> None:
    width = results["run_id"].map({run: n % 2 for n, run in enumerate(results["run_id"].unique())})
    optimiser = results["run_id"].map({run: n // 2 % 2 for n, run in enumerate(results["run_id"].unique())})
    rows = results.assign(score=results["score"] + 0.1 * optimiser, **{
        "factor.width": 0.5 + width / 2, "factor.optimiser": optimiser.map({0: "adam", 1: "sgd"}),
    })  # fmt: skip
    levels = {"width": [0.5, 1.0], "optimiser": ["adam", "sgd"]}
    table = results_table(rows, {})
    model = strategy_model(table, levels)
    (found,) = [line for line in findings(table, model, model) if line.startswith("Further factors")]
    assert found.startswith(
        "Further factors (levels compared with the first level, numbers over the range that was run): the score is "
        "higher for optimiser[sgd] +"
    )
    assert "not significantly different for width from 0.5 to 1 " in found
    assert not any(line.startswith("Further factors") for line in sentences(results).splitlines())


def test_a_factor_that_goes_with_a_strategy_leaves_the_strategies_and_is_named(results) -> None:
    card = results["strategy"].map(lambda name: "old" if name in ("SS-R", "MS-SR@FC") else "new")
    table = results_table(results.assign(**{"factor.card": card}), {})
    model = strategy_model(table, {"card": ["old", "new"]})
    told = [
        line for line in findings(table, model, model) if line.startswith(("Compared", "With 3", "Further factors"))
    ]
    assert told[0].startswith("Compared with single-source learning") and told[1].startswith("With 3 sources, the mean")
    assert told[2].endswith("confounded with the strategies: card[new].")


def test_sources_that_are_equally_good_are_all_named(results) -> None:
    single = results["strategy"] == "SS-R"
    rows = results.assign(score=results["score"].where(~single | (results["target"] != "ballroom"), 0.5))
    best = sentence(rows, "The single source with the highest mean score")
    assert re.search(r"ballroom: \w+, .*\w+ and \w+ \(0\.500, Random", best)


def test_where_nothing_was_planted_nothing_is_told(simulate) -> None:
    rows = simulate(seed=5, strategies=dict.fromkeys(STRATEGIES, 0.0), slopes=dict.fromkeys(STRATEGIES, 0.0), noise=1.0)
    for start in ("Compared with single-source", "With 3 sources, the mean of the multi-source runs, it is"):
        assert "is not significantly different for MS-SR@FC" in sentence(rows, start)
    assert sentence(rows, "One SD is").endswith("Intervals are simultaneous over 30 comparisons.")
    assert sentence(rows, "Each further source").startswith("Each further source has no detectable effect")


def test_baselines_are_counted_by_target(simulate) -> None:
    rows = simulate(baselines={"MFCC": 9.0, "Random": -3.0})
    mfcc, random = (line for line in sentences(rows).splitlines() if line.startswith("The mean trained"))
    assert "scores lower than MFCC: −" in mfcc and mfcc.endswith("above that of MFCC on 0 of 4 targets.")
    assert "scores higher than Random: +" in random and random.endswith("above that of Random on 4 of 4 targets.")


def test_the_source_that_serves_a_target_best_is_named_beside_random(results) -> None:
    found = sentence(results, "The single source with the highest mean score")
    assert re.search(r"ballroom: bpm \(0\.5\d*, Random 0\.2\d*; significantly above 3 of 3 others\)", found)


def test_the_best_source_is_told_from_others_by_tukeys_p(simulate) -> None:
    rows = simulate(seed=8, source_effects={("gtzan", "bpm"): 1.6, ("irmas", "tag"): 0.6})
    scores = single_source_scores(results_table(rows, {}))
    found, several = sentence(rows, "The single source"), set()
    for target, here in scores.groupby("target"):
        groups = {source: group["score"].to_numpy() for source, group in here.groupby("source")}
        best = max(groups, key=lambda source: groups[source].mean())
        p = stats.tukey_hsd(*groups.values()).pvalue[list(groups).index(best)]
        n_better = int((1.0 - (1.0 - p) ** 4 < 0.05).sum())  # Sidak, over the four targets
        assert re.search(rf"{target}: {best} \([^;]*; significantly above {n_better} of 3 others\)", found)
        several.add(n_better)
    assert len(several) > 1, "the case tells too little"


def test_few_targets_are_a_caution(simulate, results) -> None:
    said = sentence(simulate(targets=("gtzan", "irmas", "fma"), noise=0.3), "With 3 targets")
    assert "was 0.91 to 0.95" in said
    assert not any("targets, the variances" in line for line in sentences(results).splitlines())


def test_nothing_is_said_where_too_few_runs_are_left(results) -> None:
    few = results[results["run_id"].isin(results.groupby("strategy")["run_id"].first()) | results["run_id"].isin(
        results[results["strategy"] == "SS-R"]["run_id"].unique()[:3])]  # fmt: skip
    few = few[few["strategy"].isin(["SS-R", "MSS-CR"])]
    table = results_table(few, {})
    model = strategy_model(table, {})
    assert model.fit is not None and model.no_verdicts
    said = findings(table, model, model)
    assert (
        sum("Nothing is said of strategies and numbers of sources, because the degrees" in line for line in said) == 1
    )
    assert not any(line.startswith(("Each further source", "The highest estimated", "Compared")) for line in said)
    assert strategy_verdicts(table, model).empty


def test_runs_at_other_levels_of_a_factor_are_no_repeats_here_either(simulate) -> None:
    """Each source once at each of two widths: no sentence may know a spread of repeats that another has not."""
    rows = simulate(seed=8, per_cell=2, source_effects={("gtzan", "bpm"): 3.0})
    rows["factor.width"] = rows["run_id"].map({run: k % 2 for k, run in enumerate(rows["run_id"].unique())})
    found = sentence(rows, "The single source")
    assert "significantly" not in found and found.endswith(
        "trained only once on equal factors, so they cannot be ranked."
    )


def test_sources_trained_once_are_not_told_apart(simulate) -> None:
    found = sentence(simulate(per_cell=1), "The single source")
    assert "significantly" not in found and found.endswith(
        "each was trained only once on equal factors, so they cannot be ranked."
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda rows: rows.assign(outcome=(rows["run_id"] == "run001").map({True: "diverged", False: "ok"})),
            "1 run has no score on some target; missing scores were not replaced (diverged: 4 scores).",
        ),
        (lambda rows: rows[rows["phase"] != "baseline"], "No baselines were scored"),
        (lambda rows: rows[rows["strategy"] != "SS-R"], "No strategy can be compared with single-source learning"),
        (lambda rows: rows[rows["strategy"] != "SS-R"], "is not known from single-source runs"),
        (
            lambda rows: rows.drop(columns=["n_sources", *rows.filter(like="source.")]),
            "The effect of the number of sources is not estimable",
        ),
    ],
)
def test_what_is_missing_is_said(results, change, expected: str) -> None:
    assert expected in sentences(change(results))

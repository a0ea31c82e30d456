"""Tables of other fields, most of them data that everybody knows: columns, models and sentences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.any_table import any_table
from analysis.models import treatment_model
from analysis.report.treatment_findings import on_treatments, treatment_verdicts
from analysis.roles import Asked
from analysis.table_file import read_table
from study.cli import run
from study.core.errors import InputFaults
from study.folder import analyze

# R's PlantGrowth, npk and ToothGrowth
PLANTS = {"ctrl": (4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14),
          "trt1": (4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69),
          "trt2": (6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26)}  # fmt: skip
NPK = {"N": "010111000110110010101100", "P": "110001011100010110010110", "K": "100101100101011000111010",
       "yield": (49.5, 62.8, 46.8, 57.0, 59.8, 58.5, 55.5, 56.0, 62.8, 55.8, 69.5, 55.0, 62.0, 48.8, 45.5, 44.2, 52.0,
                 51.5, 49.8, 48.8, 57.2, 59.0, 53.2, 56.0)}  # fmt: skip
SLEEP = Path(__file__).parents[1] / "reference" / "mixed_models_sleepstudy.csv"


def networks(seed: int = 0, tasks: int = 4, noise: float = 0.4, sizes: tuple[str, ...] = ("70M", "410M", "1.4B")):
    """Sizes x data x five seeds on some tasks; larger is better by 0.6, web by 0.5, seeds differ by 0.3."""
    rng = np.random.default_rng(seed)
    rows = [
        (size, data, k, f"task {task}", 0.5 + 0.05 * (0.6 * i + 0.5 * (data == "web") + run + noise * other + task))
        for i, size in enumerate(sizes) for data in ("web", "books") for k in range(5)
        for run in [0.3 * bool(noise) * rng.standard_normal()]
        for task, other in enumerate(rng.standard_normal(tasks))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["model_size", "pretraining_data", "seed", "task", "accuracy"])


def board(models: int = 8, tasks: int = 6) -> pd.DataFrame:
    """A leaderboard: one score a model and task."""
    rng = np.random.default_rng(0)
    rows = [
        (f"m{m}", f"t{t}", 60 + 2 * m + 5 * t + 3 * rng.standard_normal()) for m in range(models) for t in range(tasks)
    ]
    return pd.DataFrame(rows, columns=["model", "benchmark", "score"])


def stated(rows: pd.DataFrame, **asked: object) -> tuple[pd.DataFrame, list[str]]:
    """The verdicts and the sentences, without checks of robustness."""
    table = any_table(rows, Asked(**asked))
    model = treatment_model(table, reference=asked.get("reference", ()))
    return treatment_verdicts(model).set_index("effect"), list(on_treatments(table, model))


def test_levels_are_compared_as_by_tukey() -> None:
    rows = pd.DataFrame([(name, weight) for name, of in PLANTS.items() for weight in of], columns=["group", "weight"])
    verdicts, said = stated(rows)
    sd = rows["weight"].std()
    np.testing.assert_allclose(verdicts["estimate"] * sd, [-0.371, 0.494, 0.865], atol=1e-9)
    np.testing.assert_allclose(verdicts["p"], [0.3908711, 0.1979960, 0.0120064], atol=0.01)  # TukeyHSD(aov(...))
    assert said[0].startswith("group, ranked by mean score: trt2 (+0.65 SD), ctrl")
    assert "lower for trt1" in said[1] and "not significantly different for ctrl" in said[1]


def test_a_block_is_an_error_stratum() -> None:
    rows = pd.DataFrame({name: list(values) for name, values in NPK.items()}).assign(block=np.repeat(list("abcdef"), 4))
    verdicts, said = stated(rows)
    p = verdicts["p"][["N: 1 - 0", "P: 1 - 0", "K: 1 - 0"]]
    np.testing.assert_allclose(
        p, [0.004372, 0.474904, 0.028795], rtol=1e-3
    )  # summary(aov(yield ~ N*P*K + Error(block)))
    assert "N: 1 scores higher than 0: +0.91 SD" in said[0]
    assert "These statements generalise to other units (block) like those of this table." in said


def test_numbers_that_vary_within_units_have_slopes_by_unit_and_are_reported_over_their_range() -> None:
    rows = pd.read_csv(SLEEP)
    table = any_table(rows, Asked())
    model = treatment_model(table)
    assert ("run_id", "factor.Days") in {(one.group, str(name)) for one in model.random_part for name in one.columns}
    slope = treatment_verdicts(model)["estimate"].iloc[0] * rows["Reaction"].std() / 9.0
    assert slope == pytest.approx(10.46729, abs=1e-4)  # lme4: fixef(lmer(Reaction ~ Days + (Days || Subject)))
    assert next(on_treatments(table, model)).startswith("Days from 0 to 9 raises the score: +1.67 SD")


SIZED = board().assign(params=lambda rows: rows["model"].str[1:].astype(int) // 2)


@pytest.mark.parametrize(("rows", "roles"), [
    (networks(), ("accuracy", "task", "seed of model_size and pretraining_data", "model_size,pretraining_data")),
    (networks().rename(columns={"seed": "run"}).assign(test_loss=1.5, index=range(120)),
     ("accuracy", "task", "run of model_size and pretraining_data", "model_size,pretraining_data")),
    (board(), ("score", "benchmark", "each model", "model")),
    (board().rename(columns={"model": "run_id"}), ("score", "benchmark", "each run_id", "run_id")),
    (SIZED, ("score", "benchmark", "each model", "model")),
    (SIZED.rename(columns={"model": "name"}), ("score", "benchmark", "name", "params")),
    (board().assign(task_type=lambda rows: rows["benchmark"].isin(["t0", "t1"])),
     ("score", "benchmark", "each model", "model")),
])  # fmt: skip
def test_columns_are_guessed_from_usual_names(rows: pd.DataFrame, roles: tuple[str, ...]) -> None:
    found = any_table(rows, Asked()).roles
    assert (found.score, found.target, found.unit_called, ",".join(found.treatment)) == roles
    first = next(found.sentences())
    assert "Guessed: score, target, unit and treatment; to choose otherwise, use --score" in first


def test_wrong_names_are_told_all_at_once_with_the_nearest() -> None:
    with pytest.raises(InputFaults) as raised:
        any_table(networks(), Asked(score="acuracy", target="tsk", treatment=("model_sise", "seed"), unit=("seed",)))
    text = str(raised.value)
    for near in ("accuracy", "task", "model_size"):
        assert f"did you mean '{near}'?" in text
    with pytest.raises(InputFaults, match=r"--reference = '70m'.*did you mean '70M'"):
        any_table(networks(), Asked(reference=("70m",)))
    with pytest.raises(InputFaults, match=r"accuracy = 'high': expected a finite number; not so in 1 rows.*: 3"):
        any_table(
            networks().astype({"accuracy": object}).replace({"accuracy": {networks()["accuracy"][2]: "high"}}), Asked()
        )
    with pytest.raises(InputFaults, match=r"no column of treatments.*model_size: one value"):
        any_table(networks().query("model_size == '70M' and pretraining_data == 'web'"), Asked())
    with pytest.raises(InputFaults, match="metric = 'f1, bleu': expected one metric, or one per target"):
        any_table(networks().assign(metric=np.repeat(["f1", "bleu"], 60)), Asked())
    with pytest.raises(InputFaults, match="the column of scores cannot be guessed: it may be a or b"):
        any_table(pd.DataFrame({"model": ["x", "y"], "a": [1.5, 2.5], "b": [3.5, 1.5]}), Asked())


def test_what_the_rows_can_bear_is_in_the_model_whatever_the_scores() -> None:
    rows = networks()
    shuffled = rows.assign(accuracy=rows["accuracy"].to_numpy()[::-1])
    terms = [list(treatment_model(any_table(one, Asked())).coding.columns) for one in (rows, shuffled)]
    assert terms[0] == terms[1] and "factor.model_size[410M]:factor.pretraining_data[web]" in terms[0]
    once = treatment_model(any_table(rows[rows["seed"] == 0], Asked()))
    assert "factor.model_size:factor.pretraining_data" in once.coding.left_out
    assert once.no_verdicts and treatment_verdicts(once).empty


def test_rows_of_a_unit_are_one_by_the_columns_that_are_named() -> None:
    batches = pd.DataFrame(
        [(recipe, k, t, t + k) for recipe in "AB" for k in range(6) for t in (175, 200, 225)],
        columns=["recipe", "replicate", "temperature", "angle"],
    )
    assert len(any_table(batches, Asked(score="angle")).runs) == 36
    by_batch = any_table(batches, Asked(score="angle", unit=("recipe", "replicate")))
    assert len(by_batch.runs) == 12 and "run_id" in treatment_model(by_batch).groups


def test_one_target_with_splits_is_compared_over_the_splits() -> None:
    rows = networks(tasks=5).query("seed == 0").drop(columns="seed").rename(columns={"task": "fold"})
    _, said = stated(rows)
    text = " ".join(said)
    assert "generalise to other splits (fold)" in text and "Splits share training data" in text


def test_a_reference_is_what_the_others_are_compared_with() -> None:
    verdicts, said = stated(networks(), reference=("410M",))
    assert list(verdicts.index[:2]) == ["model_size: 70M - 410M", "model_size: 1.4B - 410M"]
    assert any(sentence.startswith("model_size, compared with 410M: higher for 1.4B") for sentence in said)


def test_numbers_can_be_logarithms_or_names() -> None:
    rows = networks().assign(model_size=lambda rows: rows["model_size"].map({"70M": 7e7, "410M": 4.1e8, "1.4B": 1.4e9}))
    _, said = stated(rows, treatment=("log(model_size)", "pretraining_data"))
    assert said[0].startswith("model_size from 7e+07 to 1.4e+09, on a logarithmic scale, raises the score")
    verdicts, _ = stated(rows, treatment=("factor(model_size)", "pretraining_data"))
    assert "model_size: 410000000.0 - 70000000.0" in verdicts.index


def test_none_is_a_level_of_a_csv_file(tmp_path: Path) -> None:
    networks().assign(augmentation=lambda rows: np.where(rows["seed"] % 2, "None", "crop")).to_csv(tmp_path / "t.csv")
    assert set(read_table(tmp_path / "t.csv")["augmentation"]) == {"None", "crop"}


ALL = networks()
HARD = {
    "one target": networks(tasks=1),
    "two targets": networks(tasks=2),
    "most rows missing": networks().sample(frac=0.3, random_state=1),
    "most scores empty": networks().assign(accuracy=lambda rows: rows["accuracy"].where(np.arange(len(rows)) % 3 == 0)),
    "noise-free": networks(noise=0.0),
    "three outliers": ALL.assign(accuracy=ALL["accuracy"].where(~ALL.index.isin([3, 50, 90]), 1e6)),
    "a leaderboard": board(),
    "a leaderboard with gaps": board().sample(frac=0.5, random_state=2),
    "a leaderboard of one task": board(tasks=1),
    "a constant target": networks().assign(accuracy=lambda rows: rows["accuracy"].where(rows["task"] != "task 3", 0.5)),
    "long names": networks(sizes=tuple(f"{k} {'a long name ' * 6}" for k in range(6))),
}  # fmt: skip


@pytest.mark.parametrize("name", HARD)
def test_hard_tables_give_sentences_that_contradict_nothing(name: str) -> None:
    verdicts, said = stated(HARD[name])
    assert any("ranked by mean score" in one or "scores higher than" in one for one in said)
    for sentence in said:
        assert not re.search(r"\bnan\b|\binf\b|None", sentence) and len(sentence) <= 400, sentence
    excludes = (verdicts["ci_low"] > 0) | (verdicts["ci_high"] < 0)
    assert (excludes == (verdicts["verdict"] != "not significant")).all()
    assert np.isfinite(verdicts[["estimate", "ci_low", "ci_high", "p"]].to_numpy(dtype=float)).all()


def test_three_hundred_rows_are_ranked_in_one_command(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, drawn_once: None
) -> None:
    table, out = tmp_path / "networks.csv", tmp_path / "report"
    networks(tasks=10).to_csv(table, index=False)
    monkeypatch.setattr("sys.argv", ["study", "analyze", str(tmp_path), "--results", str(table), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        run()
    assert not ended.value.code
    printed = capfd.readouterr().err
    assert "Columns: score: accuracy; target: task; unit: seed of model_size and pretraining_data" in printed
    assert "such as --unit model_size,seed." in printed
    assert (
        "model_size, ranked by mean score: 1.4B" in printed and "compared with 1.4B, the score is lower for" in printed
    )
    text = re.sub(r"<[^>]+>", " ", (out / "index.html").read_text())
    assert not re.search(r"\bnan\b|NaN", text) and "ranked by mean score" in text
    fit = json.loads((out / "fit.json").read_text())
    assert list(fit["models"]) == ["treatments"] and fit["models"]["treatments"]["means"][0]["level"] == "70M"


def test_a_study_under_other_names_is_still_a_study(simulate) -> None:
    rows = simulate(strategies={"SS-R": 0.0, "MSS-CR": 1.0}, targets=("a", "b"), sources=("x", "y"), baselines={})
    renamed = rows.rename(columns={"score": "f1", "target": "dataset"})
    assert "strategy" in analyze(renamed, score="f1", target="dataset").models

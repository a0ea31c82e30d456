"""Results of studies with known effects, as the result store hands them over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import analyze as story
from analysis.analyze import Analysis, analyze
from analysis.evidence import Evidence
from analysis.exhibits import (
    network_size,
    own_contrasts,
    own_models,
    runs,
    single_sources,
    strategies,
    trained_and_baselines,
    variances,
)
from analysis.exhibits.exhibit import Exhibit
from analysis.fitted_model import Model
from analysis.options import AnalysisOptions
from analysis.report import write_report as writing
from analysis.results_table import ResultsTable
from study.core.cost import n_parameters
from study.core.strategies import STRATEGIES

SOURCES = ("self", "bpm", "year", "tag")
TARGETS = ("ballroom", "gtzan", "irmas", "valence")
EFFECTS = dict(zip(STRATEGIES, (-1.0, -0.5, 0.0, 0.2, 0.4, 0.6), strict=True))
SLOPES = dict(zip(STRATEGIES, (0.0, 0.0, 0.3, 0.3, 0.3, 0.3), strict=True))


def simulated_results(
    seed: int = 0,
    strategies: Mapping[str, float] = EFFECTS,
    slopes: Mapping[str, float] = SLOPES,
    targets: tuple[str, ...] = TARGETS,
    sources: tuple[str, ...] = SOURCES,
    per_cell: int = 4,
    source_effects: Mapping[tuple[str, str], float] | None = None,
    noise: float = 0.5,
    baselines: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Two repeats of every run on every target: scores are 0.5 + 0.1 times what the effects add up to, plus noise."""
    rng = np.random.default_rng(seed)
    runs = [("SS-R", {name}) for name in sources for _ in range(per_cell)] if "SS-R" in strategies else []
    runs += [
        (strategy, set(rng.choice(sources, n, replace=False).tolist()))
        for strategy in strategies if strategy != "SS-R" for n in range(2, len(sources) + 1) for _ in range(per_cell)
    ]  # fmt: skip
    rows = []
    for target in targets:
        shift = {name: 0.1 * rng.standard_normal() for name in strategies}
        for position, (strategy, present) in enumerate(runs):
            n = len(present)
            mean = strategies[strategy] + shift[strategy] + (n - 2 if n > 1 else 0) * slopes[strategy]
            mean += sum((source_effects or {}).get((target, name), 0.0) for name in present)
            rows.append(
                (f"run{position:03d}", "sequential", strategy, present, target, mean + noise * rng.standard_normal())
            )
        for name, mean in ({"MFCC": -2.0, "Random": -3.0} if baselines is None else baselines).items():
            rows.append((f"base-{name}", "baseline", name, set(), target, mean))
    return pd.DataFrame([
        {"run_id": run, "phase": phase, "strategy": strategy, "n_sources": len(present),
         **{f"source.{name}": name in present for name in sources}, "target": target, "repeat": repeat, "fold": 0,
         "metric": "accuracy", "score": 0.5 + 0.1 * (mean + 0.05 * rng.standard_normal()), "outcome": "ok"}
        for run, phase, strategy, present, target, mean in rows for repeat in range(2)
    ])  # fmt: skip


@pytest.fixture(scope="session")
def simulate() -> Callable[..., pd.DataFrame]:
    return simulated_results


@pytest.fixture(scope="session")
def results() -> pd.DataFrame:
    return simulated_results(source_effects={("ballroom", "bpm"): 1.5})


@dataclass(frozen=True)
class Report:
    """An analysis, the page of its report, and the figures by name as they were saved, where somebody kept them."""

    analysis: Analysis
    page: Path
    figures: Mapping[str, Figure] = field(default_factory=dict)


def reported(rows: pd.DataFrame, folder: Path, **options: Any) -> Report:
    """Rows analysed, and the report written."""
    analysis = analyze(rows, AnalysisOptions(**options))
    return Report(analysis, analysis.write_report(folder))


def findings(table: ResultsTable, strategy: Model, size: Model) -> tuple[str, ...]:
    """The sentences on two models and the scores, without any others."""
    evidence = Evidence(table, {"strategy": strategy, "size": size})
    subjects = (strategies, network_size, trained_and_baselines, single_sources, runs, variances)
    made = [subject.exhibit(evidence) for subject in subjects]
    return tuple(sentence for one in made for sentence in (*one.headline, *one.sentences))


def sized(rows: pd.DataFrame) -> pd.DataFrame:
    """Every run with the parameters of a network of so many sources with 50 factors each; baselines with none."""
    sizes = {
        run.run_id: n_parameters(run.strategy, dict.fromkeys(range(run.n_sources), 50)) if run.n_sources else 0
        for run in rows.drop_duplicates("run_id").itertuples()
    }
    return rows.assign(n_parameters=rows["run_id"].map(sizes))


@pytest.fixture(scope="session")
def report(results: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Report:
    rows, runs = sized(results), results.drop_duplicates("run_id")
    plan = pd.DataFrame({"run_id": [*runs.loc[runs["phase"] != "baseline", "run_id"], "not-run"]})
    topics = pd.DataFrame([("tag", 1 + k, f"rock, metal, <b>, word {k}") for k in range(9)],
                          columns=["source", "topic", "terms"])  # fmt: skip
    figures: dict[str, Figure] = {}
    save = writing.save

    def keep(figure: Figure, folder: Path, name: str) -> Path:
        figures[name] = figure
        return save(figure, folder, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "save", keep)
        found = reported(
            rows, tmp_path_factory.mktemp("report"), name="a study", metrics=dict.fromkeys(TARGETS, "accuracy"),
            sources=SOURCES, plan=plan, bootstrap=20, seed=1, kept=kept_by_one_run, topics=topics,
        )  # fmt: skip
    return replace(found, figures=figures)


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures as PNG alone and not laid out, a third of the work, for tests of what else a report says."""

    def save(figure: Figure, folder: Path, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        figure.set_layout_engine(None)
        figure.savefig(folder / f"{name}.png", dpi=50)
        return folder / f"{name}.png"

    monkeypatch.setattr(writing, "save", save)


def leave_models_alone(patch: pytest.MonkeyPatch) -> None:
    def first_tables(evidence: Evidence) -> Exhibit:
        exhibit = strategies.exhibit(evidence)
        return replace(exhibit, shown=exhibit.tables)

    patch.setattr(story, "EXHIBITS", (first_tables, own_contrasts.exhibit, own_models.exhibit, variances.exhibit))


@pytest.fixture
def models_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the models in reports, for tests of what is said of them: all else takes most of the time."""
    leave_models_alone(monkeypatch)


@pytest.fixture(scope="module")
def models_alone_in_module() -> Iterator[None]:
    """The same for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        leave_models_alone(patch)
        yield


def kept_by_one_run(run_id: str, target: str) -> pd.DataFrame | None:
    """Representations of 60 tracks in 9 clumps, one a topic, kept by one multi-source run on one target."""
    if (run_id, target) != ("run020", "gtzan"):
        return None
    rng = np.random.default_rng(0)
    topic = np.arange(60) % 9
    means = 8.0 * rng.standard_normal((9, 6))[topic] + rng.standard_normal((60, 6))
    columns = [f"{what}_{d}" for what in ("mean", "deviation") for d in range(3)]
    index = pd.Index([f"t{k:02d}" for k in range(60)], name="track_id")
    return pd.DataFrame(means, index, columns).assign(**{"topic.tag": topic + 1})

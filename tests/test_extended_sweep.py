"""All that a study can bring of its own, in one sweep on a real Ray: designed, killed, launched again, analysed.

A contrastive source and one of numbers beside `self`, their losses added, the best epoch kept; a package's network, a
study's own strategy on it, and a frozen encoder as a level of a factor.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.learning.representation import load_network
from jobs.records import read_trained
from study.core.paths import Paths
from study.core.reading import read_study
from study.workflow.analysis import analyze_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from tests.killed_sweep import assert_equal_rows, kill_after, launch_again
from tests.own_package import import_from, unpack, write_wheel
from tests.small_study import STUDY
from tests.test_extend import ENTRY_POINTS, MODULES, PROJECT

SOURCES = """[sources.self]
labels = "self"
[sources.views]
labels = "self"
objective = "contrastive"
[sources.pitch]
labels = "number"
table = "pitch.csv"

"""
TRAINING = """[training]
backbone = "tiny"
schedule = "sum"
weights = { self = 0.5 }
select = "best"
learning_rate_schedule = "cosine"
clip_norm = 1.0
"""
FACTORS = """
[strategies.one-block]
share = "block1"
size = 0.5
[factors]
strategy = ["SS-R", "MS-SR@FC", "one-block"]
learner = ["base", "spectrum"]
[learners.spectrum]
weights = "matrix.npy"
settings = { exponent = 0.5 }
[[design.constraint]]
when = { learner = "spectrum" }
require = { strategy = "SS-R" }
[[design.phase]]
name = "single"
strategy = ["SS-R"]
n_sources = [1]
[[design.phase]]
name = "pairs"
strategy = ["MS-SR@FC", "one-block"]
n_sources = [2]
"""


@pytest.fixture
def folder(small_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small study with what the package of docs/extend.md adds."""
    files = {"soundlab/__init__.py": "", **MODULES}
    wheel = write_wheel(tmp_path, files, ENTRY_POINTS, PROJECT["name"], PROJECT["version"])
    import_from(unpack(wheel, tmp_path / "site"), monkeypatch)
    text = STUDY[: STUDY.index("[sources.self]")] + SOURCES + STUDY[STUDY.index("[training]") :]
    text = text[: text.index("[targets.plays]")] + text[text.index("[baselines]") : text.index("[[design.phase]]")]
    text = (
        text.replace("[training]\n", TRAINING).replace("epochs = 1", "epochs = 3").replace("random = 2", "random = 1")
    )
    (small_study / "study.toml").write_text(text + FACTORS, encoding="utf-8")
    np.save(small_study / "matrix.npy", np.random.default_rng(1).normal(size=(513, 6)))
    return small_study


@pytest.mark.ray
def test_designed_killed_launched_again_analysed(folder: Path, tmp_path: Path) -> None:
    """SIGKILL to the driver; then the rows of an undisturbed sweep, bit for bit, and a report."""
    study = read_study(folder)
    design_study(study, None)
    paths, planned = Paths(study.store), pd.read_parquet(Paths(study.store).plan)
    assert len(planned) == 3 * 2 + 3 * 2
    assert 0 < kill_after(folder, study.store, 3, tmp_path) < 2 * 14, "killed in the middle"
    launch_again(folder, tmp_path)

    both = planned[planned["source.self"] & planned["source.views"]].set_index("strategy")["run_id"]
    for strategy, run_id in both.items():
        network = load_network(paths.weights(run_id))[0]
        assert network.objectives == {"self": "pairs", "views": "contrastive"}
        record = read_trained(paths, run_id)
        assert record is not None and record.train_steps == 3 * 3, "an epoch of the sum has l iterations"
        assert '"event": "selected"' in paths.log(run_id).read_text()
        shared = [name for name, _ in network.shared.named_children()]
        assert strategy != "one-block" or shared == ["block1"]

    undisturbed = read_study(folder, [f"study.store={tmp_path / 'undisturbed'}"])
    design_study(undisturbed, None)
    launch_study(undisturbed, LaunchOptions(in_process=True))
    rows = assert_equal_rows(study, undisturbed)
    encoded = rows[rows["factor.learner"] == "spectrum"]
    assert set(encoded["strategy"]) == {"SS-R"} and set(encoded["n_parameters"]) == {513 * 6}

    analysis = analyze_study(study)
    assert analysis.table.strategies == ("SS-R", "MS-SR@FC", "one-block")
    assert "factor.learner[spectrum]" in analysis.models["strategy"].coding.columns
    page = analysis.write_report(tmp_path / "report").read_text(encoding="utf-8")
    assert "one-block" in page and "views" in page

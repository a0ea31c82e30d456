from pathlib import Path

import pandas as pd
import pytest

from design.foreign import constraint_notes, read_design
from design.generate import generate
from study.core.errors import InputFaults
from tests.design.spaces import SOURCES, write_study

PUBLISHED = Path(__file__).parents[2] / "../shared/reference/kim2019/experimental_design.csv"


def test_a_plan_written_as_csv_or_parquet_is_read_back(tmp_path: Path):
    study = write_study(tmp_path, factors="epochs = [50, 100]")
    runs = generate(study, 20)[-20:]
    rows = [
        {"strategy": r.strategy, **{f"source.{s}": s in r.sources for s in SOURCES}, "epochs": r.factors["epochs"]}
        for r in runs
    ]
    table = pd.DataFrame(rows).assign(by="somebody").astype({"epochs": float})
    table.to_csv(tmp_path / "design.csv", index=False)
    table.to_parquet(tmp_path / "design.parquet")
    assert read_design(study, tmp_path / "design.csv", "sequential") == runs
    assert read_design(study, tmp_path / "design.parquet", "sequential") == runs


def test_every_fault_is_told_once(tmp_path: Path):
    study = write_study(tmp_path, phases="", sources=2)
    (tmp_path / "design.csv").write_text("strategy,self,bpm\nMSS-CR,1,1\nMSS-RC,1,maybe\nMSS-RC,1,1\n")
    with pytest.raises(InputFaults) as error:
        read_design(study, tmp_path / "design.csv", "sequential")
    strategy, bpm = map(str, error.value.faults)
    assert strategy.startswith("design.csv: rows 2, 3: strategy = 'MSS-RC': expected one of SS-R, ")
    assert strategy.endswith("did you mean 'MSS-CR'?")
    assert bpm.startswith("design.csv: row 2: bpm = 'maybe'")
    (tmp_path / "design.csv").write_text("strategy,self,bpm\nMSS-CR,1,1\nMS-CR@2,1,1\nMSS-CR,1,1\n")
    with pytest.raises(InputFaults, match="row 3: the same run as in row 1"):
        read_design(study, tmp_path / "design.csv", "sequential")


def test_other_names_and_levels_are_translated_and_checked(tmp_path: Path):
    study = write_study(tmp_path, phases="", sources=2, factors="epochs = [50, 100]")
    (tmp_path / "design.csv").write_text("arc,self,bpm,length\n1,1,1,short\n2,yes,true,long\n")
    columns = {"strategy": "arc", "epochs": "length"}
    levels = {"strategy": {"1": "MSS-CR", "2": "MS-CR@2"}, "epochs": {"short": "50", "long": "100"}}
    runs = read_design(study, tmp_path / "design.csv", "sequential", columns, levels)
    assert [(run.strategy, run.factors["epochs"], run.n_sources) for run in runs] == [
        ("MSS-CR", 50, 2), ("MS-CR@2", 100, 2),
    ]  # fmt: skip
    with pytest.raises(InputFaults) as error:
        read_design(
            study, tmp_path / "design.csv", "sequential", {"strategi": "arc"}, {"strategy": {"1": "MSSCR"}, "epoch": {}}
        )
    told = [str(fault) for fault in error.value.faults]
    assert len(told) == 3
    assert told[0].startswith("--column = 'strategi'") and told[0].endswith("did you mean 'strategy'?")
    assert told[1].startswith("--level = 'epoch'")
    assert told[2].startswith("--level = 'MSSCR'") and told[2].endswith("did you mean 'MSS-CR'?")


def test_a_missing_column_is_named_with_what_it_is_for(tmp_path: Path):
    study = write_study(tmp_path, phases="", sources=2)
    (tmp_path / "design.csv").write_text("arc,self,bmp\n1,1,1\n")
    with pytest.raises(InputFaults, match="column bpm: missing: the bpm of each run; did you mean 'bmp'"):
        read_design(study, tmp_path / "design.csv", "sequential")
    with pytest.raises(InputFaults, match="cannot be read"):
        read_design(study, tmp_path / "none.csv", "sequential")


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published design is not beside this checkout")
def test_the_published_design_is_continued(tmp_path: Path):
    study = write_study(tmp_path)
    columns = {name: f"s{k}" for k, name in enumerate(SOURCES, 1)} | {"strategy": "arc"}
    names = dict(zip("12345", ("MSS-CR", "MS-CR@2", "MS-CR@4", "MS-CR@6", "MS-SR@FC"), strict=True))
    start = read_design(study, PUBLISHED, "sequential", columns, {"strategy": names})[:352]
    plan = generate(study, 400, finished=start)
    assert plan[73 : 73 + 352] == start
    assert len({run.run_id for run in plan}) == 73 + 400


def test_numbers_and_codings_as_other_programs_write_them(tmp_path: Path):
    """2.00 is the level 2.0, and -1 and 1 are absent and present: the hint used to turn them round."""
    study = write_study(tmp_path, phases="", sources=3, factors="width = [0.5, 2.0]")
    text = (
        "strategy,self,bpm,year,width\nMSS-CR,1,-1,1,2.00\nMSS-CR,1.0,1,-1.0,5e-1\nMSS-CR,1,2,1,2\nMSS-CR,1,2,1,0.5\n"
    )
    (tmp_path / "design.csv").write_text(text)
    with pytest.raises(InputFaults, match="rows 3, 4: bpm = '2'"):
        read_design(study, tmp_path / "design.csv", "sequential")
    (tmp_path / "design.csv").write_text("\n".join(text.splitlines()[:3]))
    runs = read_design(study, tmp_path / "design.csv", "sequential")
    assert [(run.sources, run.factors["width"]) for run in runs] == [(("self", "year"), 2.0), (("self", "bpm"), 0.5)]


def test_an_absent_source_needs_no_column_and_broken_constraints_are_noted(tmp_path: Path):
    forbid = '[[design.constraint]]\nforbid = { strategy = "MSS-CR", sources = ["self", "bpm"] }\n'
    study = write_study(tmp_path, phases=forbid, sources=3)
    (tmp_path / "design.csv").write_text("strategy,self,bpm\nMS-CR@2,1,1\nMSS-CR,1,1\n")
    runs = read_design(study, tmp_path / "design.csv", "sequential", absent=["year"])
    assert [run.sources for run in runs] == [("self", "bpm")] * 2
    assert constraint_notes(study, runs) == ["the start violates [[design.constraint]] 1 in row 2; these runs are kept"]

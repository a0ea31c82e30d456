from __future__ import annotations

from jobs.failures import Failure
from jobs.steps import Report, Step
from jobs.sweep import Progress
from study.commands.sweep_progress import line
from study.core.run import Run

RUN = Run("6d1c0a2f9b3e4d55", "all", 0, "MS-CR@4", ("self", "tag"), {"width": 0.25, "optimiser": "sgd"})


def test_a_line_names_the_run_with_sources_and_factors() -> None:
    named = "6d1c0a2f9b3e4d55 MS-CR@4 self+tag width=0.25 optimiser=sgd"
    scored = Report(Step("evaluate", RUN, ("genre",)), scores=(("genre", 0.5),))
    assert line(Progress(3, 9), scored).endswith(f"] {named}: genre 0.500")
    failed = Report(Step("learn", RUN, ()), Failure("gpu-memory", "out of memory"))
    assert line(Progress(3, 9), failed) == f"failed (gpu-memory): learn {named}: out of memory"
    baseline = Report(Step("learn", Run("ab", "baseline", 0, "MFCC", ()), ()))
    assert line(Progress(3, 9), baseline).endswith("] ab MFCC: learned")

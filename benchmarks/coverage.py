"""How often 95 % intervals of the first model cover the truth, on the paper's plan of 425 runs and 7 targets.

    python benchmarks/coverage.py [experimental_design.csv] [--studies 5000] [--stopped 2000] [--bootstrapped 400]
        [--crossed 100]

Studies are simulated at the effects and variances of `analysis.planning.truth` and at others, and where the model is
not quite true. Then what `launch --until` does to the intervals, what percentile bootstrap and Wald intervals cover,
and what a random intercept of the run mends. Exits 1 if, where the model is true, Satterthwaite's intervals of a fixed
effect cover less than 0.935 or more than 0.965, or if Holm's adjusted p tell a difference in more than 0.06 of studies
without any.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.contrasts import holm
from analysis.fitting.bootstrap import percentile_interval
from analysis.fitting.bootstrap import refit as bootstrap
from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.random_terms import RandomTerm
from analysis.planning.simulation import Planned, Refitted, joined, refit, simulate
from analysis.planning.truth import Truth, paper_truth
from study.core.coding import Coding, first_model
from study.core.effects import effects_of, weights_of
from study.workflow.stopping import FIRST_LOOK, LOOKS
from tests.analysis.by_target import fit_by_target
from tests.analysis.paper_plan import PUBLISHED, TARGETS, paper_runs

SEED = 20191120
BATCH = 100
REPLICATES = 200
SHARED = 0.2
SLOPE = "strategy[MS-CR@2]:n_star"


@dataclass(frozen=True)
class Setting:
    """Studies: the model's truth and, where it is not quite true, the residual's deviation of each run (n_runs,) and
    the share of its variance that a run's seven scores have in common; standardised by target, as in a report, or not.
    `judged`: by these the benchmark passes or fails."""

    name: str
    truth: Truth
    residual_sd: np.ndarray | None = None
    shared: float = 0.0
    standardised: bool = False
    judged: bool = False
    n_targets: int = len(TARGETS)

    def scores(self, coding: Coding, n: int, rng: np.random.Generator) -> np.ndarray:
        """Scores (n, n_targets, n_runs), less their fixed part unless standardised."""
        sd = self.truth.residual_sd if self.residual_sd is None else self.residual_sd
        y = simulate(replace(self.truth, residual_sd=0.0), paper_plan(coding), self.n_targets, n, rng)
        y += sd * np.sqrt(1.0 - self.shared) * rng.standard_normal(y.shape)
        if self.shared:
            y += sd * np.sqrt(self.shared) * rng.standard_normal((n, 1, y.shape[2]))
        if self.standardised:
            y += coding.columns.to_numpy() @ [self.truth.effects[term] for term in coding.columns]
            y = (y - y.mean(axis=2, keepdims=True)) / y.std(axis=2, ddof=1, keepdims=True)
        return y


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, nargs="?", default=PUBLISHED)
    parser.add_argument("--studies", type=int, default=5000)
    parser.add_argument("--stopped", type=int, default=2000)
    parser.add_argument("--bootstrapped", type=int, default=400)
    parser.add_argument("--crossed", type=int, default=100)
    arguments = parser.parse_args()
    runs = paper_runs(arguments.published)
    coding = first_model(runs)
    near_paper = paper_truth(coding)
    missed = print_settings(settings(runs, coding, near_paper), coding, arguments.studies)
    print_until(coding, [("paper", near_paper), ("different targets", wider(near_paper))], arguments.stopped)
    print_bootstrap(coding, near_paper, arguments.bootstrapped)
    print_with_run(coding, near_paper, arguments.crossed)
    return int(missed)


def wider(truth: Truth) -> Truth:
    """Targets that differ more: 0.3 between strategies and 0.05 between slopes, with a residual of 0.6."""
    return Truth(truth.effects, {term: 0.05 if "n_star" in term else 0.3 for term in truth.sd}, 0.6)


def settings(runs: pd.DataFrame, coding: Coding, truth: Truth) -> list[Setting]:
    far = wider(truth)
    falling = 1.0 - 0.5 * (runs["n_sources"].to_numpy() - 1.0) / 7.0  # from 1 with one source to a half with eight
    falling *= truth.residual_sd / np.sqrt((falling**2).mean())
    return [
        Setting("near the paper's", truth, judged=True),
        Setting("targets that differ more", far, judged=True),
        Setting(f"{SLOPE} hardly varies (sd 0.005)", replace(truth, sd={**truth.sd, SLOPE: 0.005})),
        Setting("targets that differ more, but not in that slope", replace(far, sd={**far.sd, SLOPE: 0.005})),
        Setting("spread halves from 1 to 8 sources", truth, falling),
        Setting("a run's scores share a fifth of the residual", truth, shared=SHARED),
        Setting("standardised within target", truth, standardised=True),
        Setting("the same, targets that differ more", far, standardised=True),
        *(Setting(f"near the paper's, {n} targets", truth, n_targets=n) for n in (2, 3, 4)),
        *(Setting(f"targets that differ more, {n} targets", far, n_targets=n) for n in (2, 3, 4)),
    ]


def paper_plan(coding: Coding) -> Planned:
    """The paper's first model, without what runs share."""
    return Planned(coding.columns, coding.columns[list(coding.random)])


def contrasts(coding: Coding) -> np.ndarray:
    """The fixed terms, then all pairs of strategies."""
    pairs = [effect for effect in effects_of(list(coding.columns)) if effect.is_comparison]
    return np.vstack([np.eye(coding.columns.shape[1]), weights_of(pairs, list(coding.columns))])


def refits(y: np.ndarray, coding: Coding, size: int, truth: Truth) -> Refitted:
    plan = paper_plan(replace(coding, columns=coding.columns.iloc[:size]))
    return refit(y[..., :size], plan, contrasts(coding), truth)


def print_settings(of: list[Setting], coding: Coding, n_studies: int) -> bool:
    """Coverage of the fixed effects, least and most over the terms; Satterthwaite's t and Wald's z."""
    n_terms, missed = coding.columns.shape[1], False
    df_grid = np.geomspace(2.0, 3000.0, 16)
    critical_tukey = stats.studentized_range.ppf(0.95, 6, df_grid) / np.sqrt(2.0)
    print("| studies | Satterthwaite: least, most, mean | intercepts, slopes, differences | Wald: mean | singular "
          "| not certified | told wrongly: Holm, Tukey |\n| --- | --- | --- | --- | --- | --- | --- |")  # fmt: skip
    for setting in of:
        rng = np.random.default_rng(SEED)
        found = joined([
            refits(setting.scores(coding, BATCH, rng), coding, len(coding.columns), setting.truth)
            for _ in range(n_studies // BATCH)
        ])  # fmt: skip
        error, se, df = (each[found.certified] for each in (found.error, found.se, found.df))
        # Standardising moves what is estimated: there the truth is the mean over studies.
        error = error - error.mean(axis=0) if setting.standardised else error
        t = np.abs(error) / se
        hits = (t < stats.t.ppf(0.975, df)).mean(axis=0)
        covered, differences = hits[:n_terms], hits[n_terms:].mean()
        wald = (t < stats.norm.ppf(0.975))[:, :n_terms].mean()
        pairs, pair_df = t[:, n_terms:], df[:, n_terms:]
        told = (np.apply_along_axis(holm, 1, 2.0 * stats.t.sf(pairs, pair_df)) < 0.05).any(axis=1).mean()
        by_tukey = (pairs > np.interp(np.log(pair_df), np.log(df_grid), critical_tukey)).any(axis=1).mean()
        intercepts = ["n_star" not in term for term in coding.columns]
        print(
            f"| {setting.name} | {covered.min():.3f}, {covered.max():.3f}, {covered.mean():.3f} "
            f"| {covered[intercepts].mean():.3f}, {covered[np.invert(intercepts)].mean():.3f}, {differences:.3f} "
            f"| {wald:.3f} "
            f"| {found.singular.mean():.2f} | {(~found.certified).sum()} of {len(found.certified)} "
            f"| {told:.3f}, {by_tukey:.3f} |", flush=True,
        )  # fmt: skip
        if setting.judged:
            missed |= bool(covered.min() < 0.935 or covered.max() > 0.965 or told > 0.06)
    return missed


def print_until(coding: Coding, truths: list[tuple[str, Truth]], n_studies: int) -> None:
    """Coverage of the intervals that a rule names, at the look that stopped a study or at the plan's end."""
    n_terms, n_runs = coding.columns.shape[1], len(coding.columns)
    looks = [n for n in range(0, n_runs, round(n_runs / LOOKS)) if n >= FIRST_LOOK * n_runs] + [n_runs]
    rules = {
        "n_star": range(n_terms - 5, n_terms), "strategy": range(n_terms, n_terms + 15),
        "strategy[MSS-CR]:n_star": [n_terms - 1], "MSS-CR - MS-CR@2": [n_terms + 14],
    }  # fmt: skip
    print(f"\n{len(looks)} looks at {', '.join(map(str, looks))} runs\n\n"
          "| studies | rule | reached by | mean runs | coverage: all, least of its effects | those stopped | those not "
          "| whole plan: all | whole plan: those as narrow |\n" + "| --- " * 9 + "|")  # fmt: skip
    for name, truth in truths:
        setting, rng, at_look = Setting(name, truth), np.random.default_rng(SEED), []
        for _ in range(n_studies // BATCH):
            y = setting.scores(coding, BATCH, rng)
            at_look.append([refits(y, coding, size, truth) for size in looks])
        by_look = [joined([batch[k] for batch in at_look]) for k in range(len(looks))]
        margin = np.stack([stats.t.ppf(0.975, found.df) * found.se for found in by_look])
        margin[np.isnan(margin)] = np.inf  # what is not certified is not narrow
        covered = np.stack([np.abs(found.error) for found in by_look]) < margin
        for rule, which in rules.items():
            widest, hits = margin[..., list(which)].max(axis=2), covered[..., list(which)]
            for reached_by in (0.1, 0.5, 0.9):
                limit = np.quantile(widest.min(axis=0), reached_by)
                narrow = widest <= limit
                stop = np.where(narrow.any(axis=0), narrow.argmax(axis=0), len(looks) - 1)
                at_stop, stopped = hits[stop, np.arange(len(stop))], narrow.any(axis=0)
                print(
                    f"| {name} | {rule} < {limit:.3f} | {stopped.mean():.0%} | {np.array(looks)[stop].mean():.0f} "
                    f"| {at_stop.mean():.3f}, {at_stop.mean(axis=0).min():.3f} | {at_stop[stopped].mean():.3f} "
                    f"| {at_stop[~stopped].mean():.3f} | {hits[-1].mean():.3f} | {hits[-1][narrow[-1]].mean():.3f} |",
                    flush=True,
                )  # fmt: skip


def print_bootstrap(coding: Coding, truth: Truth, n_studies: int) -> None:
    """Percentile bootstrap intervals beside the others, on the same studies."""
    rng = np.random.default_rng(SEED)
    rows, target = rows_of(coding)
    y = Setting("", truth).scores(coding, n_studies, rng)
    found = refits(y, coding, len(coding.columns), truth)
    n_terms = coding.columns.shape[1]
    inside = []
    for study in y:
        low, high = percentile_interval(
            bootstrap(fit_by_target(study.ravel(), rows, coding.random, target), REPLICATES, rng).estimate
        )
        inside.append((low < 0.0) & (high > 0.0))
    t = np.abs(found.error / found.se)[:, :n_terms]
    print(f"\n{n_studies} studies, {REPLICATES} bootstrap refits each: percentile bootstrap {np.mean(inside):.3f}, "
          f"Wald {(t < stats.norm.ppf(0.975)).mean():.3f}, "
          f"Satterthwaite {(t < stats.t.ppf(0.975, found.df[:, :n_terms])).mean():.3f}")  # fmt: skip


def print_with_run(coding: Coding, truth: Truth, n_studies: int) -> None:
    """The first model, and with a random intercept of the run, where a run's scores share a fifth of the residual."""
    rng = np.random.default_rng(SEED)
    rows, target = rows_of(coding)
    by_target = RandomTerm("target", target, rows[list(coding.random)])
    run = np.tile(np.arange(len(coding.columns)), len(TARGETS))
    by_run = RandomTerm("run", run, pd.DataFrame({"intercept": np.ones(len(rows))}))
    inside: dict[str, list[pd.Series]] = {"without": [], "with": []}
    for study in Setting("", truth, shared=SHARED).scores(coding, n_studies, rng):
        for name, terms in (("without", [by_target]), ("with", [by_target, by_run])):
            found = fixed_effects(fit_mixed(study.ravel(), rows, terms))
            inside[name].append((found["ci_low"] < 0.0) & (found["ci_high"] > 0.0))
    told = ", ".join(f"{name} (1 | run) {np.mean(covered):.3f}" for name, covered in inside.items())
    print(f"\n{n_studies} studies in which a run's scores share a fifth of the residual: {told}", flush=True)


def rows_of(coding: Coding) -> tuple[pd.DataFrame, np.ndarray]:
    """The plan's columns once a target, and the target of each row."""
    rows = pd.concat([coding.columns] * len(TARGETS), ignore_index=True)
    return rows, np.repeat(TARGETS, len(coding.columns))


if __name__ == "__main__":
    sys.exit(main())

"""The headline's families in 2,000 simulated studies a row: false statements, and the coverage of intervals.

Studies are drawn as arrays and fitted many at once in the closed form. Strategies and slopes differ between targets by
chance (0.15 and 0.03); runs and combinations share a part of the residual variance, or combinations of one source have
a deviation of their own. There are three tables:

- `complete`: nothing differs on average. The plan is that of benchmarks/headline_nulls.py.
- `partial`: the same plan with a training factor of two levels, whose effect differs between targets by chance (0.1).
  On average only strategies differ, or only slopes from zero, or only the levels of the factor. A statement whose truth
  is 0 is false; a family counts where at least one of its members has the truth 0.
- `demo`: the 25 runs that `study demo` plans, where nothing differs and where strategies and slopes do.

The truth of an effect is the effect times the mean over targets of 1/sd, sd being the deviation by which the study's
scores on this target were divided. A family's critical value is the middle of those of ten studies; a study whose least
p value is near it is judged by its own critical value, as in a report.

    python benchmarks/headline_families.py [--studies 2000] [--tables complete partial demo]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from headline_nulls import N_TARGETS, RESIDUAL_VARIANCE, SLOPE_SD, STRATEGIES, STRATEGY_SD, plan
from scipy import stats

from analysis.centring import centred
from analysis.fitting.balanced import Balanced
from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.mixed_problem import problem_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.random_terms import RandomTerm
from analysis.headline_terms import headline_terms
from analysis.planning.simulation import satterthwaite
from analysis.planning.truth import SLOPE_EFFECT, STRATEGY_EFFECTS
from analysis.simultaneous import correlation_of, critical_p
from analysis.statements import families_of
from design.generate import generate
from study.core.coding import combination, first_model, is_intercept, strategy_of
from study.core.reading import read_study
from study.core.strategies import ALL, BUILT_IN
from study.core.variances import FACTOR_SD
from study.workflow.demo import DEMO_BUDGET

FACTOR, LEVELS, FACTOR_EFFECT = "activation", ("relu", "elu"), 0.3
BATCH, SAMPLED = 100, 10
NEAR = 1.3
"""A study is judged by its own critical value unless its least p value is this many times outside the range of those
of the sampled studies."""


@dataclass(frozen=True)
class Setting:
    """Shares of runs and of combinations, the deviation of combinations of one source where it is another, and what is
    true on average."""

    of_run: float = 0.0
    of_combination: float = 0.0
    single_sd: float = 0.0
    strategies: bool = False
    slopes: bool = False
    factor: bool = False

    def effect(self, term: str) -> float:
        """The mean over targets of a fixed term, in the units of the scores before they are standardised."""
        if term.startswith("factor."):
            return FACTOR_EFFECT * self.factor
        name = strategy_of(term)
        if is_intercept(term):
            return STRATEGY_EFFECTS[name] * self.strategies
        return SLOPE_EFFECT * (self.slopes and BUILT_IN[name].share != ALL)


COMPLETE = {
    "0, 0": Setting(), "0.1, 0": Setting(0.1), "0.3, 0": Setting(0.3), "0, 0.1": Setting(0.0, 0.1),
    "0.1, 0.1": Setting(0.1, 0.1), "0.3, 0.1": Setting(0.3, 0.1), "0, 0.3": Setting(0.0, 0.3),
    "0.1, 0.3": Setting(0.1, 0.3), "0.3, 0.3": Setting(0.3, 0.3),
    "SS-R combinations sd 0.5, others 0.15": Setting(0.0, 0.04, 0.5),
}  # fmt: skip
PARTIAL = {
    f"only {true}: {of_run:g}, {of_combination:g}": Setting(of_run, of_combination, **{true: True})
    for true in ("strategies", "slopes", "factor")
    for of_run, of_combination in ((0.0, 0.0), (0.3, 0.0), (0.0, 0.3))
}
DEMO = {
    f"{true}: {of_run:g}, 0": Setting(of_run, strategies=differ, slopes=differ)
    for true, differ in (("nothing", False), ("strategies and slopes", True))
    for of_run in (0.0, 0.3)
}


@dataclass(frozen=True)
class Headline:
    """The headline's first model over every run on every target: `rows` by target and run, fixed `columns`, random
    `terms`, each family's contrasts (m, p) and the closed form."""

    rows: pd.DataFrame
    columns: pd.DataFrame
    terms: tuple[RandomTerm, ...]
    families: Mapping[str, np.ndarray]
    design: Balanced


def demo_plan() -> pd.DataFrame:
    """The runs of `study demo`: `run_id, strategy, n_sources, source.<name>`."""
    study = read_study(Path(str(files("study") / "templates" / "demo")))
    return pd.DataFrame([
        {"run_id": run.run_id, "strategy": run.strategy, "n_sources": len(run.sources)}
        | {f"source.{name}": name in run.sources for name in study.sources}
        for run in generate(study, int(DEMO_BUDGET))
    ])  # fmt: skip


def headline_of(runs: pd.DataFrame, with_factor: bool) -> Headline:
    """The model over a plan, of which every other run has the second level of the factor, if there is one."""
    if with_factor:
        runs = runs.assign(**{f"factor.{FACTOR}": np.array(LEVELS, dtype=object)[np.arange(len(runs)) % 2]})
    factors = {FACTOR: LEVELS} if with_factor else {}
    rows = pd.concat([runs.assign(target=f"t{target}") for target in range(N_TARGETS)], ignore_index=True)
    coding = centred(first_model(rows, factors))
    columns, terms = coding.columns, headline_terms(rows, coding, factors, True).terms
    z = np.random.default_rng(0).standard_normal(len(rows))
    members = families_of(fit_mixed(z, columns, terms), rows)
    families = {family: np.array(list(weights.values())) for family, weights in members}
    design = problem_of(z, columns, terms, True).balanced
    if design is None:
        raise SystemExit("no closed form")
    return Headline(rows, columns, terms, families, design)


def drawn(
    headline: Headline, setting: Setting, n_studies: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Standardised scores (n_studies, n_rows), and the mean over targets of 1 / sd (n_studies,)."""
    rows = headline.rows
    one = rows[: len(rows) // N_TARGETS]
    strategy, single = one["strategy"].map(STRATEGIES.index).to_numpy(), (one["strategy"] == "SS-R").to_numpy()
    steps = np.where(single, 0, one["n_sources"] - 2)
    made_of = pd.factorize(combination(one))[0]
    shape = (n_studies, N_TARGETS, len(STRATEGIES))
    level, slope = STRATEGY_SD * rng.standard_normal(shape), SLOPE_SD * rng.standard_normal(shape)
    y = level[..., strategy] + slope[..., strategy] * steps
    y += np.sqrt(setting.of_run * RESIDUAL_VARIANCE) * rng.standard_normal((n_studies, 1, len(one)))
    of_single = single & (setting.single_sd > 0.0)
    sd = np.where(of_single, setting.single_sd, np.sqrt(setting.of_combination * RESIDUAL_VARIANCE))
    y += (sd * rng.standard_normal((n_studies, made_of.max() + 1))[:, made_of])[:, None]
    left = 1.0 - setting.of_run - setting.of_combination
    y += np.sqrt(left * RESIDUAL_VARIANCE) * rng.standard_normal((n_studies, N_TARGETS, len(one)))
    if f"factor.{FACTOR}" in rows:
        second = (one[f"factor.{FACTOR}"] == LEVELS[1]).to_numpy()
        y += FACTOR_SD * rng.standard_normal((n_studies, N_TARGETS, 1)) * second
    y += headline.columns.to_numpy(dtype=float)[: len(one)] @ effects_of(headline, setting)
    sd = y.std(axis=2, ddof=1, keepdims=True)
    z = (y - y.mean(axis=2, keepdims=True)) / sd
    return z.reshape(n_studies, -1), (1.0 / sd).mean(axis=(1, 2))


def effects_of(headline: Headline, setting: Setting) -> np.ndarray:
    """The fixed terms' means over targets (p,)."""
    return np.array([setting.effect(str(term)) for term in headline.columns])


def critical(headline: Headline, z: np.ndarray, weights: np.ndarray) -> float:
    """The unadjusted p value below which a report of this study would state a member of a family."""
    if len(weights) == 1:
        return 0.05
    fit = fit_mixed(z, headline.columns, headline.terms)
    slopes = np.einsum("mp,lpq,mq->ml", weights, fit.covariance_slopes, weights)
    of_variances = slopes @ fit.parameter_covariance @ slopes.T
    variance = weights @ fit.covariance @ weights.T
    df = contrast_tests(fit, weights)["df"].to_numpy()
    return critical_p(correlation_of(variance), correlation_of(of_variances), df, 0)


def stating(headline: Headline, z: np.ndarray, weights: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Which studies state something (n_studies,), given the least p value of what may be stated falsely."""
    sampled = [critical(headline, one, weights) for one in z[:SAMPLED]]
    limit = np.full(len(least), np.median(sampled))
    if len(weights) > 1:
        near = np.flatnonzero((least > min(sampled) / NEAR) & (least < max(sampled) * NEAR))
        limit[near] = [critical(headline, one, weights) for one in z[near]]
        _note(f"critical values of {len(near)} studies: {limit.min():.5f} to {limit.max():.5f}")
    return least < limit


def tests(headline: Headline, z: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Which studies have a fit (R,), and estimate, se and df of each family's members (3, R, m) in these."""
    fitted: list[np.ndarray] = []
    found: dict[str, list[tuple[np.ndarray, ...]]] = {family: [] for family in headline.families}
    for first in range(0, len(z), BATCH):
        response = headline.design.response(z[first : first + BATCH])
        start = np.full((len(response.rest), len(headline.design.is_variance)), 0.02)
        optimum = minimise(headline.design, response, start)
        kept = np.flatnonzero(optimum.certified)
        fitted.append(first + kept)
        for family, weights in headline.families.items():
            found[family].append(satterthwaite(headline.design, response.take(kept), optimum.phi[kept], weights))
    return np.concatenate(fitted), {family: np.concatenate(parts, axis=1) for family, parts in found.items()}


def row(headline: Headline, setting: Setting, n_studies: int, rng: np.random.Generator) -> list[str]:
    """The cells of a row."""
    z, inverse_sd = drawn(headline, setting, n_studies, rng)
    fitted, found = tests(headline, z)
    effects, false, covered = effects_of(headline, setting), {}, {}
    for family, weights in headline.families.items():
        estimate, se, df = found[family]
        truth = weights @ effects
        covered[family] = np.abs(estimate - truth * inverse_sd[fitted, None]) <= stats.t.ppf(0.975, df) * se
        null = np.abs(truth) < 1e-9
        if null.any():
            p = 2.0 * stats.t.sf(np.abs(estimate / se), df)
            false[family] = stating(headline, z[fitted], weights, p[:, null].min(axis=1))
    by_effect = np.concatenate([one.mean(axis=0) for one in covered.values()])
    error = max(float(one.mean(axis=1).std() / np.sqrt(len(one))) for one in covered.values())
    _note(f"standard error of a family's coverage: at most {error:.4f}")
    together = np.any(list(false.values()), axis=0) if false else None
    shares = [false.get(family) for family in headline.families] + [together]
    cells = ["" if one is None else f"{100.0 * one.mean():.1f} %" for one in shares]
    cells += [f"{one.mean():.3f}" for one in covered.values()]
    return [*cells, f"{by_effect.min():.3f}, {by_effect.max():.3f}", str(n_studies - len(fitted))]


def main() -> None:
    """A row for each setting of each table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--tables", nargs="*", default=["complete", "partial", "demo"])
    given = parser.parse_args()
    paper = plan(np.random.default_rng(2019))
    tables = {"complete": (paper, COMPLETE), "partial": (paper, PARTIAL), "demo": (demo_plan(), DEMO)}
    for table in given.tables:
        runs, settings = tables[table]
        headline = headline_of(runs, table == "partial")
        names = [*(f"some {family}" for family in headline.families), "any family"]
        names += [*(f"coverage: {family}" for family in headline.families), "of an effect: lowest, highest", "no fit"]
        print(
            f"\n| {table}: run, combination | {' | '.join(names)} |\n" + "| --- " * (len(names) + 1) + "|", flush=True
        )
        for number, (name, setting) in enumerate(settings.items()):
            began = time.perf_counter()
            # the rows of the first table have the same draws, so that they differ by what is shared alone
            rng = np.random.default_rng(7 if table == "complete" else [7, number])
            cells = row(headline, setting, given.studies, rng)
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
            _note(f"{time.perf_counter() - began:.0f} s")


def _note(text: str) -> None:
    print(f"<!-- {text} -->", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

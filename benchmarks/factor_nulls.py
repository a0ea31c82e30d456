"""A further factor of mean zero, and fine-tuning of mean zero: how often the headline calls them significant.

120 runs of the founding study's strategies on 7 targets, half of the residual variance shared by a run's scores. The
factor has two or three levels, which differ between targets with a standard deviation and not on average; `transfer`
is a factor of the evaluation, so that each run has a score at both of its levels.

Of the headline's first model only the factor's own family is judged, as `strategy_model` would judge it. The state is
printed after every 100 studies of all cells, the last one being the result.

    python benchmarks/factor_nulls.py [--studies 2000] [--kinds two three transfer]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from headline_nulls import N_TARGETS, plan
from scipy import stats

from analysis.fitting.mixed_problem import NotCertified
from analysis.headline_terms import centred
from analysis.models import headline_fit
from analysis.results_table import standardised
from analysis.simultaneous import EACH, simultaneous
from analysis.statements import families_of
from study.core.coding import first_model

DEVIATIONS = (0.0, 0.15, 0.25, 0.5)
N_RUNS, RUN_SD, RESIDUAL_SD = 120, 0.5, 0.5
STATE_EVERY = 100
KINDS = {"two": ("activation", ["relu", "elu"]), "three": ("activation", ["relu", "gelu", "elu"]),
         "transfer": ("transfer", ["frozen", "fine-tune"])}  # fmt: skip


def scores(kind: str, deviation: float, rng: np.random.Generator) -> pd.DataFrame:
    """Scores of every run on every target, at both levels of `transfer` where that is the factor."""
    name, levels = KINDS[kind]
    runs = plan(rng)
    runs = runs.iloc[rng.choice(len(runs), N_RUNS, replace=False)].reset_index(drop=True)
    shared = RUN_SD * rng.standard_normal(N_RUNS)
    frames = []
    for target in range(N_TARGETS):
        of_level = deviation * rng.standard_normal(len(levels))
        for level in range(len(levels)) if kind == "transfer" else [None]:
            which = np.arange(N_RUNS) % len(levels) if level is None else np.full(N_RUNS, level)
            score = of_level[which] + shared + RESIDUAL_SD * rng.standard_normal(N_RUNS)
            given = {f"factor.{name}": np.array(levels, dtype=object)[which]}
            frames.append(runs.assign(target=f"t{target}", score=score, **given))
    return pd.concat(frames, ignore_index=True)


def judged(kind: str, deviation: float, study: int) -> pd.DataFrame | None:
    """What the headline's first model states of the factor in a study; None without a fit."""
    name, levels = KINDS[kind]
    rng = np.random.default_rng([11, list(KINDS).index(kind), round(100 * deviation), study])
    rows = scores(kind, deviation, rng)
    rows["z"] = standardised(rows, pd.Series("score", rows["target"].unique()))[0]
    coding = centred(first_model(rows, {name: levels}), rows["target"])
    try:
        fit, _ = headline_fit(rows, coding, {name: levels}, sources_known=True)
    except NotCertified:
        return None
    weights = dict(families_of(fit, rows))[f"factor.{name}"]
    return simultaneous(fit, np.array(list(weights.values())), EACH)


def state(found: dict[tuple[str, float], list[tuple[float, float]]], n_studies: int) -> None:
    """A row for each kind of factor and each deviation, with standard errors in brackets."""
    print("| factor | sd by target | studies | significant | coverage | no fit |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (kind, deviation), studies in found.items():
        mean, error = np.mean(studies, axis=0), np.std(studies, axis=0) / np.sqrt(len(studies))
        significant = f"{100 * mean[0]:.1f} % ({100 * error[0]:.1f})"
        coverage = f"{mean[1]:.3f} ({error[1]:.3f})"
        print(f"| {kind} | {deviation} | {n_studies} | {significant} | {coverage} | {n_studies - len(studies)} |")


def main() -> None:
    """All cells, one study of each after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = parser.parse_args()
    found: dict[tuple[str, float], list[tuple[float, float]]]
    found = {(kind, deviation): [] for kind in given.kinds for deviation in DEVIATIONS}
    began = time.perf_counter()
    for study in range(given.studies):
        for (kind, deviation), studies in found.items():
            said = judged(kind, deviation, study)
            if said is not None:
                covered = said["estimate"].abs() <= stats.t.ppf(0.975, said["df"]) * said["se"]
                studies.append((float((said["p_adjusted"] < 0.05).any()), float(covered.mean())))
        if (study + 1) % STATE_EVERY == 0 or study + 1 == given.studies:
            state(found, study + 1)
            print(f"<!-- {time.perf_counter() - began:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()

"""Checks of the fits that a reader can act on: dependence, other models, outlying runs and scores, targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.contrasts import ALPHA, holm
from analysis.dependence import likelihood_ratios, permutation_p
from analysis.fitted_model import Model
from analysis.fitting.conditional import residuals
from analysis.fitting.deletion import deletions
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.results_table import ResultsTable
from study.core.errors import InputFaults

PERMUTED = "permutation of scores within target"
FEWEST_FOR_NORMALITY = 20
"""Residuals of which skewness and kurtosis are tested, at least."""
MOST_NAMED = 10
"""Runs and scores in a table, at most."""


@dataclass(frozen=True)
class ModelChecks:
    """`dependence`: what is left out of the first model, `likelihood_ratio` and `p`. `comparison`: maximum likelihood
    and AIC of models of the same scores. `runs` and `scores`: those that the others predict worst, by adjusted p.
    `influence`: of each statement the run that changes it most. `targets`: the first model's residuals on each."""

    dependence: pd.DataFrame
    comparison: pd.DataFrame
    runs: pd.DataFrame
    scores: pd.DataFrame
    influence: pd.DataFrame
    targets: pd.DataFrame


def model_checks(
    table: ResultsTable,
    model: Model,
    others: Sequence[Model],
    effects: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> ModelChecks:
    """The checks of a first model's fit to the table, and its comparison with others; `effects` are the contrasts (p,)
    of what it states."""
    fit, rows = model.fit, table.scores
    if fit is None:
        return ModelChecks(*(pd.DataFrame() for _ in range(6)))
    dependence = likelihood_ratios(fit)
    p = permutation_p(rows, model.coding.columns, rng)
    if p is not None:
        dependence.loc[len(dependence)] = [PERMUTED, 0, np.nan, p]
    runs, influence = _of_runs(fit, rows, model, effects)
    compared = comparison([model, *others])
    return ModelChecks(dependence, compared, runs, _of_scores(fit, rows), influence, _of_targets(fit, rows))


def comparison(models: Sequence[Model]) -> pd.DataFrame:
    """`model, parameters, log_likelihood, aic, aic_difference` of the models fitted to the same scores, by maximum
    likelihood, since restricted likelihoods of different fixed terms are not comparable; the lowest AIC first."""
    first, found = next((model.fit for model in models if model.fit is not None), None), []
    for model in models:
        fit = model.fit
        if fit is None or first is None or not np.array_equal(fit.y, first.y):
            continue
        try:
            by_likelihood = fit_mixed(fit.y, fit.fixed, fit.random, reml=False)
        except (NotCertified, InputFaults):
            continue
        parameters = len(fit.fixed_terms) + len(fit.design.is_variance) + 1
        found.append((model.name, parameters, -by_likelihood.criterion / 2.0, by_likelihood.criterion + 2 * parameters))
    frame = pd.DataFrame(found, columns=["model", "parameters", "log_likelihood", "aic"]).sort_values("aic")
    return frame.assign(aic_difference=frame["aic"] - frame["aic"].min()).reset_index(drop=True)


def _of_runs(
    fit: MixedFit, rows: pd.DataFrame, model: Model, effects: Mapping[str, np.ndarray]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs by how badly the others predict them, and what each statement owes to a single run."""
    without = deletions(fit, rows["run_id"].to_numpy())
    effects = {effect: own for effect, own in effects.items() if effect in set(model.statements["effect"])}
    if without is None or len(without.units) < 2 or not effects:
        return pd.DataFrame(), pd.DataFrame()
    change = without.change @ np.array(list(effects.values())).T
    stated = model.statements.set_index("effect").loc[list(effects)]
    relative = change / stated["se"].to_numpy()
    most = np.abs(relative).argmax(axis=1)
    of_run = rows.drop_duplicates("run_id").set_index("run_id").loc[without.units]
    p = np.minimum(2.0 * np.minimum(without.p, without.shift_p), 1.0)
    described = {name: of_run[name].to_numpy() for name in ("strategy", "n_sources") if name in of_run}
    runs = pd.DataFrame(
        {
            "run_id": without.units,
            **described,
            "statistic": without.statistic,
            "df": without.df,
            "p": p,
            "p_adjusted": _holm(p),
            "most_changed": np.array(list(effects), dtype=object)[most],
            "change_in_se": relative[np.arange(len(most)), most],
        }
    )
    largest = np.abs(relative).argmax(axis=0)
    own = np.arange(len(effects))
    estimate = stated["estimate"].to_numpy()
    reach = (stated["ci_high"] - stated["estimate"]).to_numpy()
    significant = stated["p_adjusted"].to_numpy() < ALPHA
    lost = significant & (np.sign(estimate) * (estimate + change) <= reach).any(axis=0)
    influence = pd.DataFrame(
        {
            "effect": list(effects),
            "estimate": estimate,
            "run_id": without.units[largest],
            "without_it": estimate + change[largest, own],
            "change_in_se": relative[largest, own],
            "depends_on_one_run": lost,
        }
    )
    return runs.sort_values("p", kind="stable").head(MOST_NAMED).reset_index(drop=True), influence


def _of_scores(fit: MixedFit, rows: pd.DataFrame) -> pd.DataFrame:
    """The scores that the others predict worst, given their run's other ones."""
    without = deletions(fit, np.arange(len(rows)))
    if without is None:
        return pd.DataFrame()
    frame = rows[["run_id", "target", "score", "z"]].reset_index(drop=True)
    frame = frame.assign(statistic=without.statistic, p=without.p, p_adjusted=_holm(without.p))
    return frame.sort_values("p", kind="stable").head(MOST_NAMED).reset_index(drop=True)


def _of_targets(fit: MixedFit, rows: pd.DataFrame) -> pd.DataFrame:
    """`target, n, sd, skewness, kurtosis` (excess) of the residuals on each target, `p_normal` (D'Agostino and Pearson
    1973) and `p_spread`, Brown and Forsythe's test of its spread against that of the others; both by Holm."""
    rest, target = residuals(fit), rows["target"].to_numpy()
    names = list(dict.fromkeys(target))
    found = list(_target_rows(rest, {name: target == name for name in names}))
    frame = pd.DataFrame(found, columns=["target", "n", "sd", "skewness", "kurtosis", "p_normal", "p_spread"])
    return frame.assign(p_normal=_holm(frame["p_normal"].to_numpy()), p_spread=_holm(frame["p_spread"].to_numpy()))


def _target_rows(rest: np.ndarray, of_target: Mapping[str, np.ndarray]) -> Iterator[tuple[object, ...]]:
    for name, here in of_target.items():
        own = rest[here]
        normal = stats.normaltest(own).pvalue if len(own) >= FEWEST_FOR_NORMALITY else np.nan
        alike = stats.levene(own, rest[~here], center="median").pvalue if 1 < len(own) < len(rest) - 1 else np.nan
        yield name, len(own), own.std(ddof=1), stats.skew(own), stats.kurtosis(own), normal, alike


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values of those that are there."""
    adjusted = np.full(len(p), np.nan)
    known = np.isfinite(p)
    adjusted[known] = holm(p[known])
    return adjusted

"""The report's exhibits, in its order: under the questions of the page, and of the sentences below the answer."""

from __future__ import annotations

from collections.abc import Callable

from analysis.evidence import Evidence
from analysis.exhibits import (
    best_source,
    caterpillar,
    compactness,
    component_match,
    diagnostics,
    equivalence_report,
    explained_variance,
    learning_curves,
    means_by_n_sources,
    model_checks,
    network_size,
    own_contrasts,
    own_models,
    own_units,
    predictions_report,
    ranking,
    reliability,
    representation_map,
    residual_spread,
    runs,
    sensitivity_report,
    single_sources,
    source_components,
    source_effects,
    strategies,
    strategy_scores,
    trained_and_baselines,
    treatments,
    variances,
    within_source,
)
from analysis.exhibits.exhibit import Exhibit

ON_MODELS: tuple[Callable[[Evidence], Exhibit], ...] = (
    own_contrasts.exhibit,
    own_models.exhibit,
    sensitivity_report.exhibit,
    diagnostics.exhibit,
    model_checks.exhibit,
    variances.exhibit,
    explained_variance.exhibit,
    caterpillar.exhibit,
    runs.exhibit,
)
"""What is shown of the models of any table, and its runs."""

EXHIBITS: tuple[Callable[[Evidence], Exhibit], ...] = (
    strategies.exhibit,
    network_size.exhibit,
    equivalence_report.exhibit,
    trained_and_baselines.exhibit,
    ranking.exhibit,
    means_by_n_sources.exhibit,
    strategy_scores.exhibit,
    own_units.exhibit,
    compactness.exhibit,
    single_sources.exhibit,
    source_components.exhibit,
    source_effects.exhibit,
    best_source.exhibit,
    component_match.exhibit,
    predictions_report.exhibit,
    residual_spread.exhibit,
    within_source.exhibit,
    reliability.exhibit,
    representation_map.exhibit,
    *ON_MODELS,
    learning_curves.exhibit,
)

OF_TREATMENTS: tuple[Callable[[Evidence], Exhibit], ...] = (
    treatments.exhibit,
    equivalence_report.exhibit,
    ranking.exhibit,
    own_units.exhibit,
    reliability.exhibit,
    *ON_MODELS,
)
"""Those of a table of another field."""

"""What the models that the report goes by state, whichever they are."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.report.findings import size_effect, strategy_verdicts
from analysis.report.treatment_findings import treatment_verdicts
from analysis.verdict_rows import COLUMNS


def model_verdicts(evidence: Evidence) -> pd.DataFrame:
    """`verdict_rows` of strategies, numbers of sources, size and factors; or of treatments."""
    if evidence.table.roles:
        return treatment_verdicts(evidence.main[0])[list(COLUMNS)]
    stated = [strategy_verdicts(evidence.table, evidence.strategy), size_effect(evidence.size)]
    some = [rows for rows in stated if len(rows)]
    return pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=list(COLUMNS))

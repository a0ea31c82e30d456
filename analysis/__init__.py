"""The analysis wing: from result rows to mixed models, figures and the report."""

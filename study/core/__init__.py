"""The ground floor of the harness. It imports no wing, no torch, no Ray, no R and no plotting.

What a study is       study_file (the frozen `Study`), reading (`study.toml` to a `Study`), field_types, backbones
Faults                errors (their classes), file_checks, study_checks, analysis_checks
What is run           factors, run (levels, seeds, `run_id`), plan (`plan.parquet`), cost (FLOP, parameters, hours)
What is kept          paths (the store's layout), writing (all that is written), content (its formats), processes and
                      temporary_files (who writes), results (rows of scores), valid_results, result_index
Of strangers          toml, tables (bounds), errors (what may be printed)
What models share     coding (columns of model terms), formula, formula_grammar, formula_names, formula_tokens
The version           version
"""

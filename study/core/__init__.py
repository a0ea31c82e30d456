"""The ground floor of the harness. It imports no wing, no torch, no Ray, no R and no plotting.

What a study is       study_file (the frozen `Study`), sections and plan_sections (its parts), field_types, overrides,
                      protocols, reading (`study.toml` to a `Study`), named_files
What it may vary      factors, scales, strategies and own_strategies, backbones (as numbers), backbone_costs,
                      objectives, learners, nuisance; evaluation_factors and evaluations, source_targets
Faults                errors (their classes), fault_list, file_checks, study_checks (between sections), and by section
                      source_checks, target_checks, training_checks, learner_checks, evaluation_checks, design_checks,
                      analysis_checks, function_checks
What is run           run (levels, seeds, `run_id`), plan (`plan.parquet`), cost (FLOP, parameters, hours), run_works,
                      durations, progress
What is kept          paths (the store's layout), writing (all that is written), content (its formats), digests,
                      processes and temporary_files (who writes), results (rows of scores), valid_results, result_index
Of strangers          toml, tables (bounds), extensions (entry points of installed packages)
What models share     columns, coding (columns of model terms), model_matrix, effects, variances, margin, design_models,
                      formula, formula_grammar, formula_names, formula_tokens
The version           version
"""

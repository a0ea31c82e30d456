"""What stands behind the models' estimates, and how far it bears; `behind_models` has it all."""

"""What the scores show beside the models; `beside_models` has them all."""

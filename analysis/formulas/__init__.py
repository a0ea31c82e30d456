"""A user's own models: formulas become columns (`formula`), models and contrasts are fitted and shown."""

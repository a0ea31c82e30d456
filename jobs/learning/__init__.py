"""Learning: `batches` (what a step sees), `train` (Algorithm 1), `checkpoint`, `representation` (what is transferred)."""

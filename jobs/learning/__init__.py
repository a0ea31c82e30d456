"""Learning: `train` (Algorithm 1), `tasks` and `batches` (a step's input), `checkpoint`, `representation`."""

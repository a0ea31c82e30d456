"""Learning: `train` (Algorithm 1), its `tasks`, `batches`, `losses` and `optimisers`, `arithmetic` (precision, and whether
compiled), `checkpoint`; `representation`, what is transferred, and `fine_tuning`.
"""

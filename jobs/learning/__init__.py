"""Learning: `train` (Algorithm 1), its `tasks`, `batches`, `losses`, `optimisers`, `arithmetic` (precision,
compilation) and `checkpoint`; `representation`, what is transferred, and `fine_tuning`.
"""

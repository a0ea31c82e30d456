"""Learning: `train` (Algorithm 1), its `tasks`, `batches`, `losses` and `optimisers`, `arithmetic` (precision, compiled or
not), `checkpoint`; `representation`, what is transferred, and `fine_tuning`.
"""

"""Learning: `train` (Algorithm 1), its `tasks`, `batches`, `objectives`, `optimisers`, `precision`
(and compilation) and `checkpoint`; `representation` (transfer) and `fine_tuning`.
"""

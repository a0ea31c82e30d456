"""Networks in PyTorch: `stages` (a backbone's layers), `branching` (the six strategies), `self_pairs` (Siamese)."""

"""The networks of Kim et al. 2019: `table3` (base CNN), `branching` (strategies), `self_pairs` (Siamese)."""

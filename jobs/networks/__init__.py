"""The networks of Kim et al. 2019: `table3` (the base CNN), `branching` (the six strategies), `self_pairs`."""

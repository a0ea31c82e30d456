"""Target data sets: how well simple models predict their labels from a learned representation (paper 4.1, 4.4)."""

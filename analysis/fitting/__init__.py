"""The fitter: linear mixed models, exact and certified (`mixed_model`), and other engines for them (`engines`)."""

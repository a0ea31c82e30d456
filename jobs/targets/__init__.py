"""Target data sets: how well simple models do on a representation that was learned elsewhere (paper 4.1,
4.4).
"""

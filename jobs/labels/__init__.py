"""Label tables to distributions over latent factors (paper 2.3)."""

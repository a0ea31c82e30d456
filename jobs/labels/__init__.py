"""From label tables to distributions over latent factors (paper 2.3)."""

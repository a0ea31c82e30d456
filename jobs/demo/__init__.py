"""The music that the demo makes: latent attributes, arrangement, instruments, synthesis, and its label tables."""

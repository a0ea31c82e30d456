"""How pages look: figures and HTML. Below the wings, which fill pages; above the ground, which imports no plotting."""

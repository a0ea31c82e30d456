"""What runs will show, before they are run: power by simulation, and precision as a rule for stopping."""

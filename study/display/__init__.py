"""How results are shown on a terminal and in a notebook; one file per verb."""

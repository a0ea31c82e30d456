"""How the results of the verbs look on a terminal and in a notebook, one file each."""

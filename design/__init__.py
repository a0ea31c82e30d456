"""The design wing: which runs to pay for, and in which order."""

"""The ground of the harness: the study file, runs, the plan, paths and the result store. It imports nothing heavy."""

__version__ = "0.1.0"

"""The ground of the harness: the study file, runs, the plan, paths and the result store. Nothing heavy is imported here."""

__version__ = "0.1.0"

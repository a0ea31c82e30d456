"""The version of the harness; it travels with every row of results as `code_version`."""

__version__ = "0.1.0"

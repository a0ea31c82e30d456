"""`python -m study`."""

from study.cli import run

run()

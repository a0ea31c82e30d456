"""`python -m study`."""

import sys

if not sys.flags.safe_path:
    sys.path.pop(0)  # the working directory: a study folder has a design/, which would hide the package of that name

from study.cli import run

run()

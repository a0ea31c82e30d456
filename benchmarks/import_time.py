"""How long `study --help` and `import study` take, beside a bare Typer of as many commands and a bare Python.

    python benchmarks/import_time.py --rounds 15

Prints the median of alternating runs of each, in seconds, and the ratio to the bare one.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

BARE_TYPER = """
import typer
app = typer.Typer()
for number in range(14):
    def command(folder: str = "."):
        "A command."
    app.command(f"command-{number}")(command)
app(["--help"])
"""
CASES = {
    "python -c pass": "pass",
    "import study": "import study",
    "bare Typer --help": BARE_TYPER,
    "study --help": "import sys; sys.argv = ['study', '--help']; from study.cli import run; run()",
}


def seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, code in CASES.items():
            times[name].append(seconds(code))
    medians = {name: statistics.median(of) for name, of in times.items()}
    for name, bare in (("import study", "python -c pass"), ("study --help", "bare Typer --help")):
        ratio = medians[name] / medians[bare]
        print(f"{name}: {medians[name]:.3f} s, {bare}: {medians[bare]:.3f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()

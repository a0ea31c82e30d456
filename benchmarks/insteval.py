"""Crossed factors of thousands of levels: lme4's InstEval, fitted here and, where R with lmerTest is installed, there.

    python benchmarks/insteval.py

CPU seconds and peak memory of `y ~ service + (1 | s) + (1 | d) + (1 | dept:service)`, degrees of freedom included.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from pathlib import Path

import pandas as pd

from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.random_terms import intercepts_by

IN_R = """
suppressMessages({library(lme4); library(lmerTest)})
for (name in c("s", "d", "dept", "service")) InstEval[[name]] <- as.character(InstEval[[name]])
write.csv(InstEval, commandArgs(TRUE)[1], row.names = FALSE)
formula <- y ~ service + (1 | s) + (1 | d) + (1 | dept:service)
plain <- system.time(lme4::lmer(formula, InstEval))
with_df <- system.time({fit <- lmer(formula, InstEval); table <- summary(fit)$coefficients})
cat(sprintf("lme4: %.1f CPU s; lmerTest, with degrees of freedom: %.1f CPU s\\n", plain[1], with_df[1]))
cat(sprintf("criterion %.5f; service: se %.6f, df %.3f\\n", REMLcrit(fit), table[2, 2], table[2, 3]))
"""


def main() -> None:
    """Both, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "insteval.csv"
        print(subprocess.run(["Rscript", "-e", IN_R, str(path)], check=True, text=True, capture_output=True).stdout)
        rows = pd.read_csv(path)
    fixed = pd.DataFrame({"intercept": 1.0, "service": (rows["service"] == 1).astype(float)})
    inner = rows["dept"].astype(str) + ":" + rows["service"].astype(str)
    by = {"s": rows["s"], "d": rows["d"], "dept:service": inner}
    began = time.process_time()
    terms = [intercepts_by(name, of.to_numpy()) for name, of in by.items()]
    fit = fit_mixed(rows["y"].to_numpy(dtype=float), fixed, terms)
    effect = fixed_effects(fit).iloc[1]
    seconds, memory = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"here, with degrees of freedom: {seconds:.1f} CPU s, {memory:.0f} MB at most")
    print(f"criterion {fit.criterion:.5f}; service: se {effect['se']:.6f}, df {effect['df']:.3f}")


if __name__ == "__main__":
    main()

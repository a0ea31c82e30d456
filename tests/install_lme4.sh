#!/bin/sh
# R with lme4, and an environment with pymer4 beside the main one, for the tests that fit the same models there:
#   sh tests/install_lme4.sh python3.11 .venv-lme4
# R comes from Debian's or Ubuntu's packages, where apt is at hand and may be used. What cannot be had is left out, by name.
set -u
python=$1
environment=$2
left_out() {
  echo "left out: $1. The tests that fit the same models with lme4 are skipped, by name."
  exit 0
}

needed="lme4 lmerTest emmeans broom broom.mixed insight parameters performance tibble boot jsonlite"
has_r() { Rscript -e 'for (name in commandArgs(TRUE)) loadNamespace(name)' $needed >/dev/null 2>&1; }
if [ -e "$environment/.installed" ] && [ "$environment/.installed" -nt constraints-lme4.txt ]; then exit 0; fi
if ! has_r; then
  as_root=""
  if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
  if ! command -v apt-get >/dev/null 2>&1 || ! $as_root true 2>/dev/null; then
    left_out "R with lme4 (no apt-get that may be used)"
  fi
  echo "installing R with lme4 from the system's packages"
  $as_root apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends \
    r-base-core r-cran-lme4 r-cran-lmertest r-cran-emmeans r-cran-broom r-cran-broom.mixed r-cran-insight \
    r-cran-parameters r-cran-performance r-cran-tibble r-cran-boot r-cran-jsonlite >/dev/null
  has_r || left_out "R with lme4 (its packages could not be installed)"
fi

echo "installing pymer4 into $environment"
"$python" -m venv "$environment" || left_out "pymer4 (no environment in $environment)"
# RPY2_CFFI_MODE: rpy2 without a compiler. --no-deps: the file has everything, and neither torch nor Ray is needed here.
RPY2_CFFI_MODE=ABI "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
  --requirement constraints-lme4.txt --editable . || left_out "pymer4 (its packages could not be installed)"
# pymer4 loads R's package `report`, which Debian lacks, and needs it for nothing that is used here: an empty one will do.
stub=$(mktemp -d)
mkdir -p "$stub/report" "$environment/R"
touch "$stub/report/NAMESPACE"
cat >"$stub/report/DESCRIPTION" <<'DESCRIPTION'
Package: report
Version: 0.0.1
Title: Stands in for the Package of This Name
Description: Empty.
Author: Nobody
Maintainer: Nobody <nobody@example.org>
License: Apache License 2.0
DESCRIPTION
R CMD INSTALL --no-docs --library="$environment/R" "$stub/report" >/dev/null 2>&1 ||
  left_out "pymer4 (R could not install a package into $environment/R)"
rm -r "$stub"
touch "$environment/.installed"

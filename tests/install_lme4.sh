#!/bin/sh
# R with lme4 and lmerTest from Debian's or Ubuntu's packages, where apt is at hand and may be used; else says what is left out.
set -u
if Rscript -e 'library(lme4); library(lmerTest); library(jsonlite)' >/dev/null 2>&1; then exit 0; fi
as_root=""
if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
  echo "installing R with lme4 from the system's packages"
  $as_root apt-get update -q >/dev/null &&
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends \
      r-base-core r-cran-lme4 r-cran-lmertest r-cran-jsonlite >/dev/null && exit 0
fi
echo "left out: R with lme4 (no apt-get that may be used). The tests that fit the same models with lme4 are skipped, by name."

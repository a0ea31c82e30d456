#!/bin/sh
# Chromium, for the test that looks at the report in a browser: from Debian's packages, where apt is at hand and may be
# used. Ubuntu's package is a stub of a snap, which does not run everywhere: what does not start is left out, by name.
set -u
left_out() {
  echo "left out: chromium ($1). The tests of the report in a browser are skipped, by name."
  exit 0
}
is_there() { command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1; }
if is_there; then exit 0; fi
as_root=""
if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
if ! command -v apt-get >/dev/null 2>&1 || ! $as_root true 2>/dev/null; then
  left_out "no apt-get that may be used"
fi
echo "installing chromium from the system's packages"
$as_root apt-get update -q >/dev/null
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends chromium >/dev/null
is_there || left_out "its package could not be installed"

#!/bin/sh
# Print the path of a Python of this version (sh tests/find_python.sh 3.13); nothing, and status 1, where there is none.
version=$1
pyenv_root=${PYENV_ROOT:-$HOME/.pyenv}
for candidate in "python$version" "$pyenv_root"/versions/"$version".*/bin/python; do
  if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
    command -v "$candidate"
    exit 0
  fi
done
exit 1

#!/bin/sh
# Installs digitpad @VERSION@ into a folder, without any network: sh install.sh FOLDER
# Needs Python @PYTHON@ and nothing else; PYTHON=... names one that is not found otherwise.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for python in "${PYTHON:-python@PYTHON@}" python3; do
    if "$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null; then
        exec "$python" -I "$here/install.py" "$@"
    fi
done
found=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none)
echo "install: this bundle is for Python @PYTHON@; found: $found. Get the bundle for that one (make bundle TARGET=@TARGET@" \
    "PYTHON=$found), or say where Python @PYTHON@ is: PYTHON=/path/to/python@PYTHON@ sh install.sh FOLDER" >&2
exit 1

#!/bin/sh
# Install what package-lock.json names into node_modules. node_modules/.ready, a copy of it, is written last.
set -eu
cd "$(dirname "$0")"

fail() {
    echo "web: $1" >&2
    exit 1
}

node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null ||
    fail "Node 20 or newer is needed (here: $(node --version 2>/dev/null || echo none); nodejs.org has it)"
command -v npm >/dev/null || fail "npm is needed: install it, on Debian with: sudo apt install npm"

if cmp -s package-lock.json node_modules/.ready; then
    touch node_modules/.ready # the lock file was touched, not changed
    exit 0
fi
echo "Creating web/node_modules from web/package-lock.json"
mkdir -p ../artifacts
npm ci >../artifacts/npm.log 2>&1 ||
    fail "packages could not be installed (no network?): see artifacts/npm.log, then run make again"
cp package-lock.json node_modules/.ready

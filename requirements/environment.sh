#!/bin/sh
# Make a virtual environment that holds exactly the packages of a lock file, and the source checkout itself.
# Usage: environment.sh PYTHON FOLDER LOCK-FILE      PYTHON may be several words
# FOLDER/.ready, a copy of the lock file, is written last: without it the environment is made again.
set -eu
python=$1 folder=$2 lock=$3 torch_index=${TORCH_INDEX:-}

if cmp -s "$lock" "$folder/.ready"; then
    touch "$folder/.ready"  # the lock file was touched, not changed
    exit 0
fi

fail() {
    echo "$folder: $1" >&2
    exit 1
}

install() {
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: "$@" \
        2>>"$folder/install.log" ||
        fail "packages could not be installed (no network? no room?): see $folder/install.log, then run make again"
}

echo "Creating $folder from $lock"
rm -rf "$folder"
$python -m venv "$folder" || fail "$python could not create it (no room?)"

if [ "$lock" = requirements/train.txt ] && ! "$folder/bin/python" -c '
import platform, sys
sys.exit((platform.system(), platform.machine()) != ("Linux", "x86_64"))'; then
    echo "$lock is for Linux on x86-64: here the newest packages that pyproject.toml allows are installed, unlocked"
    "$folder/bin/python" -c '
import tomllib
content = tomllib.load(open("pyproject.toml", "rb"))
project, groups = content["project"], content["dependency-groups"]
extras = project["optional-dependencies"]
print("\n".join(project["dependencies"] + extras["pad"] + extras["train"] + groups["test"]))' >"$folder/unlocked.txt"
    install --requirement "$folder/unlocked.txt"
elif [ "$lock" = requirements/train.txt ] && [ -n "$torch_index" ]; then
    # PyTorch for CPUs alone: the locked versions, but not the locked files, and no CUDA packages.
    install --no-deps --index-url "$torch_index" "$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' "$lock")"
    awk '/^[a-z]/ { keep = !/^(torch==|triton|nvidia-|cuda-)/ } keep' "$lock" >"$folder/without-torch.txt"
    install --require-hashes --requirement "$folder/without-torch.txt"
else
    install --require-hashes --requirement "$lock"
fi

if [ "$lock" = requirements/pad.txt ]; then  # whoever only uses the pad needs no installer
    "$folder/bin/python" -m pip uninstall --quiet --yes pip setuptools 2>>"$folder/install.log"
fi

# The checkout itself, so that what runs is what you edit: a path that survives moving the folder, and a launcher.
echo ../../../../runtime >"$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/digitpad.pth"
cat >"$folder/bin/digitpad" <<'LAUNCHER'
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/python" -m digitpad "$@"
LAUNCHER
chmod +x "$folder/bin/digitpad"
cp "$lock" "$folder/.ready"

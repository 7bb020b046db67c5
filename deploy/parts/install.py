"""Installs digitpad from the bundle that holds this file into a folder, without any network.

    install.py FOLDER [--system-site-packages]

Nothing outside FOLDER is written to, and nothing in it is left half-done: if the installation fails, what was installed
there before comes back. To remove digitpad, delete FOLDER.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LAUNCHERS = {  # they find their environment wherever the folder is moved to
    "digitpad": '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/environment/bin/python" -I -m digitpad "$@"\n',
    "digitpad.bat": '@"%~dp0environment\\Scripts\\python.exe" -I -m digitpad %*\r\n',
}


def main() -> int:
    """Install as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser("install", description="Installs digitpad into a folder, without any network.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="made if need be; nothing outside it is touched")
    parser.add_argument(
        "--system-site-packages", action="store_true", help="let digitpad use the system's packages: Debian's pygame"
    )
    options = parser.parse_args()
    bundle = json.loads((HERE / "bundle.json").read_text())
    try:
        check_machine(bundle)
        check_sums()
        launcher = install(options.folder.absolute(), options.system_site_packages)
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"install: {error.filename or options.folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: stopped; what was installed before is in place", file=sys.stderr)
        return 130
    print(f"digitpad {bundle['version']} is installed: {launcher}")
    return 0


class InstallError(Exception):
    """The bundle cannot be installed here; one line with the reason and what to do."""


def check_machine(bundle: dict[str, Any]) -> None:
    """Refuse a machine that the wheels in the bundle do not run on, before anything is written."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    here = f"{system}-{platform.machine().lower()}"
    if sys.maxsize < 2**32:
        raise InstallError(
            f"{sys.executable}: a 32-bit program, for which onnxruntime has no wheels; use a 64-bit system"
        )
    if here != bundle["target"]:
        raise InstallError(f"this bundle is for {bundle['target']}, this machine is {here}: make bundle TARGET={here}")
    if list(sys.version_info[:2]) != bundle["python"]:
        raise InstallError("this bundle is for Python {}.{}; start install.sh or install.bat".format(*bundle["python"]))
    if system == "linux":
        libc, version = platform.libc_ver()
        if libc != "glibc" or [int(part) for part in version.split(".")[:2]] < bundle["glibc"]:
            wanted, found = "{}.{}".format(*bundle["glibc"]), f"{libc or 'another C library'} {version}"
            raise InstallError(f"the wheels need glibc {wanted} or newer, this is {found}; use Debian 10 or newer")


def check_sums() -> None:
    """Refuse a bundle that was damaged in transit."""
    for line in (HERE / "SHA256SUMS").read_text().splitlines():
        wanted, name = line.split("  ", 1)
        try:
            found = hashlib.sha256((HERE / name).read_bytes()).hexdigest()
        except OSError as error:
            raise InstallError(f"{name}: {error.strerror}; copy the bundle again") from None
        if found != wanted:
            raise InstallError(f"{name}: damaged, its checksum is not that of SHA256SUMS; copy the bundle again")


def install(folder: Path, system_site_packages: bool) -> Path:
    """Install into the folder and return the launcher."""
    if re.search(r'["`$\\%\n]', str(folder)) and os.name == "posix":
        raise InstallError(f"{folder}: choose a name without quotes, $, %, backslash or line end")
    launcher = folder / ("digitpad.bat" if os.name == "nt" else "digitpad")
    environment, before = folder / "environment", folder / "environment.before"
    if folder.exists() and any(folder.iterdir()) and not environment.exists() and not before.exists():
        raise InstallError(f"{folder}: not empty, and digitpad is not in it; choose a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    if before.exists():  # the last installation was cut short, perhaps by a power cut
        shutil.rmtree(environment, ignore_errors=True)
        before.rename(environment)
    if environment.exists():
        environment.rename(before)
    try:
        fill(environment, system_site_packages)
        launcher.write_text(LAUNCHERS[launcher.name], newline="")
        launcher.chmod(0o755)
        run([launcher, "models", "--verify"], "what was installed does not work here")
    except BaseException:
        shutil.rmtree(environment, ignore_errors=True)
        if before.exists():
            before.rename(environment)
        else:
            launcher.unlink(missing_ok=True)
            folder.rmdir()
        raise
    shutil.rmtree(before, ignore_errors=True)
    if sys.platform == "linux":  # to have it in a menu, or started with the device: see the README
        for name in ("digitpad.desktop", "digitpad-kiosk.service", "digitpad.svg"):
            (folder / name).write_text((HERE / name).read_text().replace("@FOLDER@", str(folder)))
    return launcher


def fill(environment: Path, system_site_packages: bool) -> None:
    """Make the environment. Debian's Python has no pip, so pip runs from its wheel, and is not installed."""
    venv.create(environment, system_site_packages=system_site_packages, symlinks=os.name != "nt", with_pip=False)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (pip,) = (HERE / "wheels").glob("pip-*.whl")
    command: list[str | Path] = [python, "-I", pip / "pip", "--isolated", "--quiet", "--disable-pip-version-check"]
    command += ["install", "--no-index", "--find-links", HERE / "wheels", "--only-binary=:all:", "--require-hashes"]
    command += ["--no-cache-dir", "--no-warn-script-location", "--ignore-installed"]
    command += ["--requirement", HERE / "requirements.txt"]
    run(command, "the packages could not be installed")


def run(command: list[str | Path], complaint: str) -> None:
    """Run a command; if it fails, the last line of what it says is the reason."""
    # The user's settings for pip, such as an index or a proxy, are not meant for this.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    clean["PIP_CONFIG_FILE"] = os.devnull
    done = subprocess.run([str(word) for word in command], env=clean, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise InstallError(f"{complaint} ({lines[-1]})")


if __name__ == "__main__":
    sys.exit(main())

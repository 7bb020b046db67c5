"""`make bundle`: one archive that installs digitpad on a device without network or compiler.

It holds our wheel, the locked wheels of every dependency for that device, and an installer with pip's wheel: the device
needs only Python itself.
"""

import argparse
import gzip
import hashlib
import io
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from packaging.requirements import Requirement

from digitpad.errors import DigitPadError
from train.command import ROOT, finish

PARTS = Path(__file__).parent / "parts"  # goes into the archive unchanged, except for the @WORDS@ in it
GLIBC = 28  # 2.28, that of Debian 10: the newest that a wheel may require
TARGETS = {  # and the platform tags of wheels that run there
    **{
        f"linux-{machine}": [
            *(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 16, -1)),
            f"manylinux2014_{machine}",
        ]
        for machine in ("x86_64", "aarch64")
    },
    "macos-arm64": ["macosx_14_0_arm64"],
    "windows-amd64": ["win_amd64"],
}
SYSTEMS = {"linux": ("linux", "Linux"), "macos": ("darwin", "Darwin"), "windows": ("win32", "Windows")}  # for markers
PYGAME = ("pygame", "pygame-ce")
PYTHONS = range(11, 15)  # minor versions of Python 3


def main(argv: list[str] | None = None) -> int:
    """Make a bundle as the command line says; returns the exit status."""
    parser = argparse.ArgumentParser("python -m deploy.bundle", description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="digitpad's own wheel")
    parser.add_argument("--target", help=f"{', '.join(TARGETS)} (default: this machine's)")
    parser.add_argument(
        "--python",
        default=f"3.{sys.version_info.minor}",
        help="the device's Python, such as 3.11 (default: the one that runs this)",
    )
    parser.add_argument("--without-pygame", action="store_true", help="leave pygame out")
    parser.add_argument("--out", type=Path, default=ROOT / "bundle", help="folder for the archive")
    options = parser.parse_args(argv)

    def work() -> None:
        target = options.target or this_machine()
        archive = bundle(options.wheel, target, options.python, not options.without_pygame, options.out)
        size = archive.stat().st_size / 1e6
        print(f"{archive}: {size:.1f} MB; copy it to the device, unpack it, read its README.txt")

    return finish("bundle", work, "no archive was written")


def bundle(wheel: Path, target: str, python: str, pygame: bool, out: Path) -> Path:
    """Make the archive for a device: .tar.gz or, for Windows, .zip.

    The same wheel and lock files always give the same bytes.

    Args:
        wheel: digitpad's own wheel, already built.
        target: a name of TARGETS.
        python: the device's Python, such as "3.11" or "3.11.2".
        pygame: whether to include it; without it, the pad needs the system's.
        out: folder for the archive; made if need be.

    Raises:
        DigitPadError: there is no such device, there are no wheels for it, they cannot be fetched, or there is no room
            for the archive.
    """
    minor = _check_device(target, python)
    version = wheel.name.split("-")[1]
    name = f"digitpad-{version}-{target}-python3.{minor}{'' if pygame else '-without-pygame'}"
    archive = out / f"{name}{'.zip' if target.startswith('windows') else '.tar.gz'}"
    own = wheel.read_bytes()
    try:
        out.mkdir(parents=True, exist_ok=True)
        for left in out.glob(f".new-{name}.*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=f".new-{name}.") as scratch:
            folder = Path(scratch) / name
            _fill(folder, wheel.name, own, target, minor, pygame)
            packed = _zip(folder) if archive.suffix == ".zip" else _tar(folder)
            return packed.replace(archive)
    except OSError as error:
        what_to_do = "free some space or choose another folder with OUT="
        raise DigitPadError(f"{archive}: cannot be written ({error.strerror or error}); {what_to_do}") from None


def _fill(folder: Path, wheel: str, own: bytes, target: str, minor: int, pygame: bool) -> None:
    """Make the folder to pack; `own` is the content of digitpad's own wheel."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    version, system = wheel.split("-")[1], target.split("-")[0]
    needed = locked(ROOT / "requirements" / "pad.txt", target, minor)
    needed = {spec: hashes for spec, hashes in needed.items() if pygame or spec.split("==")[0] not in PYGAME}
    installer = locked(ROOT / "requirements" / "installer.txt", target, minor)
    _download(needed | installer, wheels, target, minor)
    (wheels / wheel).write_bytes(own)
    ours = {f"digitpad=={version}": [hashlib.sha256(own).hexdigest()]}
    (folder / "requirements.txt").write_text(_as_lock(ours | needed), newline="\n")

    glibc = _least_glibc(wheels) if system == "linux" else 0
    facts = {"version": version, "target": target, "python": [3, minor], "glibc": [2, glibc]}
    (folder / "bundle.json").write_text(json.dumps(facts, indent=1))
    words = {"@VERSION@": version, "@TARGET@": target, "@PYTHON@": f"3.{minor}", "@GLIBC@": f"2.{glibc}"}
    parts = ["README.txt", "install.py", "install.bat" if system == "windows" else "install.sh"]
    if system == "linux":
        parts += ["digitpad.desktop", "digitpad-kiosk.service", "digitpad.svg"]
    for part in parts:
        text = (PARTS / part).read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        crlf = system == "windows" and not part.endswith(".py")
        (folder / part).write_text(text, encoding="utf-8", newline="\r\n" if crlf else "\n")
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {at}\n" for at, file in _files(folder)]
    (folder / "SHA256SUMS").write_text("".join(sums), newline="\n")


def this_machine() -> str:
    """The target that matches this machine.

    Raises:
        DigitPadError: none does.
    """
    machine = platform.machine()
    for name in TARGETS:
        system, _, processor = name.partition("-")
        if (SYSTEMS[system][0], processor) == (sys.platform, machine.lower()):
            return name
    raise DigitPadError(f"this machine ({sys.platform}, {machine}) is not a target; say TARGET={' or '.join(TARGETS)}")


def _check_device(target: str, python: str) -> int:
    """The minor version of the device's Python 3.

    Raises:
        DigitPadError: there is no bundle for such a device.
    """
    if target not in TARGETS:
        if re.search(r"arm(?!64)|i[3-6]86|32", target, re.IGNORECASE) and "64" not in target:
            raise DigitPadError(
                f"{target}: onnxruntime has no wheels for 32-bit systems. A Raspberry Pi 3, 4, 5 or Zero 2 runs the"
                " 64-bit system: install that, then say TARGET=linux-aarch64"
            )
        raise DigitPadError(f"{target}: no such target; choose TARGET={', '.join(TARGETS)}")
    match = re.fullmatch(r"3\.(\d+)(\.\d+)?", python)
    if not match or int(match[1]) not in PYTHONS:
        choice = ", ".join(f"3.{minor}" for minor in PYTHONS)
        raise DigitPadError(
            f"Python {python}: onnxruntime, numpy and Pillow have wheels for Python {choice}; install one of those"
            " on the device, then say, for example, PYTHON=3.13"
        )
    return int(match[1])


def locked(lock: Path, target: str, minor: int) -> dict[str, list[str]]:
    """The packages of a lock file that a device needs: name==version to the sha256 sums of its files."""
    system, _, machine = target.partition("-")
    environment = {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "os_name": "nt" if system == "windows" else "posix",
        "sys_platform": SYSTEMS[system][0],
        "platform_machine": machine.upper() if system == "windows" else machine,
        "platform_system": SYSTEMS[system][1],
    }
    found = {}
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line[:1].isalnum():
            text, *hashes = line.split("--hash=sha256:")
            requirement = Requirement(text.strip())
            if requirement.marker is None or requirement.marker.evaluate(environment):
                found[f"{requirement.name}{requirement.specifier}"] = [value.strip() for value in hashes]
    return found


def _as_lock(packages: dict[str, list[str]]) -> str:
    return "".join(
        f"{spec} \\\n" + " \\\n".join(f"    --hash=sha256:{value}" for value in hashes) + "\n"
        for spec, hashes in packages.items()
    )


def _download(packages: dict[str, list[str]], wheels: Path, target: str, minor: int) -> None:
    """Fetch the wheels for a device, whatever this machine is; each must have a hash from the lock file.

    Raises:
        DigitPadError: a package has no wheel for the device, or the package index cannot be reached.
        OSError: the disk is full.
    """
    lock = wheels.parent / "download.txt"
    lock.write_text(_as_lock(packages))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--retries=2", f"--dest={wheels}"]
    command += [f"--python-version=3.{minor}", "--implementation=cp", f"--abi=cp3{minor}", "--abi=abi3", "--abi=none"]
    command += [f"--platform={tag}" for tag in TARGETS[target]]
    done = subprocess.run([*command, f"--requirement={lock}"], capture_output=True, text=True, errors="replace")
    lock.unlink()
    if done.returncode == 0:
        return
    if full := re.search(r"\[Errno (\d+)\] (No space left on device|File too large)", done.stderr):
        raise OSError(int(full[1]), full[2])
    # Without a network pip finds no package either: what it says first tells the two apart.
    if re.search(r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Retrying \(", done.stderr):
        raise DigitPadError("the package index cannot be reached; the wheels come from there: go online")
    if missing := re.search(r"No matching distribution found for (\S+)", done.stderr):
        raise DigitPadError(
            f"{missing[1]} has no wheel for {target} and Python 3.{minor}; try another Python, for example PYTHON=3.13"
        )
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
    raise DigitPadError(f"the wheels could not be fetched ({lines[0] if lines else 'pip says nothing'})")


def _least_glibc(wheels: Path) -> int:
    """The oldest glibc 2 that suits all the wheels, as its minor version; of each wheel's tags the oldest counts."""
    names = [wheel.name for wheel in wheels.glob("*.whl") if "manylinux2014" not in wheel.name]
    tags = [[int(minor) for minor in re.findall(r"manylinux_2_(\d+)_", name)] for name in names]
    return max([17, *(min(minors) for minors in tags if minors)])


def _files(folder: Path) -> list[tuple[str, Path]]:
    return sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())


def _tar(folder: Path) -> Path:
    """Pack a folder: the same content always gives the same bytes."""
    packed = folder.with_name(folder.name + ".tar.gz")
    with (
        open(packed, "wb") as file,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for at, path in _files(folder):
            entry = tarfile.TarInfo(f"{folder.name}/{at}")
            entry.size = path.stat().st_size
            entry.mode = 0o755 if path.suffix == ".sh" else 0o644
            entry.mtime = 315532800  # 1980, as in a zip archive, which knows no earlier time
            archive.addfile(entry, io.BytesIO(path.read_bytes()))
    return packed


def _zip(folder: Path) -> Path:
    packed = folder.with_name(folder.name + ".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # wheels are packed already
        for at, path in _files(folder):
            archive.writestr(zipfile.ZipInfo(f"{folder.name}/{at}"), path.read_bytes())
    return packed


if __name__ == "__main__":
    sys.exit(main())

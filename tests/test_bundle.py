"""The bundle, made for this machine, installed and run as on a device without a network; and bundles for others."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.bundle import PYTHONS, TARGETS, bundle, locked, main, this_machine
from digitpad.errors import DigitPadError
from tests.conftest import ROOT, draw_seven

PYTHON = f"3.{sys.version_info.minor}"
NOWHERE = "http://127.0.0.1:9"  # where nobody listens: the proxy of a device without network

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the installed bundle is tried as a POSIX user would")


@pytest.fixture(scope="module")
def archive(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle for this machine, without the pad, which would only make it larger."""
    try:
        return bundle(wheel, this_machine(), PYTHON, False, tmp_path_factory.mktemp("archive"))
    except DigitPadError as error:
        assert "go online" in str(error)
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def device() -> Iterator[Path]:
    """A folder that every user of this machine can reach, with one they can write to and an empty home in it."""
    folder = Path(tempfile.mkdtemp(prefix="digitpad device "))
    folder.chmod(0o755)
    for name in ("opt", "home"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def unpacked(archive: Path, device: Path) -> Path:
    """The bundle, unpacked on read-only ground."""
    with tarfile.open(archive) as content:
        content.extractall(device / "read-only")  # our own: nothing in it to filter
    for path in (device / "read-only").rglob("*"):
        path.chmod(0o555 if path.is_dir() or path.suffix == ".sh" else 0o444)
    (folder,) = (device / "read-only").iterdir()
    return folder


def on_device(device: Path, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a plain user with an empty home, in an empty environment, without a network."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(device / "home"), "PYTHON": plain_python(), **more}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "PIP_INDEX_URL"), NOWHERE)
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(
        command, cwd="/", env=environment, capture_output=True, text=True, timeout=300, check=False, **user
    )


def plain_python() -> str:
    """This Python, as a plain user can start it; if it lies in the superuser's own folder, the system's."""
    own = Path(sys.base_prefix) / "bin" / f"python{PYTHON}"
    closed = os.geteuid() == 0 and any(not folder.stat().st_mode & 0o001 for folder in own.resolve().parents)
    found = shutil.which(f"python{PYTHON}", path="/usr/local/bin:/usr/bin:/bin") if closed else str(own)
    if not found:
        pytest.skip(f"no Python {PYTHON} here that a plain user may start")
    return found


@pytest.fixture(scope="module")
def installed(unpacked: Path, device: Path) -> Path:
    """The folder into which a plain user installed the bundle; read-only from then on."""
    folder = device / "opt" / "digit pad"
    done = on_device(device, "sh", unpacked / "install.sh", folder)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return folder


def test_the_installed_bundle_reads_a_picture_and_leaves_the_home_empty(installed: Path, device: Path) -> None:
    draw_seven(device / "seven.png")
    command = [installed / "digitpad", "predict", device / "seven.png", "--format", "json"]
    for environment in ({}, {"HOME": "/nonexistent"}):
        answer = on_device(device, *command, **environment)
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout)["digit"] == 7
        assert not answer.stderr
    assert not list((device / "home").iterdir())


def test_the_installed_bundle_passes_its_own_check_also_through_a_link(installed: Path, device: Path) -> None:
    link = device / "opt" / "link to digitpad"
    link.symlink_to(installed / "digitpad")
    checked = on_device(device, link, "doctor")
    assert checked.returncode == 0, checked.stdout
    assert str(installed) in checked.stdout
    assert "pygame       not installed" in checked.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="these files are Linux's")
def test_menu_entry_and_kiosk_unit_name_the_folder_it_was_installed_in(installed: Path) -> None:
    for name in ("digitpad.desktop", "digitpad-kiosk.service"):
        text = (installed / name).read_text()
        assert not re.search("@[A-Z]+@", text), name
        (command,) = re.findall(r'^Exec(?:Start)?=(?:/usr/bin/cage -- )?"([^"]+)" pad', text, re.MULTILINE)
        assert os.access(command, os.X_OK), name
    (icon,) = re.findall(r"^Icon=(.+)$", (installed / "digitpad.desktop").read_text(), re.MULTILINE)
    assert Path(icon).read_text().startswith("<svg")


@pytest.fixture(scope="module")
def changeable(installed: Path, device: Path) -> Path:
    """The same installation, moved elsewhere, which its user may change."""
    folder = device / "opt" / "changeable"
    shutil.copytree(installed, folder, symlinks=True)
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)
        if os.geteuid() == 0:
            os.chown(path, 65534, 65534, follow_symlinks=False)
    return folder


def works(device: Path, folder: Path) -> bool:
    return on_device(device, folder / "digitpad", "models", "--verify").returncode == 0


def test_installing_again_replaces_what_is_there_also_after_a_power_cut(
    changeable: Path, unpacked: Path, device: Path
) -> None:
    assert works(device, changeable), "it works where it is now"
    (changeable / "environment" / "old").touch()
    (changeable / "environment").rename(changeable / "environment.before")  # as far as one that was cut short got
    (changeable / "environment").mkdir()
    (changeable / "environment").chmod(0o777)
    done = on_device(device, "sh", unpacked / "install.sh", changeable)
    assert done.returncode == 0, done.stderr
    assert works(device, changeable)
    assert not (changeable / "environment" / "old").exists()
    assert not (changeable / "environment.before").exists()


def test_a_damaged_bundle_is_refused_and_leaves_what_was_installed(
    changeable: Path, unpacked: Path, device: Path
) -> None:
    damaged = device / "opt" / "damaged"
    shutil.copytree(unpacked, damaged)
    (wheel,) = (damaged / "wheels").glob("digitpad-*.whl")
    wheel.chmod(0o644)
    wheel.write_bytes(wheel.read_bytes()[:-1])
    for teller in ("SHA256SUMS", "pip"):
        if teller == "pip":
            (damaged / "SHA256SUMS").chmod(0o644)
            (damaged / "SHA256SUMS").write_text("")
        done = on_device(device, "sh", damaged / "install.sh", changeable)
        assert done.returncode == 1, teller
        assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr
        assert works(device, changeable), teller


def test_a_folder_with_other_things_in_it_is_left_alone(unpacked: Path, device: Path) -> None:
    folder = device / "opt" / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    done = on_device(device, "sh", unpacked / "install.sh", folder)
    assert done.returncode == 1
    assert "not empty" in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]


def test_another_python_than_the_bundles_is_told_what_to_do(unpacked: Path, device: Path) -> None:
    other = device / "opt" / "other"
    other.mkdir()
    (other / "python3").write_text("#!/bin/sh\ncase $2 in *exit*) exit 1;; *) echo 3.9;; esac\n")
    (other / "python3").chmod(0o755)
    done = on_device(device, "/bin/sh", unpacked / "install.sh", other / "x", PYTHON="none", PATH=str(other) + ":/bin")
    assert done.returncode != 0, "it must not find the right Python by itself"
    assert len(done.stderr.splitlines()) == 1
    assert PYTHON in done.stderr and "found: 3.9" in done.stderr and "make bundle TARGET=" in done.stderr
    assert not (other / "x").exists()


def test_every_file_of_the_bundle_is_in_its_sums_and_every_wheel_in_its_lock(unpacked: Path) -> None:
    summed = {line.split("  ", 1)[1] for line in (unpacked / "SHA256SUMS").read_text().splitlines()}
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert summed == files - {"SHA256SUMS"}
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=unpacked, check=True)
    locked = (unpacked / "requirements.txt").read_text()
    for name in (path.name.split("-")[0].lower() for path in (unpacked / "wheels").iterdir()):
        assert name == "pip" or f"{name}==" in locked.lower(), name
    assert "pygame" not in locked


def test_the_same_bundle_has_the_same_bytes(archive: Path, wheel: Path, tmp_path: Path) -> None:
    assert bundle(wheel, this_machine(), PYTHON, False, tmp_path).read_bytes() == archive.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == [archive.name]


@pytest.mark.parametrize(
    ("target", "python", "words"),
    [
        ("linux-armv7l", "3.11", ["32-bit", "TARGET=linux-aarch64"]),
        ("linux-armhf", "3.11", ["32-bit", "TARGET=linux-aarch64"]),
        ("linux-i686", "3.11", ["32-bit"]),
        ("win32", "3.11", ["32-bit"]),
        ("linux-riscv64", "3.11", ["no such target", "linux-aarch64", "windows-amd64"]),
        ("linux-aarch64", "3.10", ["3.10", "3.11, 3.12, 3.13, 3.14", "PYTHON="]),
        ("linux-aarch64", "3.15", ["3.15", "PYTHON="]),
        ("linux-aarch64", "2.7", ["2.7", "PYTHON="]),
        ("linux-aarch64", "banana", ["banana", "PYTHON="]),
    ],
)
def test_a_device_without_wheels_is_told_why_and_what_instead(
    target: str, python: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "digitpad-0-py3-none-any.whl"
    arguments = ["--wheel", str(wheel), "--target", target, "--python", python, "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in words), line
    assert not (tmp_path / "out").exists()


def test_the_pythons_of_bundles_are_those_the_wheel_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">=3.{PYTHONS[0]},<3.{PYTHONS[-1] + 1}"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("minor", PYTHONS)
def test_a_device_gets_what_the_lock_file_says_it_needs(target: str, minor: int) -> None:
    names = {spec.split("==")[0] for spec in locked(ROOT / "requirements" / "pad.txt", target, minor)}
    assert {"numpy", "onnxruntime", "pillow", "pygame-ce" if minor >= 14 else "pygame"} <= names
    assert not {"coloredlogs", "sympy"} & names  # which the lock file holds for Intel's Macs alone


def test_without_a_network_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    for name, value in {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", **proxies}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "digitpad-0-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(DigitPadError, match="go online"):
        bundle(tmp_path / "digitpad-0-py3-none-any.whl", "linux-aarch64", "3.11", False, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())

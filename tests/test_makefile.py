"""The front door: what `make` says when it cannot help, what it leaves alone, and that its help names every target."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` needs of a source checkout, in a folder with a space in its name, without any environment."""
    folder = tmp_path / "a check out"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=folder, env=clean, capture_output=True, text=True, timeout=120)


def python_that_says(folder: Path, code: str) -> str:
    """A stand-in for the python3 command: the real one, which runs this code first."""
    start = folder / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(code)
    return f"env PYTHONPATH=start {shutil.which('python3')}"


def test_help_is_the_default_and_lists_every_target_with_its_purpose() -> None:
    shown = make(ROOT)
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets and shown.returncode == 0
    for target in targets[1].split():
        assert target == "help" or re.search(rf"^  make {target} +\w", shown.stdout, re.MULTILINE), target


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.version_info = (3, 10, 13)", ["Python 3.10", "too old", "Python 3.11 to 3.14"]),
        ("import sys; sys.version_info = (3, 15, 0)", ["Python 3.15", "too new", "PYTHON=python3.13"]),
        ("import sys; sys.modules['ensurepip'] = None", ["ensurepip", "apt install python3-venv"]),
        ("import sys; sys.maxsize = 2**31 - 1", ["32-bit", "64-bit system"]),
    ],
)
def test_a_python_that_will_not_do_is_one_line_that_says_what_to_do(
    checkout: Path, code: str, words: list[str]
) -> None:
    result = make(checkout, "pad", f"PYTHON={python_that_says(checkout, code)}")
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1 and not result.stdout
    assert all(word in result.stderr for word in words), result.stderr
    assert not (checkout / ".venv").exists()


def test_without_a_network_it_says_so_and_begins_anew_where_a_run_like_that_ended(checkout: Path) -> None:
    (checkout / ".venv/lib/half an environment").mkdir(parents=True)
    nowhere = ["PIP_CONFIG_FILE=/dev/null", "PIP_NO_INDEX=1", "PIP_FIND_LINKS="]
    result = make(checkout, "pad", "PYTHON=env " + " ".join([*nowhere, "python3"]), *nowhere)
    assert result.returncode != 0
    assert "network" in result.stderr and ".venv/install.log" in result.stderr
    assert not (checkout / ".venv/.ready").exists()
    assert not (checkout / ".venv/lib/half an environment").exists()


def environment(checkout: Path, python: str | Path = "/bin/true") -> Path:
    """One that is up to date, with a stand-in for its Python."""
    folder = checkout / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(python)
    shutil.copy(checkout / "requirements/pad.txt", folder / ".ready")
    return folder


def test_an_environment_that_is_up_to_date_is_left_alone_even_if_the_lock_file_was_touched(checkout: Path) -> None:
    made = environment(checkout)
    (made / "bin/digitpad").symlink_to("/bin/echo")
    os.utime(made / ".ready", (1, 1))  # older than the lock file, as after a new clone
    result = make(checkout, "pad", "MODEL=my model.onnx", "FILE=my digits.json")
    assert result.stdout == "pad my digits.json --model my model.onnx\n"
    assert result.returncode == 0, result.stderr


def test_an_environment_whose_python_is_gone_is_made_anew_by_one_that_is_there(checkout: Path) -> None:
    environment(checkout, python=checkout / "removed")
    result = make(checkout, "pad", "PYTHON=no-such-python")
    assert len(result.stderr.splitlines()) == 1
    assert "no-such-python" in result.stderr and "make pad PYTHON=" in result.stderr


def test_predict_without_a_picture_says_how(checkout: Path) -> None:
    environment(checkout)
    assert "make predict FILE=" in make(checkout, "predict").stderr


def test_a_bundle_is_told_the_devices_python_and_made_by_any(checkout: Path) -> None:
    options = {"PYTHON=3.12": '--python "3.12"', "PYTHON=2.7": '--python "2.7"', "PAD=0": "--without-pygame"}
    for said, told in options.items():
        shown = make(checkout, "--dry-run", "bundle", "TARGET=linux-aarch64", said)
        assert '--target "linux-aarch64"' in shown.stdout and told in shown.stdout, shown.stderr
        assert 'environment.sh "python3"' in shown.stdout


@pytest.mark.parametrize("target", ["train", "export", "report", "evaluate", "bench-train"])
def test_what_reads_the_data_sets_is_told_where_they_are(checkout: Path, target: str) -> None:
    shown = make(checkout, "--dry-run", target, "DATA=my data")
    assert shown.returncode == 0 and '--data "my data"' in shown.stdout, shown.stderr
    assert re.search(rf"^  make {target} .*\bDATA=\S*DIR\b", make(checkout).stdout, re.MULTILINE)


@pytest.mark.parametrize("lock", ["pad.txt", "test.txt", "oldest.txt", "train.txt", "installer.txt"])
def test_a_lock_file_pins_every_package_with_hashes_and_names_no_registry_and_the_runtimes_no_framework(
    lock: str,
) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text and "--index" not in text
    requirements = re.findall(r"^[a-z].*?(?=^[a-z]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert requirements
    for requirement in requirements:
        assert re.match(r"[\w.-]+==\S+ ", requirement) and "--hash=sha256:" in requirement, requirement[:80]
    heavy = re.search(r"^(torch|tensorflow|keras|onnx|tf2onnx|jax|nvidia-\w+)==", text, re.MULTILINE)
    assert lock == "train.txt" or not heavy

"""A full disk: one line that names the file and says what to do, the old file as it was, and no temporary file left.

A disk is full when no file may grow past a limit and, where the superuser runs the tests, when it has no room at all.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("Windows has no limit of the file size", allow_module_level=True)

from deploy import bundle
from digitpad.errors import DigitPadError
from tests.conftest import files_of_at_most, python
from tests.killing import hidden, visible
from tests.killing_steps import CONTENT, STEPS, Step
from train import data
from train.__main__ import main as train
from train.download import RemoteFile, has_sum


@contextmanager
def no_room(disk: Path) -> Iterator[None]:
    """A file takes all that is left of a disk."""
    rest = disk / "all the rest"
    with open(rest, "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))
    yield
    rest.unlink()


def filled_in_between(step: Step, folder: Path, full: AbstractContextManager[None]) -> str:
    """Do a step on a disk with room, on a full one and with room again; returns the one line that the second says."""
    step(folder, lambda path, much: None)
    before = content(folder)
    with full, pytest.raises(DigitPadError) as caught:
        step(folder, lambda path, much: None)
    assert content(folder) == before
    assert hidden(folder) == []
    step(folder, lambda path, much: None)
    (line,) = str(caught.value).splitlines()
    assert "space" in line, "what to do about it"
    return line


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in visible(folder)}


# What is written, a limit that stops it, and the file that must then be named.
WRITERS = [
    ("download", 1_000_000, "file.gz"),
    ("pad", 500, "drawing-0002.png"),
    ("manifest", 300_000, "report.json"),
    ("bundle", 300_000, "digitpad-0-linux-aarch64-python3.11.tar.gz"),  # a wheel that goes into it
    ("bundle", 2_000_000, "digitpad-0-linux-aarch64-python3.11.tar.gz"),  # the archive itself
]


@pytest.mark.parametrize(("kind", "limit", "named"), WRITERS)
def test_a_full_disk_is_one_line_and_leaves_the_old_files(kind: str, limit: int, named: str, tmp_path: Path) -> None:
    told = filled_in_between(STEPS[kind](tmp_path), tmp_path / "files", files_of_at_most(limit))
    assert f"{named}: cannot be written (File too large)" in told


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 16 megabytes."""
    place = tmp_path / "small disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only the superuser of a Linux system can mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(("kind", "named"), {kind: named for kind, _, named in WRITERS}.items())
def test_a_disk_without_any_room_is_one_line_and_leaves_the_old_files(
    kind: str, named: str, small_disk: Path, tmp_path: Path
) -> None:
    told = filled_in_between(STEPS[kind](tmp_path), small_disk / "files", no_room(small_disk))
    assert f"{named}: cannot be written (No space left on device)" in told


def test_the_data_of_training_that_find_no_room_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mirror").write_bytes(CONTENT)
    checksum = hashlib.sha256(CONTENT).hexdigest()
    remote = RemoteFile("file.gz", ((tmp_path / "mirror").as_uri(),), has_sum("sha256", checksum))
    monkeypatch.setattr(data, "MNIST", [remote] * 4)
    monkeypatch.setattr(data, "DATA_FOLDER", tmp_path / "data")
    with files_of_at_most(1_000_000):
        assert train(["--only", "mlp", "--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("train: ") and "file.gz: cannot be written (File too large)" in line and "space" in line
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["data", "mirror"]


@pytest.mark.parametrize(
    ("kind", "said"), [("train-cnn", "train: "), ("export-cnn", "export: ")], ids=["training", "export"]
)
def test_training_and_export_that_find_no_room_end_in_one_line(kind: str, said: str, tmp_path: Path) -> None:
    """Weights and models are larger than the limit; Keras and the export use temporary files as well."""
    code = """
import resource, sys
from pathlib import Path
from digitpad import DigitPadError
from tests.killing_steps import STEPS

kind, place = sys.argv[1], Path(sys.argv[2])
step = STEPS[kind](place)
resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
try:
    step(place / "files", lambda path, much: None)
except DigitPadError as error:
    sys.exit(str(error))
"""
    (tmp_path / "temporary").mkdir()
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "cnn.onnx").write_bytes(b"the old one")
    result = python("-c", code, kind, tmp_path, TMPDIR=str(tmp_path / "temporary"))
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    line, last = result.stderr.splitlines()[-2:]
    assert line.startswith(said) and "written (File too large)" in line and "space" in line
    assert last.endswith("failed"), "the step says that main gave status 1"
    assert (folder / "cnn.onnx").read_bytes() == b"the old one"
    assert hidden(folder) == []
    assert not any(path.suffix in (".keras", ".onnx") for path in visible(folder) if path != folder / "cnn.onnx")
    # Keras leaves an empty folder; Python, what it compiled of code that TensorFlow had generated.
    left = [path for path in (tmp_path / "temporary").rglob("*") if path.is_file()]
    assert [path for path in left if path.parent.name != "__pycache__"] == []


def test_a_disk_that_pip_found_full_is_told_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n\n"
    done = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(bundle.subprocess, "run", lambda *_, **__: done)
    (tmp_path / "digitpad-0-py3-none-any.whl").write_bytes(b"")
    wheel = ["--wheel", str(tmp_path / "digitpad-0-py3-none-any.whl")]
    assert bundle.main([*wheel, "--target", "linux-aarch64", "--python", "3.11", "--out", str(tmp_path / "out")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bundle: ") and "linux-aarch64-python3.11.tar.gz: cannot be written (No space left" in line
    assert list((tmp_path / "out").iterdir()) == []

"""A full disk: one line that names the file and the mend, the old file as it was, and no temporary file left.

Full is a disk on which no file may grow past a limit, and, where the superuser runs the tests, one without any room.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if not hasattr(os, "fork"):
    pytest.skip("Windows has no limit of the file size", allow_module_level=True)

from deploy import bundle
from tests.killing import hidden, local_mirrors, visible

ROOT = Path(__file__).parents[1]

# Does a step of tests/killing_steps.py in a process in which no file may grow past a limit, if there is one.
STEP = """
import resource, sys
from pathlib import Path
from deploy.bundle import BundleError
from digitpad import DigitPadError
from tests.killing_steps import STEPS

kind, folder, address, limit = sys.argv[1:]
step = STEPS[kind](address)
if limit != "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    step(Path(folder), lambda path, much: None)
except (BundleError, DigitPadError) as error:
    sys.exit(str(error))
"""


def do(kind: str, folder: Path, address: str = "", limit: int = 0) -> subprocess.CompletedProcess[str]:
    return python(STEP, kind, folder, address, str(limit))


def python(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}", "SDL_VIDEODRIVER": "dummy"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in visible(folder)}


def told(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 1, result.stderr
    (line,) = result.stderr.splitlines()
    assert "space" in line, "the mend"
    return line


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_mirrors() as at:
        yield at


# What is written, a limit that stops it, and the file that must then be named.
WRITERS = [
    ("download", 1_000_000, "file.gz"),
    ("pad", 500, "drawing-0002.png"),
    ("manifest", 1_000_000, "manifest.json"),
    ("bundle", 300_000, "digitpad-0-linux-aarch64-python3.11.tar.gz"),  # a wheel that goes into it
    ("bundle", 2_000_000, "digitpad-0-linux-aarch64-python3.11.tar.gz"),  # the archive itself
]


@pytest.mark.parametrize(("kind", "limit", "named"), WRITERS)
def test_a_full_disk_is_one_line_and_leaves_the_old_files(
    kind: str, limit: int, named: str, address: str, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    assert do(kind, folder, address).returncode == 0
    before = content(folder)
    line = told(do(kind, folder, address, limit))
    assert f"{named}: cannot be written (File too large)" in line
    assert content(folder) == before
    assert hidden(folder) == []
    assert do(kind, folder, address).returncode == 0, "and with room again all is well"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 16 megabytes."""
    place = tmp_path / "small disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by the superuser of a Linux system alone")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(("kind", "named"), {kind: named for kind, _, named in WRITERS}.items())
def test_a_disk_without_any_room_is_one_line_and_leaves_the_old_files(
    kind: str, named: str, address: str, small_disk: Path
) -> None:
    folder = small_disk / "files"
    assert do(kind, folder, address).returncode == 0
    before = content(folder)
    with open(small_disk / "all the rest", "wb", buffering=0) as rest:
        while _takes_more(rest.fileno()):
            pass
    line = told(do(kind, folder, address))
    assert f"{named}: cannot be written (No space left on device)" in line
    assert content(folder) == before
    assert hidden(folder) == []
    (small_disk / "all the rest").unlink()
    assert do(kind, folder, address).returncode == 0


def _takes_more(descriptor: int) -> bool:
    try:
        return os.write(descriptor, bytes(4096)) > 0
    except OSError:
        return False


def test_the_pad_tells_it_in_its_window_and_goes_on(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
import pygame
from digitpad.pad.demo import click, drag
from digitpad.pad.loop import Pad
from digitpad.pad.window import open_window

open_window((1000, 640))
pad = Pad("cnn", folder=Path(sys.argv[1]))
drag(pad, [(0.5, 0.2), (0.5, 0.8)])
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
click(pad, "save")
print(pad.notice)
pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_7, mod=pygame.KMOD_LSHIFT, unicode="/"))
pad.step(0)
print(pad.notice)
sys.exit(not pad.running)
"""
    (tmp_path / "my_digits.json").write_text('{"samples": []}')
    result = python(code, tmp_path)
    assert result.returncode == 0, result.stderr
    saved, gathered = [line for line in result.stdout.splitlines() if "cannot" in line]
    assert "drawing-0001.png: cannot be written (File too large)" in saved
    assert "my_digits.json: cannot be written (File too large)" in gathered
    assert [path.name for path in tmp_path.iterdir()] == ["my_digits.json"]
    assert (tmp_path / "my_digits.json").read_text() == '{"samples": []}'


def test_the_data_of_training_that_find_no_room_are_named(address: str, tmp_path: Path) -> None:
    code = """
import hashlib, resource, sys
from pathlib import Path
from tests.killing_steps import CONTENT
from train import data
from train.__main__ import main

data.DATA_FOLDER = Path(sys.argv[1]) / "data"
remote = data.RemoteFile("file.gz", (sys.argv[2] + "/good/",), "sha256", hashlib.sha256(CONTENT).hexdigest())
data.mnist_file = lambda name: remote
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
sys.exit(main(["--only", "mlp", "--data", sys.argv[1], "--out", sys.argv[1]]))
"""
    line = told(python(code, tmp_path, address))
    assert line.startswith("train: ") and "file.gz: cannot be written (File too large)" in line
    assert [path.name for path in tmp_path.rglob("*")] == ["data"]


@pytest.mark.parametrize(
    ("kind", "said"), [("train-cnn", "train: "), ("export-cnn", "export: ")], ids=["training", "export"]
)
def test_training_and_export_that_find_no_room_end_in_one_line(
    kind: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights and models are larger than the limit; Keras and the export use temporary files as well."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "cnn.onnx").write_bytes(b"the old one")
    result = do(kind, folder, limit=700_000)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    line, last = result.stderr.splitlines()[-2:]
    assert line.startswith(said) and "cannot be written (File too large)" in line and "space" in line
    assert last.endswith("failed"), "the step says that main gave status 1"
    assert (folder / "cnn.onnx").read_bytes() == b"the old one"
    assert hidden(folder) == []
    assert not any(path.suffix in (".keras", ".onnx") for path in visible(folder) if path != folder / "cnn.onnx")
    # Keras leaves a folder, which is empty; Python what it compiled of code that TensorFlow had generated.
    known = ("weights", "__pycache__")
    left = [path for path in (tmp_path / "temporary").rglob("*") if path.is_file() and path.parent.name not in known]
    assert left == []


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

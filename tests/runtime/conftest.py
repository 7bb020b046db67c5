"""What the runtime's tests share: tiny models, an installation of them, drawings, the command, and MNIST if at hand."""

import contextlib
import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import digitpad
from digitpad.models import models_folder

DATA = Path(__file__).parent / "data"
REPOSITORY = Path(__file__).parents[2]

TINY = str(DATA / "tiny.onnx")
PACKAGE = Path(digitpad.__file__).parent  # the digitpad that is tested, a source checkout or an installed wheel

Run = Callable[..., "subprocess.CompletedProcess[Any]"]
Points = list[list[tuple[float, float]]]


def users_environment(**more: str) -> dict[str, str]:
    """The environment variables with which a user would run the package."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**environment, "PYTHONPATH": str(PACKAGE.parent), **more}


def printed_by(code: str, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
    """The lines that a fresh Python prints when it runs some code; on standard error it must print nothing."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=env or users_environment(), capture_output=True, encoding="utf-8", timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def hear_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so does what the tests start there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, no file can be written."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    return lambda: monkeypatch.setattr("os.fsync", full)


@pytest.fixture
def tiny() -> Path:
    """A model that keeps the contract and has learnt nothing."""
    return Path(TINY)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package in it, which ships the tiny model as its cnn and its mlp."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copytree(PACKAGE, folder / "digitpad", ignore=shutil.ignore_patterns("models", "__pycache__"))
    models = folder / "digitpad" / "models"
    models.mkdir()
    entries = {}
    for name in ("cnn", "mlp"):
        data = (DATA / f"named_{name}.onnx").read_bytes()
        (models / f"{name}.onnx").write_bytes(data)
        entries[name] = {
            "file": f"{name}.onnx",
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "parameters": 160,
            "accuracy": {"mnist_test": 0.125},
        }
    shipped = Path(models_folder())
    reader = json.loads((shipped / "manifest.json").read_text())["row_reader"]
    shutil.copy(shipped / reader["file"], models)
    manifest = {"contract": "2", "models": entries, "row_reader": reader}
    (models / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `python -m digitpad ARGUMENTS` in an empty folder, as a user would, or that of another installation."""

    def run(*arguments: str | os.PathLike[str], installation: Path | None = None, **more: Any) -> Any:
        path = str(installation or PACKAGE.parent)
        environment = users_environment(SDL_VIDEODRIVER="dummy") | {"PYTHONPATH": path} | more.pop("env", {})
        more = {"capture_output": True, "encoding": "utf-8", "cwd": tmp_path, "timeout": 120} | more
        command = [sys.executable, "-m", "digitpad", *arguments]
        return subprocess.run(command, env=environment, check=False, **more)

    return run


@pytest.fixture
def seven() -> Points:
    """Strokes that draw a seven, with the slanted bar through it."""
    return [[(100, 100), (150, 98), (210, 101), (180, 160), (150, 230), (135, 300)], [(120, 190), (205, 185)]]


@pytest.fixture
def stroke_file(tmp_path: Path, seven: Points) -> Path:
    """A stroke file with one sample."""
    path = tmp_path / "seven.json"
    path.write_text(json.dumps({"samples": [{"label": "7", "strokes": seven}]}))
    return path


@pytest.fixture(scope="session")
def mnist() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images (10000, 28, 28) and labels of the MNIST test set, where it is at hand."""
    for folder in (os.environ.get("DIGITPAD_DATA"), REPOSITORY / "data"):
        for place in (Path(folder), Path(folder, "mnist")) if folder else ():
            if (images := place / "t10k-images-idx3-ubyte.gz").exists():
                pixels = np.frombuffer(gzip.decompress(images.read_bytes()), np.uint8, offset=16)
                labels = gzip.decompress((place / "t10k-labels-idx1-ubyte.gz").read_bytes())
                return pixels.reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)
    pytest.skip("the MNIST test set is neither in $DIGITPAD_DATA nor in data/")


@contextlib.contextmanager
def as_plain_user() -> Iterator[None]:
    """Act as a user who may not read everything, even where the superuser runs the tests."""
    if os.name != "posix":
        pytest.skip("files cannot be made unreadable here")
    before = os.geteuid()
    if before == 0:
        try:
            os.seteuid(65534)
        except OSError:
            pytest.skip("the superuser cannot act as anybody else here")
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def nothing_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings nor the documents of whoever runs the tests are touched."""
    monkeypatch.setattr("digitpad.pad.loop.settings_file", lambda: tmp_path / "settings" / "pad.json")
    for module in ("pad", "loop"):
        monkeypatch.setattr(f"digitpad.pad.{module}.save_folder", lambda: tmp_path / "documents")


@pytest.fixture
def make_pad(tmp_path: Path, nothing_of_the_users: None) -> Iterator[Callable[..., Any]]:
    """Makes a pad in an open window of some size, with stand-ins for the models unless told otherwise."""
    import pygame

    from digitpad.pad.loop import PadWindow
    from digitpad.pad.window import open_window
    from tests.runtime.pad.stand_in import StandIn

    def make(*arguments: Any, size: tuple[int, int] = (1000, 640), load: Any = StandIn, **options: Any) -> PadWindow:
        open_window(size)
        pygame.event.clear()
        files = tmp_path / "files"
        hand = None if options.get("kiosk") else files / "my_digits.json"
        pad = PadWindow(*arguments, load=load, folder=files, **({"hand": hand} | options))
        pad.models.load()
        pad.step(0)
        return pad

    yield make
    pygame.quit()

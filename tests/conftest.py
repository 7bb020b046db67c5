"""What all tests share; also lets one process load TensorFlow and PyTorch, and keeps waiting threads from spinning."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "onnx_models/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]

# Threads that wait for others would spin and take the cores from the processes that training and export start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# TensorFlow and PyTorch's compiler each carry an LLVM: the second to be loaded crashes if that is the compiler, which
# PyTorch's first optimiser loads. (`make train` and `make export` give each network a process of its own.)
with contextlib.suppress(ImportError):
    import triton  # noqa: F401


def python(
    *arguments: str | Path, given: str = "", program: str | Path = sys.executable, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this Python, or another, in the checkout, as the Makefile does, with `given` on its standard input."""
    return subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}"} | environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
    )


def without_data(*arguments: str | Path, folder: Path) -> None:
    """Run a command of ours where neither the folder nor the network has any data."""
    proxies = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    result = python("-m", *arguments, DIGITPAD_DATA=str(folder), **proxies)
    assert result.returncode == 0, result.stderr


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow past this many bytes."""
    resource = pytest.importorskip("resource", reason="Windows has no limit of the file size")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both networks were trained, for a few steps, on generated digits and twenty of the user's own."""
    from digitpad.stroke_files import write_samples
    from train.synthetic.generate import generate_samples

    out = tmp_path_factory.mktemp("trained")
    write_samples(out / "own.json", list(generate_samples(20, seed=9)))
    options = ("--recipe", "smoke", "--synthetic", "--extra", out / "own.json", "--out", out)
    without_data("train", *options, folder=out)
    return out


def build(source: Path, out: Path, kind: str) -> Path:
    """Build a wheel or sdist without downloading anything, and return its path."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", out, source]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1767225600"})
    (archive,) = out.iterdir()
    return archive


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def draw_seven(path: Path) -> None:
    picture = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(picture).line([(60, 50), (140, 50), (100, 160)], fill=0, width=14, joint="curve")
    picture.save(path)

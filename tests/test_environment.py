"""requirements/environment.sh: where packages come from when PyTorch's package index for CPUs is named."""

import functools
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="elsewhere training is not locked, and PyTorch comes without CUDA",
)


def make_wheel(index: Path, name: str, version: str) -> str:
    """Put an empty package into a package index; returns its hash."""
    (index / name).mkdir(parents=True)
    wheel = index / name / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    (index / name / "index.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>')
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_torch_comes_from_that_index_the_rest_by_hash_and_no_cuda(tmp_path: Path, server: str) -> None:
    make_wheel(tmp_path / "cpu", "torch", "2.9.1+cpu")
    other = make_wheel(tmp_path / "all", "other", "1.0")
    locked = {"nvidia-cublas": "13.1", "other": "1.0", "torch": "2.9.1", "triton": "3.5"}
    checkout = tmp_path / "checkout"
    (checkout / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "requirements" / "environment.sh", checkout / "requirements")
    lines = [f"{name}=={version} \\\n    --hash=sha256:{other}\n" for name, version in locked.items()]
    (checkout / "requirements" / "train.txt").write_text("".join(lines))

    command = ["sh", "requirements/environment.sh", sys.executable, ".venv-train", "requirements/train.txt"]
    indices = {"TORCH_INDEX": f"{server}/cpu", "PIP_INDEX_URL": f"{server}/all", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(command, cwd=checkout, env=os.environ | indices, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + (checkout / ".venv-train" / "install.log").read_text()
    installed = {path.name for path in (checkout / ".venv-train").glob("lib/python*/site-packages/*.dist-info")}
    assert {name for name in installed if not name.startswith(("pip-", "setuptools-"))} == {
        "other-1.0.dist-info",
        "torch-2.9.1+cpu.dist-info",
    }

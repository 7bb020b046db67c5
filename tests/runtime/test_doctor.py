"""The self-check: all is well, or what is not."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from digitpad import __version__
from tests.runtime.conftest import Run


def findings(done: "subprocess.CompletedProcess[str]") -> dict[str, tuple[str, str]]:
    """What was looked at: the verdict and what was found."""
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()[:-1]]
    return {what: (verdict, finding) for verdict, what, finding in lines}


@pytest.fixture
def broken(installation: Path, tmp_path: Path) -> Path:
    """An installation for a test to break."""
    return shutil.copytree(installation, tmp_path / "broken")


def hide(folder: Path, module: str, code: str) -> None:
    """Put a module of that name where Python looks first."""
    (folder / f"{module}.py").write_text(code)


def test_a_good_installation_is_called_well(installation: Path, run: Run) -> None:
    done = run("doctor", installation=installation)
    assert (done.returncode, done.stderr) == (0, "")
    found = findings(done)
    assert found["digitpad"] == ("ok", f"{__version__}, {installation / 'digitpad'}")
    assert found["models"] == ("ok", "cnn, mlp, rows: intact, they load and answer")
    for package in ("Python", "platform", "numpy", "onnxruntime", "Pillow"):
        assert found[package][0] == "ok"
        assert found[package][1]
    assert done.stdout.endswith("All is well.\n")


@pytest.mark.parametrize(
    ("driver", "verdict", "finding"),
    [("dummy", "ok", "dummy"), ("no-such-driver", "note", "none: the pad cannot open here; `digitpad demo")],
)
def test_the_display_is_named_or_what_works_without(
    driver: str, verdict: str, finding: str, installation: Path, run: Run
) -> None:
    pytest.importorskip("pygame")
    done = run("doctor", installation=installation, env={"SDL_VIDEODRIVER": driver})
    assert done.returncode == 0
    found = findings(done)["display"]
    assert found[0] == verdict
    assert found[1].startswith(finding)


def test_a_missing_pygame_is_a_note_that_says_how_to_get_it(broken: Path, run: Run) -> None:
    hide(broken, "pygame", "raise ModuleNotFoundError(\"No module named 'pygame'\", name='pygame')")
    done = run("doctor", installation=broken)
    assert done.returncode == 0
    verdict, finding = findings(done)["pygame"]
    assert verdict == "note"
    assert "pip install 'digitpad[pad]'" in finding


CANNOT_LOAD = "raise ImportError('libstdc++.so.6: not found')", "ImportError: libstdc++.so.6: not found; install "
KILLS = "import os, signal; os.kill(os.getpid(), signal.SIGILL)", "dies with SIGILL: "
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.mark.parametrize(
    ("module", "what"),
    [("numpy", CANNOT_LOAD), ("PIL", CANNOT_LOAD), pytest.param("onnxruntime", KILLS, marks=posix)],
)
def test_a_package_that_does_not_load_is_broken_and_the_rest_still_reported(
    module: str, what: tuple[str, str], broken: Path, run: Run
) -> None:
    hide(broken, module, what[0])
    done = run("doctor", installation=broken)
    assert (done.returncode, done.stderr) == (1, "")
    found = findings(done)
    verdict, finding = found[module.replace("PIL", "Pillow")]
    assert verdict == "BROKEN"
    assert finding.startswith(what[1])
    assert found["models"] == ("note", "not tried: they need the packages above")
    assert found["Python"][0] == found["numpy" if module == "PIL" else "Pillow"][0] == "ok"


def test_a_damaged_or_missing_model_is_broken(broken: Path, run: Run) -> None:
    model = broken / "digitpad" / "models" / "mlp.onnx"
    model.write_bytes(model.read_bytes()[:-100])
    done = run("doctor", installation=broken)
    assert done.returncode == 1
    assert "mlp.onnx: its checksum is not the manifest's" in done.stdout
    assert done.stdout.endswith("Something is broken: see above.\n")
    model.unlink()
    done = run("doctor", installation=broken)
    assert done.returncode == 1
    assert "mlp.onnx: no such model file" in done.stdout
    (broken / "digitpad" / "models" / "manifest.json").unlink()
    done = run("doctor", installation=broken)
    assert done.returncode == 1
    assert findings(done)["models"][0] == "BROKEN"

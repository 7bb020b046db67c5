"""What the package loads, and what it must never load."""

import ast
import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

from tests.runtime.conftest import PACKAGE, printed_by

FRAMEWORKS = {"tensorflow", "keras", "torch", "onnx", "tf2onnx", "onnxscript"}
ALLOWED = {"digitpad", "numpy", "onnxruntime", "PIL", "pygame", "platformdirs"}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after `code`."""
    code += "\nimport sys; print(*{name.split('.')[0] for name in sys.modules})"
    return set(printed_by(code)[-1].split())


@pytest.mark.parametrize("then", ["", "main(['--version'])", "main(['--help'])"])
def test_importing_digitpad_its_help_and_version_load_nothing_heavy(then: str) -> None:
    loaded = modules_after(f"import digitpad; from digitpad.cli import main; {then}")
    assert not loaded & {"numpy", "onnxruntime", "PIL", "pygame"}


def test_reading_a_clear_digit_from_strokes_loads_neither_pillow_nor_pygame() -> None:
    code = "from digitpad import Recognizer; Recognizer().predict_strokes([[(0, 0), (4, 0), (1, 6)]])"
    loaded = modules_after(code)
    assert "onnxruntime" in loaded
    assert not loaded & {"PIL", "pygame"}


def test_predicting_loads_no_training_framework(tiny: Path, stroke_file: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (40, 40), 255).save(tmp_path / "paper.png")
    arguments = ["predict", str(tmp_path / "paper.png"), str(stroke_file), "--model", str(tiny)]
    loaded = modules_after(f"from digitpad.cli import main; assert main({arguments!r}) == 0")
    assert {"onnxruntime", "PIL"} <= loaded
    assert not loaded & FRAMEWORKS


def test_a_prediction_loads_no_module_that_would_slow_its_start(tiny: Path, tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    skip_if_numpy_loads_all()
    picture = Image.new("RGB", (300, 200), (250, 250, 240))
    ImageDraw.Draw(picture).line([(60, 50), (140, 50), (100, 160)], fill=(40, 30, 120), width=14)
    picture.save(tmp_path / "seven.png")
    arguments = ["predict", str(tmp_path / "seven.png"), "--model", str(tiny)]
    code = f"from digitpad.cli import main; assert main({arguments!r}) == 0; import sys"
    loaded = modules_after(code + "; assert 'numpy.ma' not in sys.modules")
    assert not loaded & {"_hashlib", "shutil", "tempfile", "gzip", "bz2", "lzma", "csv", "pathlib"}


def skip_if_numpy_loads_all() -> None:
    if "_hashlib" in modules_after("import numpy"):
        pytest.skip("this numpy loads numpy.random, numpy.ma and with them OpenSSL by itself")


def test_a_shipped_model_is_checked_without_loading_openssl() -> None:
    skip_if_numpy_loads_all()
    code = "from digitpad import Recognizer; import sys; assert '_hashlib' not in sys.modules; Recognizer('cnn')"
    assert "_hashlib" not in modules_after(code)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the home folder goes by other names")
def test_a_prediction_leaves_nothing_in_the_home_folder(stroke_file: Path, tmp_path: Path) -> None:
    """Not even what onnxruntime would put there to report its use, which it does outside of test machines."""
    home = tmp_path / "home"
    home.mkdir()
    code = f"from digitpad.cli import main; assert main(['predict', {str(stroke_file)!r}]) == 0"
    printed_by(code, env={"HOME": str(home), "PYTHONPATH": str(PACKAGE.parent), "PATH": os.environ["PATH"]})
    assert not list(home.rglob("*"))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind a process to a core")
def test_one_core_is_enough(stroke_file: Path) -> None:
    """Nor is there a complaint about missing cores, as onnxruntime makes when it starts threads for them."""
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    code += f"from digitpad.cli import main; assert main(['predict', '--model', 'both', {str(stroke_file)!r}]) == 0\n"
    code += "print(len(os.listdir('/proc/self/task')))"
    assert printed_by(code)[-1] == "1"


def imported(path: Path) -> set[str]:
    """The modules, and names in modules, that a file imports, also for types and inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_the_source_names_only_what_the_wheel_asks_for() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert {name.split(".")[0] for name in imported(path)} <= ALLOWED | set(sys.stdlib_module_names), path.name


@pytest.mark.skipif("DIGITPAD_SLIM" not in os.environ, reason="DIGITPAD_SLIM says when no framework must be installed")
def test_the_slim_environment_has_no_training_framework() -> None:
    installed = {(dist.metadata["Name"] or "").lower() for dist in importlib.metadata.distributions()}
    assert not installed & FRAMEWORKS
    for name in FRAMEWORKS:
        assert importlib.util.find_spec(name) is None, f"{name} can be imported"


def test_the_public_names_are_these_and_each_is_documented() -> None:
    import digitpad

    errors = ["DigitPadError", "ImageError", "ModelError", "StrokeError"]
    reading = ["Hand", "Number", "Prediction", "Recognizer", "normalise_image", "render_strokes", "session_options"]
    files = ["Sample", "read_samples", "write_samples"]
    assert digitpad.__all__ == sorted([*errors, *reading, *files, "__version__"]) == dir(digitpad)
    for name in digitpad.__all__:
        thing = getattr(digitpad, name)
        methods = [part for key, part in vars(thing).items() if key[0] != "_"] if isinstance(thing, type) else []
        for one in (thing, *filter(callable, methods)):
            assert one.__doc__, name
    (for_types,) = (node for node in ast.parse(Path(digitpad.__file__).read_text()).body if isinstance(node, ast.If))
    told = [alias.name for node in for_types.body for alias in getattr(node, "names", ())]
    assert sorted([*told, "__version__"]) == digitpad.__all__
    with pytest.raises(AttributeError, match="Recogniser"):
        _ = digitpad.Recogniser

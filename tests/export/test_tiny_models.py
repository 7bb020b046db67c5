"""The small models that the runtime's tests use are what their script makes."""

import runpy
from pathlib import Path

DATA = Path(__file__).parents[1] / "runtime" / "data"


def test_the_tiny_models_are_what_their_script_makes(tmp_path: Path) -> None:
    runpy.run_path(str(DATA / "make_models.py"))["main"](tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in DATA.glob("*.onnx")}

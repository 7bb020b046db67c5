"""`predict --explain DIR` shows what happened to each input, and the logger "digitpad" says the same."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from digitpad import Recognizer, cli
from digitpad.explain import Explainer
from digitpad.image.normalise import image_readings, normalise_image
from tests.runtime.conftest import TINY, Run, printed_by


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A seven on ruled paper, with a speck beside it."""
    page = Image.new("L", (300, 400), 240)
    pencil = ImageDraw.Draw(page)
    for y in range(20, 400, 40):
        pencil.line((0, y, 300, y), fill=200, width=2)
    pencil.line([(90, 110), (200, 110), (130, 300)], fill=20, width=14)
    pencil.rectangle((30, 48, 34, 52), fill=20)
    page.save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def pictures(folder: Path) -> dict[str, tuple[int, int]]:
    """The files in a folder, all of them PNG pictures, and their sizes."""
    return {path.name: Image.open(path, formats=["PNG"]).size for path in folder.iterdir()}


def test_each_result_gets_a_picture_named_after_its_input(
    notebook: Path, stroke_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    several = tmp_path / "elsewhere" / "several.json.gz"
    several.parent.mkdir()
    several.write_bytes(stroke_file.read_bytes().replace(b"[{", b'[{"strokes": []}, {"strokes": [[[1, 1]]]}, {'))
    out = tmp_path / "new" / "folder"
    files = [str(path) for path in (notebook, stroke_file, several, tmp_path / "missing.png", notebook)]
    assert cli.main(["predict", *files, "--model", TINY, "--explain", str(out)]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 6
    assert captured.err.startswith(f"digitpad: {tmp_path / 'missing.png'}: cannot be read")
    assert set(pictures(out)) == {
        *("seven-explained.png", "seven-explained-2.png", "seven-explained-3.png"),
        *(f"several-{number}-explained.png" for number in (1, 2, 3)),
    }
    before = {path: path.read_bytes() for path in out.iterdir()}
    assert cli.main(["predict", files[0], "--model", TINY, "--explain", str(out)]) == 0
    assert {path.name for path in out.iterdir() if path not in before} == {"seven-explained-4.png"}
    assert all(path.read_bytes() == content for path, content in before.items())


def test_the_picture_has_a_panel_for_each_step_and_each_model(notebook: Path, tmp_path: Path) -> None:
    explainer, recognizer = Explainer(tmp_path / "out"), Recognizer(TINY)
    readings = image_readings(notebook, explainer.start())
    answer = recognizer, recognizer.predict_normalised(readings.found[0])
    assert (readings.found[0] == normalise_image(notebook)).all()
    steps = [words for words, _ in explainer._panels]
    assert steps == [
        "read: 300 x 400 pixels",
        "mixed to grey",
        "paper taken out: even light, dark ink",
        "ink found: 2 marks",
    ]
    explainer.write("seven.png", [answer] * 2)
    (size,) = pictures(tmp_path / "out").values()
    assert size == (20 + 4 * 272, 60 + 2 * (252 + 66))  # seven panels in two rows


@pytest.mark.parametrize("kind", ["picture", "strokes"])
def test_standard_input_is_explained(kind: str, notebook: Path, stroke_file: Path, tmp_path: Path, run: Run) -> None:
    data = (notebook if kind == "picture" else stroke_file).read_bytes()
    done = run("predict", "-", "--model", TINY, "--explain", "out", input=data, encoding=None)
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(pictures(tmp_path / "out")) == ["standard input-explained.png"]


@pytest.mark.parametrize("status", ["always_unsure", "never_a_digit"])
def test_every_verdict_can_be_drawn(status: str, stroke_file: Path, tmp_path: Path) -> None:
    model = str(Path(TINY).with_name(f"{status}.onnx"))
    assert cli.main(["predict", str(stroke_file), "--model", model, "--explain", str(tmp_path / "out")]) == 0
    assert len(pictures(tmp_path / "out")) == 1


def test_odd_names_make_plain_file_names(tmp_path: Path) -> None:
    explainer, recognizer = Explainer(tmp_path / "out"), Recognizer(TINY)
    answers = [(recognizer, recognizer.predict_strokes([]))]
    for name in ("a/b/zwölf.JPG", "A\nb.png", "a" * 500, "zwölf.png", "-#7", "drawing.json.gz#12"):
        explainer.start()
        explainer.write(name, answers)
    assert set(pictures(tmp_path / "out")) == {
        "zwölf-explained.png",
        "A_b-explained.png",
        f"{'a' * 60}-explained.png",
        "standard input-7-explained.png",
        "zwölf-explained-2.png",
        "drawing-12-explained.png",
    }


def test_a_folder_that_cannot_be_made_or_written_is_one_line(
    stroke_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], full_disk: Callable[[], None]
) -> None:
    (tmp_path / "file").touch()
    command = ["predict", str(stroke_file), "--model", TINY, "--explain"]
    assert cli.main([*command, str(tmp_path / "file" / "out")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"digitpad: {tmp_path / 'file' / 'out'}: cannot be made (")

    full_disk()
    assert cli.main([*command, str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 1  # the answer is there all the same
    (line,) = captured.err.splitlines()
    assert "seven-explained.png: cannot be written (No space left on device)" in line
    assert not list((tmp_path / "out").iterdir())


def test_the_logger_says_the_steps_at_debug_level(notebook: Path, seven: Any, caplog: pytest.LogCaptureFixture) -> None:
    recognizer = Recognizer(TINY)
    recognizer.predict(notebook)
    assert not caplog.messages
    caplog.set_level(logging.DEBUG, "digitpad")
    answer = recognizer.predict(notebook)
    assert caplog.messages[:2] == ["read: 300 x 400 pixels", "mixed to grey"]
    assert caplog.messages[3] == "ink found: 2 marks"
    assert caplog.messages[-1].startswith(f"tiny: {answer}, ood_score")
    caplog.clear()
    recognizer.predict_strokes([*seven, [(900, 200)]])
    assert caplog.messages[:2] == ["read: strokes: 3, points: 9", "taps beside the drawing left out: 1"]
    recognizer.predict(answer.image)
    assert "already in MNIST's form: left as it is" in caplog.messages


def test_without_a_handler_the_log_is_silent_and_strokes_do_not_load_logging(stroke_file: Path) -> None:
    code = f"""
import sys
from digitpad.cli import main
import numpy, onnxruntime
others = "logging" in sys.modules  # as some versions of these do
main(["predict", {str(stroke_file)!r}, "--model", "cnn"])
assert ("logging" in sys.modules) == others
import logging
logging.getLogger("digitpad").setLevel(logging.DEBUG)
main(["predict", {str(stroke_file)!r}, "--model", "cnn"])
"""
    assert len(printed_by(code)) == 2

"""The demo: digits and a number through the real pad, and pictures of it."""

import numpy as np
import pytest
from PIL import Image

from digitpad import DigitPadError
from digitpad.pad.demo import run_demo
from digitpad.pad.demo_strokes import demo_samples

NAMES = ["blank_tool.png", *(f"predict_{digit}.png" for digit in range(10)), "predict_number.png"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The folder that the demo filled, and what it returned."""
    out = tmp_path_factory.mktemp("demo") / "new" / "folder"
    return out, run_demo(out)


def test_the_demo_saves_its_pictures_and_reads_every_digit(pictures, capsys, tmp_path):
    out, status = pictures
    assert status == 0
    assert sorted(p.name for p in out.iterdir()) == sorted([*NAMES, "pad.gif"]), "and nothing half-written"
    shown = [np.asarray(Image.open(out / name).convert("RGB")) for name in NAMES]
    assert all(p.shape == (640, 1120, 3) for p in shown)
    assert len({p.tobytes() for p in shown}) == 12
    run_demo(tmp_path)
    said = capsys.readouterr().out
    assert all(f"{digit} read as cnn: {digit} " in said for digit in range(10))
    assert all(f"), mlp: {digit} (" in said for digit in range(10)), "none of them unsurely"
    assert all((tmp_path / n).read_bytes() == (out / n).read_bytes() for n in [*NAMES, "pad.gif"]), (
        "the same every time"
    )


def test_the_moving_picture_shows_a_digit_drawn_and_read(pictures):
    film = Image.open(pictures[0] / "pad.gif")
    assert film.format == "GIF" and film.n_frames > 30 and film.info["loop"] == 0
    first = np.asarray(film.convert("RGB"), np.int16)
    film.seek(film.n_frames - 1)
    last = np.asarray(film.convert("RGB"), np.int16)
    assert (np.abs(first - last).max(axis=2) > 60).mean() > 0.02
    assert (pictures[0] / "pad.gif").stat().st_size < 150_000, "it is kept in the repository"


def test_the_demo_digits_lie_on_the_paper():
    points = np.concatenate([p for s in demo_samples() for p in s.strokes])
    assert points.min() > 0 and points.max() < 1000


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DigitPadError, match="cannot be made"):
        run_demo(tmp_path / "file" / "below")


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "blank_tool.png").mkdir()
    with pytest.raises(DigitPadError, match=r"blank_tool\.png: cannot be written"):
        run_demo(tmp_path)

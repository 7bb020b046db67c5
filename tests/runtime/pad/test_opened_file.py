"""What the pad opens: images, drawings, files to page through, and labels for what was opened."""

import numpy as np
import pygame
import pytest
from PIL import Image

from digitpad import Recognizer
from digitpad.pad.demo import click, drag
from digitpad.pad.demo_strokes import demo_samples
from digitpad.stroke_files import Sample, read_samples, write_samples
from tests.runtime.pad.pad_user import THREE, draw_and_label, drop, gathered, label, part, press_key, several, tap


def test_a_stroke_file_dropped_on_the_window_opens_with_its_answer(pad, tmp_path):
    write_samples(tmp_path / "a.json", [Sample([np.array(THREE)], "3")])
    drop(pad, tmp_path / "a.json")
    assert len(pad.drawing.strokes) == 1 and pad.models.answers["cnn"].digit == 3 and pad.drawing.label == "3"
    drag(pad, [(0.2, 0.9), (0.8, 0.9)])
    assert len(pad.drawing.strokes) == 2, "it can be drawn on"
    for _ in range(2):
        press_key(pad, pygame.K_z)
    assert pad.drawing.strokes == []


def test_a_file_that_the_pad_opens_with_is_read_without_being_asked(pad, tmp_path):
    write_samples(tmp_path / "a.json", [Sample([np.array(THREE), np.array(THREE)], None)])
    pad.open_file(tmp_path / "a.json")
    pad.step(0)
    assert len(pad.drawing.strokes) == 2 and pad.models.up_to_date and pad.models.answers["cnn"].digit == 3


def test_an_image_dropped_on_the_window_is_shown_with_its_answer_until_somebody_draws_or_clears(
    pad, three_drawn, tmp_path
):
    image = Image.new("RGB", (300, 400), (200, 230, 180))
    image.paste((20, 20, 20), (140, 60, 170, 340))
    image.save(tmp_path / "one.png")
    drop(pad, tmp_path / "one.png")
    photo = part(pad.view.layout.paper)
    assert (photo == (200, 230, 180)).all(axis=2).mean() > 0.5
    assert pad.models.up_to_date and pad.models.answers["cnn"].image.any()
    click(pad, "clear")
    click(pad, "undo")
    assert np.array_equal(part(pad.view.layout.paper), photo)
    drag(pad, THREE)
    assert not (part(pad.view.layout.paper) == (200, 230, 180)).all(axis=2).any(), "one draws on bare paper"
    assert len(pad.drawing.strokes) == 1
    click(pad, "undo")
    click(pad, "undo")
    assert len(pad.drawing.strokes) == 1 and pad.drawing.picture is None


def test_an_image_in_a_stroke_file_is_shown_and_read_as_it_is(pad, tmp_path):
    image = Recognizer("cnn").predict_strokes([THREE]).image
    write_samples(tmp_path / "a.json", [Sample([], "3", None, image)])
    drop(pad, tmp_path / "a.json")
    assert pad.drawing.picture is not None and pad.drawing.label == "3"
    assert (pad.models.answers["cnn"].image == image).all() and pad.models.answers["cnn"].digit == 3


@pytest.mark.parametrize("name", ["broken.json", "broken.png", "nowhere.png", "folder"])
def test_a_dropped_file_that_cannot_be_opened_is_told_in_the_window(pad, three_drawn, tmp_path, name):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "broken.png").write_text("no picture")
    (tmp_path / "folder").mkdir()
    drop(pad, tmp_path / name)
    assert name in pad.notice and len(pad.drawing.strokes) == 1 and pad.running


def test_a_file_with_several_drawings_can_be_paged_through(pad, tmp_path):
    assert "next" not in pad.view.controls()
    drop(pad, several(tmp_path))
    assert "1 of 10" in pad.notice and pad.drawing.label == "0"
    for _ in range(2):
        press_key(pad, pygame.K_PAGEDOWN)
    assert "3 of 10" in pad.notice and pad.drawing.label == "2" and pad.models.up_to_date
    press_key(pad, pygame.K_PAGEUP)
    assert pad.drawing.label == "1"
    click(pad, "next")
    tap(pad, pad.view.controls()["next"])
    assert pad.drawing.label == "3"
    for _ in range(20):
        press_key(pad, pygame.K_PAGEDOWN)
    assert pad.drawing.label == "9"
    for _ in range(20):
        click(pad, "previous")
    assert pad.drawing.label == "0"


def test_a_file_whose_drawing_is_gone_from_the_paper_is_no_longer_paged_through(pad, tmp_path):
    for leave in ("clear", "undo"):
        drop(pad, several(tmp_path))
        assert "next" in pad.view.controls()
        click(pad, leave)
        assert pad.file.page is None and pad.drawing.label is None, leave
        click(pad, "clear")


def test_undo_and_redo_page_back_and_forth_in_the_file(pad, tmp_path):
    drop(pad, several(tmp_path))
    press_key(pad, pygame.K_PAGEDOWN)
    press_key(pad, pygame.K_z)
    assert pad.drawing.label == "0" and "Drawing 1 of 10" in pad.notice
    assert {"previous", "next"} <= set(pad.view.controls())
    press_key(pad, pygame.K_z)
    assert pad.drawing.is_empty and pad.file.page is None and not pad.notice
    for number in (1, 2):
        press_key(pad, pygame.K_z, pygame.KMOD_LSHIFT)
        assert f"Drawing {number} of 10" in pad.notice
    press_key(pad, pygame.K_PAGEDOWN)
    assert pad.drawing.label == "2" and "Drawing 3 of 10" in pad.notice
    click(pad, "clear")
    click(pad, "undo")
    press_key(pad, pygame.K_PAGEUP)
    assert pad.drawing.label == "1", "also after the paper was cleared"


def test_the_history_brings_a_drawing_back_with_the_file_it_is_of_or_with_none(pad, three_read, tmp_path):
    drop(pad, several(tmp_path))
    for _ in range(2):
        press_key(pad, pygame.K_PAGEDOWN)
    click(pad, "history 3")
    assert pad.drawing.label is None and not pad.notice and "next" not in pad.view.controls()
    press_key(pad, pygame.K_PAGEDOWN)
    assert pad.drawing.label is None, "there is nothing to page through"
    click(pad, "history 1")
    assert pad.drawing.label == "1" and "Drawing 2 of 10" in pad.notice
    click(pad, "next")
    assert pad.drawing.label == "2"


def test_another_remark_stays_as_one_goes_on_in_the_same_drawing_of_a_file(pad, tmp_path):
    drop(pad, several(tmp_path))
    drag(pad, THREE)
    click(pad, "save")
    click(pad, "undo")
    assert "Saved" in pad.notice and pad.file.page is not None


def test_a_file_that_holds_one_drawing_ends_the_paging_in_another(pad, tmp_path):
    write_samples(tmp_path / "one.json", [Sample([np.array(THREE)], "3")])
    Image.new("L", (40, 40), 255).save(tmp_path / "one.png")
    for name in ("one.json", "one.png"):
        drop(pad, several(tmp_path))
        drop(pad, tmp_path / name)
        assert pad.file.page is None and not pad.notice, name


# Labels of what was opened


@pytest.mark.parametrize("name", ["my_digits.json", "drawing-0001.json"])
def test_a_label_is_corrected_also_after_the_pad_was_closed(make_pad, tmp_path, name):
    pad = make_pad()
    draw_and_label(pad, 3, 8)
    click(pad, "save")
    pad = make_pad()
    drop(pad, tmp_path / "files" / name)
    assert pad.drawing.label == "8"
    label(pad, 3)
    assert "Learned: this is your 3" in pad.notice and gathered(tmp_path)[0] == ["3"]
    label(pad, 3)
    assert "Forgotten" in pad.notice and gathered(tmp_path)[0] == []


def test_paging_through_what_was_gathered_each_drawing_can_be_relabelled(pad, tmp_path):
    file = several(tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "my_digits.json").write_bytes(file.read_bytes())
    drop(pad, tmp_path / "files" / "my_digits.json")
    press_key(pad, pygame.K_PAGEDOWN)
    label(pad, 7)
    press_key(pad, pygame.K_PAGEDOWN)
    label(pad, 2)
    press_key(pad, pygame.K_PAGEUP)
    assert pad.drawing.label == "7" and "a 7" in pad.notice, "as it was labelled, not as it was opened"
    assert gathered(tmp_path) == (list("073456789"), 9)
    drag(pad, [(0.2, 0.5), (0.8, 0.5)])
    label(pad, 4)
    press_key(pad, pygame.K_PAGEUP)
    press_key(pad, pygame.K_PAGEDOWN)
    assert pad.drawing.label == "4" and len(pad.drawing.strokes) == len(demo_samples()[1].strokes) + 1
    label(pad, 9)
    assert gathered(tmp_path) == (list("093456789"), 9)


def test_a_drawing_from_another_file_is_gathered_once_as_it_is_there(make_pad, tmp_path):
    sample = Sample([np.array([[0.0, 0.0], [3.0, 9.0]])], None, "Ada")
    write_samples(tmp_path / "a.json", [sample])
    for digit in (7, 1):
        pad = make_pad()
        drop(pad, tmp_path / "a.json")
        label(pad, digit)
    (kept,) = read_samples(tmp_path / "files" / "my_digits.json")
    assert (kept.label, kept.writer) == ("1", "Ada") and np.array_equal(kept.strokes[0], sample.strokes[0])


def test_a_new_drawing_on_the_paper_of_an_opened_one_is_another(pad, tmp_path):
    drop(pad, several(tmp_path))
    press_key(pad, pygame.K_e)
    drag(pad, [(x, y / 20) for y in range(21) for x in (0.0, 1.0)])
    assert pad.drawing.is_empty
    press_key(pad, pygame.K_e)
    draw_and_label(pad, 3, 3)
    press_key(pad, pygame.K_PAGEDOWN)
    press_key(pad, pygame.K_PAGEUP)
    assert pad.drawing.label == "0", "the file's own drawing"

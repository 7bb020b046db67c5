"""What the pad writes and opens: saved drawings, labelled ones to learn from, dropped files, and the settings."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pygame")

import pygame
from PIL import Image

from digitpad import Recognizer
from digitpad.pad.demo import click, drag
from digitpad.pad.demo_strokes import demo_samples
from digitpad.pad.loop import KIOSK_MS, run_pad
from digitpad.pad.settings import Settings, read_settings, write_settings
from digitpad.stroke_files import Sample, read_samples, write_samples
from tests.runtime.pad.pad_user import THREE, draw_digit, part, post, press_key, tap, window
from tests.runtime.pad.stand_in import StandIn

pytestmark = pytest.mark.usefixtures("nothing_of_the_users")

SHIFT = pygame.KMOD_LSHIFT


def label(pad, digit):
    press_key(pad, getattr(pygame, f"K_{digit}"), SHIFT)


# Saving


def test_a_saved_drawing_is_a_picture_and_a_stroke_file_with_the_answer_and_both_are_read_as_it_was(make_pad, tmp_path):
    pad = make_pad()
    drag(pad, THREE)
    click(pad, "predict")
    click(pad, "save")
    assert "drawing-0001.png" in pad.notice
    (sample,) = read_samples(tmp_path / "files" / "drawing-0001.json")
    assert sample.label is None and len(sample.strokes) == 1
    paper = pad.view.layout.paper.w
    assert np.allclose(sample.strokes[0] / 1000, pad.drawing.strokes[0].points, atol=1 / paper)
    meta = json.loads((tmp_path / "files" / "drawing-0001.json").read_bytes())["meta"]
    assert meta["answers"]["cnn"]["digit"] == 3 and meta["answers"]["cnn"]["confidence"] == 0.91
    picture = np.asarray(Image.open(tmp_path / "files" / "drawing-0001.png"))
    assert picture[0, 0] == 255 and picture.min() == 0
    assert Recognizer().predict(tmp_path / "files" / "drawing-0001.png").digit == 3
    assert Recognizer().predict_strokes(sample.strokes).digit == 3


def test_an_answer_about_another_drawing_is_not_saved(make_pad, tmp_path):
    pad = make_pad()
    drag(pad, THREE)
    click(pad, "predict")
    drag(pad, THREE)
    click(pad, "save")
    assert json.loads((tmp_path / "files" / "drawing-0001.json").read_bytes())["meta"]["answers"] == {}


def test_saving_overwrites_nothing(make_pad, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "drawing-0007.png").write_bytes(b"mine")
    pad = make_pad()
    drag(pad, THREE)
    click(pad, "save")
    click(pad, "save")
    names = sorted(p.name for p in (tmp_path / "files").iterdir())
    assert names == ["drawing-0007.png", *(f"drawing-000{n}.{e}" for n in (8, 9) for e in ("json", "png"))]
    assert (tmp_path / "files" / "drawing-0007.png").read_bytes() == b"mine"


def test_blank_paper_is_neither_saved_nor_labelled(make_pad, tmp_path):
    pad = make_pad()
    click(pad, "save")
    press_key(pad, pygame.K_s)
    label(pad, 3)
    assert pad.notice and not (tmp_path / "files").exists()


def test_a_save_that_fails_is_told_and_leaves_nothing_half_written(make_pad, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    pad = make_pad()
    drag(pad, THREE)
    monkeypatch.setattr("os.fsync", full)
    click(pad, "save")
    assert "No space left on device" in pad.notice and pad.running
    assert list((tmp_path / "files").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(make_pad, tmp_path):
    (tmp_path / "files").write_text("")
    pad = make_pad()
    drag(pad, THREE)
    click(pad, "save")
    assert "cannot be made" in pad.notice
    label(pad, 3)
    assert "files" in pad.notice and pad.drawing.label is None


def test_a_remark_goes_away_by_itself_or_when_one_draws(make_pad):
    pad = make_pad()
    before = window()
    drag(pad, THREE)
    click(pad, "save")
    assert not np.array_equal(
        part(pad.view.layout.notice), before[: pad.view.layout.notice.w, : pad.view.layout.notice.h]
    )
    shown = part(pad.view.layout.notice)
    pad.step(3000)
    assert pad.notice
    pad.step(10_000)
    assert not pad.notice and not np.array_equal(part(pad.view.layout.notice), shown)
    click(pad, "save")
    drag(pad, THREE)
    assert not pad.notice


# Labels


def test_labelled_drawings_are_gathered_in_one_stroke_file(make_pad, tmp_path):
    pad = make_pad()
    for digit in (3, 0):
        draw_digit(pad, digit)
        label(pad, digit)
        assert f"Gathered as a {digit}" in pad.notice
        click(pad, "clear")
    samples = read_samples(tmp_path / "files" / "my_digits.json")
    assert [s.label for s in samples] == ["3", "0"]
    assert np.allclose(samples[0].strokes[0] / 1000, THREE, atol=0.002)
    assert Recognizer().predict_strokes(samples[0].strokes).digit == 3, "as training reads it"


def gathered(tmp_path):
    """The labels in the file of gathered drawings, and how many of the drawings differ."""
    samples = read_samples(tmp_path / "files" / "my_digits.json")
    return [s.label for s in samples], len({str([points.tolist() for points in s.strokes]) for s in samples})


def draw_and_label(pad, digit, as_what):
    draw_digit(pad, digit)
    click(pad, "predict")
    label(pad, as_what)


def back_to_the_first_of_two(make_pad, first, second):
    """A pad on which two digits were drawn and labelled, (digit, label) each, and the first called back."""
    pad = make_pad()
    draw_and_label(pad, *first)
    click(pad, "clear")
    draw_and_label(pad, *second)
    click(pad, "history 1")
    return pad


def test_an_older_drawing_from_the_history_is_relabelled_and_not_gathered_twice(make_pad, tmp_path):
    pad = back_to_the_first_of_two(make_pad, (3, 8), (5, 5))
    assert pad.drawing.label == "8"
    label(pad, 3)
    assert "Gathered as a 3: 2 drawings" in pad.notice and pad.history.entries[1].answer == "=3"
    assert gathered(tmp_path) == (["3", "5"], 2)
    click(pad, "history 0")
    label(pad, 5)
    assert "No longer" in pad.notice and pad.drawing.label is None and gathered(tmp_path) == (["3"], 1)
    label(pad, 5)
    assert gathered(tmp_path) == (["3", "5"], 2), "taken out is not for good"
    label(pad, 5)
    click(pad, "history 1")
    label(pad, 8)
    assert gathered(tmp_path) == (["8"], 1), "what was taken out is not the one that is relabelled"


def test_an_older_drawing_that_was_drawn_on_takes_its_own_place_in_the_file(make_pad, tmp_path):
    pad = back_to_the_first_of_two(make_pad, (1, 1), (5, 5))
    drag(pad, [(0.2, 0.5), (0.8, 0.5)])
    label(pad, 4)
    file = tmp_path / "files" / "my_digits.json"
    assert [(s.label, len(s.strokes)) for s in read_samples(file)] == [("4", 2), ("5", 2)]
    press_key(pad, pygame.K_z)
    label(pad, 1)
    assert [(s.label, len(s.strokes)) for s in read_samples(file)] == [("1", 1), ("5", 2)]
    drag(pad, [(0.3, 0.9), (0.7, 0.9)])
    label(pad, 1)
    assert [(s.label, len(s.strokes)) for s in read_samples(file)] == [("1", 2), ("5", 2)], "not taken out: it changed"


def test_the_same_drawn_twice_is_gathered_twice_and_each_can_be_taken_out(make_pad, tmp_path):
    pad = make_pad()
    draw_and_label(pad, 3, 3)
    click(pad, "clear")
    draw_and_label(pad, 3, 3)
    assert gathered(tmp_path)[0] == ["3", "3"]
    label(pad, 3)
    assert gathered(tmp_path)[0] == ["3"]
    label(pad, 3)
    assert gathered(tmp_path)[0] == ["3", "3"]


def test_a_label_that_undo_brought_back_is_not_mistaken_for_the_one_in_the_file(make_pad, tmp_path):
    pad = make_pad()
    draw_and_label(pad, 3, 8)
    click(pad, "clear")
    click(pad, "history 0")
    label(pad, 3)
    for _ in range(2):
        press_key(pad, pygame.K_z)
    label(pad, 3)
    assert "Gathered as a 3" in pad.notice and gathered(tmp_path)[0] == ["3"]


def test_a_gathered_drawing_that_somebody_took_out_of_the_file_is_added_anew(make_pad, tmp_path):
    pad = make_pad()
    draw_and_label(pad, 3, 8)
    write_samples(tmp_path / "files" / "my_digits.json", [Sample([np.array(THREE)], "5")])
    label(pad, 3)
    assert gathered(tmp_path) == (["5", "3"], 2)


def test_labels_are_added_to_what_is_there_and_its_other_content_is_kept(make_pad, tmp_path):
    file = tmp_path / "files" / "my_digits.json"
    file.parent.mkdir()
    old = {"meta": {"who": "me"}, "samples": [{"label": "5", "strokes": [[[0, 0], [1, 9]]], "writer": "w", "x": 1}]}
    file.write_text(json.dumps(old))
    pad = make_pad()
    drag(pad, THREE)
    label(pad, 3)
    content = json.loads(file.read_bytes())
    assert content["meta"] == old["meta"] and content["samples"][0] == old["samples"][0]
    assert content["samples"][1]["label"] == "3"


def test_labels_are_added_to_a_packed_file_that_lost_its_ending(make_pad, tmp_path):
    write_samples(tmp_path / "packed.json.gz", [Sample([np.array(THREE)], "5")])
    (tmp_path / "files").mkdir()
    (tmp_path / "packed.json.gz").rename(tmp_path / "files" / "my_digits.json")
    draw_and_label(make_pad(), 3, 3)
    assert gathered(tmp_path)[0] == ["5", "3"]


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"samples": [{"label": "x", "strokes": []}]}', b"\xff\xfe"])
def test_a_damaged_gathering_file_is_left_as_it_is(make_pad, tmp_path, content):
    file = tmp_path / "files" / "my_digits.json"
    file.parent.mkdir()
    file.write_bytes(content)
    pad = make_pad()
    drag(pad, THREE)
    label(pad, 3)
    assert "my_digits.json" in pad.notice and file.read_bytes() == content


def test_the_label_shows_in_the_history_and_goes_with_the_drawing(make_pad, tmp_path):
    pad = make_pad()
    drag(pad, THREE)
    click(pad, "predict")
    label(pad, 8)
    assert pad.history.entries[0].answer == "=8"
    click(pad, "save")
    assert read_samples(tmp_path / "files" / "drawing-0001.json")[0].label == "8"
    click(pad, "clear")
    assert pad.drawing.label is None
    click(pad, "history 0")
    assert pad.drawing.label == "8"


# Opening


def drop(pad, path):
    post(pad, (pygame.DROPFILE, {"file": str(path)}))


def test_a_stroke_file_dropped_on_the_window_opens_with_its_answer(make_pad, tmp_path):
    write_samples(tmp_path / "a.json", [Sample([np.array(THREE)], "3")])
    pad = make_pad()
    drop(pad, tmp_path / "a.json")
    assert len(pad.drawing.strokes) == 1 and pad.models.answers["cnn"].digit == 3 and pad.drawing.label == "3"
    drag(pad, [(0.2, 0.9), (0.8, 0.9)])
    assert len(pad.drawing.strokes) == 2, "it can be drawn on"
    for _ in range(2):
        press_key(pad, pygame.K_z)
    assert pad.drawing.strokes == []


def test_a_file_that_the_pad_opens_with_is_read_without_being_asked(make_pad, tmp_path):
    write_samples(tmp_path / "a.json", [Sample([np.array(THREE), np.array(THREE)], None)])
    pad = make_pad()
    pad.open_file(tmp_path / "a.json")
    pad.step(0)
    assert len(pad.drawing.strokes) == 2 and pad.models.up_to_date and pad.models.answers["cnn"].digit == 3


def test_an_image_dropped_on_the_window_is_shown_with_its_answer_until_somebody_draws_or_clears(make_pad, tmp_path):
    image = Image.new("RGB", (300, 400), (200, 230, 180))
    image.paste((20, 20, 20), (140, 60, 170, 340))
    image.save(tmp_path / "one.png")
    pad = make_pad()
    drag(pad, THREE)
    drop(pad, tmp_path / "one.png")
    photo = part(pad.view.layout.paper)
    assert (photo == (200, 230, 180)).all(axis=2).mean() > 0.5
    assert pad.models.up_to_date and pad.models.answers["cnn"].image.any()
    click(pad, "clear")
    click(pad, "undo")
    assert np.array_equal(part(pad.view.layout.paper), photo)
    drag(pad, THREE)
    assert not (part(pad.view.layout.paper) == (200, 230, 180)).all(axis=2).any(), "whoever draws, draws on bare paper"
    assert len(pad.drawing.strokes) == 1
    click(pad, "undo")
    click(pad, "undo")
    assert len(pad.drawing.strokes) == 1 and pad.drawing.picture is None


@pytest.mark.parametrize("name", ["broken.json", "broken.png", "nowhere.png", "folder"])
def test_a_dropped_file_that_cannot_be_opened_is_told_in_the_window(make_pad, tmp_path, name):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "broken.png").write_text("no picture")
    (tmp_path / "folder").mkdir()
    pad = make_pad()
    drag(pad, THREE)
    drop(pad, tmp_path / name)
    assert name in pad.notice and len(pad.drawing.strokes) == 1 and pad.running


def several(tmp_path):
    write_samples(tmp_path / "all.json", demo_samples())
    return tmp_path / "all.json"


def test_a_file_with_several_drawings_can_be_paged_through(make_pad, tmp_path):
    pad = make_pad()
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


def test_a_file_whose_drawing_is_gone_from_the_paper_is_no_longer_paged_through(make_pad, tmp_path):
    pad = make_pad()
    for leave in ("clear", "undo"):
        drop(pad, several(tmp_path))
        assert "next" in pad.view.controls()
        click(pad, leave)
        assert pad.file.page is None and pad.drawing.label is None, leave
        click(pad, "clear")


def test_undo_and_redo_page_back_and_forth_in_the_file(make_pad, tmp_path):
    pad = make_pad()
    drop(pad, several(tmp_path))
    press_key(pad, pygame.K_PAGEDOWN)
    press_key(pad, pygame.K_z)
    assert pad.drawing.label == "0" and "Drawing 1 of 10" in pad.notice
    assert {"previous", "next"} <= set(pad.view.controls())
    press_key(pad, pygame.K_z)
    assert pad.drawing.is_empty and pad.file.page is None and not pad.notice
    for number in (1, 2):
        press_key(pad, pygame.K_z, SHIFT)
        assert f"Drawing {number} of 10" in pad.notice
    press_key(pad, pygame.K_PAGEDOWN)
    assert pad.drawing.label == "2" and "Drawing 3 of 10" in pad.notice
    click(pad, "clear")
    click(pad, "undo")
    press_key(pad, pygame.K_PAGEUP)
    assert pad.drawing.label == "1", "also after the paper was cleared"


def test_the_history_brings_a_drawing_back_with_the_file_it_is_of_or_with_none(make_pad, tmp_path):
    pad = make_pad()
    drag(pad, THREE)
    click(pad, "predict")
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


def test_another_remark_stays_as_one_goes_on_in_the_same_drawing_of_a_file(make_pad, tmp_path):
    pad = make_pad()
    drop(pad, several(tmp_path))
    drag(pad, THREE)
    click(pad, "save")
    click(pad, "undo")
    assert "Saved" in pad.notice and pad.file.page is not None


def test_a_file_that_holds_one_drawing_ends_the_paging_in_another(make_pad, tmp_path):
    write_samples(tmp_path / "one.json", [Sample([np.array(THREE)], "3")])
    Image.new("L", (40, 40), 255).save(tmp_path / "one.png")
    pad = make_pad()
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
    assert "Gathered as a 3: 1 drawing " in pad.notice and gathered(tmp_path)[0] == ["3"]
    label(pad, 3)
    assert "No longer" in pad.notice and gathered(tmp_path)[0] == []


def test_paging_through_what_was_gathered_each_drawing_can_be_relabelled(make_pad, tmp_path):
    file = several(tmp_path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "my_digits.json").write_bytes(file.read_bytes())
    pad = make_pad()
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


def test_a_new_drawing_on_the_paper_of_an_opened_one_is_another(make_pad, tmp_path):
    pad = make_pad()
    drop(pad, several(tmp_path))
    press_key(pad, pygame.K_e)
    drag(pad, [(x, y / 20) for y in range(21) for x in (0.0, 1.0)])
    assert pad.drawing.is_empty
    press_key(pad, pygame.K_e)
    draw_and_label(pad, 3, 3)
    press_key(pad, pygame.K_PAGEDOWN)
    press_key(pad, pygame.K_PAGEUP)
    assert pad.drawing.label == "0", "the file's own drawing"


# Settings


def settings(**more):
    return Settings(**({"model": "both", "live": True, "dark": True, "brush": 0.1, "width": 800, "height": 480} | more))


def test_the_pad_opens_as_it_was_left(make_pad, tmp_path, monkeypatch):
    opened = []

    def run(pad):
        pad.step(0)
        opened.append((pad.settings(), pad.dark, pad.view.layout.size))
        press_key(pad, pygame.K_2)
        press_key(pad, pygame.K_l)

    monkeypatch.setattr("digitpad.pad.loop.PadWindow.run", run)
    monkeypatch.setattr("digitpad.pad.asking._load_recognizer", StandIn)
    write_settings(tmp_path / "settings" / "pad.json", settings())
    run_pad(None)
    assert opened[0] == (settings(), True, (800, 480))
    run_pad(None)
    assert opened[1][0] == settings(model="mlp", live=False), "what was changed with the keys the first time"


def test_what_is_told_on_the_command_line_goes_before_the_settings(tmp_path, monkeypatch):
    write_settings(tmp_path / "settings" / "pad.json", settings())
    opened = []
    monkeypatch.setattr("digitpad.pad.asking._load_recognizer", StandIn)
    monkeypatch.setattr("digitpad.pad.loop.PadWindow.run", lambda pad: (pad.step(0), opened.append(pad.settings())))
    run_pad(None, model="cnn", size=(640, 480))
    assert (opened[0].model, opened[0].width) == ("cnn", 640)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"brush": "x"}', b'{"model": "x"}', b'{"live": 1}', b'{"width": -5}', b"\xff", b"9"]
)
def test_a_damaged_settings_file_is_set_aside_and_told(tmp_path, content):
    path = tmp_path / "pad.json"
    path.write_bytes(content)
    found, remark = read_settings(path)
    assert found == Settings() and "pad.json.broken" in remark
    assert not path.exists() and (tmp_path / "pad.json.broken").read_bytes() == content
    assert read_settings(path) == (Settings(), "")


@given(st.binary(max_size=40))
def test_any_settings_file_is_settings_or_set_aside(content):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pad.json"
        path.write_bytes(content)
        found, remark = read_settings(path)
        assert found == Settings() and (remark or path.exists())


def test_settings_that_cannot_be_read_or_written_trouble_nobody(tmp_path):
    (tmp_path / "file").write_text("")
    write_settings(tmp_path / "file" / "pad.json", settings())
    assert read_settings(tmp_path / "file" / "pad.json")[0] == Settings()
    assert read_settings(tmp_path)[0] == Settings()


def test_a_kiosk_neither_reads_nor_keeps_settings_nor_files(make_pad, tmp_path, monkeypatch):
    path = tmp_path / "settings" / "pad.json"
    write_settings(path, settings())
    before = path.read_bytes()
    opened = []

    def run(pad):
        pad.step(0)
        opened.append(pad.settings().model)
        drag(pad, THREE)
        press_key(pad, pygame.K_s)
        click(pad, "save")
        label(pad, 3)
        drop(pad, several(tmp_path))
        press_key(pad, pygame.K_2)

    monkeypatch.setattr("digitpad.pad.loop.PadWindow.run", run)
    monkeypatch.setattr("digitpad.pad.asking._load_recognizer", StandIn)
    run_pad(None, kiosk=True)
    assert opened == ["cnn"] and path.read_bytes() == before
    assert not (tmp_path / "documents").exists() and KIOSK_MS == 60_000

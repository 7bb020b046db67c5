"""What the pad writes: saved drawings, and labelled ones to learn from."""

import json

import numpy as np
import pygame
import pytest
from PIL import Image

from digitpad import Recognizer
from digitpad.pad.demo import click, drag
from digitpad.stroke_files import Sample, read_samples, write_samples
from tests.runtime.pad.pad_user import THREE, draw_and_label, draw_digit, gathered, label, part, press_key

# Saving


def test_a_saved_drawing_is_a_picture_and_a_stroke_file_with_the_answer_and_both_are_read_as_it_was(
    pad, three_read, tmp_path
):
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


def test_an_answer_about_another_drawing_is_not_saved(pad, three_read, tmp_path):
    drag(pad, THREE)
    click(pad, "save")
    assert json.loads((tmp_path / "files" / "drawing-0001.json").read_bytes())["meta"]["answers"] == {}


def test_saving_overwrites_nothing(pad, three_drawn, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "drawing-0007.png").write_bytes(b"mine")
    click(pad, "save")
    click(pad, "save")
    names = sorted(p.name for p in (tmp_path / "files").iterdir())
    assert names == ["drawing-0007.png", *(f"drawing-000{n}.{e}" for n in (8, 9) for e in ("json", "png"))]
    assert (tmp_path / "files" / "drawing-0007.png").read_bytes() == b"mine"


def test_blank_paper_is_neither_saved_nor_labelled(pad, tmp_path):
    click(pad, "save")
    press_key(pad, pygame.K_s)
    label(pad, 3)
    assert pad.notice and not (tmp_path / "files").exists()


def test_saving_and_labelling_on_a_full_disk_are_told_and_leave_the_files_as_they_were(
    pad, three_drawn, tmp_path, full_disk
):
    file = tmp_path / "files" / "my_digits.json"
    file.parent.mkdir()
    file.write_text('{"samples": []}')
    full_disk()
    click(pad, "save")
    assert "drawing-0001.png: cannot be written (No space left on device)" in pad.notice and pad.running
    label(pad, 3)
    assert "my_digits.json: cannot be written (No space left on device)" in pad.notice and pad.running
    assert list(file.parent.iterdir()) == [file] and file.read_text() == '{"samples": []}'


def test_a_folder_that_cannot_be_made_is_told(pad, three_drawn, tmp_path):
    (tmp_path / "files").write_text("")
    click(pad, "save")
    assert "cannot be made" in pad.notice
    label(pad, 3)
    assert "files" in pad.notice and pad.drawing.label is None


def test_a_remark_goes_away_by_itself_or_when_one_draws(pad, three_drawn):
    before = part(pad.view.layout.notice)
    click(pad, "save")
    assert not np.array_equal(part(pad.view.layout.notice), before)
    pad.step(3000)
    assert pad.notice
    pad.step(10_000)
    assert not pad.notice and np.array_equal(part(pad.view.layout.notice), before)
    click(pad, "save")
    drag(pad, THREE)
    assert not pad.notice


# Labels


def test_labelled_drawings_are_gathered_in_one_stroke_file(pad, tmp_path):
    for digit in (3, 0):
        draw_digit(pad, digit)
        label(pad, digit)
        assert f"Learned: this is your {digit}" in pad.notice
        click(pad, "clear")
    samples = read_samples(tmp_path / "files" / "my_digits.json")
    assert [s.label for s in samples] == ["3", "0"]
    assert np.allclose(samples[0].strokes[0] / 1000, THREE, atol=0.002)
    assert Recognizer().predict_strokes(samples[0].strokes).digit == 3, "as training reads it"


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
    assert "Learned: this is your 3" in pad.notice and pad.history.entries[1].answer == "=3"
    assert gathered(tmp_path) == (["3", "5"], 2)
    click(pad, "history 0")
    label(pad, 5)
    assert "Forgotten" in pad.notice and pad.drawing.label is None and gathered(tmp_path) == (["3"], 1)
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
    assert [(s.label, len(s.strokes)) for s in read_samples(file)] == [("1", 1), ("5", 2)], "the label is undone first"
    press_key(pad, pygame.K_z)
    drag(pad, [(0.3, 0.9), (0.7, 0.9)])
    label(pad, 1)
    assert [(s.label, len(s.strokes)) for s in read_samples(file)] == [("1", 2), ("5", 2)], "not taken out: it changed"


def test_of_the_very_same_drawing_what_was_said_last_is_kept(pad, tmp_path):
    draw_and_label(pad, 3, 8)
    click(pad, "clear")
    draw_and_label(pad, 3, 3)
    assert gathered(tmp_path)[0] == ["3"]
    label(pad, 3)
    assert gathered(tmp_path)[0] == []
    label(pad, 3)
    assert gathered(tmp_path)[0] == ["3"]


def test_a_label_that_undo_brought_back_is_not_mistaken_for_the_one_in_the_file(pad, tmp_path):
    draw_and_label(pad, 3, 8)
    click(pad, "clear")
    click(pad, "history 0")
    label(pad, 3)
    for _ in range(3):
        press_key(pad, pygame.K_z)
    label(pad, 3)
    assert "Learned: this is your 3" in pad.notice and gathered(tmp_path)[0] == ["3"]


def test_a_gathered_drawing_that_was_taken_out_of_the_file_by_hand_is_added_again(pad, tmp_path):
    draw_and_label(pad, 3, 8)
    write_samples(tmp_path / "files" / "my_digits.json", [Sample([np.array(THREE)], "5")])
    label(pad, 3)
    assert gathered(tmp_path) == (["5", "3"], 2)


def test_labels_are_added_to_what_is_there_and_its_other_content_is_kept(pad, three_drawn, tmp_path):
    file = tmp_path / "files" / "my_digits.json"
    file.parent.mkdir()
    bad = {"label": "x", "strokes": []}
    five = {"label": "5", "strokes": [[[0, 0], [1, 9]]], "writer": "w", "x": 1}
    old = {"meta": {"who": "me"}, "samples": [bad, five]}
    file.write_text(json.dumps(old))
    label(pad, 3)
    content = json.loads(file.read_bytes())
    assert content["meta"] == old["meta"] and content["samples"][:2] == old["samples"]
    assert content["samples"][2]["label"] == "3"
    label(pad, 3)
    assert json.loads(file.read_bytes()) == old, "taken out again, and nothing else"


def test_labels_are_added_to_a_packed_file_that_lost_its_ending(make_pad, tmp_path):
    write_samples(tmp_path / "packed.json.gz", [Sample([np.array(THREE)], "5")])
    (tmp_path / "files").mkdir()
    (tmp_path / "packed.json.gz").rename(tmp_path / "files" / "my_digits.json")
    draw_and_label(make_pad(), 3, 3)
    assert gathered(tmp_path)[0] == ["5", "3"]


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"samples": 3}', b"\xff\xfe"])
def test_a_damaged_gathering_file_is_left_as_it_is(pad, three_drawn, tmp_path, content):
    file = tmp_path / "files" / "my_digits.json"
    file.parent.mkdir()
    file.write_bytes(content)
    label(pad, 3)
    assert "my_digits.json" in pad.notice and file.read_bytes() == content


def test_the_label_shows_in_the_history_and_goes_with_the_drawing(pad, three_read, tmp_path):
    label(pad, 8)
    assert pad.history.entries[0].answer == "=8"
    click(pad, "save")
    assert read_samples(tmp_path / "files" / "drawing-0001.json")[0].label == "8"
    click(pad, "clear")
    assert pad.drawing.label is None
    click(pad, "history 0")
    assert pad.drawing.label == "8"

"""The pad learns its owner's hand: one touch corrects, Undo takes back, a page shows and forgets what was learned."""

import json

import numpy as np
import pygame
import pytest

from digitpad.pad.demo import click, drag, written
from digitpad.pad.demo_strokes import demo_samples
from digitpad.pad.pad import EXPLAINED
from digitpad.recognizer import Recognizer
from digitpad.stroke_files import Sample, read_samples, write_samples
from tests.runtime.conftest import DATA
from tests.runtime.pad.pad_user import draw_digit, drop, focus, gathered, label, part, press_key, tap
from tests.runtime.pad.stand_in import StandIn


def draw(pad, text):
    click(pad, "clear")
    for stroke in written(pad, text):
        drag(pad, stroke)
    click(pad, "predict")


def read(pad, model="cnn"):
    answer = pad.models.answers[model]
    return answer.text if hasattr(answer, "text") else answer.digit


@pytest.fixture
def pad(make_pad):
    return make_pad(load=Recognizer)


@pytest.mark.parametrize(
    "touch",
    [
        lambda pad: click(pad, "bar 0 3"),
        lambda pad: tap(pad, pad.view.controls()["bar 0 3"]),
        lambda pad: focus(pad, "bar 0 3") or press_key(pad, pygame.K_RETURN),
        lambda pad: label(pad, 3),
    ],
    ids=["mouse", "finger", "keyboard", "Shift and the digit"],
)
def test_one_touch_corrects_and_the_answer_changes_at_once_and_for_the_next_time(pad, tmp_path, touch):
    draw(pad, "7")
    assert read(pad) == 7
    before = part(pad.view.layout.cards[0].digit)
    touch(pad)
    assert read(pad) == 3 and pad.models.answers["cnn"].learned
    assert not np.array_equal(part(pad.view.layout.cards[0].digit), before)
    assert pad.notice == f"Learned: this is your 3. {EXPLAINED}", "the first one explains itself"
    draw(pad, "7")
    assert read(pad) == 3
    draw(pad, "2")
    click(pad, "bar 0 2")
    assert pad.notice == "Learned: this is your 2" and gathered(tmp_path)[0] == ["3", "2"]


def test_undo_takes_a_correction_back_and_then_the_drawing(pad, tmp_path):
    draw(pad, "7")
    strokes = len(pad.drawing.strokes)
    click(pad, "bar 0 3")
    click(pad, "bar 0 4")
    for expected in (3, 7):
        click(pad, "undo")
        assert read(pad) == expected and len(pad.drawing.strokes) == strokes
    assert gathered(tmp_path)[0] == [] and pad.drawing.label is None
    click(pad, "undo")
    assert len(pad.drawing.strokes) == strokes - 1
    draw(pad, "7")
    assert read(pad) == 7


def test_what_is_no_digit_is_taught_too_and_what_was_refused(make_pad, tmp_path):
    pad = make_pad("both", load=Recognizer)
    draw(pad, "7")
    click(pad, "bar 1 10")
    assert "Learned: this is no digit" in pad.notice and gathered(tmp_path)[0] == [""]
    draw(pad, "7")
    assert [answer.status for answer in pad.models.answers.values()] == ["not_a_digit"] * 2, "both have learned it"
    click(pad, "bar 0 7")
    draw(pad, "7")
    assert (read(pad), read(pad, "mlp")) == (7, 7) and gathered(tmp_path)[0] == ["7"]


def test_of_a_number_the_digit_pointed_at_is_corrected(pad, tmp_path):
    draw(pad, "1984")
    assert read(pad) == "1984"
    click(pad, "digit 0 1")
    click(pad, "bar 0 6")
    assert read(pad) == "1684" and pad.drawing.label is None
    (taught,) = read_samples(tmp_path / "files" / "my_digits.json")
    assert taught.label == "6" and len(taught.strokes) == len(demo_samples()[9].strokes), "its strokes alone"
    click(pad, "undo")
    assert read(pad) == "1984" and gathered(tmp_path)[0] == []
    press_key(pad, pygame.K_5, pygame.KMOD_LSHIFT)
    assert read(pad) == "1584"


def test_a_picture_is_taught_as_the_model_saw_it(pad, tmp_path):
    image = Recognizer().predict_strokes(demo_samples()[5].strokes).image
    write_samples(tmp_path / "five.json", [Sample([], None, None, image)])
    drop(pad, tmp_path / "five.json")
    click(pad, "bar 0 6")
    assert read(pad) == 6
    (taught,) = read_samples(tmp_path / "files" / "my_digits.json")
    assert (taught.label, taught.image is not None and (taught.image == image).all()) == ("6", True)


def test_a_page_shows_what_was_learned_and_forgets_each_or_all(pad, tmp_path):
    for digit in (7, 2, 4):
        draw(pad, str(digit))
        click(pad, f"bar 0 {(digit + 1) % 10}")
    click(pad, "help")
    click(pad, "lessons")
    assert [name for name in pad.view.controls() if name.startswith("forget ")] == [
        *(f"forget {n}" for n in range(3)),
        "forget all",
    ]
    click(pad, "forget 2")
    assert gathered(tmp_path)[0] == ["3", "5"], "the newest are first"
    click(pad, "forget all")
    assert gathered(tmp_path)[0] == ["3", "5"], "not by one slip of the hand"
    click(pad, "forget all")
    assert gathered(tmp_path)[0] == []
    press_key(pad, pygame.K_ESCAPE)
    assert pad.running and "predict" in pad.view.controls()
    assert read(pad) == 4, "what is on the paper is read anew"


def test_more_than_fits_is_paged_through(make_pad, tmp_path):
    drawings = [Sample(s.strokes, s.label) for s in demo_samples()]
    write_samples(tmp_path / "many.json", drawings)
    pad = make_pad(size=(320, 240), hand=tmp_path / "many.json")
    press_key(pad, pygame.K_m)
    seen = []
    for _ in range(4):
        page = [name for name in pad.view.controls() if name.startswith("forget ") and name != "forget all"]
        seen += [pad.lessons_from + int(name.split()[1]) for name in page]
        if not pad.can_turn_lessons(1):
            break
        click(pad, "older")
    assert seen == list(range(10))
    while pad.lessons_from:
        press_key(pad, pygame.K_PAGEUP)
    for _ in range(10):
        click(pad, "forget 0")
    assert pad.teaching.lessons == [] and not pad.can_turn_lessons(-1)


def test_a_kiosk_neither_learns_nor_uses_what_was_learned_unless_a_hand_is_named(make_pad, tmp_path):
    mine = tmp_path / "files" / "my_digits.json"
    write_samples_in(mine, [Sample(demo_samples()[7].strokes, "3")])
    before = mine.read_bytes()
    pad = make_pad(kiosk=True, load=Recognizer)
    draw(pad, "7")
    label(pad, 5)
    press_key(pad, pygame.K_m)
    assert read(pad) == 7 and "bar 0 3" not in pad.view.controls() and mine.read_bytes() == before
    pad = make_pad(kiosk=True, load=Recognizer, hand=mine)
    draw(pad, "7")
    assert read(pad) == 3
    click(pad, "bar 0 5")
    assert read(pad) == 5 and gathered(tmp_path)[0] == ["3", "5"]


def write_samples_in(path, samples):
    path.parent.mkdir(exist_ok=True)
    write_samples(path, samples)


def test_a_file_from_before_is_used_from_now_on_which_is_said_once(run_with, tmp_path):
    write_samples_in(tmp_path / "documents" / "my_digits.json", [Sample(demo_samples()[7].strokes, "3")])
    said = []

    def run(pad):
        while not said or pad.models._loading:
            said.append(pad.step(0))
        said[:] = [pad.notice]
        draw_digit(pad, 7)
        press_key(pad, pygame.K_RETURN)
        said.append(read(pad))

    for expected in (True, False):
        run_with(run, load=Recognizer)
        assert ("my_digits.json" in said[0] and "--hand none" in said[0]) == expected and said[1] == 3
    from digitpad.pad.loop import NO_HAND

    run_with(run, load=Recognizer, hand=NO_HAND)
    assert said == ["", 7]


def test_a_model_that_cannot_learn_says_so_and_the_drawing_is_kept(make_pad, tmp_path):
    pad = make_pad(str(DATA / "first_contract.onnx"), load=Recognizer)
    pad.greet()
    assert "cannot learn" in pad.notice
    draw(pad, "7")
    label(pad, 7)
    assert "cannot learn" in pad.notice and gathered(tmp_path)[0] == ["7"]


@pytest.mark.parametrize("content", [b"{", b'{"samples": 3}'])
def test_a_damaged_file_is_told_left_alone_and_the_pad_reads_on(make_pad, tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    pad = make_pad(load=Recognizer, hand=path)
    pad.greet()
    assert "mine.json" in pad.notice
    draw(pad, "7")
    click(pad, "bar 0 3")
    assert "mine.json" in pad.notice and read(pad) == 7 and path.read_bytes() == content


def test_lessons_survive_in_the_form_that_training_reads(make_pad, tmp_path):
    pad = make_pad(load=lambda model: StandIn(model, 7))
    draw(pad, "7")
    click(pad, "bar 0 10")
    content = json.loads((tmp_path / "files" / "my_digits.json").read_bytes())
    assert content["samples"][0]["label"] == "" and content["samples"][0]["strokes"]

"""What a drawing keeps, takes back and has read; its ink on screen; and where the window's parts lie."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitpad.brush import Ink
from digitpad.drawing import BRUSH, Drawing, verdict
from digitpad.errors import ModelError
from digitpad.ink import render_strokes
from digitpad.layout import Rect, lay_out
from digitpad.recognizer import Prediction

coordinates = st.floats(-0.5, 1.5)
lines = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8)


class Sees3:
    """Reads a 3 in everything that has ink."""

    name = "sees 3"

    def predict_strokes(self, strokes):
        return self.predict_normalised(render_strokes(strokes))

    def predict_normalised(self, image):
        if not image.any():
            return Prediction("blank", None, 0.0, np.full(10, 0.1, np.float32), math.nan, image)
        return Prediction("digit", 3, 0.91, np.eye(10, dtype=np.float32)[3], 0.0, image)


class Broken(Sees3):
    def predict_normalised(self, image):
        raise ModelError("broken: the model fails to run")


def draw(drawing, *points):
    drawing.press(*points[0])
    for point in points[1:]:
        drawing.move(*point)
    drawing.lift()


def drawn(*strokes):
    drawing = Drawing()
    for stroke in strokes:
        draw(drawing, *stroke)
    return drawing


LINE = [(0.2, 0.2), (0.5, 0.6), (0.8, 0.2)]
OTHER = [(0.3, 0.8), (0.7, 0.8)]


def test_a_stroke_keeps_all_its_points():
    assert drawn(LINE, OTHER).strokes == [LINE, OTHER]


def test_moving_without_pressing_draws_nothing():
    drawing = Drawing()
    drawing.move(0.5, 0.5)
    drawing.lift()
    assert drawing.strokes == [] and drawing.changes == 0 and not drawing.can_undo


def test_ink_ends_at_the_edge_of_the_paper_and_begins_again_there():
    drawing = drawn([(0.5, 0.5), (1.5, 0.5), (1.5, 0.9), (0.5, 0.9)])
    assert drawing.strokes == [[(0.5, 0.5), (1.0, 0.5)], [(1.0, 0.9), (0.5, 0.9)]]
    drawing.undo()
    assert drawing.strokes == [], "one press of the pen is one step"


def test_a_line_that_only_crosses_the_paper_is_drawn():
    assert drawn([(0.5, 0.5)], [(-1, 0.4), (2, 0.4)]).strokes[1] == [(0.0, 0.4), (1.0, 0.4)]


@given(st.lists(lines, max_size=6))
def test_strokes_lie_on_the_paper(strokes):
    drawing = drawn(*strokes)
    assert all(0 <= v <= 1 for stroke in drawing.strokes for point in stroke for v in point)


@given(st.lists(st.one_of(lines, st.sampled_from(["undo", "redo", "clear"])), max_size=25))
def test_undo_goes_back_step_by_step_and_redo_returns(actions):
    drawing = Drawing()
    states, future = [[]], []
    for action in actions:
        before = [list(s) for s in drawing.strokes]
        if action == "undo":
            drawing.undo()
            if len(states) > 1:
                future.append(states.pop())
        elif action == "redo":
            drawing.redo()
            if future:
                states.append(future.pop())
        else:
            drawing.clear() if action == "clear" else draw(drawing, *action)
            if drawing.strokes != before:
                states.append([list(s) for s in drawing.strokes])
                future = []
        assert drawing.strokes == states[-1]
        assert drawing.can_undo == (len(states) > 1) and drawing.can_redo == bool(future)


def test_clearing_can_be_undone():
    drawing = drawn(LINE, OTHER)
    drawing.clear()
    assert drawing.strokes == [] and drawing.is_blank
    drawing.undo()
    assert drawing.strokes == [LINE, OTHER]


def test_marks_smaller_than_the_brush_do_not_count():
    drawing = drawn([(0.5, 0.5)], [(0.1, 0.1), (0.1 + 0.9 * BRUSH, 0.1)])
    assert drawing.strokes and drawing.is_blank
    drawing.ask({"cnn": Sees3()})
    assert drawing.answers["cnn"].status == "blank"
    draw(drawing, *LINE)
    assert drawing.marks() == [LINE] and not drawing.is_blank


def test_the_chosen_models_answer_and_a_change_makes_their_answer_old():
    drawing = drawn(LINE)
    drawing.chosen = ("cnn", "mlp")
    assert not drawing.up_to_date
    drawing.ask({"cnn": Sees3(), "mlp": Sees3(), "other": Sees3()})
    assert {m: a.digit for m, a in drawing.answers.items()} == {"cnn": 3, "mlp": 3} and drawing.up_to_date
    draw(drawing, *OTHER)
    assert not drawing.up_to_date


def test_a_model_that_fails_does_not_keep_the_other_from_answering():
    drawing = drawn(LINE)
    drawing.chosen = ("cnn", "mlp")
    drawing.ask({"cnn": Broken(), "mlp": Sees3()})
    assert list(drawing.answers) == ["mlp"] and drawing.troubles == {"cnn": "broken: the model fails to run"}


def test_opened_strokes_fill_the_middle_of_the_paper_whatever_their_unit():
    drawing = Drawing()
    drawing.open_strokes([np.array([[5000.0, -200.0], [5000.0, 800.0]]), np.array([[5100.0, 300.0]])])
    points = np.concatenate([np.array(s) for s in drawing.strokes])
    assert np.allclose((points.min(axis=0) + points.max(axis=0)) / 2, 0.5)
    assert math.isclose(np.ptp(points, axis=0).max(), 0.7)
    drawing.undo()
    assert drawing.strokes == []


def test_a_picture_is_read_until_somebody_draws():
    drawing, image = Drawing(), np.full((28, 28), 9, np.uint8)
    drawing.open_picture(image)
    drawing.ask({"cnn": Sees3()})
    assert drawing.answers["cnn"].image is image and not drawing.is_blank
    draw(drawing, *LINE)
    assert drawing.picture is None and drawing.strokes == [LINE]


@pytest.mark.parametrize(
    ("status", "large", "said"),
    [
        ("digit", "4", "61.0\N{NO-BREAK SPACE}% sure"),
        ("unsure", "4?", "Unsure: 4 or 9? (61.0\N{NO-BREAK SPACE}%)"),
        ("not_a_digit", "–", "This does not look like a digit"),
        ("blank", "", "Nothing to read yet: draw a digit from 0 to 9"),
    ],
)
def test_every_status_is_said_in_words(status, large, said):
    probabilities = np.zeros(10, np.float32)
    probabilities[[4, 9]] = 0.61, 0.39
    digit = 4 if status in ("digit", "unsure") else None
    shown, lines = verdict(Prediction(status, digit, 0.61, probabilities, 0.0, np.zeros((28, 28), np.uint8)))
    assert shown == large and lines[0] == said
    assert [len(line) for line in lines] == sorted((len(line) for line in lines), reverse=True)


def test_no_answer_claims_to_be_certain():
    certain = Prediction("digit", 1, 1.0, np.eye(10, dtype=np.float32)[1], 0.0, np.zeros((28, 28), np.uint8))
    assert verdict(certain)[1][0].startswith("99.9")


# Ink


@pytest.mark.parametrize("side", [150, 430])
def test_a_fast_pointer_leaves_no_gap(side):
    ink = Ink(side)
    ink.follow(drawn([(0.1, 0.1), (0.9, 0.9)]))
    assert all(ink.covered[i, i] == 255 for i in range(int(0.1 * side), int(0.9 * side)))


def test_ink_has_the_brushs_width_round_ends_and_soft_edges():
    ink = Ink(400)
    ink.follow(drawn([(0.3, 0.35), (0.7, 0.65)]))  # 200 pixels long
    radius = BRUSH * 400 / 2
    area = ink.covered.sum() / 255
    assert abs(area - (200 * 2 * radius + math.pi * radius**2)) < 0.01 * area
    between = np.count_nonzero((ink.covered > 20) & (ink.covered < 235))
    assert between > 0.5 * (400 + 2 * math.pi * radius), "the edge is grey all along"


@given(st.lists(lines, min_size=1, max_size=4), st.data())
@settings(max_examples=40)
def test_ink_that_grows_bit_by_bit_ends_up_the_same(strokes, data):
    drawing, growing = Drawing(), Ink(120)
    for stroke in strokes:
        drawing.press(*stroke[0])
        for point in stroke[1:]:
            if data.draw(st.booleans()):
                growing.follow(drawing)
            drawing.move(*point)
        drawing.lift()
    growing.follow(drawing)
    at_once = Ink(120)
    at_once.follow(drawing)
    assert np.array_equal(growing.covered, at_once.covered)


@given(st.lists(lines, min_size=1, max_size=3))
@settings(max_examples=40)
def test_ink_changes_only_within_the_box_it_names(strokes):
    drawing, ink = Drawing(), Ink(90)
    ink.follow(drawing)
    for stroke in strokes:
        drawing.press(*stroke[0])
        for point in stroke[1:]:
            before = ink.covered.copy()
            box = ink.follow(drawing)
            changed = before != ink.covered
            if box:
                left, top, width, height = box
                changed[left : left + width, top : top + height] = False
            assert not changed.any()
            drawing.move(*point)
        drawing.lift()


def test_undone_ink_is_gone():
    drawing, ink = drawn(LINE), Ink(100)
    ink.follow(drawing)
    drawing.undo()
    ink.follow(drawing)
    assert not ink.covered.any()


def test_nothing_new_means_nothing_to_paint():
    drawing, ink = drawn(LINE), Ink(100)
    assert ink.follow(drawing) is not None
    assert ink.follow(drawing) is None


# Layout

SIZES = [
    *((w, h) for w in (320, 333, 480, 601, 800, 1023, 1280, 1920, 3840) for h in (240, 320, 479, 600, 800, 1080, 2160)),
    *((320 + 7 * i, 240 + 5 * i) for i in range(0, 500, 9)),
    *((240 + 80 + 3 * i, 320 + 5 * i) for i in range(0, 400, 9)),
]


@pytest.mark.parametrize("cards", [1, 2])
@pytest.mark.parametrize("choices", [3, 4])
def test_nothing_overlaps_or_is_cut_off_at_any_window_size(choices, cards):
    for width, height in SIZES:
        layout = lay_out(width, height, choices, cards)
        parts = [layout.paper, *layout.buttons.values(), *layout.choices, *(card.rect for card in layout.cards)]
        check_apart(Rect(0, 0, width, height), parts, (width, height))
        check_apart(Rect(0, 0, width, height), [layout.help], (width, height))
        for card in layout.cards:
            caption = [card.caption] if card.caption else []
            inner = [card.label, card.digit, card.words, card.picture, card.bars, *caption]
            check_apart(card.rect, inner, (width, height))
            check_apart(card.rect, [card.label, card.message, card.bars], (width, height))
            check_apart(card.rect, [card.label, card.inside], (width, height))
            assert card.picture.w == card.picture.h and card.picture.w % 28 == 0


def test_the_paper_is_a_square_and_the_largest_thing():
    for width, height in SIZES:
        layout = lay_out(width, height)
        assert layout.paper.w == layout.paper.h >= 0.45 * min(width, height)


def test_every_button_is_large_enough_for_a_finger():
    for width, height in SIZES:
        layout = lay_out(width, height, 4)
        assert all(r.h >= 36 and r.w >= 28 for r in [*layout.buttons.values(), *layout.choices])


def check_apart(whole, parts, size):
    for i, a in enumerate(parts):
        assert a.w > 0 and a.h > 0, (size, a)
        assert whole.x <= a.x and whole.y <= a.y and a.right <= whole.right and a.bottom <= whole.bottom, (size, a)
        for b in parts[i + 1 :]:
            apart = a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y
            assert apart, (size, a, b)

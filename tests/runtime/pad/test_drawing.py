"""What a drawing keeps, takes back and has read; its ink on screen; and where the window's parts lie."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digitpad.answers import Prediction
from digitpad.errors import ModelError
from digitpad.pad.asking import Models, verdict
from digitpad.pad.drawing import BRUSH, MARK, Drawing, Picture
from digitpad.pad.layout import lay_out
from digitpad.pad.rect import Rect
from digitpad.pad.screen_ink import Ink
from digitpad.pad.stroke import Stroke, cut
from digitpad.reader import Readings
from tests.runtime.pad.stand_in import StandIn

coordinates = st.floats(-0.5, 1.5)
lines = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=8)


def asked(drawing, model="cnn", reader=StandIn):
    """What the models say to a drawing; each sees a 3 unless told otherwise."""
    models = Models(drawing, model, reader)
    models.ask()
    return models


class Broken(StandIn):
    def predict_normalised(self, image):
        raise ModelError("broken: the model fails to run")


def draw(drawing, *points, erase=False):
    drawing.press(*points[0], erase=erase)
    for point in points[1:]:
        drawing.move(*point)
    drawing.lift()


def drawn(*strokes):
    drawing = Drawing()
    for stroke in strokes:
        draw(drawing, *stroke)
    return drawing


def points(drawing):
    return [stroke.points for stroke in drawing.strokes]


LINE = [(0.2, 0.2), (0.5, 0.6), (0.8, 0.2)]
OTHER = [(0.3, 0.8), (0.7, 0.8)]


def test_moving_without_pressing_draws_nothing():
    drawing = Drawing()
    drawing.move(0.5, 0.5)
    drawing.lift()
    assert drawing.strokes == [] and drawing.changes == 0 and not drawing.can_undo


def test_ink_ends_at_the_edge_of_the_paper_and_begins_again_there():
    drawing = drawn([(0.5, 0.5), (1.5, 0.5), (1.5, 0.9), (0.5, 0.9)])
    assert points(drawing) == [[(0.5, 0.5), (1.0, 0.5)], [(1.0, 0.9), (0.5, 0.9)]]
    drawing.undo()
    assert drawing.strokes == [], "one press of the pen is one step"


def test_a_line_that_only_crosses_the_paper_is_drawn():
    assert drawn([(0.5, 0.5)], [(-1, 0.4), (2, 0.4)]).strokes[1].points == [(0.0, 0.4), (1.0, 0.4)]


@given(st.lists(lines, max_size=6))
def test_strokes_lie_on_the_paper(strokes):
    drawing = drawn(*strokes)
    assert all(0 <= v <= 1 for stroke in drawing.strokes for point in stroke.points for v in point)


@given(st.lists(st.one_of(lines, st.sampled_from(["undo", "redo", "clear"])), max_size=25))
def test_undo_goes_back_step_by_step_and_redo_returns(actions):
    drawing = Drawing()
    states, future = [[]], []
    for action in actions:
        before = points(drawing)
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
            if points(drawing) != before:
                states.append(points(drawing))
                future = []
        assert points(drawing) == states[-1]
        assert drawing.can_undo == (len(states) > 1) and drawing.can_redo == bool(future)


def test_a_label_goes_and_comes_back_with_its_drawing():
    drawing = drawn(LINE)
    drawing.open_strokes([np.array(OTHER)], "7")
    drawing.undo()
    assert points(drawing) == [LINE] and drawing.label is None
    drawing.redo()
    assert drawing.label == "7"
    drawing.clear()
    assert drawing.label is None
    drawing.undo()
    assert drawing.label == "7"


def test_a_label_given_to_a_drawing_is_not_the_next_ones():
    drawing = drawn(LINE)
    drawing.label = "1"
    drawing.undo()
    assert drawing.label is None
    drawing.redo()
    assert drawing.label == "1"
    drawing.brush = 1
    draw(drawing, (0.5, 0.4), erase=True)
    assert drawing.is_empty and drawing.label is None
    drawing.undo()
    assert drawing.label == "1"


def test_a_slip_of_the_hand_does_not_count():
    drawing = drawn([(0.5, 0.5)], [(0.1, 0.1), (0.1 + 0.9 * MARK, 0.1)])
    assert drawing.strokes and not drawing.marks()
    assert asked(drawing).answers["cnn"].status == "blank"
    draw(drawing, *LINE)
    assert drawing.marks() == [LINE]


def test_the_chosen_models_answer_and_a_change_makes_their_answer_old():
    drawing = drawn(LINE)
    assert not Models(drawing, load=StandIn).up_to_date
    models = asked(drawing, "both")
    assert {m: a.digit for m, a in models.answers.items()} == {"cnn": 3, "mlp": 3} and models.up_to_date
    draw(drawing, *OTHER)
    assert not models.up_to_date


def test_a_model_that_fails_does_not_keep_the_other_from_answering():
    models = asked(drawn(LINE), "both", lambda name: (Broken if name == "cnn" else StandIn)(name))
    assert list(models.answers) == ["mlp"] and models.troubles == {"cnn": "broken: the model fails to run"}


def test_opened_strokes_fill_the_middle_of_the_paper_whatever_their_unit():
    drawing = Drawing()
    drawing.open_strokes([np.array([[5000.0, -200.0], [5000.0, 800.0]]), np.array([[5100.0, 300.0]])])
    placed = np.concatenate(points(drawing))
    assert np.allclose((placed.min(axis=0) + placed.max(axis=0)) / 2, 0.5)
    assert math.isclose(np.ptp(placed, axis=0).max(), 0.7)
    drawing.undo()
    assert drawing.strokes == []


def four_or_nine(chance, status="digit", ood_score=0.0):
    """What is said when a four has this chance, and a nine the rest."""
    probabilities = np.zeros(10, np.float32)
    probabilities[[4, 9]] = chance, 1 - chance
    digit = 4 if status in ("digit", "unsure") else None
    return verdict(Prediction(status, digit, chance, probabilities, ood_score, np.zeros((28, 28), np.uint8)))


@pytest.mark.parametrize(
    ("status", "large", "said"),
    [
        ("digit", "4", "61.0\N{NO-BREAK SPACE}% sure, or a 9 (39\N{NO-BREAK SPACE}%)"),
        ("unsure", "4?", "Unsure: 4 or 9? (61.0\N{NO-BREAK SPACE}%)"),
        ("not_a_digit", "–", "Not a digit, by the look of it"),
        ("blank", "", "Blank paper: draw a digit from 0 to 9"),
    ],
)
def test_every_status_is_said_in_words(status, large, said):
    shown, lines = four_or_nine(0.61, status, ood_score=-20.0)
    assert shown == large and lines[0] == said
    assert [len(line) for line in lines] == sorted((len(line) for line in lines), reverse=True)


def test_what_may_be_no_digit_at_all_is_said():
    for ood_score, likely in ((1.0, "26.4"), (-2.0, "86.3")):
        said = four_or_nine(0.98, "unsure", ood_score)[1][0]
        assert said == f"Unsure: 4 or no digit? ({likely}\N{NO-BREAK SPACE}%)"


def test_no_answer_claims_to_be_certain_and_a_second_digit_is_named_only_if_it_is_close():
    assert four_or_nine(1.0)[1][0].startswith("99.9")
    for second, named in ((0.09, False), (0.11, True)):
        assert ("9" in four_or_nine(1 - second)[1][0].split("sure")[1]) == named


# The eraser

radii = st.floats(0.02, 0.12)


def distance(point, start, end):
    """From a point to a line with ends."""
    p, a, b = (np.array(v) for v in (point, start, end))
    length2 = float((b - a) @ (b - a))
    t = min(max(float((p - a) @ (b - a)) / length2, 0), 1) if length2 else 0
    return float(np.hypot(*(p - a - t * (b - a))))


def along(points):
    """Many points on the lines from point to point."""
    parts = np.linspace(0, 1, 7)[:, None]
    return [tuple(p) for a, b in pairwise(points) for p in np.array(a) + parts * (np.array(b) - np.array(a))]


@given(lines, coordinates, coordinates, coordinates, coordinates, radii)
@settings(max_examples=60, deadline=None)
def test_what_an_eraser_leaves_is_out_of_its_reach_and_nothing_else_is_gone(line, x0, y0, x1, y1, radius):
    stroke, start, end = Stroke(line, [BRUSH] * len(line)), (x0, y0), (x1, y1)
    pieces = cut(stroke, start, end, radius)
    assert pieces is None or all(len(piece.points) == len(piece.widths) > 1 for piece in pieces)
    left, reach = ([stroke] if pieces is None else pieces), radius + BRUSH / 2
    assert all(distance(p, start, end) > reach - 1e-6 for piece in left for p in along(piece.points))
    still_there = [pair for piece in left for pair in pairwise(piece.points)]
    for p in along(line):
        if distance(p, start, end) > reach + 1e-6:
            assert any(distance(p, *pair) < 1e-6 for pair in still_there)


def test_erasing_is_one_step_for_undo_and_leaves_other_strokes_alone():
    drawing = drawn([(0.1, 0.5), (0.9, 0.5)], OTHER)
    before = list(drawing.strokes)
    draw(drawing, (0.3, 0.4), (0.3, 0.55), (0.6, 0.55), erase=True)
    assert len(drawing.strokes) == 3 and drawing.strokes[2] is before[1]
    drawing.undo()
    assert drawing.strokes == before
    drawing.redo()
    assert len(drawing.strokes) == 3


def test_an_eraser_that_meets_nothing_is_no_step():
    drawing = drawn(LINE)
    draw(drawing, (0.05, 0.95), (0.2, 0.95), erase=True)
    drawing.undo()
    assert drawing.strokes == []


def test_a_dot_is_erased_whole():
    drawing = drawn([(0.5, 0.5)])
    draw(drawing, (0.52, 0.5), erase=True)
    assert drawing.strokes == []


@given(st.lists(lines, min_size=1, max_size=5), lines, st.booleans())
@example([[(0.0, 1.0)], [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0)]], [(0.0, 0.0)], False)  # a curve that swings out
@settings(max_examples=40, deadline=None)
def test_ink_after_erasing_and_undoing_is_as_if_drawn_at_once(strokes, way, undo):
    drawing, ink = Drawing(), Ink(90)
    for stroke in strokes:
        draw(drawing, *stroke)
        ink.follow(drawing)
    drawing.press(*way[0], erase=True)
    for point in way[1:]:
        drawing.move(*point)
        ink.follow(drawing)
    drawing.lift()
    if undo:
        drawing.undo()
    ink.follow(drawing)
    at_once = Ink(90)
    at_once.follow(drawing)
    assert np.array_equal(ink.covered, at_once.covered)


def test_a_picture_is_read_until_somebody_clears_it_or_draws_and_comes_back():
    drawing, image = Drawing(), Picture(Readings(np.full((1, 28, 28), 9, np.uint8)), np.zeros((5, 5, 3), np.uint8))
    drawing.put([], image)
    assert asked(drawing).answers["cnn"].image.base is image.seen.found
    drawing.clear()
    drawing.undo()
    assert drawing.picture is image
    draw(drawing, *LINE)
    assert drawing.picture is None
    drawing.undo()
    assert drawing.picture is image and drawing.strokes == []
    drawing.redo()
    assert drawing.picture is None and points(drawing) == [LINE]


def test_the_time_an_answer_took_is_kept(monkeypatch):
    ticks = iter([1.0, 1.004])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    models = asked(drawn(LINE))
    monkeypatch.undo()
    assert models.took["cnn"] == pytest.approx(0.004)


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


def test_nothing_new_means_nothing_to_paint_and_undone_ink_is_gone():
    drawing, ink = drawn(LINE), Ink(100)
    assert ink.follow(drawing) is not None
    assert ink.follow(drawing) is None
    drawing.undo()
    ink.follow(drawing)
    assert not ink.covered.any()


# Layout

SIZES = [
    *((w, h) for w in (320, 333, 480, 601, 800, 1023, 1280, 1920, 3840) for h in (240, 320, 479, 600, 800, 1080, 2160)),
    *((320 + 7 * i, 240 + 5 * i) for i in range(0, 500, 9)),
    *((240 + 80 + 3 * i, 320 + 5 * i) for i in range(0, 400, 9)),
]


@pytest.mark.parametrize("pager", [False, True])
@pytest.mark.parametrize("cards", [1, 2])
@pytest.mark.parametrize("choices", [3, 4])
def test_nothing_overlaps_or_is_cut_off_at_any_window_size(choices, cards, pager):
    for width, height in SIZES:
        layout = lay_out(width, height, choices, cards, pager)
        whole = Rect(0, 0, width, height)
        pressed = [layout.brush, *layout.tools, *layout.buttons.values(), *layout.history]
        parts = [layout.paper, *pressed, *(card.rect for card in layout.cards)]
        check_apart(whole, parts, (width, height))
        check_apart(whole, [layout.help], (width, height))
        check_apart(layout.paper, [layout.notice], (width, height))
        assert ("next" in layout.buttons) == pager
        for card in layout.cards:
            check_apart(card.rect, [card.label, card.message, card.bars], (width, height))
        for card in (*layout.cards, *layout.number_cards):
            caption = [card.caption] if card.caption else []
            inner = [card.label, card.digit, card.words, card.picture, card.bars, *caption]
            check_apart(card.rect, inner, (width, height))
            check_apart(card.rect, [card.label, card.inside], (width, height))
            assert card.picture.w == card.picture.h and card.picture.w % 28 == 0


def test_the_paper_is_the_largest_thing_and_wider_than_high_in_a_wide_window():
    for width, height in SIZES:
        layout = lay_out(width, height)
        others = [*layout.tools, *layout.buttons.values(), layout.brush, *layout.history]
        assert layout.paper.w >= layout.paper.h >= 0.45 * min(width, height)
        if width >= 1.5 * height and height >= 400:
            assert layout.paper.w >= 1.1 * layout.paper.h, (width, height)
        assert all(layout.paper.w * layout.paper.h > 4 * rect.w * rect.h for rect in others)
    assert lay_out(320, 240).paper.h == 148, "as large as one digit ever could be drawn there"


def test_everything_to_press_is_large_enough_for_a_finger():
    for width, height in SIZES:
        layout = lay_out(width, height, 4, 1, pager=True)
        for rect in [*layout.tools, *layout.buttons.values(), *layout.history]:
            assert rect.h >= 36 and rect.w >= 28, (width, height, rect)
        assert layout.brush.h >= 36 and layout.brush.w >= 55, (width, height, layout.brush)


def check_apart(whole, parts, size):
    for i, a in enumerate(parts):
        assert a.w > 0 and a.h > 0, (size, a)
        assert whole.x <= a.x and whole.y <= a.y and a.right <= whole.right and a.bottom <= whole.bottom, (size, a)
        for b in parts[i + 1 :]:
            apart = a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y
            assert apart, (size, a, b)

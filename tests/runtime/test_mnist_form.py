"""Ink: how, how large and with what somebody drew must change nothing in what the model sees."""

import base64
import gzip
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitpad import Recognizer, StrokeError
from digitpad.mnist_form import centre_of_mass, render_strokes
from digitpad.pad.demo_strokes import demo_samples
from tests.runtime.conftest import DATA

Strokes = list[NDArray[np.float64]]

# Points sampled elsewhere along the same line may change a pixel at its edge a little: of 255 steps of grey, no
# pixel by more than this many, and the picture by less than half a step on average.
PIXEL = 40
MEAN = 0.5

DEMO = [sample.strokes for sample in demo_samples()]
MODELS = {name: Recognizer(name) for name in ("cnn", "mlp")}


def wavy(seed: int, count: int) -> Strokes:
    """Strokes as a pen makes them: a few smooth curves, each sampled 10 to 40 times."""
    rng = np.random.default_rng(seed)
    strokes = []
    for _ in range(count):
        t = np.linspace(0, 1, rng.integers(10, 40))[:, None]
        corners = rng.uniform(0, 200, (4, 2))
        weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])  # a Bézier curve
        strokes.append(weights @ corners)
    return strokes


drawings = st.sampled_from(DEMO) | st.builds(wavy, st.integers(0, 10**6), st.integers(1, 4))
quick = settings(max_examples=40, deadline=None)


def assert_same_picture(one: Strokes, other: Strokes, pixel: int = PIXEL, mean: float = MEAN) -> None:
    difference = np.abs(render_strokes(one).astype(int) - render_strokes(other))
    assert difference.max() <= pixel
    assert difference.mean() <= mean


def denser(points: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """The same line with `factor` times as many points on it."""
    places = np.arange(len(points))
    more = np.linspace(0, len(points) - 1, (len(points) - 1) * factor + 1)
    return np.column_stack([np.interp(more, places, points[:, axis]) for axis in (0, 1)])


@quick
@given(drawings, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(-4, 4))
def test_where_and_how_large_it_was_drawn_does_not_matter(
    strokes: Strokes, right: float, down: float, exponent: float
) -> None:
    assert_same_picture(strokes, [points + np.array([right, down]) for points in strokes], pixel=1)
    assert_same_picture(strokes, [points * 10**exponent for points in strokes], pixel=1)


@quick
@given(drawings, st.integers(2, 60))
def test_how_often_the_device_sampled_does_not_matter(strokes: Strokes, factor: int) -> None:
    # Closely enough for the line to be known: between far points a curve is drawn, between near ones a straight line.
    sampled = [denser(points, 4) for points in strokes]
    assert_same_picture(sampled, [denser(points, factor) for points in sampled])


@quick
@given(drawings, st.randoms(use_true_random=False))
def test_the_order_and_direction_of_the_strokes_do_not_matter(strokes: Strokes, random: Any) -> None:
    other = [points[::-1] if random.random() < 0.5 else points for points in strokes]
    random.shuffle(other)
    assert_same_picture(strokes, other)


@quick
@given(drawings)
def test_resting_on_the_spot_does_not_matter(strokes: Strokes) -> None:
    assert_same_picture(strokes, [np.repeat(points, 5, axis=0) for points in strokes])


@quick
@given(drawings)
def test_the_picture_has_the_form_of_mnist(strokes: Strokes) -> None:
    image = render_strokes(strokes)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert centre_of_mass(image.astype(np.float32)) == pytest.approx([14.5, 14.5], abs=0.2)
    # Twenty pixels of ink along the longer side; where they begin between two pixels, they touch twenty-one.
    rows, columns = np.nonzero(image)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
    rows, columns = np.nonzero(image > 128)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20


def plainly_inked(strokes: Strokes, pen_width: float) -> NDArray[np.float64]:
    """The picture by its definition: how far a round pen passes each pixel's centre, whatever segment is nearest."""
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    placed = [(points - (low + high) / 2) * (20 - pen_width) / (high - low).max() + 14.5 for points in strokes]
    segments = np.concatenate([np.stack([p, np.append(p[1:], p[-1:], axis=0)], axis=1) for p in placed])
    pixels = np.stack(np.meshgrid(np.arange(28) + 0.5, np.arange(28) + 0.5), axis=-1)
    for shift in (lambda ink: 14.5 - centre_of_mass(ink)), None:
        ink = np.zeros((28, 28), np.float32)
        for start, end in segments:
            along = (pixels - start) @ (end - start) / max(((end - start) ** 2).sum(), 1e-12)
            nearest = start + np.clip(along, 0, 1)[:, :, None] * (end - start)
            ink = np.maximum(ink, np.clip(pen_width / 2 + 0.5 - np.hypot(*(pixels - nearest).T).T, 0, 1))
        if shift:
            segments = segments + shift(ink)
    return ink * 255


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 12), st.floats(0.5, 6), st.floats(-6, 6), st.booleans())
def test_each_pixel_holds_what_a_round_pen_covers_of_it(
    seed: int, count: int, points: int, pen_width: float, exponent: float, dotted: bool
) -> None:
    rng = np.random.default_rng(seed)
    strokes = []
    for _ in range(count):
        # Points neither so close that one is left out nor so far apart that a curve is drawn between them.
        heading = rng.uniform(0, 7) + np.cumsum(rng.normal(0, 0.6, points))
        steps = rng.uniform(0.5, 1.5, points)[:, None] * np.column_stack([np.cos(heading), np.sin(heading)])
        strokes.append(rng.uniform(-3, 3, 2) + np.cumsum(steps, axis=0))
    every = np.concatenate(strokes)
    assume(8 < np.ptp(every, axis=0).max() < 40)
    if dotted:
        strokes.append(every.mean(axis=0, keepdims=True))
    image = render_strokes([(stroke - every[0]) * 10**exponent for stroke in strokes], pen_width)
    assert np.abs(image - plainly_inked(strokes, pen_width)).max() <= 1


@quick
@given(drawings, st.floats(0.2, 5))
def test_the_aspect_ratio_is_kept(strokes: Strokes, stretch: float) -> None:
    strokes = [points * (1, stretch) for points in strokes]
    width, height = np.ptp(np.concatenate(strokes), axis=0)
    rows, columns = np.nonzero(render_strokes(strokes) > 128)
    pen = 2.5
    scale = (20 - pen) / max(width, height)
    assert np.ptp(columns) + 1 == pytest.approx(width * scale + pen, abs=1.6)
    assert np.ptp(rows) + 1 == pytest.approx(height * scale + pen, abs=1.6)


@pytest.mark.parametrize(
    "strokes", [[], [[]], [[], []], [[(3, 4)]], [[(3, 4)] * 100], [[(3, 4)], [(3, 4), (3, 4)]], [np.empty((0, 2))], ()]
)
def test_no_ink_or_no_extent_gives_blank_paper(strokes: Any) -> None:
    assert not render_strokes(iter(strokes)).any()
    p = MODELS["mlp"].predict_strokes(strokes)
    assert (p.status, p.digit, p.confidence) == ("blank", None, 0.0)
    assert p.probabilities.tolist() == np.full(10, 0.1, np.float32).tolist()
    assert math.isnan(p.ood_score)
    assert not p.image.any()


def test_two_dots_are_a_drawing() -> None:
    image = render_strokes([[(0, 0)], [(0, 10)]])
    assert image[:14].any()
    assert image[15:].any()
    assert not image[13:16].any()


@pytest.mark.parametrize("angle", range(0, 360, 45))
def test_a_straight_line_is_as_long_as_the_box_whichever_way_it_runs(angle: int) -> None:
    end = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    rows, columns = np.nonzero(render_strokes([[(0, 0), end]]) > 128)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)


@pytest.mark.parametrize("kind", [list, tuple, np.array, np.float32, np.int16])
def test_points_may_come_in_any_sequence_of_numbers(kind: Callable[[Any], Any]) -> None:
    points = [(0, 0), (40, 10), (10, 70)]
    given = kind(points)
    assert np.array_equal(render_strokes([given]), render_strokes([points]))
    assert np.array_equal(render_strokes(iter([given])), render_strokes([points]))
    assert np.array_equal(given, points)  # it stays unchanged


@pytest.mark.parametrize(
    "strokes",
    [
        [[(math.nan, 0), (1, 1)]],
        [[(0, math.inf), (1, 1)]],
        [[(0, -math.inf)]],
        [[(1e300, 0), (-1e300, 0)]],
        [[1, 2, 3]],
        [[(1, 2, 3)]],
        [np.zeros((2, 2, 2))],
        [[(0, 0), (1,)]],
        [["a", "b"]],
        ["ab"],
        [[(None, 1)]],
        [[(10**400, 1)]],
        [[{}]],
        [3],
        3,
        None,
    ],
)
def test_what_is_not_points_is_refused_in_one_line(strokes: Any) -> None:
    for read in (render_strokes, MODELS["mlp"].predict_strokes):
        with pytest.raises(StrokeError) as caught:
            read(strokes)
        assert "\n" not in str(caught.value)


@given(
    st.lists(
        st.lists(st.tuples(*[st.floats() | st.floats(-1e-300, 1e-300) | st.integers()] * 2), max_size=5), max_size=4
    )
)
@settings(deadline=None)
def test_any_numbers_give_a_picture_or_a_stroke_error_and_no_warning(strokes: Any) -> None:
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            image = render_strokes(strokes)
    except StrokeError:
        return
    assert image.shape == (28, 28)


def test_extremely_small_and_large_drawings_are_drawn_alike_down_to_the_end_of_floating_point() -> None:
    def corner(extent: float) -> Any:
        return [[(0, 0), (extent, extent), (extent, 0)]]

    for extent in (1e-290, 1e-200, 1e99):
        assert np.array_equal(render_strokes(corner(extent)), render_strokes(corner(1)))
    for extent in (5e-324, 1e-310):
        assert not render_strokes(corner(extent)).any()


def test_ten_thousand_points_are_fine() -> None:
    angle = np.linspace(0, 60, 10_000)
    spiral = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)])
    image = render_strokes([spiral])
    assert image.any()
    assert np.array_equal(image, render_strokes([spiral.tolist()]))
    rng = np.random.default_rng(0)
    assert render_strokes([rng.random((10_000, 2))]).any()
    assert render_strokes(list(rng.random((10_000, 1, 2)))).any()


# What the shipped models make of it. Drawn afresh by some hand, slanted, narrow and wobbly as hands are.


# Ways of writing that demo digits lack, as points that a smooth line passes through; a new part begins at a corner.
VARIANTS: dict[str, list[list[list[tuple[float, float]]]]] = {
    "1 with flag and foot": [[[(25, 25), (40, 14), (52, 0)], [(52, 0), (52, 50), (52, 100)]], [[(25, 100), (80, 100)]]],
    "4 open": [[[(22, 2), (20, 30), (17, 58)], [(17, 58), (50, 58), (85, 56)]], [[(66, 8), (65, 50), (62, 100)]]],
    "7 with a bar": [[[(15, 4), (50, 3), (82, 2)], [(82, 2), (60, 45), (42, 100)]], [[(30, 50), (80, 48)]]],
}


def drawn(variant: str) -> Strokes:
    """A variant in points as dense as a pen's."""
    strokes = []
    for stroke in VARIANTS[variant]:
        parts = [_curve(np.array(part, float)) for part in stroke]
        strokes.append(np.concatenate([parts[0], *(part[1:] for part in parts[1:])]))
    return strokes


def _curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The parabola, or line, through three points, or two."""
    t = np.linspace(0, 1, len(points))
    fine = np.linspace(0, 1, 25)
    return np.column_stack([np.polyval(np.polyfit(t, points[:, axis], len(points) - 1), fine) for axis in (0, 1)])


LABELLED = [(sample.label or "", sample.strokes) for sample in demo_samples()]
LABELLED += [(name[0], drawn(name)) for name in VARIANTS]


def by_a_hand(strokes: Strokes, seed: int) -> Strokes:
    """The same digit as another hand draws it: slant, proportions and a slow wobble."""
    rng = np.random.default_rng(seed)
    low, high = np.concatenate(strokes).min(axis=0), np.concatenate(strokes).max(axis=0)
    shape = np.array([[rng.uniform(0.8, 1.15), 0], [-rng.uniform(-0.1, 0.35), 1]])
    waves, phase = rng.normal(0, 0.012, (2, 2)), rng.uniform(0, 6, 2)
    made = []
    for points in strokes:
        unit = (points - low) / (high - low).max()
        unit = unit + np.sin(unit[:, ::-1] * 6 + phase) @ waves
        made.append(unit @ shape * 200)
    return made


hands = st.builds(
    lambda digit, seed: (digit[0], by_a_hand(digit[1], seed)), st.sampled_from(LABELLED), st.integers(0, 10**6)
)


def probabilities(strokes: Strokes) -> NDArray[np.float32]:
    """Of both networks, one below the other."""
    return np.stack([model.predict_strokes(strokes).probabilities for model in MODELS.values()])


def assert_same_verdict(one: Strokes, other: Strokes, bound: float) -> None:
    before, after = probabilities(one), probabilities(other)
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()
    assert np.abs(before - after).max() <= bound


@quick
@given(hands, st.floats(-2, 2), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.randoms(use_true_random=False))
def test_place_size_unit_order_and_direction_leave_the_verdict(
    hand: tuple[str, Strokes], exponent: float, right: float, down: float, random: Any
) -> None:
    _, strokes = hand
    other = [points * 10**exponent + (right, down) for points in strokes]
    other = [points[::-1] if random.random() < 0.5 else points for points in other]
    random.shuffle(other)
    assert_same_verdict(strokes, other, 0.01)


@quick
@given(hands, st.integers(12, 400))
def test_the_sampling_rate_leaves_the_verdict(hand: tuple[str, Strokes], count: int) -> None:
    _, strokes = hand
    assert_same_verdict(strokes, resampled(strokes, count), 0.25)


def resampled(strokes: Strokes, count: int) -> Strokes:
    """About this many points in all, evenly along the lines; ends and corners stay."""
    whole = sum(float(np.hypot(*np.diff(points, axis=0).T).sum()) for points in strokes)
    result = []
    for points in strokes:
        steps = np.diff(points, axis=0)
        way = np.concatenate([[0], np.cumsum(np.hypot(*steps.T))])
        heading = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
        corners = way[1:-1][np.abs(np.diff(heading)) > 1]
        places = np.linspace(0, way[-1], max(round(count * way[-1] / whole), 2))
        places = np.unique(np.concatenate([places, corners]))
        result.append(np.column_stack([np.interp(places, way, points[:, axis]) for axis in (0, 1)]))
    return result


@quick
@given(hands, st.floats(0, 0.012), st.integers(0, 10**6))
def test_a_tremble_leaves_the_verdict(hand: tuple[str, Strokes], strength: float, seed: int) -> None:
    label, strokes = hand
    rng = np.random.default_rng(seed)
    trembling = [points + rng.normal(0, 200 * strength, points.shape) for points in strokes]
    assert (probabilities(trembling).argmax(axis=1) == int(label)).all()


@quick
@given(hands, st.data())
def test_a_stroke_that_leaves_the_canvas_and_comes_back_leaves_the_verdict(hand: Any, data: st.DataObject) -> None:
    _, strokes = hand
    longest = max(range(len(strokes)), key=lambda i: len(strokes[i]))
    points = strokes[longest]
    out = data.draw(st.integers(2, len(points) - 3))
    assert_same_verdict(strokes, [*strokes[:longest], points[:out], points[out + 1 :], *strokes[longest + 1 :]], 0.25)


@pytest.mark.parametrize("slant", [-15, 0, 15, 25])
@pytest.mark.parametrize(("label", "strokes"), LABELLED)
def test_slanted_digits_and_other_ways_of_writing_read_right(label: str, strokes: Strokes, slant: float) -> None:
    leaning = [points @ np.array([[1, 0], [-math.tan(math.radians(slant)), 1]]) for points in strokes]
    assert probabilities(leaning).argmax(axis=1).tolist() == [int(label)] * 2


@quick
@given(hands, st.floats(0.25, 4), st.floats(0, 1), st.booleans())
def test_a_tap_beside_the_digit_changes_nothing(hand: Any, away: float, height: float, left: bool) -> None:
    _, strokes = hand
    low, high = np.concatenate(strokes).min(axis=0), np.concatenate(strokes).max(axis=0)
    size = float((high - low).max())
    x = low[0] - away * size if left else high[0] + away * size
    tap = np.array([[x, low[1] + height * (high[1] - low[1])]])
    assert np.array_equal(render_strokes([*strokes, tap]), render_strokes(strokes))
    assert np.array_equal(render_strokes([tap, *strokes, tap + 0.005 * size]), render_strokes(strokes))


@pytest.mark.parametrize("dots", [[[(50, -20)]], [[(50, 125)]], [[(60, -25), (61, -24)]], [[(35, -20)], [(65, -20)]]])
def test_dots_above_and_below_stay(dots: Any) -> None:
    stem = [(50, 0), (50, 100)]
    assert (render_strokes([stem, *dots]) != render_strokes([stem])).any()


def test_dotted_lines_stay() -> None:
    dots = [[(10.0 * i, 40.0)] for i in range(8)]
    assert np.flatnonzero(render_strokes(dots).max(axis=0) > 128).size > 12
    assert (render_strokes([[(-60, 0), (-60, 100)], *dots]) != render_strokes([[(-60, 0), (-60, 100)]])).any()


@pytest.mark.parametrize("count", [6, 7, 8])
def test_few_points_on_a_curve_make_a_curve(count: int) -> None:
    angle, few = np.linspace(0, 1.8 * np.pi, 200), np.linspace(0, 1.8 * np.pi, count)
    circle, points = (np.column_stack([50 * np.cos(a), 60 * np.sin(a)]) for a in (angle, few))
    polygon = denser(points, 20)  # what straight lines between the points would be
    curved, straight, true = (render_strokes([p]).astype(float) for p in (points, polygon, circle))
    assert np.abs(curved - true).mean() < 0.5 * np.abs(straight - true).mean()


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0), (60, 0), (20, 100)],  # a seven
        [(40, 0), (0, 60), (70, 60)],  # a four
        [(0, 0), (50, 0), (100, 0)],
        [(0, 0), (10, 100), (0, 0)],
    ],
)
def test_few_points_at_corners_and_on_lines_stay_straight(points: Any) -> None:
    assert_same_picture([np.array(points, float)], [denser(np.array(points, float), 30)], pixel=1, mean=0.05)


with gzip.open(DATA / "ink.json.gz") as file:
    REFERENCE = json.load(file)


@pytest.mark.parametrize("number", range(len(REFERENCE)))
def test_strokes_are_inked_as_when_the_networks_learned_to_read_them(number: int) -> None:
    """The networks know this ink and no other: whoever changes it retrains them, then runs data/make_ink.py."""
    reference = np.frombuffer(base64.b64decode(REFERENCE[number]["image"]), np.uint8).reshape(28, 28)
    image = render_strokes(REFERENCE[number]["strokes"])
    assert np.abs(image.astype(int) - reference).max() <= 1  # processors round differently


def test_the_centre_of_mass_of_a_map_that_is_no_square() -> None:
    ink = np.zeros((4, 10), np.float32)
    ink[1, 7] = ink[3, 8] = 0.5
    assert centre_of_mass(ink).tolist() == [8.0, 2.5]

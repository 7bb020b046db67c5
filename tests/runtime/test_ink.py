"""Ink: how, how large and with what somebody drew must change nothing in what the model sees."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitpad import StrokeError
from digitpad.demo_strokes import demo_samples
from digitpad.ink import centre_of_mass, render_strokes

Strokes = list[NDArray[np.float64]]

# Points sampled elsewhere along the same line may change a pixel at its edge a little: of 255 steps of grey, no
# pixel by more than this many, and the picture by less than half a step on average.
PIXEL = 40
MEAN = 0.5

DEMO = [sample.strokes for sample in demo_samples()]


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
@given(drawings, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_where_it_was_drawn_does_not_matter(strokes: Strokes, right: float, down: float) -> None:
    assert_same_picture(strokes, [points + np.array([right, down]) for points in strokes], pixel=1)


@quick
@given(drawings, st.floats(-4, 4))
def test_how_large_it_was_drawn_does_not_matter(strokes: Strokes, exponent: float) -> None:
    assert_same_picture(strokes, [points * 10**exponent for points in strokes], pixel=1)


@quick
@given(drawings, st.integers(2, 60))
def test_how_often_the_device_sampled_does_not_matter(strokes: Strokes, factor: int) -> None:
    assert_same_picture(strokes, [denser(points, factor) for points in strokes])


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
    assert centre_of_mass(image.astype(np.float32)) == pytest.approx([14.5, 14.5], abs=0.1)
    # Twenty pixels of ink along the longer side; where they begin between two pixels, they touch twenty-one.
    rows, columns = np.nonzero(image)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 21
    rows, columns = np.nonzero(image > 128)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 <= 20


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
    "strokes",
    [[], [[]], [[], []], [[(3, 4)]], [[(3, 4)] * 100], [[(3, 4)], [(3, 4), (3, 4)]], [np.empty((0, 2))], iter(())],
)
def test_no_ink_or_no_extent_gives_blank_paper(strokes: Any) -> None:
    assert not render_strokes(strokes).any()


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
    assert np.array_equal(render_strokes([kind(points)]), render_strokes([points]))
    assert np.array_equal(render_strokes(iter([kind(points)])), render_strokes([points]))


def test_the_points_given_stay_as_they_are() -> None:
    points = np.array([[0.0, 0.0], [40.0, 10.0]])
    render_strokes([points])
    assert points.tolist() == [[0.0, 0.0], [40.0, 10.0]]


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
        [[(None, 1)]],
        [[(10**400, 1)]],
        [[{}]],
        [3],
        3,
        None,
    ],
)
def test_what_is_not_points_is_refused_in_one_line(strokes: Any) -> None:
    with pytest.raises(StrokeError) as caught:
        render_strokes(strokes)
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


@pytest.mark.parametrize("extent", [1e-290, 1e-200, 1e99])
def test_extremely_small_and_large_drawings_are_drawn_alike(extent: float) -> None:
    corner = [(0, 0), (1, 1), (1, 0)]
    expected = render_strokes([corner])
    assert np.array_equal(render_strokes([[(x * extent, y * extent) for x, y in corner]]), expected)


@pytest.mark.parametrize("extent", [5e-324, 1e-310])
def test_an_extent_at_the_very_end_of_floating_point_is_none(extent: float) -> None:
    assert not render_strokes([[(0, 0), (extent, extent)]]).any()


def test_ten_thousand_points_are_fine() -> None:
    angle = np.linspace(0, 60, 10_000)
    spiral = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)])
    image = render_strokes([spiral])
    assert image.any()
    assert np.array_equal(image, render_strokes([spiral.tolist()]))
    rng = np.random.default_rng(0)
    assert render_strokes([rng.random((10_000, 2))]).any()
    assert render_strokes(list(rng.random((10_000, 1, 2)))).any()

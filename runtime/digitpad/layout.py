"""Where everything lies in the pad's window: pure functions of its size. No pygame in here."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

SMALLEST = (320, 240)  # a smaller window shows a part of this
TOOLS = ("clear", "undo", "redo", "live", "help")


class Rect(NamedTuple):
    """A rectangle in pixels; pygame takes it for one of its own."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.x + self.w

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.h

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies in it."""
        return self.x <= x < self.right and self.y <= y < self.bottom


@dataclass(frozen=True)
class Card:
    """The parts of one model's answer."""

    rect: Rect
    label: Rect  # the model's name
    digit: Rect
    words: Rect
    picture: Rect  # what the model saw: 28 pixels, each magnified by a whole number
    caption: Rect | None  # of the picture, where there is room
    bars: Rect
    message: Rect  # where digit, words and picture are: words that stand in their place
    inside: Rect  # all but the label


@dataclass(frozen=True)
class Layout:
    """All rectangles for one window size, and the sizes of the type in pixels."""

    size: tuple[int, int]
    gap: int
    small: int
    body: int
    paper: Rect
    buttons: dict[str, Rect]  # "predict" and TOOLS
    choices: tuple[Rect, ...]
    cards: tuple[Card, ...]
    help: Rect  # over all the others


@lru_cache(maxsize=8)
def lay_out(width: int, height: int, choices: int = 3, cards: int = 1) -> Layout:
    """Lay the pad out for a window of so many pixels, with so many model choices and answer cards.

    The paper is a square with the tools under it. The answer goes beside it or below it, whichever leaves the larger
    paper; the whole stands in the middle of the window.
    """
    w, h = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    scale = min(w / 1.5, h)
    gap = 4 * max(1, round(scale / 192))
    row = max(36, round(scale / 15))  # a finger needs no less
    beside = min(h - row - 3 * gap, w - 3 * gap - max(136, round(0.36 * w)))
    below = min(w - 2 * gap, h - 2 * row - 5 * gap - max(116, round(0.27 * h)))
    if beside >= below:
        side = beside
        panel = min(w - 3 * gap - side, round(1.25 * side))
        x, y = (w - side - gap - panel) // 2, (h - side - gap - row) // 2
        paper = Rect(x, y, side, side)
        tools = Rect(x, paper.bottom + gap, side, row)
        predict = Rect(paper.right + gap, tools.y, panel, row)
        choice = Rect(predict.x, y, panel, row)
        answer = Rect(predict.x, choice.bottom + gap, panel, predict.y - choice.bottom - 2 * gap)
    else:
        side = below
        across = min(w - 2 * gap, round(1.5 * side))
        deep = min(h - side - 2 * row - 5 * gap, round(1.1 * side))
        x, y = (w - across) // 2, (h - side - 2 * row - 3 * gap - deep) // 2
        paper = Rect((w - side) // 2, y, side, side)
        tools = Rect(x, paper.bottom + gap, across, row)
        predict, choice = split(Rect(x, tools.bottom + gap, across, row), 2, gap)
        answer = Rect(x, predict.bottom + gap, across, deep)
    between = max(2, gap // 2)
    body = max(12, round(scale / 36))
    help_w, help_h = min(w - 2 * gap, 26 * body), min(h - 2 * gap, 20 * body)
    return Layout(
        size=(width, height),
        gap=gap,
        small=max(10, round(scale / 50)),
        body=body,
        paper=paper,
        buttons={"predict": predict} | dict(zip(TOOLS, split(tools, len(TOOLS), between), strict=True)),
        choices=tuple(split(choice, choices, between)),
        cards=tuple(_card(part, gap, scale) for part in split(answer, cards, between)),
        help=Rect((w - help_w) // 2, (h - help_h) // 2, help_w, help_h),
    )


def split(rect: Rect, parts: int, gap: int) -> list[Rect]:
    """Cut a rectangle into columns of equal width, to a pixel, with gaps between them."""
    edges = [rect.x + (rect.w + gap) * i // parts for i in range(parts + 1)]
    return [Rect(a, rect.y, b - gap - a, rect.h) for a, b in pairwise(edges)]


def _card(rect: Rect, gap: int, scale: float) -> Card:
    small, body = max(10, round(scale / 50)), max(12, round(scale / 36))
    edge = gap // 2 if min(rect.w, rect.h) < 170 else gap
    inner = Rect(rect.x + edge, rect.y + edge, rect.w - 2 * edge, rect.h - 2 * edge)
    label = Rect(inner.x, inner.y, inner.w, round(1.3 * small))
    space = max(2, gap // 2)
    rest = Rect(inner.x, label.bottom + space, inner.w, inner.bottom - label.bottom - space)
    line = round(1.3 * body)
    lines = 1 if inner.w >= 14 * body or rest.h < 10 * line else 2
    if rest.w > 2 * rest.h:  # digit, picture and bars side by side
        head, bars = split(rest, 2, gap)
        left, right = split(head, 2, space)
        words = Rect(left.x, left.bottom - 2 * line, left.w, 2 * line)
        digit = Rect(left.x, left.y, left.w, words.y - left.y)
        message = head
    else:  # the bars under digit and picture
        tall = min((rest.w - space) // 2, max(28, round(0.42 * (rest.h - lines * line))))
        left, right = split(Rect(rest.x, rest.y, rest.w, tall), 2, space)
        digit = left
        words = Rect(rest.x, left.bottom + space, rest.w, lines * line)
        message = Rect(rest.x, rest.y, rest.w, words.bottom - rest.y)
        bars = Rect(rest.x, words.bottom + space, rest.w, rest.bottom - words.bottom - space)
    below = round(1.3 * small)
    captioned = right.h >= 56 + below and right.w >= 10 * small
    magnified = max(1, min(right.w, right.h - (below if captioned else 0)) // 28)
    side = 28 * magnified
    top = right.y + (right.h - side - (below if captioned else 0)) // 2
    picture = Rect(right.x + (right.w - side) // 2, top, side, side)
    caption = Rect(right.x, picture.bottom, right.w, below) if captioned else None
    return Card(rect, label, digit, words, picture, caption, bars, message, rest)

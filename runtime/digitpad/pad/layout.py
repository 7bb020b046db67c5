"""Where everything lies in the pad's window: pure functions of its size. No pygame in here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from digitpad.pad.rect import Rect

SMALLEST = (320, 240)  # a smaller window shows only part of this
MOST_LESSONS = 60  # shown at once
WIDEST = 2  # times as wide as high: a paper for numbers; more of it would only lead away from the answer


@dataclass(frozen=True)
class Card:
    """The parts of one model's answer."""

    rect: Rect
    label: Rect  # the model's name
    digit: Rect  # or the number
    words: Rect
    picture: Rect  # what the model saw: 28 pixels, each magnified by a whole number
    caption: Rect | None  # of the picture, where there is room
    bars: Rect
    message: Rect  # words that take the place of digit, words and picture
    inside: Rect  # all but the label


@dataclass(frozen=True)
class Layout:
    """All rectangles for one window size, and the sizes of the type in pixels."""

    size: tuple[int, int]
    small: int
    body: int
    paper: Rect
    tools: tuple[Rect, ...]  # the buttons beside the paper
    buttons: dict[str, Rect]  # the others, by name
    brush: Rect  # the slider
    cards: tuple[Card, ...]
    number_cards: tuple[Card, ...]  # the same where several digits were read
    history: tuple[Rect, ...]  # places for the last drawings
    help: Rect  # on top of everything
    help_button: Rect  # at its foot
    notice: Rect  # over the paper's lower edge


@dataclass(frozen=True)
class Lesson:
    """The parts of one lesson where what was learned is shown."""

    rect: Rect
    picture: Rect
    label: Rect
    cross: Rect  # forgets it


@dataclass(frozen=True)
class LessonsPage:
    """Where what was learned is shown, all over the window."""

    title: Rect
    lessons: tuple[Lesson, ...]
    inside: Rect  # all of them
    buttons: dict[str, Rect]


@lru_cache(maxsize=8)
def lay_out(
    width: int, height: int, choices: int = 3, card_count: int = 1, pager: bool = False, tool_count: int = 6
) -> Layout:
    """Lay the pad out for a window of this size, with so many model choices, answer cards and tools.

    The tools and the answer are beside the paper, or both below it: whichever leaves it higher. It is as wide as the
    rest allows, and no less than it is high. The whole is centred in the window. With `pager`, there are buttons to
    page through a file.
    """
    w, h = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    scale = min(w / 1.5, h)
    gap = 4 * max(1, round(scale / 192))
    row = max(36, round(scale / 15))  # a finger needs this much
    between = max(2, gap // 2)
    column = max(36, round(scale / 11))
    strip = max(36, round(scale / 13))  # of the last drawings
    least, narrow = max(120, round(0.3 * w)), max(144, round(0.26 * w))  # the answer beside a square paper, a wide one
    beside = min(h - 3 * gap - row, w - 4 * gap - column - least)
    below = min(w - 2 * gap, h - 6 * gap - 2 * row - strip - max(100, round(0.17 * h)))
    if beside >= below:
        side = beside
        across = max(side, min(w - 4 * gap - column - narrow, WIDEST * side))
        panel = min(w - 4 * gap - column - across, side)
        x, y = (w - column - across - panel - 2 * gap) // 2, (h - side - gap - row) // 2
        deep = side + gap + row
        under = h - 2 * gap - deep - gap  # the room under the slider
        if under >= strip:
            y, deep = gap, h - 2 * gap
        paper = Rect(x + column + gap, y, across, side)
        top, tall = y, deep
        if tall < tool_count * 36 + (tool_count - 1) * between:
            top, tall = gap, h - 2 * gap
        tool = min(round(1.1 * column), (tall - (tool_count - 1) * between) // tool_count)
        tools = [Rect(x, top + i * (tool + between), column, tool) for i in range(tool_count - 2)]  # from the top on
        foot = top + tall - 2 * tool - between
        tools += [Rect(x, foot + i * (tool + between), column, tool) for i in range(2)]  # to the bottom
        slider = Rect(paper.x, paper.bottom + gap, across, row)
        rest = Rect(paper.right + gap, y, panel, deep)
        choice = Rect(rest.x, y, panel, row)
        go = Rect(rest.x, rest.bottom - row, panel, row)
        if under >= strip:
            last = Rect(paper.x, slider.bottom + gap, across, min(under, 2 * strip))
            foot = go.y - gap
        else:
            last = Rect(rest.x, go.y - gap - strip, panel, strip)
            foot = last.y - gap
        answer = Rect(rest.x, choice.bottom + gap, panel, foot - choice.bottom - gap)
        live, predict = _shares(go, (2, 5), between)
    else:
        side = below
        across = min(w - 2 * gap, round(1.5 * side))
        deep = min(h - side - 6 * gap - 2 * row - strip, round(1.1 * side))
        x, y = (w - across) // 2, (h - side - 2 * row - strip - deep - 4 * gap) // 2
        paper = Rect(x, y, across, side)
        *tools, slider = _shares(Rect(x, paper.bottom + gap, across, row), (1,) * tool_count + (3,), between)
        line = Rect(x, slider.bottom + gap, across, row)
        choice, live, predict = _shares(line, (choices, 1.1, 3.6), between)
        answer = Rect(x, line.bottom + gap, across, deep)
        last = Rect(x, answer.bottom + gap, across, strip)
    buttons = {f"choice {n}": rect for n, rect in enumerate(split(choice, choices, between))}
    buttons |= {"live": live, "predict": predict}
    if pager:
        if beside >= below:
            previous, slider, following = _shares(slider, (1, 3, 1), between)
        else:
            previous, last, following = _shares(last, (1, 5, 1), between)
        buttons |= {"previous": previous, "next": following}
    small, body = max(10, round(scale / 50)), max(12, round(scale / 36))
    cards = [_card(part, gap, small, body) for part in _for_cards(answer, card_count, between)]
    help_w, help_h = min(w - 2 * gap, 27 * body), min(h - 2 * gap, 28 * body + row)
    notice_w, notice_h = min(paper.w - 2 * between, 30 * body), min(4 * body, side // 3)
    return Layout(
        size=(width, height),
        small=small,
        body=body,
        paper=paper,
        tools=tuple(tools),
        buttons=buttons,
        brush=slider,
        cards=tuple(cards),
        number_cards=tuple(_number_card(card, gap, small) for card in cards),
        history=tuple(split(last, max(2, round(last.w / (1.5 * last.h))), between)),
        help=Rect((w - help_w) // 2, (h - help_h) // 2, help_w, help_h - row),
        help_button=Rect((w - help_w) // 2, (h + help_h) // 2 - row, help_w, row),
        notice=Rect(paper.x + (paper.w - notice_w) // 2, paper.bottom - notice_h - between, notice_w, notice_h),
    )


@lru_cache(maxsize=8)
def lay_out_lessons(width: int, height: int) -> LessonsPage:
    """Lay out the page of what was learned for a window of this size."""
    w, h = max(width, SMALLEST[0]), max(height, SMALLEST[1])
    scale = min(w / 1.5, h)
    gap = 4 * max(1, round(scale / 192))
    row = max(36, round(scale / 15))
    title = Rect(gap, gap, w - 2 * gap, max(20, round(scale / 20)))
    foot = Rect(gap, h - gap - row, w - 2 * gap, row)
    inside = Rect(gap, title.bottom + gap, w - 2 * gap, foot.y - title.bottom - 2 * gap)
    high = max(40, round(scale / 9))
    across = max(1, (inside.w + gap) // (2 * high + row + gap))
    down = max(1, (inside.h + gap) // (high + gap))
    down = min(down, MOST_LESSONS // across)
    lessons = [
        _lesson(Rect(x, inside.y + n * (high + gap), wide, high), row)
        for n in range(down)
        for x, _, wide, _ in split(inside, across, gap)
    ]
    buttons = dict(zip(("newer", "older", "forget all", "close"), _shares(foot, (2, 2, 3, 3), gap), strict=True))
    return LessonsPage(title, tuple(lessons), inside, buttons)


def _lesson(rect: Rect, cross: int) -> Lesson:
    margin = max(2, rect.h // 16)
    picture = Rect(rect.x + margin, rect.y + margin, rect.h - 2 * margin, rect.h - 2 * margin)
    forget = Rect(rect.right - cross - margin, rect.y + (rect.h - cross) // 2, cross, cross)
    return Lesson(rect, picture, Rect(picture.right, rect.y, forget.x - picture.right, rect.h), forget)


def split(rect: Rect, parts: int, gap: int) -> list[Rect]:
    """Cut a rectangle into columns of equal width, give or take a pixel, with gaps between them."""
    edges = [rect.x + (rect.w + gap) * i // parts for i in range(parts + 1)]
    return [Rect(a, rect.y, b - gap - a, rect.h) for a, b in pairwise(edges)]


def _shares(rect: Rect, shares: Sequence[float], gap: int) -> list[Rect]:
    """Cut a rectangle into columns with widths in proportion to the shares, and gaps between them."""
    room = rect.w - gap * (len(shares) - 1)
    edges = [round(room * sum(shares[:i]) / sum(shares)) for i in range(len(shares) + 1)]
    return [Rect(rect.x + a + i * gap, rect.y, b - a, rect.h) for i, (a, b) in enumerate(pairwise(edges))]


def _for_cards(rect: Rect, cards: int, gap: int) -> list[Rect]:
    """Cut a rectangle into cards: side by side, or one above the other where they would be too narrow to read."""
    if rect.w // cards >= 70 or rect.h // cards < 72:
        return split(rect, cards, gap)
    standing = Rect(rect.y, rect.x, rect.h, rect.w)
    return [Rect(part.y, part.x, part.h, part.w) for part in split(standing, cards, gap)]


def _card(rect: Rect, gap: int, small: int, body: int) -> Card:
    edge = gap // 2 if min(rect.w, rect.h) < 170 else gap
    inner = Rect(rect.x + edge, rect.y + edge, rect.w - 2 * edge, rect.h - 2 * edge)
    label = Rect(inner.x, inner.y, inner.w, round(1.3 * small))
    space = max(2, gap // 2)
    rest = Rect(inner.x, label.bottom + space, inner.w, inner.bottom - label.bottom - space)
    line = round(1.3 * body)
    lines = 1 if inner.w >= 14 * body or rest.h < 10 * line else 2
    if rest.w > 2 * rest.h:  # digit, picture and bars side by side, words under the first two
        head, bars = split(rest, 2, gap)
        lines = 2 if head.w < 14 * body and head.h - 2 * line - space >= 56 else 1
        words = Rect(head.x, head.bottom - lines * line, head.w, lines * line)
        left, right = split(Rect(head.x, head.y, head.w, words.y - head.y - 1), 2, space)
        message = head
    else:  # the bars under digit, picture and words
        tall = min((rest.w - space) // 2, max(28, round(0.47 * (rest.h - lines * line))))
        left, right = split(Rect(rest.x, rest.y, rest.w, tall), 2, space)
        words = Rect(rest.x, left.bottom + space, rest.w, lines * line)
        message = Rect(rest.x, rest.y, rest.w, words.bottom - rest.y)
        bars = Rect(rest.x, words.bottom + space, rest.w, rest.bottom - words.bottom - space)
    return Card(rect, label, left, words, *_captioned(right, label.h, small), bars, message, rest)


def _number_card(card: Card, gap: int, small: int) -> Card:
    """The same card where several digits were read: the number takes its width, above what it shows of one of them."""
    rest, space = card.inside, max(2, gap // 2)
    if rest.w > 2 * rest.h:
        tall = min(round(0.4 * rest.h), rest.h - 28 - space)
        number, words = _shares(Rect(rest.x, rest.y, rest.w, tall), (3, 2), space)
    else:
        number = Rect(rest.x, rest.y, rest.w, min(rest.w // 2, round(0.3 * rest.h)))
        words = Rect(rest.x, number.bottom + space, rest.w, card.words.h)
    below = Rect(rest.x, words.bottom + space, rest.w, rest.bottom - words.bottom - space)
    if below.w > below.h:
        seen, bars = _shares(below, (2, 3), space)
    else:
        seen = Rect(below.x, below.y, below.w, below.h * 2 // 5)
        bars = Rect(below.x, seen.bottom + space, below.w, below.bottom - seen.bottom - space)
    if min(seen.w, seen.h) < 28:
        return card  # too small for that
    picture, caption = _captioned(seen, card.label.h, small)
    return replace(card, digit=number, words=words, picture=picture, caption=caption, bars=bars)


def _captioned(rect: Rect, line: int, small: int) -> tuple[Rect, Rect | None]:
    """Where the picture of what the model saw is in a rectangle, and its caption, a line high, if there is room."""
    captioned = rect.h >= 56 + line and rect.w >= 10 * small
    below = line if captioned else 0
    side = 28 * max(1, min(rect.w, rect.h - below) // 28)
    picture = Rect(rect.x + (rect.w - side) // 2, rect.y + (rect.h - side - below) // 2, side, side)
    return picture, Rect(rect.x, picture.bottom, rect.w, below) if captioned else None


def digit_places(rect: Rect, text: str) -> list[Rect]:
    """Where each digit of a number stands in a rectangle; its rows are broken where they would be too small to see."""
    most = max(1, rect.w // 8)
    rows = [len(row[i : i + most]) for row in text.split("\n") for i in range(0, len(row), most)]
    rows = rows[: max(1, rect.h // 5)]
    wide = min(rect.w // max(rows), round(0.6 * rect.h // len(rows)))
    high = min(rect.h // len(rows), 2 * wide)
    top = rect.y + (rect.h - high * len(rows)) // 2
    return [
        Rect(rect.x + (rect.w - wide * count) // 2 + wide * column, top + high * row, wide, high)
        for row, count in enumerate(rows)
        for column in range(count)
    ]

"""What the pad's parts look like: colours, type, buttons and answer cards."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitpad.answers import Number
from digitpad.pad.asking import Answer, verdict
from digitpad.pad.drawing import Drawing
from digitpad.pad.history import Entry
from digitpad.pad.icons import ICONS, LINE
from digitpad.pad.layout import Card, digit_places
from digitpad.pad.layout import Lesson as LessonPlace
from digitpad.pad.rect import Rect
from digitpad.pad.screen_ink import Ink
from digitpad.pad.sdl import pygame
from digitpad.pad.stroke import Stroke

BARS = 11  # the ten digits, and no digit

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
    """The colours. Text has a contrast of 4.5:1 to every ground it stands on; colour alone never carries meaning."""

    back: Colour
    card: Colour
    edge: Colour
    text: Colour
    quiet: Colour  # less important text
    accent: Colour
    on_accent: Colour
    bar: Colour
    track: Colour
    paper: Colour
    ink: Colour


LIGHT = Theme(
    back=(237, 240, 244),
    card=(255, 255, 255),
    edge=(204, 212, 221),
    text=(27, 36, 48),
    quiet=(84, 97, 113),
    accent=(29, 94, 180),
    on_accent=(255, 255, 255),
    bar=(142, 160, 182),
    track=(232, 236, 241),
    paper=(255, 254, 250),
    ink=(22, 32, 58),
)
DARK = Theme(
    back=(18, 22, 28),
    card=(30, 36, 44),
    edge=(58, 68, 80),
    text=(238, 241, 245),
    quiet=(164, 175, 189),
    accent=(126, 178, 255),
    on_accent=(12, 26, 48),
    bar=(98, 114, 134),
    track=(43, 51, 61),
    paper=(12, 15, 19),
    ink=(240, 243, 247),
)


@dataclass(frozen=True)
class ButtonLook:
    """What a button shows."""

    label: str
    key: str = ""  # the shortcut, shown where there is room
    icon: str = ""  # replaces the label where there is no room for both
    on: bool = False  # chosen, or switched on
    enabled: bool = True
    under_pointer: bool = False
    pressed: bool = False


def paint_button(surface: pygame.Surface, rect: Rect, look: ButtonLook, theme: Theme, body: int, small: int) -> None:
    """Paint a button with its label and, where there is room, its icon or shortcut."""
    face, text = (theme.accent, theme.on_accent) if look.on else (theme.card, theme.text)
    edge = theme.accent if look.on else theme.edge
    if not look.enabled:
        face, text = theme.back, theme.quiet
    elif look.pressed:
        face = mix(face, theme.text, 0.2)
    elif look.under_pointer:
        face = mix(face, theme.text, 0.08)
    paint_panel(surface, rect, face, edge, theme.back, max(4, body // 2))
    if look.icon:
        _paint_icon_button(surface, rect, look, text, small)
    else:
        _paint_label(surface, rect, look, text, body, small)


def paint_focus(surface: pygame.Surface, rect: Rect, theme: Theme, small: int) -> None:
    """Paint a ring around what the Tab key is on; its two colours stand out on any ground."""
    wide = max(2, small // 5)
    pygame.draw.rect(surface, theme.text, rect, wide, border_radius=small // 2)
    inner = (rect.x + wide, rect.y + wide, rect.w - 2 * wide, rect.h - 2 * wide)
    pygame.draw.rect(surface, theme.card, inner, wide, border_radius=small // 3)


def _paint_label(surface: pygame.Surface, rect: Rect, look: ButtonLook, text: Colour, body: int, small: int) -> None:
    hint = look.key if look.enabled else ""
    width, space = font(body).size(look.label)[0], small * 3 // 4
    if hint and width + font(small).size(hint)[0] + 3 * space <= rect.w:
        width += space + font(small).size(hint)[0]
        x, middle = rect.x + (rect.w - width) // 2, rect.y + rect.h // 2
        write(surface, look.label, body, text, x, middle - font(body).get_height() // 2)
        write(surface, hint, small, text, x + width - font(small).size(hint)[0], middle - font(small).get_height() // 2)
    else:
        inner = Rect(rect.x + 3, rect.y + 1, rect.w - 6, rect.h - 2)
        paint_text(surface, inner, [look.label], text, [body, small, 10, 9])


def _paint_icon_button(surface: pygame.Surface, rect: Rect, look: ButtonLook, text: Colour, small: int) -> None:
    line = font(small).get_linesize()
    labelled = bool(look.label) and rect.h >= 3 * line and font(small).size(look.label)[0] <= rect.w - 4
    side = min(rect.w, rect.h - (line if labelled else 0)) * 6 // 10
    top = rect.y + (rect.h - side - (line if labelled else 0)) // 2
    surface.blit(icon(look.icon, side, text), (rect.x + (rect.w - side) // 2, top))
    if labelled:
        paint_text(surface, Rect(rect.x, top + side, rect.w, line), [look.label], text, [small])


def paint_slider(
    surface: pygame.Surface, rect: Rect, look: tuple[float, bool], theme: Theme, _body: int, small: int
) -> None:
    """Paint the slider of the brush: a wedge, and a knob this far (0 to 1) along it, larger while in use."""
    part, active = look
    paint_panel(surface, rect, theme.card, theme.edge, theme.back, max(4, small // 2))
    left, right = slider_ends(rect)
    middle, thick = rect.y + rect.h / 2, rect.h / 7
    big = 4  # painted this many times larger, then shrunk, for smooth edges
    canvas = pygame.Surface((rect.w * big, rect.h * big), pygame.SRCALPHA)
    canvas.fill((*theme.card, 0))
    points = [(left, middle - 1), (right, middle - thick), (right, middle + thick), (left, middle + 1)]
    pygame.draw.polygon(canvas, theme.bar, [((x - rect.x) * big, (y - rect.y) * big) for x, y in points])
    at = ((left + part * (right - left) - rect.x) * big, (middle - rect.y) * big)
    radius = rect.h * big * (0.3 if active else 0.27)
    pygame.draw.circle(canvas, theme.card, at, radius + big * 1.5)
    pygame.draw.circle(canvas, theme.accent, at, radius)
    surface.blit(pygame.transform.smoothscale(canvas, rect[2:]), rect[:2])


def slider_ends(rect: Rect) -> tuple[float, float]:
    """The x, in pixels, of the slider's knob for the thinnest and for the thickest brush."""
    return rect.x + rect.h * 0.5, rect.right - rect.h * 0.5


@dataclass(frozen=True)
class Shown:
    """What a card shows."""

    label: str  # the model's name
    answer: Answer | None = None
    took: str = ""  # how long that took
    message: str = ""  # words instead of an answer
    trouble: str = ""  # why there can be no answer
    pointed: int = 0  # the digit of a number of which more is shown
    focused: bool = False  # whether the Tab key is on it
    under_pointer: int | None = None  # a bar that is
    focused_bar: int | None = None  # the one that the Tab key is on


class Piece(NamedTuple):
    """A part of a card: where it is, what it shows, and how that is painted."""

    rect: Rect
    shows: object
    paint: Callable[[pygame.Surface], None]


def paint_card(
    surface: pygame.Surface, card: Card, shown: Shown, theme: Theme, body: int, small: int, painted: dict[Rect, object]
) -> list[Rect]:
    """Bring a card up to date with what one model answered, or why it did not; returns what changed.

    `painted` says what each piece of the card shows already, and is kept up to date. Empty: nothing is painted yet.
    """
    pieces = list(_card_pieces(card, shown, theme, body, small))
    whole = shown.trouble or painted.keys() != {piece.rect for piece in pieces}
    if whole:
        inset = card.label.x - card.rect.x
        radius = max(4, min(body // 2, 2 * inset))  # round corners stay clear of the pieces
        paint_panel(surface, card.rect, theme.card, theme.edge, theme.back, radius)
        painted.clear()
    changed = [piece for piece in pieces if painted.get(piece.rect) != piece.shows]
    for piece in changed:
        surface.set_clip(piece.rect)
        if not whole:
            surface.fill(theme.card)
        piece.paint(surface)
        painted[piece.rect] = piece.shows
    surface.set_clip(None)
    return [card.rect] if whole else [piece.rect for piece in changed]


def _card_pieces(card: Card, shown: Shown, theme: Theme, body: int, small: int) -> Iterator[Piece]:
    def text(rect: Rect, words: list[str], colour: Colour, sizes: list[int]) -> Piece:
        return Piece(rect, (words, colour), lambda surface: paint_text(surface, rect, words, colour, sizes))

    def label(surface: pygame.Surface) -> None:
        room = card.label.w
        took = shown.took if font(small).size(f"{shown.label}  {shown.took}")[0] <= room else ""
        write(surface, shorten(shown.label, font(small), room), small, theme.quiet, *card.label[:2])
        if took:
            write(surface, took, small, theme.quiet, card.label.right - font(small).size(took)[0], card.label.y)

    yield Piece(card.label, (shown.label, shown.took), label)
    answer = shown.answer
    if shown.trouble:
        yield text(card.inside, [shown.trouble], theme.text, [body, small, 10])
        return
    if answer is None or answer.status == "blank":
        words = verdict(answer)[1] if answer else [shown.message]
        yield text(card.message, words, theme.text, [body, small, 10])
        yield from _bars(card.bars, [0.0] * BARS, theme, small, shown)
        return
    large, words = verdict(answer)
    yield text(card.words, words, theme.text, [body, small, 10])
    if isinstance(answer, Number):
        for n, place in enumerate(digit_places(card.digit, answer.text)):
            digit = answer.digits[n]
            sure = answer.status == "number" and digit.status == "digit"
            pointed = n == shown.pointed
            look = (str(digit.probabilities.argmax()), sure, digit.status, pointed, pointed and shown.focused)
            yield Piece(place, look, partial(_paint_digit, rect=place, look=look, theme=theme))
        answer = answer.digits[shown.pointed]
    else:
        large_sizes = [round(card.digit.h * part) for part in (1, 0.9, 0.8, 0.7, 0.6, 0.5)]
        yield text(card.digit, [large], theme.accent if answer.status == "digit" else theme.quiet, large_sizes)
    yield Piece(card.picture, answer.image.tobytes(), partial(_paint_pixels, rect=card.picture, image=answer.image))
    if card.caption:
        yield text(card.caption, ["what the model sees", "the model sees"], theme.quiet, [small])
    best = BARS - 1 if answer.digit is None else int(answer.probabilities.argmax())
    none = float(1 / (1 + np.exp(-min(answer.ood_score, 500.0))))
    yield from _bars(card.bars, [*answer.probabilities.tolist(), none], theme, small, shown, best)


def _paint_digit(surface: pygame.Surface, rect: Rect, look: tuple[str, bool, str, bool, bool], theme: Theme) -> None:
    """Paint a digit of a number: on a ground of its own if it is pointed at, a wavy line under it if it is in doubt."""
    digit, sure, status, pointed, focused = look
    if pointed:
        paint_panel(surface, rect, theme.track, theme.track, None, rect.w // 5)
    size = min(rect.h, round(1.7 * rect.w))
    room = Rect(rect.x, rect.y - size, rect.w, rect.h + 2 * size)  # the type's own room above and below is not needed
    colour = theme.accent if sure else theme.quiet
    paint_text(surface, room, [digit], colour, [round(size * part) for part in (1, 0.9, 0.8)])
    if pointed:
        pygame.draw.rect(surface, theme.bar, rect, 1, border_radius=rect.w // 5)
    if status != "digit":
        step = max(2, rect.w // 8)
        x, y = rect.x + (rect.w - 6 * step) // 2, rect.bottom - 2 - step
        wave = [(x + n * step, y + n % 2 * step) for n in range(7)]
        pygame.draw.lines(surface, theme.text, False, wave, max(1, step // 2))
    if focused:
        paint_focus(surface, rect, theme, max(5, rect.w // 4))


def paint_past(
    surface: pygame.Surface, rect: Rect, look: tuple[Entry | None, bool], theme: Theme, body: int, small: int
) -> None:
    """Paint one of the last drawings as the model saw it, with its answer, or an empty place."""
    past, hover = look
    face = theme.back if past is None else mix(theme.card, theme.text, 0.08) if hover else theme.card
    paint_panel(surface, rect, face, theme.edge, theme.back, max(4, body // 2))
    if past is None:
        return
    margin = max(3, small // 3)
    answer = next(iter(past.answers.values()))
    if isinstance(answer, Number):  # its digits above the words
        image = np.hstack([digit.image[:, 4:24] for digit in answer.digits])
        high = min((rect.h - margin) // 2, (rect.w - 2 * margin) * len(image) // image.shape[1])
        wide = image.shape[1] * high // len(image)
        at = rect.x + (rect.w - wide) // 2, rect.y + margin
        words = Rect(rect.x + 2, rect.y + margin + high, rect.w - 4, rect.h - high - margin)
    else:
        image = answer.image
        wide = high = min(rect.h - 2 * margin, rect.w * 6 // 10)
        at = rect.x + margin, rect.y + (rect.h - high) // 2
        words = Rect(rect.x + margin + wide, rect.y, rect.w - wide - margin - 2, rect.h)
    if high > 0:
        tinted = _tinted(image, face, theme.text).convert(24)
        surface.blit(pygame.transform.smoothscale(tinted, (wide, high)), at)
    paint_text(surface, words, [past.answer], theme.text, [body, small, 10, 9, 8])


def paint_notice(surface: pygame.Surface, rect: Rect, text: str, theme: Theme, body: int, small: int) -> None:
    """Paint a remark over what is there: at the foot of the rectangle, as tall as its words need."""
    room = Rect(rect.x + small // 2, rect.y, rect.w - small, rect.h)
    lines, size = _fit([text], [body, small, 10], room.w, room.h)
    high = min(len(lines) * font(size).get_linesize() + small, rect.h)
    foot = Rect(rect.x, rect.bottom - high, rect.w, high)
    paint_panel(surface, foot, theme.text, theme.text, None, max(4, body // 2))
    paint_text(surface, Rect(room.x, foot.y, room.w, high), [text], theme.card, [body, small, 10])


def bar_places(rect: Rect, small: int) -> list[Rect]:
    """Where the bars of the ten digits and of no digit are: columns where the room is wide, rows where it is not."""
    edges = [n / BARS for n in range(BARS + 1)]
    if _upright(rect, small):
        x = [rect.x + int(rect.w * edge) for edge in edges]
        return [Rect(a, rect.y, b - a, rect.h) for a, b in pairwise(x)]
    y = [rect.y + int(rect.h * edge) for edge in edges]
    return [Rect(rect.x, a, rect.w, b - a) for a, b in pairwise(y)]


def _upright(rect: Rect, small: int) -> bool:
    return rect.w > 0.8 * rect.h or rect.h < BARS * small


def _bars(
    rect: Rect, parts: Sequence[float], theme: Theme, small: int, shown: Shown, best: int | None = None
) -> Iterator[Piece]:
    """A bar for each probability, of the ten digits and of no digit."""
    for digit, (part, whole) in enumerate(zip(parts, bar_places(rect, small), strict=True)):
        x0, y0, x1, y1 = whole.x, whole.y, whole.right, whole.bottom
        if _upright(rect, small):
            inset = max(1, (x1 - x0) // 8)
            label = Rect(x0, rect.bottom - round(1.2 * small), x1 - x0, round(1.2 * small))
            figure = Rect(x0, rect.y, x1 - x0, label.h if x1 - x0 > 2 * small and rect.h > 8 * small else 0)
            track = Rect(x0 + inset, figure.bottom, x1 - x0 - 2 * inset, label.y - figure.bottom - 1)
            full = round(part * track.h)
            bar = Rect(track.x, track.bottom - full, track.w, full)
        else:
            inset = max(1, (y1 - y0) // 8)
            label = Rect(rect.x, y0, small, y1 - y0)
            wide = rect.w > 12 * small and y1 - y0 >= small
            figure = Rect(rect.right - 2 * small, y0, 2 * small if wide else 0, y1 - y0)
            track = Rect(label.right + 2, y0 + inset, rect.w - small - 2 - figure.w, y1 - y0 - 2 * inset)
            bar = Rect(track.x, track.y, round(part * track.w), track.h)
        percent = f"{min(round(100 * part), 99)}" if figure.w and figure.h and part >= 0.01 else ""
        name = "–" if digit == BARS - 1 else str(digit)
        look = (track, bar, label, name, figure, percent, digit == best, digit == shown.under_pointer)
        focused = whole if digit == shown.focused_bar else None
        yield Piece(whole, (look, focused), partial(_paint_bar, look=look, focused=focused, theme=theme, small=small))


def _paint_bar(
    surface: pygame.Surface,
    look: tuple[Rect, Rect, Rect, str, Rect, str, bool, bool],
    focused: Rect | None,
    theme: Theme,
    small: int,
) -> None:
    track, bar, label, digit, figure, percent, best, under_pointer = look
    weight = theme.text if best or under_pointer else theme.quiet
    surface.fill(mix(theme.track, theme.text, 0.2) if under_pointer else theme.track, track)
    surface.fill(theme.accent if best else theme.bar, bar)
    paint_text(surface, label, [digit], weight, [min(small, label.h, label.w * 3 // 2)])
    if percent:
        paint_text(surface, figure, [percent], weight, [small])
    if focused:
        paint_focus(surface, focused, theme, max(5, min(focused.w, focused.h) // 4))


def _paint_pixels(surface: pygame.Surface, rect: Rect, image: NDArray[np.uint8]) -> None:
    """Paint what the model saw, ink white on black as the data sets show it."""
    surface.blit(pygame.transform.scale(_tinted(image, (0, 0, 0), (255, 255, 255)), rect[2:]), rect[:2])


def _tinted(image: NDArray[np.uint8], paper: Colour, ink: Colour) -> pygame.Surface:
    """An image, uint8 (height, width), 255 = ink, in these colours."""
    surface = pygame.Surface(image.T.shape, depth=8)
    surface.set_palette(shades(paper, ink))
    pygame.surfarray.blit_array(surface, image.T)
    return surface


def paint_photo(surface: pygame.Surface, rect: Rect, photo: NDArray[np.uint8]) -> None:
    """Paint an image, uint8 (height, width, 3), as large as fits; if it has few pixels, they are shown as squares."""
    height, width = photo.shape[:2]
    scale = min(rect.w / width, rect.h / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = (pygame.transform.scale if scale > 2 else pygame.transform.smoothscale)(
        pygame.surfarray.make_surface(photo.swapaxes(0, 1)), size
    )
    surface.blit(scaled, (rect.x + (rect.w - size[0]) // 2, rect.y + (rect.h - size[1]) // 2))


def paint_panel(
    surface: pygame.Surface, rect: Rect, face: Colour, edge: Colour, back: Colour | None, radius: int
) -> None:
    """Paint a surface with rounded corners and an edge; outside the corners is `back`, or what was there."""
    radius = min(radius, rect.w // 2, rect.h // 2)
    line = max(1, radius // 8)
    inside = Rect(rect.x + line, rect.y + line, rect.w - 2 * line, rect.h - 2 * line)
    if back:
        for corner in _corners(rect, radius):
            surface.fill(back, corner)
    _fill_rounded(surface, rect, edge, radius, inside)
    _fill_rounded(surface, inside, face, radius - line)


def paint_text(surface: pygame.Surface, rect: Rect, texts: Sequence[str], colour: Colour, sizes: Sequence[int]) -> None:
    """Paint the first of the texts, in the largest of the sizes, that fits the rectangle, centred in it.

    Lines are broken between words. If nothing fits, the last text is shortened.
    """
    lines, size = _fit(texts, sizes, rect.w, rect.h)
    height = font(size).get_linesize()
    y = rect.y + (rect.h - height * len(lines)) // 2
    for line in lines:
        width, high = font(size).size(line)
        write(surface, line, size, colour, rect.x + (rect.w - width) // 2, y + (height - high) // 2)
        y += height


def write(surface: pygame.Surface, text: str, size: int, colour: Colour, x: int, y: int) -> None:
    """Write one line; all text in the window is written here."""
    surface.blit(font(size).render(text, True, colour), (x, y))


def paint_help(surface: pygame.Surface, rect: Rect, lines: Sequence[tuple[str, str]], theme: Theme, body: int) -> None:
    """Paint the list of shortcuts, (key, meaning) rows, and dim everything else."""
    veil = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
    veil.fill((0, 0, 0, 110))
    surface.blit(veil, (0, 0))
    paint_panel(surface, rect, theme.card, theme.edge, None, max(4, body // 2))
    step = rect.h / (len(lines) + 1)
    size = max(8, min(body, int(step * 0.72)))
    while size > 8 and max(font(size).size(meaning)[0] for _, meaning in lines) > rect.w * 0.66:
        size -= 1
    for number, (key, meaning) in enumerate(lines):
        middle = rect.y + round((number + 0.5) * step) + (round(step) - font(size).get_linesize()) // 2
        write(surface, key, size, theme.accent, rect.x + round(rect.w * 0.29) - font(size).size(key)[0], middle)
        write(surface, meaning, size, theme.text, rect.x + round(rect.w * 0.32), middle)


def paint_lesson(
    surface: pygame.Surface, place: LessonPlace, look: tuple[bytes, str, ButtonLook], theme: Theme, body: int
) -> None:
    """Paint a lesson: what models see of it, its label, and a cross that forgets it."""
    image, label, cross = look
    paint_panel(surface, place.rect, theme.card, theme.edge, theme.back, max(4, body // 2))
    side = place.picture.w
    tinted = _tinted(np.frombuffer(image, np.uint8).reshape(28, 28), theme.card, theme.text).convert(24)
    surface.blit(pygame.transform.smoothscale(tinted, (side, side)), place.picture[:2])
    paint_text(surface, place.label, [label], theme.accent, [place.rect.h * 6 // 10, body])
    paint_button(surface, place.cross, cross, theme, body, body)


@cache
def shades(paper: Colour, ink: Colour) -> list[Colour]:
    """The colours from bare paper (0) to full ink (255)."""
    return [mix(paper, ink, part / 255) for part in range(256)]


def shorten(text: str, type_: pygame.font.Font, width: int) -> str:
    """Cut a text to a width in pixels, with an ellipsis."""
    if type_.size(text)[0] <= width:
        return text
    while text and type_.size(text + "…")[0] > width:
        text = text[:-1]
    return text + "…"


@cache
def icon(name: str, side: int, colour: Colour) -> pygame.Surface:
    """One of the ICONS, drawn with the pad's own brush, `side` pixels wide and high."""
    drawing = Drawing()
    drawing.put([Stroke(list(points), [LINE] * len(points)) for points in ICONS[name]])
    ink = Ink(side)
    ink.follow(drawing)
    return _stencil(ink.covered, colour)


@cache
def font(size: int) -> pygame.font.Font:
    """The typeface that comes with pygame, `size` pixels high: the same on every machine, and loaded at once."""
    return pygame.font.Font(None, round(size * 1.4))


def _fit(texts: Sequence[str], sizes: Sequence[int], width: int, height: int) -> tuple[list[str], int]:
    for text in texts:
        for size in sizes:
            type_ = font(size)
            lines = _wrap(text, type_, width)
            high_enough = len(lines) * type_.get_linesize() <= height + size // 3
            if high_enough and all(type_.size(line)[0] <= width for line in lines):
                return lines, size
    type_ = font(sizes[-1])
    lines = _wrap(texts[-1], type_, width)[: max(1, height // type_.get_linesize())]
    return [shorten(line, type_, width) for line in lines], sizes[-1]


def _wrap(text: str, type_: pygame.font.Font, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split(" "):
        while type_.size(word)[0] > width and len(word) > 12:  # a path: broken where the line ends
            head = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or type_.size(word[:n])[0] <= width)
            lines.append(word[:head])
            word = word[head:]
        if lines and type_.size(f"{lines[-1]} {word}")[0] <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _fill_rounded(surface: pygame.Surface, rect: Rect, colour: Colour, radius: int, hole: Rect | None = None) -> None:
    """Fill a rectangle with rounded corners, but for a hole between them that something else will fill."""
    x, y, w, h = rect
    surface.fill(colour, (x + radius, y, w - 2 * radius, radius))
    surface.fill(colour, (x + radius, y + h - radius, w - 2 * radius, radius))
    left, right = (hole.x, hole.right) if hole else (x + w, x + w)
    surface.fill(colour, (x, y + radius, left - x, h - 2 * radius))
    surface.fill(colour, (right, y + radius, x + w - right, h - 2 * radius))
    disc = _disc(radius, colour)
    for place, corner in enumerate(_corners(rect, radius)):
        surface.blit(disc, corner[:2], (place % 2 * radius, place // 2 * radius, radius, radius))


def _corners(rect: Rect, radius: int) -> list[Rect]:
    """The squares in the four corners of a rectangle: upper left and right, lower left and right."""
    right, bottom = rect.right - radius, rect.bottom - radius
    return [Rect(x, y, radius, radius) for y in (rect.y, bottom) for x in (rect.x, right)]


@cache
def _disc(radius: int, colour: Colour) -> pygame.Surface:
    away = np.abs(np.arange(2 * radius) + 0.5 - radius)
    covered = np.clip(radius + 0.5 - np.hypot(away[:, None], away[None, :]), 0, 1)
    return _stencil(np.rint(covered * 255).astype(np.uint8), colour)


def _stencil(covered: NDArray[np.uint8], colour: Colour) -> pygame.Surface:
    """A surface of one colour, as opaque as the array, indexed [x, y], says."""
    surface = pygame.Surface(covered.shape, pygame.SRCALPHA)
    surface.fill(colour)
    pygame.surfarray.pixels_alpha(surface)[:] = covered
    return surface


def mix(a: Colour, b: Colour, part: float) -> Colour:
    """The colour that is `part`, 0 to 1, of the way from one to another."""
    red, green, blue = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return red, green, blue

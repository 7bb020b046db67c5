"""What the pad's parts look like: colours, type, buttons and answer cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pygame
from numpy.typing import NDArray

from digitpad.drawing import verdict
from digitpad.layout import Card, Rect
from digitpad.recognizer import Prediction

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
    """The colours. Text keeps a contrast of 4.5:1 on everything it stands on; colour alone never tells anything."""

    back: Colour
    card: Colour
    edge: Colour
    text: Colour
    quiet: Colour  # text of less weight
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
    primary: bool = False
    on: bool = False  # chosen, or switched on
    enabled: bool = True
    under_pointer: bool = False
    pressed: bool = False


def paint_button(surface: pygame.Surface, rect: Rect, look: ButtonLook, theme: Theme, body: int, small: int) -> None:
    """Paint a button with its label and, where there is room, its shortcut."""
    filled = look.primary or look.on
    face, text, key = (
        (theme.accent, theme.on_accent, theme.on_accent) if filled else (theme.card, theme.text, theme.quiet)
    )
    if not look.enabled:
        text = key = _mix(theme.quiet, face, 0.45)
    elif look.pressed:
        face = _mix(face, theme.text, 0.2)
    elif look.under_pointer:
        face = _mix(face, theme.text, 0.08)
    paint_panel(surface, rect, face, theme.accent if filled else theme.edge, theme.back, max(4, body // 2))
    size = body
    if font(size).size(look.label)[0] > rect.w - 6:
        size = max(9, min(small, body - 2))
    label = font(size).render(shorten(look.label, font(size), rect.w - 4), True, text)
    hint = font(small).render(look.key, True, key) if look.key else None
    space = small * 3 // 4
    if hint and label.get_width() + hint.get_width() + 3 * space > rect.w:
        hint = None
    width = label.get_width() + (space + hint.get_width() if hint else 0)
    x, middle = rect.x + (rect.w - width) // 2, rect.y + rect.h // 2
    surface.blit(label, (x, middle - label.get_height() // 2))
    if hint:
        surface.blit(hint, (x + width - hint.get_width(), middle - hint.get_height() // 2))


def paint_answer(
    surface: pygame.Surface, card: Card, label: str, answer: Prediction, theme: Theme, body: int, small: int
) -> None:
    """Paint what one model answered."""
    large, words = verdict(answer)
    if answer.status == "blank":
        paint_message(surface, card, label, words, theme, body, small)
        return
    _paint_empty_card(surface, card, label, theme, body, small)
    large_sizes = [round(card.digit.h * part) for part in (1, 0.9, 0.8, 0.7, 0.6, 0.5)]
    paint_text(surface, card.digit, [large], theme.accent if answer.status == "digit" else theme.quiet, large_sizes)
    paint_text(surface, card.words, words, theme.text, [body, small, 10])
    paint_pixels(surface, card.picture, answer.image)
    if card.caption:
        paint_text(surface, card.caption, ["what the model sees", "the model sees"], theme.quiet, [small])
    best = None if answer.digit is None else int(answer.probabilities.argmax())
    paint_bars(surface, card.bars, answer.probabilities, theme, small, best)


def paint_message(
    surface: pygame.Surface, card: Card, label: str, texts: Sequence[str], theme: Theme, body: int, small: int
) -> None:
    """Paint words where an answer would be: the first of the texts that fits."""
    _paint_empty_card(surface, card, label, theme, body, small)
    paint_text(surface, card.message, texts, theme.text, [body, small, 10])
    paint_bars(surface, card.bars, np.zeros(10, np.float32), theme, small)


def paint_trouble(
    surface: pygame.Surface, card: Card, label: str, trouble: str, theme: Theme, body: int, small: int
) -> None:
    """Paint why there can be no answer."""
    _paint_empty_card(surface, card, label, theme, body, small)
    paint_text(surface, card.inside, [trouble], theme.text, [body, small, 10])


def _paint_empty_card(surface: pygame.Surface, card: Card, label: str, theme: Theme, body: int, small: int) -> None:
    paint_panel(surface, card.rect, theme.card, theme.edge, theme.back, max(4, body // 2))
    name = font(small).render(shorten(label, font(small), card.label.w), True, theme.quiet)
    surface.blit(name, card.label[:2])


def paint_bars(
    surface: pygame.Surface, rect: Rect, parts: NDArray[np.float32], theme: Theme, small: int, best: int | None = None
) -> None:
    """Paint a bar for each of ten probabilities: columns where the room is wide, rows where it is narrow."""
    upright = rect.w > 0.8 * rect.h or rect.h < 10 * small
    for digit, part in enumerate(parts.tolist()):
        colour = theme.accent if digit == best else theme.bar
        weight = theme.text if digit == best else theme.quiet
        if upright:
            x0, x1 = (rect.x + rect.w * i // 10 for i in (digit, digit + 1))
            inset = max(1, (x1 - x0) // 8)
            label = Rect(x0, rect.bottom - round(1.2 * small), x1 - x0, round(1.2 * small))
            figure = Rect(x0, rect.y, x1 - x0, label.h if x1 - x0 > 2 * small and rect.h > 8 * small else 0)
            track = Rect(x0 + inset, figure.bottom, x1 - x0 - 2 * inset, label.y - figure.bottom - 1)
            full = round(part * track.h)
            bar = Rect(track.x, track.bottom - full, track.w, full)
        else:
            y0, y1 = (rect.y + rect.h * i // 10 for i in (digit, digit + 1))
            inset = max(1, (y1 - y0) // 8)
            label = Rect(rect.x, y0, small, y1 - y0)
            wide = rect.w > 12 * small and y1 - y0 >= small
            figure = Rect(rect.right - 2 * small, y0, 2 * small if wide else 0, y1 - y0)
            track = Rect(label.right + 2, y0 + inset, rect.w - small - 2 - figure.w, y1 - y0 - 2 * inset)
            bar = Rect(track.x, track.y, round(part * track.w), track.h)
        surface.fill(theme.track, track)
        surface.fill(colour, bar)
        paint_text(surface, label, [str(digit)], weight, [min(small, label.h, label.w * 3 // 2)])
        if figure.w and figure.h and part >= 0.01:
            paint_text(surface, figure, [f"{min(round(100 * part), 99)}"], weight, [small])


def paint_pixels(surface: pygame.Surface, rect: Rect, image: NDArray[np.uint8]) -> None:
    """Paint an image uint8 (28, 28) magnified, ink white on black as the data sets show it."""
    small = pygame.Surface((28, 28), depth=8)
    small.set_palette([(v, v, v) for v in range(256)])
    pygame.surfarray.blit_array(small, image.T)
    surface.blit(pygame.transform.scale(small, rect[2:]), rect[:2])


def paint_photo(surface: pygame.Surface, rect: Rect, photo: pygame.Surface) -> None:
    """Paint an image as large as fits; one of few pixels shows them as they are."""
    width, height = photo.get_size()
    scale = min(rect.w / width, rect.h / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = (pygame.transform.scale if scale > 2 else pygame.transform.smoothscale)(photo, size)
    surface.blit(scaled, (rect.x + (rect.w - size[0]) // 2, rect.y + (rect.h - size[1]) // 2))


def paint_panel(
    surface: pygame.Surface, rect: Rect, face: Colour, edge: Colour, back: Colour | None, radius: int
) -> None:
    """Paint a surface with rounded corners and an edge; outside the corners is `back`, or what was there."""
    if back:
        surface.fill(back, rect)
    radius = min(radius, rect.w // 2, rect.h // 2)
    _fill_rounded(surface, rect, edge, radius)
    line = max(1, radius // 8)
    _fill_rounded(
        surface, Rect(rect.x + line, rect.y + line, rect.w - 2 * line, rect.h - 2 * line), face, radius - line
    )


def paint_text(surface: pygame.Surface, rect: Rect, texts: Sequence[str], colour: Colour, sizes: Sequence[int]) -> None:
    """Paint the first of the texts, in the largest of the sizes, that fits into the rectangle, in its middle.

    Lines are broken between words. If nothing fits, the last text is shortened.
    """
    lines, type_ = _fit(texts, sizes, rect.w, rect.h)
    height = type_.get_linesize()
    y = rect.y + (rect.h - height * len(lines)) // 2
    for line in lines:
        image = type_.render(line, True, colour)
        surface.blit(image, (rect.x + (rect.w - image.get_width()) // 2, y + (height - image.get_height()) // 2))
        y += height


def paint_help(surface: pygame.Surface, rect: Rect, lines: Sequence[tuple[str, str]], theme: Theme, body: int) -> None:
    """Paint the list of shortcuts, (key, meaning) rows, and dim all else."""
    veil = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
    veil.fill((0, 0, 0, 110))
    surface.blit(veil, (0, 0))
    paint_panel(surface, rect, theme.card, theme.edge, None, max(4, body // 2))
    step = rect.h / (len(lines) + 1)
    size = max(9, min(body, int(step * 0.72)))
    while size > 9 and max(font(size).size(meaning)[0] for _, meaning in lines) > rect.w * 0.62:
        size -= 1
    for number, (key, meaning) in enumerate(lines):
        y = rect.y + round((number + 0.5) * step)
        middle = y + (round(step) - font(size).get_linesize()) // 2
        left = font(size).render(key, True, theme.accent)
        surface.blit(left, (rect.x + round(rect.w * 0.32) - left.get_width(), middle))
        surface.blit(font(size).render(meaning, True, theme.text), (rect.x + round(rect.w * 0.36), middle))


def paper_colours(theme: Theme) -> list[Colour]:
    """The colours from bare paper (0) to full ink (255)."""
    return [_mix(theme.paper, theme.ink, part / 255) for part in range(256)]


def shorten(text: str, type_: pygame.font.Font, width: int) -> str:
    """Cut a text to a width in pixels, with an ellipsis."""
    if type_.size(text)[0] <= width:
        return text
    while text and type_.size(text + "…")[0] > width:
        text = text[:-1]
    return text + "…"


@cache
def font(size: int) -> pygame.font.Font:
    """The typeface that comes with pygame, `size` pixels high: the same on every machine, and there at once."""
    return pygame.font.Font(None, round(size * 1.4))


def _fit(texts: Sequence[str], sizes: Sequence[int], width: int, height: int) -> tuple[list[str], pygame.font.Font]:
    for text in texts:
        for size in sizes:
            type_ = font(size)
            lines = _wrap(text, type_, width)
            high_enough = len(lines) * type_.get_linesize() <= height + size // 3
            if high_enough and all(type_.size(line)[0] <= width for line in lines):
                return lines, type_
    type_ = font(sizes[-1])
    lines = _wrap(texts[-1], type_, width)[: max(1, height // type_.get_linesize())]
    return [shorten(line, type_, width) for line in lines], type_


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


def _fill_rounded(surface: pygame.Surface, rect: Rect, colour: Colour, radius: int) -> None:
    x, y, w, h = rect
    surface.fill(colour, (x + radius, y, w - 2 * radius, h))
    surface.fill(colour, (x, y + radius, w, h - 2 * radius))
    disc = _disc(radius, colour)
    for right in (0, 1):
        for bottom in (0, 1):
            corner = (x + right * (w - radius), y + bottom * (h - radius))
            surface.blit(disc, corner, (right * radius, bottom * radius, radius, radius))


@cache
def _disc(radius: int, colour: Colour) -> pygame.Surface:
    disc = pygame.Surface((2 * radius, 2 * radius), pygame.SRCALPHA)
    disc.fill(colour)
    away = np.abs(np.arange(2 * radius) + 0.5 - radius)
    covered = np.clip(radius + 0.5 - np.hypot(away[:, None], away[None, :]), 0, 1)
    alpha = pygame.surfarray.pixels_alpha(disc)
    alpha[:] = np.rint(covered * 255)
    del alpha  # it locks the surface
    return disc


def _mix(a: Colour, b: Colour, part: float) -> Colour:
    red, green, blue = (round(x + (y - x) * part) for x, y in zip(a, b, strict=True))
    return red, green, blue

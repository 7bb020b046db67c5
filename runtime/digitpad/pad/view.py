"""The pad's state as pixels: only what looks different from last time is painted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitpad.answers import Number
from digitpad.pad import paint
from digitpad.pad.actions import ACTIONS, help_lines, is_allowed, tools
from digitpad.pad.drawing import THICKEST, THINNEST
from digitpad.pad.icons import ICONS
from digitpad.pad.layout import Layout, digit_places, lay_out, lay_out_lessons
from digitpad.pad.pad import Pad, short
from digitpad.pad.rect import Rect
from digitpad.pad.screen_ink import Ink
from digitpad.pad.sdl import pygame

NOTHING_LEARNED = [
    "Nothing yet. Where it is wrong, press the bar of the digit that it was, or the last one if it was none.",
    "Nothing yet. Where it is wrong, press the bar of what it was.",
]


class View:
    """Paints a pad on a surface, and knows where everything lies."""

    def __init__(self, pad: Pad) -> None:
        self._pad = pad
        self.layout = lay_out(1, 1)  # as last painted
        self.scale = 1.0  # how many pixels are 1 on the paper
        self._ink = Ink(1)
        self._paper = pygame.Surface((1, 1), depth=8)
        self._inked: object = None  # the paper's size in pixels, and the scale, that these two are for
        self._rewrites = -1  # of the drawing when the paper was last fitted to it
        self._theme = paint.LIGHT
        self._digits: dict[str, Rect] = {}  # of the numbers that are shown, by control
        self._bars: dict[str, Rect] = {}  # of the answers, that can be corrected
        self._painted: dict[str, object] = {}  # what each part looked like when it was painted
        self._pieces: dict[int, dict[Rect, object]] = {}  # and each piece of each card

    def forget(self) -> None:
        """Paint everything next time: what was painted is lost."""
        self._painted.clear()
        self._pieces.clear()

    @property
    def is_covered(self) -> bool:
        """Whether something is shown on top of everything else, or instead of it."""
        return self._pad.help_is_open or self._pad.lessons_from is not None

    def controls(self) -> dict[str, Rect]:
        """Everything that can be pressed, in the order in which the Tab key visits it."""
        places = self._places()
        return {name: places[name] for name in ACTIONS if name in places}

    def at(self, x: float, y: float) -> str | None:
        """The control that lies at a place in the window."""
        if self.is_on_paper(x, y):
            return None  # at once, as a pen asks a thousand times a second
        return next((name for name, rect in self.controls().items() if rect.holds(x, y)), None)

    def is_on_paper(self, x: float, y: float) -> bool:
        """Whether a place in the window is one on the paper."""
        return self.layout.paper.holds(x, y) and not self.is_covered

    def on_paper(self, x: float, y: float) -> tuple[float, float]:
        """A place in the window as one on the paper."""
        return (x - self.layout.paper.x) / self.scale, (y - self.layout.paper.y) / self.scale

    def in_window(self, x: float, y: float) -> tuple[int, int]:
        """A place on the paper as the pixel in the window."""
        return self.layout.paper.x + round(x * self.scale), self.layout.paper.y + round(y * self.scale)

    def brush_at(self, x: float) -> float:
        """The brush for which the slider's knob would be at x."""
        left, right = paint.slider_ends(self.layout.brush)
        return THINNEST + min(max((x - left) / (right - left), 0.0), 1.0) * (THICKEST - THINNEST)

    def fit(self, width: int, height: int) -> Layout:
        """Lay the pad out for a window, and have the drawing know its paper.

        The paper is 1 high; more where otherwise a drawing from another window would not lie on it as a whole.
        """
        pad, drawing = self._pad, self._pad.drawing
        pager = pad.file.page is not None
        layout = lay_out(width, height, len(pad.models.choices), len(pad.models.chosen), pager, len(tools()))
        if (layout.paper, drawing.rewrites) != (self.layout.paper, self._rewrites):
            _, _, w, h = layout.paper
            across, down = (max((stroke.bounds[edge] for stroke in drawing.strokes), default=0.0) for edge in (2, 3))
            scale = min(h / max(down, 1.0), w / max(across, 1e-9))
            if drawing.pen_is_down and layout.paper == self.layout.paper:
                scale = min(scale, self.scale)  # it must not jump under the eraser
            self.scale, self._rewrites = scale, drawing.rewrites
            drawing.size = w / scale, h / scale
        self.layout = layout
        return layout

    def draw(self, surface: pygame.Surface) -> list[Rect]:
        """Bring a surface up to date and return what changed."""
        pad = self._pad
        layout = self.fit(*surface.get_size())
        self._theme = paint.DARK if pad.dark else paint.LIGHT
        frame = (layout, self.scale, self._theme, self._cover())
        if frame == self._painted.get("frame"):
            return [] if self.is_covered else self._draw_parts(surface, layout)
        if (layout.paper[2:], self.scale) != self._inked:
            self._inked = layout.paper[2:], self.scale
            self._ink = Ink(self.scale, pad.drawing.size)
            self._paper = pygame.Surface(layout.paper[2:], depth=8)
        self._paper.set_palette(paint.shades(self._theme.paper, self._theme.ink))
        self._painted = {"frame": frame}
        self._pieces.clear()
        surface.fill(self._theme.back)
        if pad.lessons_from is not None:
            self._draw_lessons(surface, layout)
            return [Rect(0, 0, *layout.size)]
        self._draw_parts(surface, layout)
        if pad.help_is_open:
            paint.paint_help(surface, layout.help, help_lines(pad), self._theme, layout.body)
            self._draw_buttons(surface, layout)
        return [Rect(0, 0, *layout.size)]

    def _draw_parts(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        parts = (self._draw_paper, self._draw_controls, self._draw_cards)
        return [rect for draw in parts for rect in draw(surface, layout)]

    def _draw_paper(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        pad, drawing, paper = self._pad, self._pad.drawing, layout.paper
        new_ink = self._ink.follow(drawing)
        if new_ink:
            pygame.surfarray.pixels2d(self._paper)[new_ink.pixels] = self._ink.covered[new_ink.pixels]
        look = (drawing.is_empty, drawing.picture, pad.notice)
        if self._painted.get("paper") != look:
            self._painted["paper"] = look
            surface.blit(self._paper, paper[:2])
            if drawing.is_empty:
                text = Rect(paper.x, paper.y + paper.h // 3, paper.w, paper.h // 3)
                words = ["Draw a digit or a number here", "Draw a digit here"]
                paint.paint_text(surface, text, words, self._theme.quiet, [layout.body, layout.small])
            elif drawing.picture is not None:
                paint.paint_photo(surface, paper, drawing.picture.photo)
            changed = paper
        elif new_ink and drawing.picture is None:
            changed = Rect(paper.x + new_ink.x, paper.y + new_ink.y, new_ink.w, new_ink.h)
            surface.blit(self._paper, changed[:2], new_ink)
        else:
            return []
        pygame.draw.rect(surface, self._theme.edge, paper, 1)
        if pad.notice and changed.meets(layout.notice):
            paint.paint_notice(surface, layout.notice, pad.notice, self._theme, layout.body, layout.small)
            return [changed, layout.notice]
        return [changed]

    def _cover(self) -> object:
        """What can change of what is shown on top of everything."""
        pad = self._pad
        if not self.is_covered:
            return None
        lessons = pad.teaching.lessons if pad.teaching else []
        return pad.help_is_open, pad.lessons_from, lessons, pad.forgets_all, pad.hover, pad.pressed, pad.focus

    def _draw_lessons(self, surface: pygame.Surface, layout: Layout) -> None:
        """Show what was learned, instead of everything else."""
        pad, theme = self._pad, self._theme
        if pad.teaching is None or pad.lessons_from is None:
            return
        page, lessons = lay_out_lessons(*layout.size), pad.teaching.lessons
        pad.lessons_shown = len(page.lessons)
        count = "1 drawing" if len(lessons) == 1 else f"{len(lessons)} drawings"
        words = [f"What it has learned: {count}, in {short(pad.teaching.path)}", f"It has learned {count}", count]
        paint.paint_text(surface, page.title, words, theme.text, [layout.body, layout.small, 10])
        if not lessons:
            words = [pad.teaching.trouble] if pad.teaching.trouble else NOTHING_LEARNED
            paint.paint_text(surface, page.inside, words, theme.quiet, [layout.body, layout.small, 10])
        shown = lessons[pad.lessons_from : pad.lessons_from + pad.lessons_shown]
        for number, (lesson, place) in enumerate(zip(shown, page.lessons, strict=False)):
            label = "–" if lesson.label is None else str(lesson.label)
            look = lesson.image.tobytes(), label, self._button_look(f"forget {number}")
            paint.paint_lesson(surface, place, look, theme, layout.body)
        self._draw_buttons(surface, layout)

    def _draw_buttons(self, surface: pygame.Surface, layout: Layout) -> None:
        """Draw the buttons of what is on top of everything else, and the ring around one of them."""
        for name, rect in self._places().items():
            if ACTIONS[name].button.label:
                paint.paint_button(surface, rect, self._button_look(name), self._theme, layout.body, layout.small)
            if name == self._pad.focus:
                paint.paint_focus(surface, rect, self._theme, layout.small)

    def _places(self) -> dict[str, Rect]:
        pad = self._pad
        if pad.lessons_from is not None and pad.teaching:
            page = lay_out_lessons(*self.layout.size)
            shown = zip(page.lessons, pad.teaching.lessons[pad.lessons_from :], strict=False)
            return {f"forget {n}": place.cross for n, (place, _) in enumerate(shown)} | page.buttons
        if pad.help_is_open:
            return {"lessons": self.layout.help_button} if pad.teaching else {}
        past = self.layout.history[: len(self._pad.history.entries)]
        history = {f"history {n}": rect for n, rect in enumerate(past)}
        return self._buttons() | {"brush": self.layout.brush} | self._digits | self._bars | history

    def _buttons(self) -> dict[str, Rect]:
        return dict(zip(tools(), self.layout.tools, strict=True)) | self.layout.buttons

    def _button_look(self, name: str) -> paint.ButtonLook:
        pad, action = self._pad, ACTIONS[name]
        label = action.button.label
        if name.startswith("choice "):
            label = pad.models.choices[int(name.removeprefix("choice "))].label
        elif name == "forget all" and pad.forgets_all:
            label = "Yes, forget all"
        icon = name.split()[0] if name != "forget all" else ""
        return paint.ButtonLook(
            label=label,
            key=action.keys[0] if action.keys else "",
            icon=icon if icon in ICONS else "",
            on=action.button.is_on(pad),
            enabled=action.button.is_possible(pad) and is_allowed(pad, name),
            under_pointer=name == pad.hover,
            pressed=name == pad.pressed,
        )

    def _draw_controls(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        pad, past = self._pad, dict(enumerate(self._pad.history.entries))
        part = (pad.drawing.brush - THINNEST) / (THICKEST - THINNEST)
        looks: list[tuple[str, Rect, Any, Callable[..., None]]] = [
            *((name, rect, self._button_look(name), paint.paint_button) for name, rect in self._buttons().items()),
            ("brush", layout.brush, (part, "brush" in (pad.hover, pad.pressed)), paint.paint_slider),
        ]
        for number, rect in enumerate(layout.history):
            name = f"history {number}"
            looks.append((name, rect, (past.get(number), name == pad.hover), paint.paint_past))
        changed = []
        for name, rect, look, paint_control in looks:
            focused = name == pad.focus
            if self._painted.get(name) != (look, focused):
                self._painted[name] = look, focused
                paint_control(surface, rect, look, self._theme, layout.body, layout.small)
                if focused:
                    paint.paint_focus(surface, rect, self._theme, layout.small)
                changed.append(rect)
        return changed

    def _draw_cards(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        changed = []
        self._digits, self._bars = {}, {}
        pad, models = self._pad, self._pad.models
        current = models.up_to_date or pad.live
        for number, (model, card) in enumerate(zip(models.chosen, layout.cards, strict=True)):
            if model not in models.readers:
                hint = "One moment: the model is loading"
            elif pad.drawing.is_empty:
                hint = "Draw a digit, then press Predict the Digit"
            else:
                hint = "Press Predict the Digit"
            answer = models.answers.get(model) if current else None
            pointed = 0
            if isinstance(answer, Number):
                card = layout.number_cards[number]
                places = digit_places(card.digit, answer.text)
                self._digits |= {f"digit {number} {n}": place for n, place in enumerate(places)}
                pointed = pad.pointed(answer)
            if pad.teaching and answer is not None and answer.status != "blank" and model not in models.troubles:
                bars = paint.bar_places(card.bars, layout.small)
                self._bars |= {f"bar {number} {n}": place for n, place in enumerate(bars)}
            took = models.took.get(model)
            shown = paint.Shown(
                label=models.labels.get(model, Path(model).stem),
                answer=answer,
                took="" if took is None or not current or not pad.shows_times else f"{1000 * took:.1f} ms",
                message=hint,
                trouble=models.troubles.get(model, ""),
                pointed=pointed,
                focused=pad.focus == f"digit {number} {pointed}",
                under_pointer=_bar(pad.hover, number),
                focused_bar=_bar(pad.focus, number),
            )
            if self._painted.get(f"card {number}") != shown:
                self._painted[f"card {number}"] = shown
                pieces = self._pieces.setdefault(number, {})
                changed += paint.paint_card(surface, card, shown, self._theme, layout.body, layout.small, pieces)
        return changed


def _bar(control: str | None, card: int) -> int | None:
    """Which bar of a card a control is, if it is one."""
    prefix = f"bar {card} "
    return int(control.removeprefix(prefix)) if control and control.startswith(prefix) else None

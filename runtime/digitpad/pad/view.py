"""The pad's state as pixels: only what looks different than last time is painted."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from digitpad.pad import paint
from digitpad.pad.drawing import THICKEST, THINNEST, Picture
from digitpad.pad.layout import TOOLS, Layout, Rect, lay_out
from digitpad.pad.screen_ink import Ink
from digitpad.pad.sdl import pygame

if TYPE_CHECKING:
    from digitpad.pad.loop import Pad

HELP = [
    ("Enter", "predict the digit"),
    ("C", "clear the paper"),
    ("Z  /  Shift Z", "undo / redo"),
    ("E", "eraser, or the brush again"),
    ("[  ]  or wheel", "thinner, thicker"),
    ("1  2  3", "CNN, MLP, both"),
    ("L", "live: predict while you draw"),
    ("S", "save the drawing"),
    ("Shift 0 to 9", "say which digit it is, and gather it"),
    ("Page Up, Down", "leaf through an opened file"),
    ("Tab, Enter", "go to a button, press it"),
    ("T", "light or dark"),
    ("F  or  F11", "full screen"),
    ("H  or  ?", "this help"),
    ("Esc  or  Q", "quit"),
]
KIOSK_HELP = [line for line in HELP if line[0] not in ("S", "Shift 0 to 9", "F  or  F11", "Esc  or  Q")]


class View:
    """Paints a pad on a surface, and knows where everything lies."""

    def __init__(self, pad: "Pad") -> None:
        self._pad = pad
        self.layout = lay_out(1, 1)  # as last painted
        self._ink = Ink(1)
        self._paper = pygame.Surface((1, 1), depth=8)
        self._theme = pad.theme  # of the paper
        self._photo: tuple[Picture | None, pygame.Surface] = None, self._paper
        self._painted: dict[str, object] = {}  # what each part looked like when it was painted
        self._pieces: dict[int, dict[Rect, object]] = {}  # and each piece of each card

    def forget(self) -> None:
        """Paint all of it next time: what was painted is lost."""
        self._painted.clear()
        self._pieces.clear()

    def controls(self) -> dict[str, Rect]:
        """Everything that can be pressed, in the order in which the Tab key visits it."""
        layout, buttons = self.layout, dict(self.layout.buttons)
        tools = {name: buttons.pop(name) for name in TOOLS}
        leaves = {name: buttons.pop(name) for name in ("previous", "next") if name in buttons}
        kept = len(self._pad.history.entries)
        history = {f"history {n}": rect for n, rect in enumerate(layout.history[:kept])}
        return tools | {"brush": layout.brush} | leaves | buttons | history

    def at(self, x: float, y: float) -> str | None:
        """The control that lies at a place in the window."""
        return next((name for name, rect in self.controls().items() if rect.holds(x, y)), None)

    def on_paper(self, x: float, y: float) -> tuple[float, float]:
        """A place in the window as one on the paper."""
        paper = self.layout.paper
        return (x - paper.x) / paper.w, (y - paper.y) / paper.h

    def brush_at(self, x: float) -> float:
        """The brush for which the slider's knob would be at x."""
        left, right = paint.slider_ends(self.layout.brush)
        return THINNEST + min(max((x - left) / (right - left), 0.0), 1.0) * (THICKEST - THINNEST)

    def draw(self, surface: pygame.Surface) -> list[Rect]:
        """Bring a surface up to date and return what changed."""
        pad = self._pad
        pager = pad.opened is not None
        layout = lay_out(*surface.get_size(), len(pad.choices), len(pad.drawing.chosen), pager)
        frame = (layout, pad.theme, pad.help_is_open)
        if frame == self._painted.get("frame"):
            if pad.help_is_open:
                return []
            return self._draw_parts(surface, layout)
        if self._paper.get_width() != layout.paper.w:
            self._ink = Ink(layout.paper.w)
            self._paper = pygame.Surface(layout.paper[2:], depth=8)
        self._paper.set_palette(paint.shades(pad.theme.paper, pad.theme.ink))
        self.layout = layout
        self._painted = {"frame": frame}
        self._pieces.clear()
        surface.fill(pad.theme.back)
        self._draw_parts(surface, layout)
        if pad.help_is_open:
            lines = KIOSK_HELP if pad.kiosk else HELP
            paint.paint_help(surface, layout.help, lines, pad.theme, layout.body)
        return [Rect(0, 0, *layout.size)]

    def _draw_parts(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        return [
            *self._draw_paper(surface, layout),
            *self._draw_buttons(surface, layout),
            *self._draw_cards(surface, layout),
            *self._draw_history(surface, layout),
        ]

    def _draw_paper(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        pad, drawing, paper = self._pad, self._pad.drawing, layout.paper
        new_ink = self._ink.follow(drawing)
        if new_ink:
            left, top, width, height = new_ink
            pixels = pygame.surfarray.pixels2d(self._paper)
            pixels[left : left + width, top : top + height] = self._ink.covered[left : left + width, top : top + height]
            del pixels  # it locks the surface
        look = (drawing.is_empty, drawing.picture, pad.notice)
        if self._painted.get("paper") != look:
            self._painted["paper"] = look
            surface.blit(self._paper, paper[:2])
            if drawing.is_empty:
                text = Rect(paper.x, paper.y + paper.h // 3, paper.w, paper.h // 3)
                paint.paint_text(surface, text, ["Draw a digit here"], pad.theme.quiet, [layout.body, layout.small])
            elif drawing.picture is not None:
                paint.paint_photo(surface, paper, self._photo_of(drawing.picture))
            changed = paper
        elif new_ink and drawing.picture is None:
            surface.blit(self._paper, (paper.x + left, paper.y + top), new_ink)
            changed = Rect(paper.x + left, paper.y + top, width, height)
        else:
            return []
        pygame.draw.rect(surface, pad.theme.edge, paper, 1)
        if pad.notice and changed.meets(layout.notice):
            paint.paint_notice(surface, layout.notice, pad.notice, pad.theme, layout.body, layout.small)
            return [changed, layout.notice]
        return [changed]

    def _photo_of(self, picture: Picture) -> pygame.Surface:
        if self._photo[0] is not picture:
            self._photo = picture, pygame.surfarray.make_surface(picture.photo.swapaxes(0, 1))
        return self._photo[1]

    def _draw_buttons(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        pad, drawing = self._pad, self._pad.drawing
        first, last = (pad.opened.number == 0, pad.opened.is_last) if pad.opened else (True, True)
        button = paint.ButtonLook
        looks = {
            "eraser": button("Eraser", "E", "eraser", on=pad.erasing),
            "undo": button("Undo", "Z", "undo", enabled=drawing.can_undo),
            "redo": button("Redo", "Shift Z", "redo", enabled=drawing.can_redo),
            "clear": button("Clear", "C", "clear", enabled=not drawing.is_empty),
            "save": button("Save", "S", "save", enabled=bool(drawing.strokes) and not pad.kiosk),
            "help": button("Help", "H", "help", on=pad.help_is_open),
            "previous": button("Back", "", "previous", enabled=not first),
            "next": button("Next", "", "next", enabled=not last),
            "live": button("Live", "L", on=pad.live),
            "predict": button("Predict the Digit", "Enter", primary=True),
        }
        for number, choice in enumerate(pad.choices):
            on = choice.models == drawing.chosen
            looks[f"choice {number}"] = button(choice.label, str(number + 1), on=on)
        changed = []
        for name, rect in layout.buttons.items():
            look = replace(
                looks[name], under_pointer=name == pad.hover, pressed=name == pad.pressed, focused=name == pad.focus
            )
            if self._painted.get(name) != look:
                self._painted[name] = look
                paint.paint_button(surface, rect, look, pad.theme, layout.body, layout.small)
                changed.append(rect)
        part = (drawing.brush - THINNEST) / (THICKEST - THINNEST)
        slider = (part, "brush" in (pad.hover, pad.pressed), pad.focus == "brush")
        if self._painted.get("brush") != slider:
            self._painted["brush"] = slider
            paint.paint_slider(surface, layout.brush, *slider, pad.theme, layout.small)
            changed.append(layout.brush)
        return changed

    def _draw_cards(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        changed = []
        pad, drawing = self._pad, self._pad.drawing
        current = drawing.up_to_date or pad.live
        for number, (model, card) in enumerate(zip(drawing.chosen, layout.cards, strict=True)):
            if not pad.has_loaded(model):
                hint = "One moment: the model is loading"
            elif drawing.is_empty:
                hint = "Draw a digit, then press Predict the Digit"
            else:
                hint = "Press Predict the Digit"
            took = drawing.took.get(model)
            shown = paint.Shown(
                label=pad.labels.get(model, Path(model).stem),
                answer=drawing.answers.get(model) if current else None,
                took="" if took is None or not current or not pad.shows_times else f"{1000 * took:.1f} ms",
                message=hint,
                trouble=drawing.troubles.get(model, ""),
            )
            if self._painted.get(f"card {number}") != shown:
                self._painted[f"card {number}"] = shown
                pieces = self._pieces.setdefault(number, {})
                changed += paint.paint_card(surface, card, shown, pad.theme, layout.body, layout.small, pieces)
        return changed

    def _draw_history(self, surface: pygame.Surface, layout: Layout) -> list[Rect]:
        changed = []
        pad, entries = self._pad, self._pad.history.entries
        for number, rect in enumerate(layout.history):
            name = f"history {number}"
            key: object = None
            if number < len(entries):
                key = (entries[number], name == pad.hover, name == pad.focus)
            if name in self._painted and self._painted[name] == key:
                continue
            self._painted[name] = key
            past = paint.Past()
            if number < len(entries):
                seen = next(iter(entries[number].answers.values())).image
                past = paint.Past(seen, entries[number].answer, name == pad.hover, name == pad.focus)
            paint.paint_past(surface, rect, past, pad.theme, layout.body, layout.small)
            changed.append(rect)
        return changed

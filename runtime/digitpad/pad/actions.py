"""What can be done on the pad: one table, from which its keys, its buttons, its help and the order of Tab all follow.

A new button is one more row. No pygame in here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from digitpad.pad.history import LENGTH
from digitpad.pad.layout import MOST_LESSONS
from digitpad.pad.pad import Pad
from digitpad.reader import MOST_DIGITS


@dataclass(frozen=True)
class Button:
    """What is on an action's button; its icon is the one in ICONS with the action's name, if any."""

    label: str
    tool: bool = False  # whether it is among those beside the paper
    is_on: Callable[[Pad], bool] = lambda pad: False  # whether it looks switched on
    is_possible: Callable[[Pad], bool] = lambda pad: True  # whether there is anything to do for it


@dataclass(frozen=True)
class Action:
    """One row of the table."""

    do: Callable[[Pad], None] = lambda pad: None
    keys: tuple[str, ...] = ()  # as the help names them; Shift is ignored where no row asks for it
    help: tuple[int, str, str] | None = None  # the place in the list of shortcuts, and the two columns there
    in_kiosk: bool = True  # whether a kiosk has it
    learns: bool = False  # whether only a pad that learns has it, be it a kiosk or not
    button: Button = Button("")  # if it has one


def _choice(number: int) -> Action:
    """One of the buttons that say which models are asked; the pad's choices label them."""
    return Action(
        lambda pad: pad.models.choose(number),
        keys=(f"{number + 1}",),
        help=(6, "1  2  3", "CNN, MLP, both") if number == 0 else None,
        button=Button("", is_on=lambda pad: pad.models.choices[number].models == pad.models.chosen),
    )


def _label(digit: int) -> Action:
    return Action(
        partial(Pad.teach, label=f"{digit}"),
        keys=(f"Shift {digit}",),
        help=(9, "Shift 0 to 9", "say which it is: or press its bar") if digit == 0 else None,
        learns=True,
    )


# By name, in the order in which the Tab key visits the controls.
ACTIONS: dict[str, Action] = {
    "eraser": Action(
        Pad.toggle_eraser,
        keys=("E",),
        help=(4, "E", "eraser, or the brush again"),
        button=Button("Eraser", tool=True, is_on=lambda pad: pad.erasing),
    ),
    "undo": Action(
        Pad.undo,
        keys=("Z", "Ctrl Z"),
        help=(3, "Z  /  Shift Z", "undo / redo"),
        button=Button("Undo", tool=True, is_possible=lambda pad: pad.can_undo),
    ),
    "redo": Action(
        Pad.redo,
        keys=("Shift Z", "Ctrl Shift Z", "Ctrl Y"),
        button=Button("Redo", tool=True, is_possible=lambda pad: pad.drawing.can_redo),
    ),
    "clear": Action(
        Pad.clear,
        keys=("C",),
        help=(2, "C", "clear the paper"),
        button=Button("Clear", tool=True, is_possible=lambda pad: not pad.drawing.is_empty),
    ),
    "save": Action(
        Pad.save,
        keys=("S", "Ctrl S"),
        help=(8, "S", "save the drawing"),
        in_kiosk=False,
        button=Button("Save", tool=True, is_possible=lambda pad: bool(pad.drawing.strokes)),
    ),
    "help": Action(
        partial(Pad.toggle, what="help_is_open"),
        keys=("H", "?", "F1"),
        help=(15, "H  or  ?", "this help"),
        button=Button("Help", tool=True, is_on=lambda pad: pad.help_is_open),
    ),
    "brush": Action(help=(5, "[  ]  or wheel", "thinner, thicker")),  # the slider
    "previous": Action(
        partial(Pad.turn, pages=-1),
        keys=("Page Up",),
        help=(11, "Page Up, Down", "page through an opened file"),
        button=Button("Back", is_possible=lambda pad: pad.file.can_turn(-1)),
    ),
    "next": Action(
        partial(Pad.turn, pages=1),
        keys=("Page Down",),
        button=Button("Next", is_possible=lambda pad: pad.file.can_turn(1)),
    ),
    **{f"choice {n}": _choice(n) for n in range(9)},
    "live": Action(
        partial(Pad.toggle, what="live"),
        keys=("L",),
        help=(7, "L", "live: predict while you draw"),
        button=Button("Live", is_on=lambda pad: pad.live),
    ),
    "predict": Action(
        Pad.predict,
        keys=("Enter",),
        help=(1, "Enter", "predict the digit"),
        button=Button("Predict the Digit", is_on=lambda pad: True),
    ),
    # Each digit of a number, by model.
    **{f"digit {model} {n}": Action(partial(Pad.point, number=n)) for model in range(2) for n in range(MOST_DIGITS)},
    **{f"history {n}": Action(partial(Pad.recall, number=n)) for n in range(LENGTH)},
    # The bars, by model: what is pressed is what it should have been.
    **{
        f"bar {model} {n}": Action(partial(Pad.teach, label=f"{n}" if n < 10 else "", model=model), learns=True)
        for model in range(2)
        for n in range(11)
    },
    # What it has learned: on the help, and then instead of everything else
    "lessons": Action(
        Pad.show_lessons,
        keys=("M",),
        help=(10, "M", "what it has learned"),
        learns=True,
        button=Button("What it has learned"),
    ),
    **{f"forget {n}": Action(partial(Pad.forget, number=n)) for n in range(MOST_LESSONS)},
    "newer": Action(
        partial(Pad.turn, pages=-1), button=Button("Newer", is_possible=lambda pad: pad.can_turn_lessons(-1))
    ),
    "older": Action(
        partial(Pad.turn, pages=1), button=Button("Older", is_possible=lambda pad: pad.can_turn_lessons(1))
    ),
    "forget all": Action(
        Pad.forget_all,
        button=Button(
            "Forget all",
            is_on=lambda pad: pad.forgets_all,
            is_possible=lambda pad: bool(pad.teaching and pad.teaching.lessons),
        ),
    ),
    "close": Action(Pad.show_lessons, button=Button("Back to the paper")),
    # Keys without a button
    "thinner": Action(partial(Pad.thicken, steps=-1), keys=("[",)),
    "thicker": Action(partial(Pad.thicken, steps=1), keys=("]",)),
    **{f"label {n}": _label(n) for n in range(10)},
    "focus": Action(help=(12, "Tab, Enter", "go to a button, press it")),  # see events.py
    "theme": Action(partial(Pad.toggle, what="dark"), keys=("T",), help=(13, "T", "light or dark")),
    "full screen": Action(
        partial(Pad.toggle, what="fullscreen"),
        keys=("F", "F11"),
        help=(14, "F  or  F11", "full screen"),
        in_kiosk=False,
    ),
    "quit": Action(Pad.quit, keys=("Esc", "Q"), help=(16, "Esc  or  Q", "quit"), in_kiosk=False),
    "leave": Action(Pad.quit, keys=("Ctrl Q",)),
}


def perform(pad: Pad, name: str) -> None:
    """Do one of the ACTIONS, unless a kiosk forbids it."""
    if is_allowed(pad, name):
        ACTIONS[name].do(pad)


def is_allowed(pad: Pad, name: str) -> bool:
    """Whether this pad has one of the ACTIONS."""
    action = ACTIONS[name]
    return pad.teaching is not None if action.learns else action.in_kiosk or not pad.kiosk


def action_of(*keys: str) -> str | None:
    """The name of the action of the first of these keys that has one."""
    return next((name for key in keys for name, action in ACTIONS.items() if key in action.keys), None)


def tools() -> list[str]:
    """The buttons beside the paper."""
    return [name for name, action in ACTIONS.items() if action.button.tool]


def help_lines(pad: Pad) -> list[tuple[str, str]]:
    """The list of shortcuts: keys and what they do."""
    lines = sorted(action.help for name, action in ACTIONS.items() if action.help and is_allowed(pad, name))
    return [line[1:] for line in lines]

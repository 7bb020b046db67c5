"""The last drawings and what was read in them. No pygame in here."""

from dataclasses import dataclass

from digitpad.pad.drawing import Drawing, Picture, verdict
from digitpad.pad.stroke import Stroke
from digitpad.recognizer import Prediction

LENGTH = 24  # drawings that are kept


@dataclass(frozen=True, eq=False)
class Entry:
    """One drawing, or picture, with its answers by model."""

    strokes: list[Stroke]
    picture: Picture | None
    answers: dict[str, Prediction]
    label: str | None

    @property
    def answer(self) -> str:
        """What was read, in few letters; two models that do not agree are both named."""
        if self.label is not None:
            return f"={self.label}"
        return "/".join(dict.fromkeys(verdict(answer)[0] for answer in self.answers.values()))


class History:
    """The last drawings, the newest first.

    A drawing that goes on from one of them, that is shares a stroke or the picture with it, takes its place.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def remember(self, drawing: Drawing) -> None:
        """Keep a drawing that was read, unless nothing was there to be read."""
        if any(answer.status == "blank" for answer in drawing.answers.values()) or not drawing.answers:
            return
        entry = Entry(list(drawing.strokes), drawing.picture, drawing.answers, drawing.label)
        place = self.find(drawing)
        if place is None:
            self.entries.insert(0, entry)
            del self.entries[LENGTH:]
        else:
            self.entries[place] = entry

    def find(self, drawing: Drawing) -> int | None:
        """The number of the entry from which the drawing goes on, if there is one."""
        strokes = set(drawing.strokes)
        for number, entry in enumerate(self.entries):
            same_picture = drawing.picture is not None and entry.picture is drawing.picture
            if same_picture or (drawing.picture is None and not strokes.isdisjoint(entry.strokes)):
                return number
        return None

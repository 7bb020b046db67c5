"""The last drawings and what was read in them. No pygame in here."""

from dataclasses import dataclass

from digitpad.pad.asking import Answer, verdict
from digitpad.pad.drawing import Drawing, Picture
from digitpad.pad.origin import Origins
from digitpad.pad.stroke import Stroke

LENGTH = 24  # drawings that are kept


@dataclass(frozen=True, eq=False)
class Entry:
    """One drawing, or picture, with its answers by model."""

    strokes: list[Stroke]
    picture: Picture | None
    answers: dict[str, Answer]
    label: str | None

    @property
    def answer(self) -> str:
        """What was read, in a few letters; two models that disagree are both quoted."""
        if self.label:
            return f"={self.label}"
        return "/".join(dict.fromkeys(verdict(answer)[0] for answer in self.answers.values()))


class History:
    """The last drawings, the newest first. A drawing that continues one of them takes its place."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._origins: Origins[Entry] = Origins()

    def remember(self, drawing: Drawing, answers: dict[str, Answer]) -> None:
        """Keep a drawing that was read, unless there was nothing to read."""
        if any(answer.status == "blank" for answer in answers.values()) or not answers:
            return
        entry = Entry(list(drawing.strokes), drawing.picture, answers, drawing.label)
        if (old := self._origins.find(drawing)) is not None:
            self.entries[self.entries.index(old)] = entry
            self._origins.forget(old)
        else:
            self.entries.insert(0, entry)
            for dropped in self.entries[LENGTH:]:
                self._origins.forget(dropped)
            del self.entries[LENGTH:]
        self._origins.note(drawing, entry)

    def has(self, drawing: Drawing) -> bool:
        """Whether the drawing continues one that is kept."""
        return self._origins.find(drawing) is not None

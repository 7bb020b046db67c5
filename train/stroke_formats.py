"""The forms in which others publish strokes, read into samples as they stand.

Each function raises ValueError, saying what is wrong, where a text is not whole; labels and writers are as published.
"""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from digitpad.mnist_form import Points
from digitpad.stroke_files import Sample

TABLET = 500  # units along a side of the box in which the pen digits were written (their own description)
UJI_WRITERS, UJI_SESSIONS = 60, 2  # of version 2
UJI_LETTERS_WRITERS, UJI_LETTERS_EACH = 11, 124  # of version 1: two sessions of 26 + 26 letters and ten digits


def parse_unipen(text: str) -> list[Sample]:
    """The pen digits: UNIPEN whose comments read "label writer number"; y is turned to point down."""
    samples = []
    for segment, strokes in _segments(text):
        comment = re.search(r"\.COMMENT\s+(\d)\s+(\d+)", segment)
        if comment is None:
            raise ValueError("a segment has no label or writer")
        strokes = [points * (1, -1) + (0, TABLET) for points in strokes]
        samples.append(Sample(strokes, comment[1], f"tra{int(comment[2]):02}"))
    return samples


def parse_uji_letters(text: str) -> list[Sample]:
    """UJI's version 1: UNIPEN that names no writers, who follow each other with 124 samples each; y points down.

    Letters and digits, in the file's order, by the writers "w01" to "w11".
    """
    samples = []
    for number, (segment, strokes) in enumerate(_segments(text)):
        label = re.match(r' CHARACTER [\d-]+ \? "([A-Za-z0-9])"\s', segment)
        if label is None:
            raise ValueError("a segment has no label")
        samples.append(Sample(strokes, label[1], f"w{1 + number // UJI_LETTERS_EACH:02}"))
    counts = Counter((sample.writer, sample.label) for sample in samples)
    if len(samples) != UJI_LETTERS_WRITERS * UJI_LETTERS_EACH or set(counts.values()) != {UJI_SESSIONS}:
        raise ValueError(f"not {UJI_LETTERS_WRITERS} writers with two of each of {UJI_LETTERS_EACH // 2} characters")
    return samples


def _segments(text: str) -> Iterator[tuple[str, list[Points]]]:
    """Each segment of a UNIPEN text, with its strokes, (n, 2) each."""
    for segment in text.split(".SEGMENT")[1:]:
        strokes = [np.array(pen.split(), np.float64) for pen in re.findall(r"\.PEN_DOWN([-\d\s]*)", segment)]
        if not strokes:
            raise ValueError("a segment has no strokes")
        yield segment, [points.reshape(-1, 2) for points in strokes]


def parse_uji(text: str) -> list[Sample]:
    """The digits of UJI's version 2; y points down. Other characters are passed over.

    A sample is a line "WORD 7 trn_UJI_W01-02", whose last part is the session, a line "NUMSTROKES n", and for each
    stroke a line "POINTS n # x y x y". The writers become "w01" to "w60", in the order of their names, in which those
    whom the collection gives for training (trn) stand before those it gives for tests (tst).
    """
    samples = []
    for word in re.split(r"^WORD ", text, flags=re.MULTILINE)[1:]:
        if not (head := re.match(r"(\d) (\S+)-\d+\s+NUMSTROKES (\d+)\s", word)):
            continue
        lines = re.findall(r"POINTS (\d+) #([-\d\s]*)", word)
        strokes = [np.array(numbers.split(), np.float64).reshape(-1, 2) for _, numbers in lines]
        if len(strokes) != int(head[3]) or [len(points) for points in strokes] != [int(count) for count, _ in lines]:
            raise ValueError(f"a {head[1]} by {head[2]} lacks strokes or points")
        samples.append(Sample(strokes, head[1], head[2]))
    names = sorted({sample.writer or "" for sample in samples})
    writers = {name: f"w{number:02}" for number, name in enumerate(names, start=1)}
    samples = [Sample(sample.strokes, sample.label, writers[sample.writer or ""]) for sample in samples]
    check_uji(samples)
    return samples


def check_uji(samples: list[Sample]) -> None:
    """Whether all digits of UJI's version 2 are there: two of each by each of 60 writers."""
    counts = Counter((sample.writer, sample.label) for sample in samples)
    if len(counts) != UJI_WRITERS * 10 or set(counts.values()) != {UJI_SESSIONS}:
        raise ValueError(f"{len(samples):,} digits, not {UJI_SESSIONS} of each by {UJI_WRITERS} writers")


def parse_omniglot(text: str) -> list[Points]:
    """A drawing of Omniglot: lines "x,y,time" after START, BREAK after each stroke; y is turned to point down."""
    *strokes, rest = text.removeprefix("START").split("BREAK")
    if rest.strip() or not strokes:
        raise ValueError("a drawing does not end with a whole stroke")
    return [
        np.array(stroke.replace(",", " ").split(), np.float64).reshape(-1, 3)[:, :2] * (1, -1) for stroke in strokes
    ]

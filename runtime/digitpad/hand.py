"""What its owner has taught it: labelled drawings, and how they shift what a network answers to drawings like them.

1. A lesson is a labelled drawing, and remembers how far the network was from reading it so: what its label lacked, as
   a log probability, and a little more; nothing where the network was right anyway.
2. A new drawing that is much like it, to the network and to the eye, gets that much for that label, the less the less
   alike they are.
3. Lessons about as near as the nearest share one voice: what contradicts many of them has only its part of it.
"""

import gzip
import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import DigitPadError, StrokeError
from digitpad.files import make_folder, write_whole
from digitpad.mnist_form import SIZE, clean_strokes, render_each
from digitpad.stroke_files import GZIP_MAGIC, Sample, parse_entries, plain_sample

if TYPE_CHECKING:
    from digitpad.image.reading import ImageLike

MOST = 200  # lessons that count: the newest of those that a network was wrong about, then the newest of the others
NONE = 10  # the place of "no digit" after the ten digits

_ALIKE = 0.5  # from which likeness on a lesson counts; at 1 it counts in full
_SAME = 0.995  # from which on it is the same drawing once more, to be read as taught whatever the network says
_MUCH = 0.9  # from which on no other opinion than the network's is asked for
_AS_NEAR = 0.5  # of how near the nearest is: lessons that are further off have no voice
_LOUD = 8.0  # times as much as another lesson counts that of the same drawing
_MORE = 3.0  # by how much more than it lacked a lesson favours its label
_FAVOUR = 6.0  # the most that a lesson favours one digit over another by, or a wrong one would do much harm
_BLUR = 1.4  # pixels: standard deviation, for a look that hides how a hand trembles

Images = NDArray[np.uint8]  # (N, 28, 28)
Floats = NDArray[np.float32]
Judge = Callable[[Images], tuple[Floats, Floats, Floats]]  # probabilities (N, 10), ood_score (N,), features (N, F)


@dataclass(frozen=True, eq=False)
class Lesson:
    """A drawing, what its owner says it is (0 to 9, None: no digit), and what models see: uint8 (28, 28)."""

    sample: Sample
    label: int | None
    image: NDArray[np.uint8]


class Hand:
    """The lessons of one owner, in a stroke file or in memory. One object may be shared by threads and recognisers."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Load the lessons in a stroke file, which need not exist yet; without a path they are kept in memory alone.

        Drawings labelled with a digit, or with "" for none, are lessons; others in the file are left alone, and what is
        no sample at all is named on standard error.

        Raises:
            DigitPadError: the file cannot be read. StrokeError: it is not a stroke file.
        """
        self.path = None if path is None else Path(path)
        self.lessons: tuple[Lesson, ...] = ()  # oldest first; another tuple after each change
        self._lock = threading.RLock()
        for error in self.load():
            print(f"{error}; left out", file=sys.stderr)

    def load(self) -> list[StrokeError]:
        """Load the file again, which another program may have changed; what is wrong with samples. Raises as `Hand`."""
        with self._lock:
            held = self._read()[1]
            self.lessons = self._lessons(held)
            return [error for error in held if isinstance(error, StrokeError)]

    def learn_strokes(self, strokes: Iterable[ArrayLike], label: int | None) -> None:
        """Learn what strokes, as for `Recognizer.predict_strokes`, are: 0 to 9, or None for no digit.

        Raises:
            StrokeError: a stroke is not an (n, 2) array of finite numbers.
            DigitPadError: the drawing is blank, the label no digit, or the file cannot be read or written.
        """
        self.change(Sample(clean_strokes(strokes), _text(label)))

    def learn(self, image: "ImageLike", label: int | None) -> None:
        """Learn what an image, as for `Recognizer.predict`, shows: 0 to 9, or None for no digit.

        Raises:
            ImageError: it cannot be read as an image.
            DigitPadError: the image is blank, the label no digit, or the file cannot be read or written.
        """
        from digitpad.image.normalise import image_readings

        for reading in image_readings(image).found:  # any of them may be the one that is read
            self.change(Sample([], _text(label), image=reading))

    def forget(self, *lessons: Lesson) -> None:
        """Forget lessons: here and in the file. One that is not there any more is no mistake.

        Raises:
            DigitPadError: the file cannot be read or written; it is left as it is.
        """
        self.change(None, lessons)

    def change(self, sample: Sample | None, without: Iterable[Lesson] = ()) -> Lesson | None:
        """Learn a labelled drawing, in place of the first of some lessons that are forgotten; all of it or nothing.

        Returns:
            The new lesson, if any.

        Raises:
            DigitPadError: the drawing is blank, or the file cannot be read or written; it is left as it is.
        """
        if sample is not None and not _inked([sample]).any():
            raise DigitPadError("the drawing is blank: there is nothing to learn from it")
        with self._lock:
            # What was said earlier of the very same drawing counts no more.
            without = dict.fromkeys([*without, *(self.of(sample) if sample else [])])
            content, held = self._read()  # it may have been changed since
            samples: list[Any] = content["samples"]
            gone: list[int] = []
            for lesson in without:
                gone += [place for place in _places(held, lesson.sample) if place not in gone][-1:]
            if sample is not None and gone:
                kept = {key: value for key, value in samples[gone[0]].items() if key not in ("strokes", "image")}
                samples[gone[0]], held[gone[0]] = kept | plain_sample(sample), sample
                del gone[0]
            elif sample is not None:
                samples.append(plain_sample(sample))
                held.append(sample)
            for place in sorted(gone, reverse=True):
                del samples[place], held[place]
            if sample is None and not gone:
                return None
            if self.path is not None:
                data = json.dumps(content).encode()
                make_folder(self.path.parent)
                write_whole(self.path, gzip.compress(data) if self.path.name.lower().endswith(".gz") else data)
            self.lessons = self._lessons(held)
            return self.of(sample)[-1] if sample else None

    def of(self, sample: Sample) -> list[Lesson]:
        """The lessons of the very same drawing, whatever its label."""
        (image,) = _inked([sample])
        return [lesson for lesson in self.lessons if (lesson.image == image).all()]

    def _read(self) -> tuple[dict[str, Any], list[Sample | StrokeError]]:
        """What is in the file, and its samples as they are parsed; nothing where there is none."""
        if self.path is None:
            held: list[Sample | StrokeError] = [lesson.sample for lesson in self.lessons]
            return {"samples": [{} for _ in held]}, held
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {"meta": {}, "samples": []}, []
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = getattr(error, "strerror", None) or error
            raise DigitPadError(f"{self.path}: cannot be read ({reason}); move it away") from None
        held = parse_entries(data, str(self.path))  # says what is wrong with it
        return json.loads(gzip.decompress(data) if data.startswith(GZIP_MAGIC) else data), held

    def _lessons(self, held: list[Sample | StrokeError]) -> tuple[Lesson, ...]:
        """The lessons among samples, those that were known the same objects as before."""
        known = {_key(lesson.sample): lesson for lesson in self.lessons}
        samples = [s for s in held if isinstance(s, Sample) and s.label is not None and len(s.label) < 2]
        new = [sample for sample in samples if _key(sample) not in known]
        for sample, image in zip(new, _inked(new), strict=True):
            known[_key(sample)] = Lesson(sample, int(sample.label) if sample.label else None, image)
        return tuple(lesson for sample in samples if (lesson := known[_key(sample)]).image.any())


@dataclass(frozen=True, eq=False)
class Lessons:
    """Those of a hand's lessons that count, as one network sees them, N of them, the oldest first."""

    # (F, N), and (196, N) with a further column of ones, see `_looks`: together, how alike a drawing is to each lesson,
    # scaled to go from 0 at _ALIKE to 1.
    features: Floats
    looks: Floats
    labels: list[int]  # 0 to NONE
    lacked: list[tuple[float, float]]  # see the function

    def shifted(
        self, probabilities: Floats, ood_score: Floats, features: Floats, images: Images
    ) -> tuple[Floats, Floats]:
        """What the network's answers to images become: probabilities (M, 10) and ood_score (M,).

        Where no lesson is near they stay as they are, to the last digit.
        """
        looks = _looks(images)
        projected = looks @ self.looks
        near = features @ self.features
        near += projected[:, :-1] / _lengths(looks, projected[:, -1])[:, None]
        near -= _ALIKE / (1 - _ALIKE)
        probabilities, ood_score = probabilities.copy(), ood_score.copy()
        for n, row in enumerate(near):
            places = np.flatnonzero(row > max(_AS_NEAR * np.maximum.reduce(row), 0.0))
            if any(self.lacked[place][1] for place in places):
                favour = self._favour(places.tolist(), row[places].tolist())
                parts = [p * math.exp(more) for p, more in zip(probabilities[n].tolist(), favour, strict=False)]
                probabilities[n] = np.array(parts) / sum(parts)
                ood_score[n] += favour[NONE] - math.log(sum(parts))
        return probabilities, ood_score

    def _favour(self, places: list[int], near: list[float]) -> list[float]:
        """By how much lessons, so near to a drawing, favour each digit, and none."""
        same = [n for n, alike in enumerate(near) if alike > (_SAME - _ALIKE) / (1 - _ALIKE)]
        voices = [0.0 if n in same[:-1] else _LOUD if n in same else alike for n, alike in enumerate(near)]
        favour = [0.0] * (NONE + 1)
        for n, (place, voice) in enumerate(zip(places, voices, strict=True)):
            favour[self.labels[place]] += voice * self.lacked[place][n in same]
        shared = max(sum(voices), 1.0)
        return [more / shared for more in favour]


class Taught:
    """A hand's lessons for one network, found anew whenever the hand has changed."""

    def __init__(self, hand: Hand, judge: Judge, threshold: float) -> None:
        """`judge` is the network, and `threshold` the ood_score above which it takes nothing for a digit."""
        self._hand, self._judge = hand, judge
        self._threshold = threshold if np.isfinite(threshold) else 0.0
        self._lock = threading.Lock()
        self._lacked: dict[Lesson, tuple[float, float]] = {}  # see the function
        self._now: tuple[tuple[Lesson, ...], Lessons | None] = (), None  # a hand's lessons, and those that count
        self._seen: tuple[tuple[Lesson, ...], Floats | None] = (), None  # a hand's lessons, and what they are like

    @property
    def said(self) -> tuple[Lesson, ...]:
        """All that the hand holds: another tuple after each change."""
        return self._hand.lessons

    def about(self, images: Images) -> NDArray[np.bool_]:
        """Which of N images, or one much like it, was taught, also where the network is right by itself."""
        of, taught = self._seen
        if of is not (lessons := self._hand.lessons):
            taught = self._like(np.stack([lesson.image for lesson in lessons[-MOST:]])) if lessons else None
            self._seen = lessons, taught
        if taught is None:
            return np.zeros(len(images), np.bool_)
        return np.asarray((self._like(images) @ taught.T).max(axis=1) > _MUCH)

    def _like(self, images: Images) -> Floats:
        """N images as rows, of which two multiplied say how alike they are, to the network and to the eye."""
        return np.hstack([self._judge(images)[2], _centred(images)]) * np.float32(math.sqrt(0.5))

    def lessons(self) -> Lessons | None:
        """Those that count now; None where there are none."""
        of, found = self._now
        if of is not self._hand.lessons:
            with self._lock:
                of, found = self._now
                if of is not (now := self._hand.lessons):
                    found = self._found(now)
                    self._now = now, found
        return found

    def _found(self, now: tuple[Lesson, ...]) -> Lessons | None:
        new = [lesson for lesson in now if lesson not in self._lacked]
        if new:
            probabilities, ood_score, _ = self._judge(np.stack([lesson.image for lesson in new]))
            lacking = _lacked(probabilities, ood_score - self._threshold, [_place(lesson) for lesson in new])
            self._lacked |= zip(new, lacking, strict=True)
        self._lacked = {lesson: self._lacked[lesson] for lesson in now}
        useful = sorted(range(len(now)), key=lambda n: (self._lacked[now[n]][1] > 0, n))[-MOST:]
        now = tuple(now[n] for n in sorted(useful))  # the oldest first
        lacked = [self._lacked[lesson] for lesson in now]
        corrects = np.array([full > 0 for _, full in lacked], np.bool_)
        if not corrects.any():
            return None
        images = np.stack([lesson.image for lesson in now])
        features, looks = self._judge(images)[2], _centred(images)
        alike = (features @ features.T + looks @ looks.T) / 2
        # Where the network was right anyway, a lesson counts only against others.
        kept = np.flatnonzero((alike >= _ALIKE)[:, corrects].any(axis=1)).tolist()
        scale = np.float32(0.5 / (1 - _ALIKE))
        return Lessons(
            np.ascontiguousarray(scale * features[kept].T),
            np.column_stack([*(scale * looks[kept]), np.ones(looks.shape[1], np.float32)]),
            [_place(now[n]) for n in kept],
            [lacked[n] for n in kept],
        )


def _lacked(probabilities: Floats, odds: Floats, labels: list[int]) -> list[tuple[float, float]]:
    """How far each of N labels, 0 to NONE, is from being the answer, and _MORE: as it counts, and for the same drawing.

    In log probabilities; 0 where it is the answer. `odds` (N,) are those of no digit.
    """
    found = []
    for parts, log_odds, label in zip(probabilities.astype(np.float64), odds.tolist(), labels, strict=True):
        logs = np.log(np.maximum(parts, 1e-12)) - np.logaddexp(0, log_odds)
        read = NONE if log_odds > 0 else int(logs.argmax())
        best = -np.logaddexp(0, -log_odds) if read == NONE else logs[read]
        lacked = 0.0 if read == label else _MORE + float(-log_odds if label == NONE else best - logs[label])
        found.append((lacked if NONE in (read, label) else min(lacked, _FAVOUR), lacked))
    return found


def _place(lesson: Lesson) -> int:
    return NONE if lesson.label is None else lesson.label


def _looks(images: Images) -> Floats:
    """What N images look like, a little blurred: (N, 196)."""
    looks: Floats = (_blur() @ images.astype(np.float32) @ _blur().T).reshape(len(images), -1)
    return looks


def _centred(images: Images) -> Floats:
    """What N images look like, without the mean and of length 1: (N, 196)."""
    looks = _looks(images)
    return np.asarray((looks - looks.mean(axis=1, keepdims=True)) / _lengths(looks, looks.sum(axis=1))[:, None])


def _lengths(looks: Floats, sums: Floats) -> Floats:
    """How long N looks are without their mean; `sums` are those of their values."""
    squares = np.array([np.vdot(look, look) for look in looks])
    lengths: Floats = np.sqrt(np.maximum(squares - sums * sums / looks.shape[1], 1e-6))
    return lengths


@cache
def _blur() -> Floats:
    """(14, 28): blurs 28 pixels in a row, and takes every second value."""
    apart = np.arange(SIZE) - (2 * np.arange(SIZE // 2)[:, None] + 0.5)
    weights = np.exp(-((apart / _BLUR) ** 2) / 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _inked(samples: Sequence[Sample]) -> Images:
    """Drawings in MNIST's form."""
    drawn = iter(render_each([sample.strokes for sample in samples if sample.image is None]))
    images = [next(drawn) if sample.image is None else sample.image for sample in samples]
    return np.stack(images) if images else np.zeros((0, SIZE, SIZE), np.uint8)


def _text(label: int | None) -> str:
    """A label as a stroke file holds it."""
    if label is not None and label not in range(10):
        raise DigitPadError(f"{label!r} is no label to learn: give 0 to 9, or None for no digit")
    return "" if label is None else str(int(label))


def _key(sample: Sample) -> object:
    """What tells one labelled drawing from another."""
    image = None if sample.image is None else sample.image.tobytes()
    return sample.label, image, tuple(points.tobytes() for points in sample.strokes)


def _places(held: list[Sample | StrokeError], wanted: Sample) -> list[int]:
    """Where a labelled drawing is among samples, the newest last."""
    key = _key(wanted)
    return [n for n, sample in enumerate(held) if isinstance(sample, Sample) and _key(sample) == key]

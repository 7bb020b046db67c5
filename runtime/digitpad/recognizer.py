"""The recogniser: an image or strokes in, a digit and how sure it is out."""

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.answers import (
    LEAST,
    MORE,
    SAY,
    UNLIKELIEST,
    Number,
    Prediction,
    certainty,
    log_answers,
    log_found,
    log_joint,
    mean_opinion,
    none_by,
    pooled,
    second_opinion,
    seen_in_row,
    status_of,
    weighted,
)
from digitpad.errors import ImageError, ModelError, first_line
from digitpad.log import log_step
from digitpad.mnist_form import SIZE, Points, clean_strokes, render_strokes, without_taps
from digitpad.models import load_model
from digitpad.reader import (
    MOST_DIGITS,
    MOST_STROKES,
    Box,
    Cutting,
    Group,
    Known,
    Readings,
    Row,
    Units,
    best_reading,
    log_texts,
    stroke_rows,
)

if TYPE_CHECKING:
    import onnxruntime

    from digitpad.hand import Hand, Lessons, Taught
    from digitpad.image.reading import ImageLike
    from digitpad.image.rows import RowText

_BESIDE = math.log(3)  # by how much the log odds that a drawing is a digit are better where others stand beside it
_CLEAR = math.log(0.98)  # at first sight: a picture that is less likely a digit is read as a row too; few strokes in
# several rows that are likelier one digit are that
_SURE = math.log(0.9)  # of a way to cut a picture: where it is likelier a number, no other is tried
_SURE_ONE = 0.74  # a digit that the row reader had a say in, but in MNIST's form, is unsure where this, and one at all,
# is less likely
_MAYBE = math.log(0.1)  # of what the row reader had a say in: where it is likelier than this a digit, it is not refused
_BARE = math.log(0.5)  # of a picture: where it is likelier, however it is cut, that nothing is written, it is blank
_DOUBT, _SECOND = (0.9, 0.98), 0.4  # how surely it is a digit where the row reader has its whole say, and none
_HEARD = 0.4  # say of the row reader on a number's strokes
_AGREED = 0.9  # where it is surer of what they say, it is not asked what else they may be
_SEEN = 0.01  # probability to the row reader: what has less may as well be no number
_SURE_NUMBER = 0.81  # what the row reader had a say in is unsure where it is less likely this number
_WIDE_GAP = 2.0  # of a row's height: the row reader knows no wider gaps between digits
_SLIP = 0.3  # of the same: strokes of no digit that are smaller are not drawn
_COMMA = 0.5  # of the largest stroke: a smaller one beside a digit may be a comma, and none of it
_CHUNK = 256  # images run at once: more would need memory and be no faster
# In what the row reader had a say; None also for an image in MNIST's form, in which few letters come.
_SeenIn = Literal["drawing", "picture"] | None
_BLANK = np.full(10, 0.1, np.float32)
_BLANK.flags.writeable = False


@dataclass(frozen=True)
class _Way:
    """One way to read a drawing or picture as numbers: the text of each row, and how likely it is.

    The confidence is that in the text, given that it is a number; where it is less than `sure`, the number is unsure.
    """

    texts: list[str]
    confidence: float
    log_number: float
    digits: tuple[Prediction, ...]
    sure: float


class Recognizer:
    """Reads handwritten digits with one model. One object may be shared by threads."""

    def __init__(
        self,
        model: str | os.PathLike[str] = "cnn",
        *,
        hand: "Hand | None" = None,
        options: "onnxruntime.SessionOptions | None" = None,
    ) -> None:
        """Load a shipped model by name, or, by path, any file that keeps the model contract.

        Args:
            model: the name or path.
            hand: what its owner has taught it: heeded from the next answer on, also what it learns later.
            options: how onnxruntime runs it, such as with more threads for large batches. The default suits a small
                machine: what `digitpad.session_options` returns, which can be changed and passed here.

        Raises:
            ModelError: no such model, or the file is damaged or breaks the contract; or, with a hand, has no features.
        """
        self._loaded_from = model
        self._model = load_model(model, options)
        self.metadata = self._model.metadata
        self.name = self.metadata["name"]
        self.ood_threshold = float(self.metadata["ood_threshold"])
        self.unsure_threshold = float(self.metadata["unsure_threshold"])
        self.use_hand(hand)

    def use_hand(self, hand: "Hand | None") -> None:
        """From the next answer on, heed what this owner has taught and teaches; None: nobody.

        Raises:
            ModelError: the model has no features; then nothing is changed.
        """
        self._taught: Taught | None = None
        if hand is not None:
            from digitpad import hand as learning

            self._check_features()
            self._taught = learning.Taught(hand, self._run_with_features, self.ood_threshold)
            self._taught.lessons()  # now, and not with the first answer

    def __reduce__(self) -> tuple[type["Recognizer"], tuple[str | os.PathLike[str]]]:
        """For other processes, which load the model again, with the default options and without a hand."""
        return type(self), (self._loaded_from,)

    def predict(self, image: "ImageLike") -> Prediction:
        """Read the digit in an image of any size and either polarity.

        Args:
            image: a PIL image, a path, the bytes of an image file, or an array (H, W) or (H, W, 3 or 4) of
                uint8, uint16, bool or float in [0, 1].

        Raises:
            ImageError: it cannot be read as an image.
            ModelError: it is doubtful, and the row reader's file is missing or damaged.
        """
        from digitpad.image.normalise import image_readings

        return self.predict_readings(image_readings(image))

    def predict_strokes(self, strokes: Iterable[ArrayLike]) -> Prediction:
        """Read the digit that strokes draw.

        Args:
            strokes: (n, 2) arrays of x (right) and y (down), in any unit and with any offset. Only what has no
                points or no extent is blank.

        Raises:
            StrokeError: a stroke is not an (n, 2) array of finite numbers.
            ModelError: the drawing is doubtful, and the row reader's file is missing or damaged.
        """
        cleaned = clean_strokes(strokes)
        found = self._predict_one(render_strokes(cleaned))
        return self._doubted(found, "drawing", lambda: _drawn(without_taps(cleaned), Known())[2])

    def read(self, image: "ImageLike") -> Number:
        """Read the whole number, or the several in rows, in an image of any size and either polarity.

        Args:
            image: as for `predict`.

        Raises:
            ImageError: it cannot be read as an image.
            ModelError: it is doubtful, and the row reader's file is missing or damaged.
        """
        from digitpad.image.normalise import image_readings

        return self.read_readings(image_readings(image))

    def read_readings(self, readings: Readings) -> Number:
        """Read the whole numbers in a picture that may be one thing or another.

        What is surely one digit is a number of one. Anything else the row reader parts into digits, and the likeliest
        text is taken over the ways to cut the picture into rows.
        """
        one = self.predict_readings(readings)
        ways: list[_Way] = []
        for way in readings.ways if certainty(one) <= _CLEAR and not readings.solid else ():
            ways.append(_below_each_other([self._row_cut(part, readings.units) for part in way]))
            if ways[-1].log_number > _SURE and ways[-1].confidence > _SURE_NUMBER:
                ways = ways[-1:]
                break
        several = _likeliest(ways) if ways else _NO_WAY
        one_at_all = one.digit is not None and one.ood_score <= self.ood_threshold
        if len(several.digits) > 1 and (not one_at_all or several.log_number > certainty(one)):
            return self._number(several)
        if one.digit is None:
            return Number("", "blank" if one.status == "blank" else "not_a_number", 0.0, ())
        one = replace(one, box=_box_of_ink(readings))
        return _number_of_one(one, one.confidence if one_at_all else math.exp(certainty(one)))

    def read_strokes(self, strokes: Iterable[ArrayLike], known: Known | None = None) -> Number:
        """Read the whole number, or the several in rows, that strokes draw, in whatever order.

        Args:
            strokes: as for `predict_strokes`. A tap, a point or a comma between digits is read over.
            known: from reading an earlier state of this drawing; the answer is the same, and comes sooner.

        Raises:
            StrokeError: a stroke is not an (n, 2) array of finite numbers.
            ModelError: it is doubtful or several digits, and the row reader's file is missing or damaged.
        """
        known = Known() if known is None else known
        cleaned = clean_strokes(strokes)
        rows = stroke_rows(cleaned, known)
        if len(rows) > 1 and len(cleaned) <= MOST_STROKES:  # or one digit: the circles of an 8 need not touch
            one = self._as_one(cleaned, known)
            if one.digit is not None and certainty(one) > _CLEAR:
                return _number_of_one(one, one.confidence)
        return self._number(self._way(rows, known))

    def _as_one(self, strokes: list[Points], known: Known) -> Prediction:
        """What strokes are to the network, all as one digit."""
        key = (self, self._lessons(), "one", *(stroke.tobytes() for stroke in strokes))
        (one,) = known.each([key], lambda _: [self._predict_one(render_strokes(strokes))])
        points = np.concatenate(without_taps(strokes))
        return replace(one, box=(*points.min(axis=0).tolist(), *points.max(axis=0).tolist()))

    def _way(self, rows: list[Row], known: Known) -> "_Way":
        images = [group.image for row in rows for group in row.groups if group.image is not None]
        if not images:
            return _NO_WAY
        lessons = self._lessons()
        judged = known.each(
            [(self, lessons, image.tobytes()) for image in images],
            lambda new: zip(*self._judged(np.array([images[n] for n in new]), lessons), strict=True),
        )
        probabilities, ood_score, *_ = map(np.array, zip(*judged, strict=True))
        log_digits = log_answers(probabilities, ood_score)
        taught = np.array(self._taught_before(images, known))
        ways: list[_Way] = []
        seen = iter(range(len(images)))
        for row in rows:
            place = np.array([-1 if group.image is None else next(seen) for group in row.groups])
            log_row, log_strokes = log_digits[place], np.where(taught[place, None], 0, row.log_strokes)
            chosen, log_number = best_reading(row, log_row)
            usual, _ = best_reading(row, log_row + log_strokes)
            if len(usual) > 1:  # a single digit may be written in any number of strokes
                chosen, log_row = usual, log_row + log_strokes
            text = "".join(map(str, log_row[chosen].argmax(axis=1)))
            digits: list[Prediction] = []
            for n in chosen:
                found = judged[place[n]]
                found = weighted(np.exp(log_strokes[n]), *found) if chosen is usual else found
                answer = self._prediction(images[place[n]], *found)
                digits.append(replace(answer, box=row.groups[n].box))
            (log_right,) = log_texts(row, log_row, [text])
            way = _Way([text], math.exp(log_right), log_number, tuple(digits), self.unsure_threshold)
            groups = [row.groups[n] for n in chosen]
            if len(groups) == 1:
                ways.append(self._one(way, row.strokes[groups[0].start : groups[0].end], known))
            else:
                ways.append(self._heard(way, row, log_row, groups, known))
        return _below_each_other(ways)

    def _heard(
        self, way: "_Way", row: Row, log_digits: NDArray[np.float64], chosen: list[Group], known: Known
    ) -> "_Way":
        """A row's likelier text: of the chosen groups of its strokes, or as the row reader parts it, seeing it drawn.

        Each text is as probable as both say together. What the owner taught the row reader cannot know, nor wide gaps.
        """
        from digitpad.image.marks import Marks
        from digitpad.image.rows import likeliest_numbers, probability, row_text

        apart = [other.box[0] - one.box[2] for one, other in pairwise(chosen)]
        if not apart or max(apart) > _WIDE_GAP * row.height or self._was_taught(*way.digits):
            return way
        used = {n for group in chosen for n in range(group.start, group.end)}
        strokes = [s for n, s in enumerate(row.strokes) if n in used or np.ptp(s, axis=0).max() > _SLIP * row.height]
        cutting, units, scores = _drawn(strokes, known)
        agreed, all_digits = probability(scores, way.texts[0])
        rivals = {} if agreed > _AGREED else likeliest_numbers(scores)
        rivals.pop(way.texts[0], None)
        any_number = agreed * all_digits + sum(rivals.values())
        log_number = max(way.log_number, math.log(max(any_number, UNLIKELIEST)))
        texts = [*way.texts, *rivals]
        if rivals:
            own = np.exp(log_texts(row, log_digits, texts))
            heard = np.array([agreed, *(likely / max(all_digits, UNLIKELIEST) for likely in rivals.values())])
        else:  # whatever else it may be
            own, heard = np.array([way.confidence, 1 - way.confidence]), np.array([agreed, 1 - agreed])
        scored = pooled(np.log(np.clip(own, LEAST, 1)), np.log(np.clip(heard, LEAST, 1)), _HEARD)
        share = np.exp(scored - np.logaddexp.reduce(scored))
        if best := int(share.argmax()) if rivals else 0:
            sizes = [np.ptp(stroke, axis=0).max() for stroke in strokes]
            if len(texts[best]) == 1 and min(sizes) > _COMMA * max(sizes):
                one = self._doubted(self._as_one(strokes, known), "drawing", lambda: scores)  # or a letter
                likely = dict(zip(texts, share.tolist(), strict=True)).get(str(int(one.probabilities.argmax())), LEAST)
                return _way_of_one(one, likely, -float(np.logaddexp(0, one.ood_score)), way.sure)
            signs, log_p = tuple(map(int, texts[best])), float(np.log(share[best]))
            key = (texts[best], log_p, *(stroke.tobytes() for stroke in strokes))
            marks = Marks(cutting.ink >= 0.5)
            (number,) = known.each([key], lambda _: [row_text(cutting, marks, scores, signs, log_p, {})])
            digits = self._digits_of(number, texts, share, cutting, units)
            if not self._was_taught(*digits):
                return _Way([texts[best]], float(share[best]), log_number, digits, _SURE_NUMBER)
        seen = 1.0 if agreed * all_digits > _SEEN else 0.5
        return replace(way, confidence=seen * float(share[0]), log_number=log_number, sure=_SURE_NUMBER)

    def _one(self, way: "_Way", strokes: list[Points], known: Known) -> "_Way":
        """A row that is one digit, as `predict_strokes` reads it."""
        before = way.digits[0]
        after = self._doubted(before, "drawing", lambda: _drawn(without_taps(strokes), known)[2])
        if after is before:
            return way
        log_number = way.log_number + float(np.logaddexp(0, before.ood_score) - np.logaddexp(0, after.ood_score))
        confidence = min(way.confidence * after.confidence / before.confidence, 1.0)
        return _way_of_one(replace(after, box=before.box), confidence, log_number, way.sure)

    def _doubted(self, found: Prediction, seen_in: _SeenIn, scores: Callable[[], NDArray[np.float64]]) -> Prediction:
        """The answer to one digit, drawn or in MNIST's form; where that is in doubt, the row reader's scores count."""
        low, high = _DOUBT
        say = _SECOND * min((high - math.exp(certainty(found))) / (high - low), 1)
        if found.status == "blank" or say <= 0 or self._was_taught(found):
            return found
        from digitpad.image.rows import log_probabilities

        log_row = log_probabilities(scores(), np.arange(10)[:, None])
        if found.ood_score > 0 and np.logaddexp.reduce(log_row) < math.log(0.5):
            return found  # to both it is none
        alone = second_opinion(found.network, log_row, say) if found.network else ()
        answer = self._prediction(found.image, *second_opinion(found, log_row, say), *alone, seen_in=seen_in)
        log_step("%s, with the row reader: %s, ood_score %.2f", self.name, answer, answer.ood_score)
        return answer

    def _was_taught(self, *answers: Prediction) -> bool:
        """Whether what was taught decides one of these, or is much like it: then no other opinion counts."""
        return any(p.learned for p in answers) or any(self._taught_before([p.image for p in answers], Known()))

    def _taught_before(self, images: list[NDArray[np.uint8]], known: Known) -> list[bool]:
        """Of which images the owner taught one that is much like it."""
        if self._taught is None:
            return [False] * len(images)
        about, said = self._taught.about, self._taught.said
        keys = [("taught", self, said, image.tobytes()) for image in images]
        return known.each(keys, lambda new: about(np.array([images[n] for n in new])).tolist())

    def _row_cut(self, part: Cutting, units: Units) -> "_Way":
        """A cutting's likeliest number: as probable as the row reader and the network of its digits' ink say."""
        from digitpad.image.rows import numbers as numbers_in

        numbers, log_number = numbers_in(part)
        if not numbers:
            return _Way([], 1.0, log_number, (), 0.0)
        judged = self._judged(np.array([image for number in numbers for image in number.images]), self._lessons())
        signs = [sign for number in numbers for sign in number.signs]
        network = judged[-2:]  # by itself, without what was taught
        log_right = log_answers(network[0], network[1])[np.arange(len(signs)), signs]
        firsts = np.cumsum([0, *(len(number.signs) for number in numbers[:-1])])
        log_read = np.array([number.log_p for number in numbers])
        all_digits = math.exp(-np.logaddexp(0, network[1][: len(numbers[0].signs)]).sum())
        say = SAY + MORE * all_digits  # what are digits to the model was cut out well
        scores = pooled(log_read, np.add.reduceat(log_right, firsts), say)
        best = int(scores.argmax())
        found, digits = numbers[best], []
        taught = self._taught_before(found.images, Known())
        each = zip(found.images, found.boxes, found.log_signs(), taught, strict=True)
        for n, (image, box, log_signs, mine) in enumerate(each, int(firsts[best])):
            alone = seen_in_row(log_signs, network[0][n], say)
            both = (judged[0][n], judged[1][n]) if mine else seen_in_row(log_signs, judged[0][n], say)
            digit = self._prediction(image, *both, *alone, seen_in="picture")
            digits.append(replace(digit, box=_in_picture(box, part, units)))
        text = "".join(str(int(digit.probabilities.argmax())) for digit in digits)
        confidence = math.exp(scores[best] - np.logaddexp.reduce(scores))
        return _Way([text], confidence, log_number, tuple(digits), _SURE_NUMBER)

    def _digits_of(
        self, number: "RowText", texts: list[str], share: NDArray[np.float64], cutting: Cutting, units: Units
    ) -> tuple[Prediction, ...]:
        """A number's digits, each as probable as the texts are that differ from it in that digit alone, if at all."""
        text, digits = "".join(map(str, number.signs)), []
        for n, (image, box, log_signs) in enumerate(zip(number.images, number.boxes, number.log_signs(), strict=True)):
            probabilities = np.full(10, LEAST)
            for other, likely in zip(texts, share.tolist(), strict=True):
                if len(other) == len(text) and other[:n] + other[n + 1 :] == text[:n] + text[n + 1 :]:
                    probabilities[int(other[n])] += likely
            of_digit = (probabilities / probabilities.sum()).astype(np.float32)
            digit = self._prediction(image, of_digit, none_by(log_signs), seen_in="picture")
            digits.append(replace(digit, box=_in_picture(box, cutting, units)))
        return tuple(digits)

    def _number(self, way: "_Way") -> Number:
        if not way.texts:
            return Number("", "blank", 0.0, ())
        least = self.ood_threshold + (_BESIDE if len(way.digits) > 1 else 0)
        if max(map(len, way.texts)) > MOST_DIGITS:
            return Number("", "not_a_number", way.confidence, (), f"more than {MOST_DIGITS} digits in a row")
        if way.log_number < -np.logaddexp(0, least):
            return Number("", "not_a_number", way.confidence, ())
        status: Literal["number", "unsure"] = "unsure" if way.confidence < way.sure else "number"
        return Number("\n".join(way.texts), status, way.confidence, way.digits)

    def predict_normalised(self, image: NDArray[np.uint8]) -> Prediction:
        """What the network by itself says of an image in its own form: uint8 (28, 28), 0 = paper, 255 = ink.

        Raises:
            ImageError: shape or dtype differ.
        """
        images = np.array([image])
        _check_images(images)
        return self._predict_one(images[0])

    def predict_readings(self, readings: Readings) -> Prediction:
        """Read a picture that may be one thing or another.

        Of what was found in it the one is taken that most surely is one of the ten digits. Where none surely is, it is
        read as a row of one, too, and each digit's probability averaged over both. Of what is in MNIST's form already
        no ink can be missing: in doubt it is read as a drawing is.
        """
        found = [self._predict_one(image) for image in readings.found]
        prediction = max(found, key=certainty)
        doubtful = readings.filled or readings.crossed or certainty(prediction) < _CLEAR
        as_one = any(len(way) == 1 for way in readings.ways)
        if as_one and doubtful and not readings.solid and not self._was_taught(prediction):
            prediction = self._mixed(prediction, readings)
        elif prediction.digit is None and found[0].status == "blank":
            prediction = found[0]
        elif not readings.ways:
            from digitpad.image.filters import as_float
            from digitpad.image.rows import scores

            prediction = self._doubted(prediction, None, lambda: scores(1 - as_float(prediction.image)))
        log_step("%s: %s, ood_score %.2f", self.name, prediction, prediction.ood_score)
        return prediction

    def _mixed(self, found: Prediction, readings: Readings) -> Prediction:
        """The answer to a picture that was found to be this, and may be what the row reader sees.

        Where what was found is blank, or a large filled mark, the row reader decides; and where what is no digit to the
        model is bare paper to it, nothing is written.
        """
        from digitpad.image.rows import digits, scores_in, shown

        cuttings = [way[0] for way in readings.ways if len(way) == 1]
        rows = [part for way in readings.ways if len(way) > 1 for part in way]
        log_rows, log_bare = zip(*(digits(scores_in(part)) for part in cuttings), strict=True)
        bare = found.digit is None and min(log_bare) > _BARE
        if bare and all(digits(scores_in(part))[1] > _BARE for part in rows):
            return self._predict_one(np.zeros_like(found.image))
        surest = np.argsort([log_row.max() for log_row in log_rows])[-2:]
        log_row = np.logaddexp.reduce([log_rows[n] for n in surest]) - math.log(len(surest))
        if found.status == "blank" or readings.filled:
            answer = self._prediction(shown(cuttings[surest[-1]].grey), *mean_opinion([log_row]), seen_in="picture")
            return answer if certainty(answer) > _MAYBE else found
        alone = mean_opinion([log_found(found.network), log_row]) if found.network else ()
        return self._prediction(found.image, *mean_opinion([log_found(found), log_row]), *alone, seen_in="picture")

    def _lessons(self) -> "Lessons | None":
        return self._taught.lessons() if self._taught else None

    def _predict_one(self, image: NDArray[np.uint8]) -> Prediction:
        image.flags.writeable = False
        if not image.any():
            return Prediction("blank", None, 0.0, _BLANK, float("nan"), image)
        lessons = self._lessons()
        return self._prediction(image, *(output[0] for output in self._judged(image[None], lessons)))

    def _judged(self, images: NDArray[np.uint8], lessons: "Lessons | None") -> tuple[NDArray[np.float32], ...]:
        """Probabilities and ood_score as the lessons shift them, and, where there are any, as the network gave them."""
        if lessons is None:
            return self.run(images)
        probabilities, ood_score, features = self._run_with_features(images)
        return *lessons.shifted(probabilities, ood_score, features, images), probabilities, ood_score

    def _prediction(
        self,
        image: NDArray[np.uint8],
        probabilities: NDArray[np.float32],
        ood_score: np.float32,
        *network: Any,
        seen_in: _SeenIn = None,
    ) -> Prediction:
        """From what `_judged` finds, and in what the row reader had a say."""
        probabilities.flags.writeable = image.flags.writeable = False
        confidence, score = float(probabilities.max()), float(ood_score)
        log_right = log_joint(confidence, score)
        sure = 0.0 if seen_in == "picture" else self.unsure_threshold
        status = status_of(confidence, score, self.ood_threshold, sure)
        if seen_in and status == "digit" and math.exp(log_right) < _SURE_ONE:
            status = "unsure"
        if seen_in == "picture" and status == "not_a_digit" and log_right > _MAYBE:
            status = "unsure"
        digit = None if status == "not_a_digit" else int(probabilities.argmax())
        shifted = network and (network[1] != ood_score or (network[0] != probabilities).any())
        alone = self._prediction(image, *network, seen_in=seen_in) if shifted else None
        return Prediction(status, digit, confidence, probabilities, score, image, network=alone)

    def predict_batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 (N, 10), for images in the model's form, uint8 (N, 28, 28), and nothing else.

        Raises:
            ImageError: shape or dtype differ.
        """
        return self.run(images)[0]

    def run(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The model's answers for images uint8 (N, 28, 28): probabilities (N, 10) and ood_score (N,).

        Raises:
            ImageError: shape or dtype differ.
            ModelError: the model fails to run.
        """
        probabilities, ood_score = self._outputs(images, "probabilities", "ood_score")
        return probabilities, ood_score

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the last hidden layer makes of images uint8 (N, 28, 28): (N, F), rows of length 1, or all 0.

        Raises:
            ImageError: shape or dtype differ.
            ModelError: the model has no such output, or fails to run.
        """
        self._check_features()
        (features,) = self._outputs(images, "features")
        return features

    def _check_features(self) -> None:
        if not self._model.features:
            raise ModelError(
                f"{self.name}: this model cannot learn: its file is of contract {self.metadata['contract']}, which has"
                " no features; export it again"
            )

    def _run_with_features(
        self, images: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        probabilities, ood_score, features = self._outputs(images, "probabilities", "ood_score", "features")
        return probabilities, ood_score, features

    def _outputs(self, images: NDArray[np.uint8], *names: str) -> list[NDArray[np.float32]]:
        """Outputs of the model by name."""
        _check_images(images)
        shapes = {"probabilities": (10,), "ood_score": (), "features": (self._model.features,)}
        outputs = [np.empty((len(images), *shapes[name]), np.float32) for name in names]
        for first in range(0, len(images), _CHUNK):
            part = slice(first, first + _CHUNK)
            try:
                found = self._model.session.run(names, {"image": np.ascontiguousarray(images[part])})
                for output, rows in zip(outputs, found, strict=True):
                    output[part] = rows
            except Exception as error:  # onnxruntime raises a dozen types without a common base
                raise ModelError(f"{self.name}: the model fails to run ({first_line(error)})") from None
        return outputs


def _drawn(strokes: list[Points], known: Known) -> tuple[Cutting, Units, NDArray[np.float64]]:
    """Strokes as the row reader is shown them, and what it sees."""
    from digitpad.image.rows import drawn, scores_in

    key = ("drawn", *(stroke.tobytes() for stroke in strokes))
    ((cutting, units),) = known.each([key], lambda _: [drawn(strokes)])
    return cutting, units, scores_in(cutting)


_NO_WAY = _Way([], 0.0, -math.inf, (), 0.0)


def _number_of_one(one: Prediction, right: float) -> Number:
    """A number of one digit, and how probably it is right."""
    return Number(str(one.digit), "number" if one.status == "digit" else "unsure", right, (one,))


def _way_of_one(one: Prediction, confidence: float, log_number: float, sure: float) -> _Way:
    """A digit as a way to read a row; in doubt it is only as probable as that it is one at all, too."""
    if one.status != "digit":
        confidence, sure = confidence * math.exp(-np.logaddexp(0, one.ood_score)), math.inf
    return _Way([str(int(one.probabilities.argmax()))], confidence, log_number, (one,), sure)


def _below_each_other(rows: "list[_Way]") -> "_Way":
    """The rows of a drawing or picture as one."""
    texts = [text for row in rows for text in row.texts if text]
    confidence, log_number = math.prod(row.confidence for row in rows), min(row.log_number for row in rows)
    digits = tuple(digit for row in rows for digit in row.digits)
    return _Way(texts, confidence, log_number, digits, max(row.sure for row in rows)) if texts else _NO_WAY


def _likeliest(ways: "list[_Way]") -> "_Way":
    """The text that is the likeliest over all ways to see a picture, as the likeliest of them reads it."""
    weights = np.exp([way.log_number for way in ways])
    right: dict[str, float] = {}
    for way, weight in zip(ways, weights.tolist(), strict=True):
        right["\n".join(way.texts)] = right.get("\n".join(way.texts), 0.0) + weight * way.confidence
    text = max(right, key=lambda text: right[text])
    best = max((way for way in ways if "\n".join(way.texts) == text), key=lambda way: way.log_number)
    some = max(float(weights.sum()), UNLIKELIEST)
    likely = min(2 * some / len(ways), 1.0)  # half of the ways to see it may be wrong
    return replace(best, confidence=likely * right[text] / some, log_number=math.log(likely))


def _box_of_ink(readings: Readings) -> Box:
    """Of what was found in a picture, in its own pixels."""
    from PIL import Image

    if not readings.ways:  # in the model's form already
        scale, (x, y) = readings.units
        return x, y, x + SIZE * scale, y + SIZE * scale
    part = readings.ways[0][0]
    inked = Image.fromarray(part.ink >= 0.5)
    return _in_picture(inked.getbbox() or (0, 0, *inked.size), part, readings.units)


def _in_picture(box: Box, part: Cutting, units: Units) -> Box:
    """A box in a cutting's pixels, in those of the picture."""
    (x, y), scale = units[1], units[0]
    left, top, right, bottom = (np.array(part.corner * 2) + box) * scale + (x, y, x, y)
    return float(left), float(top), float(right), float(bottom)


def _check_images(images: object) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        shape, dtype = getattr(images, "shape", "no shape"), getattr(images, "dtype", type(images).__name__)
        raise ImageError(f"images must be uint8 (N, 28, 28), 0 = paper, 255 = ink; got {dtype} {shape}")

"""What answers in place of a model, for the tests of the pad."""

import math
import re

import numpy as np

from digitpad.answers import Number, Prediction
from digitpad.mnist_form import render_strokes


class StandIn:
    """Reads the same in everything that has ink, and counts how often it is asked.

    A digit, or a number: "19?84" is one with a doubtful 9.
    """

    def __init__(self, name, digit=3, status="digit", chance=0.91):
        self.name, self.digit, self.status, self.chance, self.asked = name, digit, status, chance, 0

    def use_hand(self, hand):
        """Learn nothing."""

    def read_readings(self, readings):
        return self._number(self.predict_readings(readings))

    def read_strokes(self, strokes, known=None):
        return self._number(self.predict_normalised(render_strokes(strokes)))

    def _number(self, answer):
        if answer.status in ("blank", "not_a_digit"):
            return Number("", answer.status.replace("digit", "number"), 0.0, ())
        digits = tuple(
            self.answer(answer.image, int(digit), "unsure" if doubt else "digit", 0.5 if doubt else self.chance)
            for digit, doubt in re.findall(r"(\d)(\??)", str(self.digit))
        )
        number = str(self.digit).replace("?", ""), self.status.replace("digit", "number"), self.chance
        return Number(*number, digits if len(digits) > 1 else (answer,))

    def predict_strokes(self, strokes):
        return self.answer(render_strokes(strokes), self.digit, self.status, self.chance)

    def predict_normalised(self, image):
        self.asked += 1
        return self.answer(image, self.digit, self.status, self.chance)

    def predict_readings(self, readings):
        return self.predict_normalised(readings.found[0])

    def answer(self, image, digit, status, chance):
        if not image.any():
            return Prediction("blank", None, 0.0, np.full(10, 0.1, np.float32), math.nan, image)
        probabilities = np.full(10, 0.002, np.float32)
        probabilities[1] = max(0.002, 1 - chance - 8 * 0.002)  # a one is the second guess
        digit = int(str(digit)[0])
        probabilities[digit] = chance
        return Prediction(status, None if status == "not_a_digit" else digit, chance, probabilities, 0.0, image)

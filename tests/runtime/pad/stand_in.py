"""What answers in place of a model, for the tests of the pad."""

import math

import numpy as np

from digitpad.mnist_form import render_strokes
from digitpad.recognizer import Prediction


class StandIn:
    """Reads the same digit in everything that has ink, and counts how often it is asked."""

    def __init__(self, name, digit=3, status="digit", chance=0.91):
        self.name, self.digit, self.status, self.chance, self.asked = name, digit, status, chance, 0

    def predict_strokes(self, strokes):
        return self.predict_normalised(render_strokes(strokes))

    def predict_normalised(self, image):
        self.asked += 1
        image = image[0] if image.ndim == 3 else image
        if not image.any():
            return Prediction("blank", None, 0.0, np.full(10, 0.1, np.float32), math.nan, image)
        probabilities = np.full(10, 0.002, np.float32)
        probabilities[1] = max(0.002, 1 - self.chance - 8 * 0.002)  # a one is the second guess
        probabilities[self.digit] = self.chance
        digit = None if self.status == "not_a_digit" else self.digit
        return Prediction(self.status, digit, self.chance, probabilities, 0.0, image)

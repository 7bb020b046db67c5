"""The recogniser: an image or strokes in, a digit and how sure it is out."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from digitpad.errors import ImageError, ModelError
from digitpad.mnist_form import render_strokes
from digitpad.models import first_line, load_model

if TYPE_CHECKING:
    import onnxruntime
    from PIL import Image as PILImage

_CHUNK = 256  # images run at once: more would not be faster and would need memory
_BLANK = np.full(10, 0.1, np.float32)
_BLANK.flags.writeable = False

Status = Literal["digit", "unsure", "not_a_digit", "blank"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model makes of one drawing.

    Attributes:
        status: "digit"; "unsure" (a digit, but the confidence is low); "not_a_digit"; or "blank".
        digit: 0 to 9; None when blank or not a digit.
        confidence: the largest probability, in [0, 1]; 0.0 when blank.
        probabilities: float32 (10,), summing to 1; all 0.1 when blank.
        ood_score: out-of-distribution score: higher = less like a handwritten digit; NaN when blank.
        image: uint8 (28, 28), 0 = paper, 255 = ink: exactly what the model saw.
    """

    status: Status
    digit: int | None
    confidence: float
    probabilities: NDArray[np.float32]
    ood_score: float
    image: NDArray[np.uint8]


class Recognizer:
    """Reads handwritten digits with one model. One object may be shared by threads."""

    def __init__(
        self, model: str | os.PathLike[str] = "cnn", *, options: "onnxruntime.SessionOptions | None" = None
    ) -> None:
        """Load a shipped model by name, or any file that keeps the model contract by path.

        Args:
            model: the name or path.
            options: how onnxruntime is to run it, say with more threads for large batches. By default it is told to
                suit a small machine: `digitpad.models.session_options`, whose result can be changed and given here.

        Raises:
            ModelError: no such model, or the file is damaged or does not keep the contract.
        """
        self._model = load_model(model, options)
        self.name = self._model.name
        self.metadata = self._model.metadata
        self.ood_threshold = self._model.ood_threshold
        self.unsure_threshold = self._model.unsure_threshold

    def predict(self, image: "PILImage.Image | str | os.PathLike[str] | bytes | NDArray[Any]") -> Prediction:
        """Read the digit in an image of any size and either polarity.

        Args:
            image: a PIL image, a path, the bytes of an encoded image, or an array (H, W) or (H, W, 3 or 4) of
                uint8, uint16, bool or float in [0, 1].

        Raises:
            ImageError: it cannot be read as an image.
        """
        from digitpad.image.normalise import normalise_image

        return self.predict_normalised(normalise_image(image))

    def predict_strokes(self, strokes: Iterable[ArrayLike]) -> Prediction:
        """Read the digit that strokes draw.

        Args:
            strokes: (n, 2) arrays of x (right) and y (down), in any unit and with any offset. Blank is only what
                has no points or no extent.

        Raises:
            StrokeError: a stroke is not an (n, 2) array of finite numbers.
        """
        return self.predict_normalised(render_strokes(strokes))

    def predict_normalised(self, image: NDArray[np.uint8]) -> Prediction:
        """Judge one image that is in the model's form already: uint8 (28, 28), 0 = paper, 255 = ink.

        Raises:
            ImageError: shape or dtype differ.
        """
        image = np.array(image)
        _check_images(image[None])
        image.flags.writeable = False
        if not image.any():
            return Prediction("blank", None, 0.0, _BLANK, float("nan"), image)
        probabilities, ood_score = (output[0] for output in self.run(image[None]))
        probabilities.flags.writeable = False
        digit, confidence, score = int(probabilities.argmax()), float(probabilities.max()), float(ood_score)
        status = status_of(confidence, score, self.ood_threshold, self.unsure_threshold)
        return Prediction(status, None if status == "not_a_digit" else digit, confidence, probabilities, score, image)

    def predict_batch(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 (N, 10), of images in the model's form, uint8 (N, 28, 28); nothing else is done.

        Raises:
            ImageError: shape or dtype differ.
        """
        return self.run(images)[0]

    def run(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both outputs of the model for images uint8 (N, 28, 28): probabilities (N, 10) and ood_score (N,).

        Raises:
            ImageError: shape or dtype differ.
            ModelError: the model fails to run.
        """
        _check_images(images)
        probabilities = np.empty((len(images), 10), np.float32)
        ood_score = np.empty(len(images), np.float32)
        for first in range(0, len(images), _CHUNK):
            part = slice(first, first + _CHUNK)
            try:
                probabilities[part], ood_score[part] = self._model.session.run(
                    ["probabilities", "ood_score"], {"image": np.ascontiguousarray(images[part])}
                )
            except Exception as error:  # onnxruntime raises a dozen types without a common base
                raise ModelError(f"{self.name}: the model fails to run ({first_line(error)})") from None
        return probabilities, ood_score


def status_of(confidence: float, ood_score: float, ood_threshold: float, unsure_threshold: float) -> Status:
    """The status of an answer to an image that is not blank."""
    if ood_score > ood_threshold:
        return "not_a_digit"
    return "unsure" if confidence < unsure_threshold else "digit"


def _check_images(images: object) -> None:
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (28, 28):
        shape, dtype = getattr(images, "shape", "no shape"), getattr(images, "dtype", type(images).__name__)
        raise ImageError(f"images must be uint8 (N, 28, 28), 0 = paper, 255 = ink; got {dtype} {shape}")

"""digitpad: reads handwritten digits, with no training framework installed.

The names below are what it promises; everything else may change. Nothing heavy is imported until it is used: `import
digitpad` alone loads neither numpy nor onnxruntime, Pillow or pygame.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitpad.answers import Number, Prediction
    from digitpad.errors import DigitPadError, ImageError, ModelError, StrokeError
    from digitpad.hand import Hand
    from digitpad.image.normalise import normalise_image
    from digitpad.mnist_form import render_strokes
    from digitpad.models import session_options
    from digitpad.recognizer import Recognizer
    from digitpad.stroke_files import Sample, read_samples, write_samples

__version__ = "0.1.0"

__all__ = [
    "DigitPadError",
    "Hand",
    "ImageError",
    "ModelError",
    "Number",
    "Prediction",
    "Recognizer",
    "Sample",
    "StrokeError",
    "__version__",
    "normalise_image",
    "read_samples",
    "render_strokes",
    "session_options",
    "write_samples",
]

_HOMES = {
    "errors": ("DigitPadError", "ImageError", "ModelError", "StrokeError"),
    "hand": ("Hand",),
    "image.normalise": ("normalise_image",),
    "mnist_form": ("render_strokes",),
    "models": ("session_options",),
    "answers": ("Number", "Prediction"),
    "recognizer": ("Recognizer",),
    "stroke_files": ("Sample", "read_samples", "write_samples"),
}


def __getattr__(name: str) -> object:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"digitpad.{module}"), name)
    raise AttributeError(f"module 'digitpad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

"""digitpad: reads handwritten digits, with no training framework installed.

Nothing heavy is imported until it is used: `import digitpad` alone loads neither onnxruntime nor Pillow nor pygame.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitpad.errors import DigitPadError, ImageError, ModelError, StrokeError
    from digitpad.recognizer import Prediction, Recognizer

__version__ = "0.1.0"

__all__ = ["DigitPadError", "ImageError", "ModelError", "Prediction", "Recognizer", "StrokeError", "__version__"]


def __getattr__(name: str) -> object:
    if name in ("DigitPadError", "ImageError", "ModelError", "StrokeError"):
        return getattr(import_module("digitpad.errors"), name)
    if name in ("Prediction", "Recognizer"):
        return getattr(import_module("digitpad.recognizer"), name)
    raise AttributeError(f"module 'digitpad' has no attribute {name!r}")

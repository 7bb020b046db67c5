"""What can go wrong, as exceptions whose one-line text names the thing and the mend."""


def printable(text: str) -> str:
    """Text that stays on its line and cannot steer a terminal, whatever a file's name holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class DigitPadError(Exception):
    """Base of every error this package raises on purpose: its text is one line that any terminal can show."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))  # names and what other libraries say of a file may hold anything


class ModelError(DigitPadError):
    """A model file is missing, damaged, or does not keep the model contract."""


class ImageError(DigitPadError):
    """An image cannot be read, or an array cannot be taken as an image."""


class StrokeError(DigitPadError):
    """Strokes or a stroke file do not have the form they must have."""

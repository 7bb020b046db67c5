"""What can go wrong, as exceptions whose one-line text says what failed and what to do about it."""

# How to get what only the pad needs, after an installation without it.
GET_PAD = (
    "pip install 'digitpad[pad]'; with pipx or uv: pipx install --force 'WHEEL[pad]' or uv tool install 'WHEEL[pad]',"
    " WHEEL being digitpad's .whl file"
)


def printable(text: str) -> str:
    """Text that stays on one line and cannot control a terminal, whatever a file name holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def first_line(error: Exception) -> str:
    """The first line of another library's exception, or its type if it has no text, to be quoted in one of ours."""
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0]:.200}"


class DigitPadError(Exception):
    """Base of every error this package raises on purpose: its text is one line that any terminal can show."""

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))  # file names and other libraries' messages may hold anything


class ModelError(DigitPadError):
    """A model file is missing, damaged, or breaks the model contract."""


class ImageError(DigitPadError):
    """An image cannot be read, or an array is not an image."""


class StrokeError(DigitPadError):
    """Strokes or a stroke file do not have the required form."""

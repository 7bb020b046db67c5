"""What the pad remembers from one time to the next: a small JSON file in the user's configuration folder."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole
from digitpad.pad.asking import CHOICES
from digitpad.pad.drawing import BRUSH, THICKEST, THINNEST


@dataclass(frozen=True)
class Settings:
    """How the pad was left: which models are asked, live or not, the theme, the brush, the window's size.

    `knows_of_hand`: whether the user was told that the pad learns, and from where.
    """

    model: str = "cnn"
    live: bool = False
    dark: bool = False
    brush: float = BRUSH
    width: int = 1120
    height: int = 640
    knows_of_hand: bool = False


def read_settings(path: Path) -> tuple[Settings, str]:
    """Read the settings; with them comes a remark for the user, empty if all is well.

    A damaged file is neither lost nor fatal: it is renamed, and the pad starts with the defaults.
    """
    try:
        return _parse(path.read_bytes()), ""
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), f"The settings cannot be read: {path} ({error.strerror or error})"
    except (ValueError, TypeError, RecursionError):
        aside = path.with_name(path.name + ".broken")
        with suppress(OSError):
            path.replace(aside)
        return Settings(), f"The settings were damaged: they are set aside in {aside}"


def write_settings(path: Path, settings: Settings) -> None:
    """Keep the settings. If they cannot be written, nothing is said: the user is leaving."""
    with suppress(DigitPadError):
        make_folder(path.parent)
        write_whole(path, (json.dumps(asdict(settings), indent=1) + "\n").encode())


def _parse(data: bytes) -> Settings:
    """Settings from JSON; what is missing has its default. Raises ValueError or TypeError if it holds anything else."""
    content = json.loads(data)
    if not isinstance(content, dict):
        raise TypeError
    settings = Settings(**{field.name: content.get(field.name, field.default) for field in fields(Settings)})
    if any(type(getattr(settings, field.name)) is not type(field.default) for field in fields(Settings)):
        raise TypeError
    if settings.model not in CHOICES or not THINNEST <= settings.brush <= THICKEST:
        raise ValueError
    if not (1 <= settings.width <= 16384 and 1 <= settings.height <= 16384):
        raise ValueError
    return settings

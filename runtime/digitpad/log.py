"""The steps from an input to a digit, logged at debug level by `logging.getLogger("digitpad")`."""

import sys
from collections.abc import Callable

# Takes a step in words, as logging does: a format and its values. Pictures of the step come by name: `seen` and `alpha`
# (light), `ink` (1 = ink) or `strokes`, the last two with what they were `before`.
Tell = Callable[..., None]


def log_step(words: str, *values: object, **_pictures: object) -> None:
    """Log a step at debug level.

    If nothing has imported logging, there is no one to log to, and importing it takes longer than reading strokes does.
    """
    get_logger = getattr(sys.modules.get("logging"), "getLogger", None)
    if get_logger is not None:
        get_logger("digitpad").debug(words, *values)

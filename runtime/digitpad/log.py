"""The steps on the way from an input to a digit, said at debug level by `logging.getLogger("digitpad")`."""

import sys
from collections.abc import Callable

# Takes a step in words, as logging does: a format and its values. Pictures of the step come by name: `seen` and `alpha`
# (light), or `ink` and what it was `before` (1 = ink).
Tell = Callable[..., None]


def log_step(words: str, *values: object, **_pictures: object) -> None:
    """Say a step at debug level.

    Nobody listens where nothing has imported logging, which takes longer to load than a stroke file takes to read: so
    it isn't loaded here.
    """
    get_logger = getattr(sys.modules.get("logging"), "getLogger", None)
    if get_logger is not None:
        get_logger("digitpad").debug(words, *values)

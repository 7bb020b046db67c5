"""Files that are whole or not there: written under a temporary name, then renamed."""

import os
import tempfile
from pathlib import Path

from digitpad.errors import DigitPadError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a crash, a kill or a full disk leaves the old one, if any, untouched.

    Raises:
        DigitPadError: the folder or disk does not take the file.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a power cut after the rename can leave an empty file
        temporary.chmod(0o644)  # a temporary file is its owner's alone
        temporary.replace(path)
        temporary = None
    except OSError as error:
        mend = "free some space or choose another folder"
        raise DigitPadError(f"{path}: cannot be written ({error.strerror or error}); {mend}") from None
    finally:  # also when interrupted
        if temporary:
            temporary.unlink(missing_ok=True)

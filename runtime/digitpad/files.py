"""Files that are complete or not there: written under a temporary name, then renamed."""

import os
import secrets
from pathlib import Path

from digitpad.errors import DigitPadError


def write_whole(path: Path, data: bytes, only_new: bool = False) -> None:
    """Write a file so that a crash, a kill or a full disk leaves the old one, if any, untouched.

    With `only_new` no file is ever replaced, not even one that another program makes at the same moment.

    Raises:
        DigitPadError: the file cannot be written.
        FileExistsError: it exists, with `only_new`.
    """
    temporary = None
    try:
        if path.is_symlink():  # replace the file it points to, not the link
            path = Path(os.path.realpath(path))
        name = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with name.open("xb") as file:
            temporary = name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a power cut after the rename can leave an empty file
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        if only_new:
            _name_if_free(temporary, path)
        else:
            temporary.replace(path)
            temporary = None
    except OSError as error:
        if only_new and isinstance(error, FileExistsError):
            raise
        reason = error.strerror or error
        raise DigitPadError(f"{path}: cannot be written ({reason}); free some space or choose another folder") from None
    finally:  # also when interrupted
        if temporary:
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, if they aren't there.

    Raises:
        DigitPadError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DigitPadError(f"{path}: cannot be made ({error.strerror or error}); choose another folder") from None


def _name_if_free(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except FileExistsError:
        raise
    except OSError:  # a disk without links, such as a memory card: leaves a gap between check and rename
        if name.exists():
            raise FileExistsError(name) from None
        file.rename(name)

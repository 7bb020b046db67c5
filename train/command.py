"""What `python -m train`, `evaluate`, `export` and `bench` share: where the checkout is, and how a command ends."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole

ROOT = Path(__file__).parents[1]


def finish(name: str, work: Callable[[], int | None], stopped: str) -> int:
    """Do the work of a command; returns its exit status: what the work returns, 1 after an error, 130 after Ctrl+C.

    An error is one line on standard error.

    Args:
        name: what the line begins with.
        work: the command, without arguments.
        stopped: what is left when it is interrupted, in a few words.
    """
    try:
        return work() or 0
    except DigitPadError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except OSError as error:  # usually, a library's temporary file found no room
        what = (
            f"{error.filename}: cannot be read or written" if error.filename else "a temporary file cannot be written"
        )
        reason = error.strerror or error
        print(f"{name}: {what} ({reason}); free some space, or name another disk in TMPDIR", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped; {stopped}", file=sys.stderr)
        return 130


def prepare_folder(folder: Path, settings: dict[str, object]) -> None:
    """Make a folder of the run; one made with other data or settings is set aside, a pool emptied."""
    wanted = json.dumps(settings)
    if (folder / "run.json").exists() and (folder / "run.json").read_text() != wanted:
        if folder.name == "pool":
            for path in set(folder.iterdir()) - {folder / "run.json"}:  # kept, in case the run is killed here
                path.unlink()
        else:
            number = 1
            while (aside := folder.with_name(f"{folder.name}.{number}")).exists():
                number += 1
            folder.rename(aside)
            print(f"{folder.name}: other settings or data than in the last run (kept in {aside}): training starts over")
    make_folder(folder)
    write_whole(folder / "run.json", wanted.encode())


def threads_each(processes: int) -> dict[str, str]:
    """Environment variables that give each of several processes its share of the cores.

    With more threads than cores they would wait for each other. PyTorch and TensorFlow read these when they start.
    """
    threads = str(max(1, (os.cpu_count() or 1) // max(1, processes)))
    return {"OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": "1"}

"""Read the numbers in a folder of pictures on several machines, with Dask: a row for each picture, in order.

python examples/read_with_dask.py FOLDER                        # in two processes on this machine
python examples/read_with_dask.py FOLDER tcp://192.0.2.1:8786   # on a cluster, at its scheduler's address

The cluster's workers need digitpad installed, and nothing else: the pictures are sent to them.
"""

import csv
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from distributed import Client, Future, get_worker

from digitpad import DigitPadError, Recognizer


def recognizer() -> Recognizer:
    """The worker's own, loaded once: any number of threads may share one."""
    worker = get_worker()
    if not hasattr(worker, "recognizer"):
        worker.recognizer = Recognizer("cnn")
    found: Recognizer = worker.recognizer
    return found


def read(name: str, picture: bytes | OSError) -> list[object]:
    """Read one picture, on a worker: the row that is printed for it."""
    try:
        if isinstance(picture, OSError):
            raise picture
        number = recognizer().read(picture)
    except (DigitPadError, OSError) as error:
        return [name, "error", str(error), ""]
    return [name, number.status, number.text, round(number.confidence, 4)]


def rows(client: Client, paths: Iterable[Path]) -> Iterator[list[object]]:
    """The row of each picture, in the order of the paths; there are never more than a few on their way."""
    sent: deque[Future] = deque()
    most = 4 * sum(client.nthreads().values())
    for path in paths:
        try:
            picture: bytes | OSError = path.read_bytes()
        except OSError as error:
            picture = error
        sent.append(client.submit(read, path.name, picture, pure=False))
        if len(sent) >= most:
            yield sent.popleft().result()
    while sent:
        yield sent.popleft().result()


def main(folder: str, scheduler: str | None = None) -> None:
    """Print the table."""
    here = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with Client(scheduler) if scheduler else Client(**here) as client:
        table = csv.writer(sys.stdout)
        table.writerow(["file", "status", "text", "confidence"])
        pictures = (path for path in Path(folder).iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
        table.writerows(rows(client, sorted(pictures)))


if __name__ == "__main__":
    main(*sys.argv[1:])

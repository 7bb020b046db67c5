"""Many inputs, one after the other: what they are, and how several processes share the work on them.

The processes talk through pipes: however this one ends, they end with it, and one that crashes costs the input it was
at and no other.
"""

import contextlib
import os
import pickle
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from digitpad.errors import DigitPadError, StrokeError

# What several processes need is imported where they are started: one picture must not wait for it.
if TYPE_CHECKING:
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

    from digitpad.mnist_form import Points

    # The path of an image, an image file's content, strokes, or an image in the model's form.
    Source = str | bytes | list[Points] | NDArray[np.uint8]
    Work = Callable[[str, Source], Iterable[str]]  # from an input, by the name it has in the results, to the results
    Answer = tuple[int, str, str]  # to an input: the place of its file, its results, and what went wrong or ""

MAX_STDIN = 256 * 2**20  # bytes: no image or stroke file that can be read is larger
_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".pbm", ".pgm", ".ppm", ".pnm")


def answers(make: "Callable[[], Work]", files: list[str], jobs: int) -> "Generator[Answer, None, None]":
    """The answer to each input of the files, in order, worked out as they are asked for.

    Args:
        make: makes the function that does the work; called at once, and in each process, so it must survive pickling.
        files: images, stroke files, or "-" for standard input.
        jobs: how many processes share the work. No more than a few inputs are held for each.
    """
    work = make()  # with several processes too, as it may fail
    items = ((number, *item) for number, file in enumerate(files) for item in _inputs(file))
    if jobs > 1:
        return _shared_out(items, _Workers(make, jobs), jobs)
    return ((number, *_outcome(work, name, source)) for number, name, source in items)


def _shared_out(
    items: "Iterable[tuple[int, str, Source | DigitPadError]]", workers: "_Workers", jobs: int
) -> "Generator[Answer, None, None]":
    from collections import deque
    from concurrent.futures import ThreadPoolExecutor

    waiting: deque[tuple[int, Future[tuple[str, str]]]] = deque()

    def done(most: int) -> "Iterator[Answer]":
        while waiting and (len(waiting) > most or waiting[0][1].done()):
            number, future = waiting.popleft()
            yield number, *future.result()

    with contextlib.closing(workers), ThreadPoolExecutor(jobs) as threads:
        try:
            for number, name, source in items:
                waiting.append((number, threads.submit(workers.outcome, name, source)))
                yield from done(4 * jobs)
            yield from done(0)
        finally:
            threads.shutdown(cancel_futures=True)


class _Workers:
    """Other processes that do the work, each for one thread of this one at a time; started when first needed."""

    def __init__(self, make: "Callable[[], Work]", jobs: int) -> None:
        from queue import SimpleQueue

        self._make = make
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(jobs):
            self._idle.put(None)

    def outcome(self, *item: object) -> tuple[str, str]:
        """What another process says of an input: as `_outcome` does."""
        worker = self._idle.get()
        try:
            worker = worker or self._start()
            try:
                pickle.dump(item, worker.stdin)
                worker.stdin.flush()
                told = pickle.load(worker.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                worker.kill()
                worker.communicate()
                problem = f"the process that read it ended (status {worker.returncode}); try it alone"
                worker, told = None, ("", problem)
        finally:
            self._idle.put(worker)
        if isinstance(told, Exception):
            raise told
        text, problem = told
        return text, problem

    def _start(self) -> Any:
        """A new process. Ctrl-C in a terminal reaches all processes of a session: it is in one of its own."""
        import subprocess

        code = f"import sys; sys.path[:] = {sys.path!r}; from digitpad.many import serve; serve()"
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy's would get in each other's way
        try:
            worker: Any = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | one_thread,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same, on Windows
            )
        except OSError as error:
            raise DigitPadError(f"no other process can be started ({error.strerror or error}); lower --jobs") from None
        with contextlib.suppress(OSError):  # it has ended already, which the first input will tell
            pickle.dump(self._make, worker.stdin)
        return worker

    def close(self) -> None:
        """End them all: none has work any more."""
        while not self._idle.empty():
            if worker := self._idle.get():
                worker.communicate()


def serve() -> None:
    """Be one of those processes: inputs come from standard input, outcomes go to standard output."""
    given, results = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(EOFError, BrokenPipeError):
        work = pickle.load(given)()
        while True:
            item = pickle.load(given)
            try:
                outcome: object = _outcome(work, *item)
            except Exception as error:
                outcome = error
            pickle.dump(outcome, results)
            results.flush()
    os._exit(0)


def _outcome(work: "Work", name: str, source: "Source | DigitPadError") -> tuple[str, str]:
    """What is said of an input, and what went wrong or ""."""
    results = []
    try:
        if isinstance(source, DigitPadError):
            raise source
        for result in work(name, source):
            results.append(result)
    except DigitPadError as error:
        return "".join(results), str(error)
    return "".join(results), ""


def files_in(folder: str) -> list[str]:
    """The paths of the images and stroke files in a folder, not below it, by name, without the hidden ones.

    Raises:
        DigitPadError: it cannot be read, or holds none.
    """
    from digitpad.stroke_files import is_stroke_file

    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file() and not entry.name.startswith("."))
    except OSError as error:
        raise DigitPadError(f"{folder}: cannot be read ({error.strerror or error})") from None
    found = [os.path.join(folder, name) for name in names if name.lower().endswith(_ENDINGS) or is_stroke_file(name)]
    if not found:
        raise DigitPadError(f"{folder}: no images or stroke files are in this folder; files below it are not read")
    return found


def _inputs(file: str) -> "Iterator[tuple[str, Source | DigitPadError]]":
    """What is in one file, or in standard input if that is "-": an image, or each sample of a stroke file."""
    from digitpad.stroke_files import GZIP_MAGIC, is_stroke_file, parse_entries, read_entries

    try:
        content = _standard_input() if file == "-" else b""
        if content.startswith(GZIP_MAGIC) or content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            samples = parse_entries(content, "standard input")
        elif is_stroke_file(file):
            samples = read_entries(file)
        else:
            yield file, content or file
            return
        if not samples:
            raise StrokeError("holds no samples; save a drawing in it first")
    except DigitPadError as error:
        yield file, error
        return
    for number, sample in enumerate(samples, start=1):
        name = file if len(samples) == 1 else f"{file}#{number}"
        if isinstance(sample, StrokeError):
            yield name, sample
        else:
            yield name, sample.strokes if sample.image is None else sample.image


def _standard_input() -> bytes:
    try:
        data = sys.stdin.buffer.read(MAX_STDIN + 1) if sys.stdin is not None else b""
    except (OSError, ValueError) as error:
        raise DigitPadError(f"standard input: cannot be read ({error})") from None
    if not data:
        raise DigitPadError("standard input: empty; pipe an image or a stroke file in")
    if len(data) > MAX_STDIN:
        raise DigitPadError(f"standard input: larger than {MAX_STDIN >> 20} MiB; give a smaller image")
    return data

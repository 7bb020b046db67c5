"""Kills processes while they write, many hundred times, and looks at every file they leave: whole or not there.

    python -m tests.killing --kills 600 --out docs/hardening.md

A process does a step (tests/killing_steps.py) and gets SIGKILL at a moment drawn at random: as it touches the Nth
file, every other time one that is not temporary, or a few lines of Python later, so that a file just opened is still
empty; or up to ten milliseconds later, or up to as much later as the step takes. The draws are seeded, but the last two
are only as exact as the clock. What it left is looked at, and after one, two or three kills the step is done
undisturbed: it must succeed, and nothing be missing that was ever told to be finished.

The process is forked off one that has loaded what the step needs, since loading TensorFlow takes longer than the step.
"""

import argparse
import gzip
import hashlib
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np
from PIL import Image

from digitpad import Recognizer
from digitpad.files import write_whole
from digitpad.pad.settings import read_settings
from digitpad.stroke_files import read_samples
from tests.killing_steps import CONTENT, STEPS, Step

ROOT = Path(__file__).parents[1]
TOUCHES = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}

# What is killed, as the page tells it, and how many in a hundred of all kills it gets.
KINDS = {
    "download": ("a data set is downloaded (`make train`)", 25),
    "pad": ("the pad saves a drawing, gathers it under a label, keeps its settings", 32),
    "manifest": ("the manifest is written (`make export`, `make report`)", 20),
    "bundle": ("`make bundle` fills and packs archives", 18),
    "train-mlp": ("`make train`: pool, checkpoints, weights and pictures, PyTorch", 2),
    "train-cnn": ("the same, Keras", 1),
    "export-mlp": ("`make export`: models, manifest, reference, model card, PyTorch", 1),
    "export-cnn": ("the same, Keras", 1),
}


@dataclass
class Row:
    """What came of a kind's kills."""

    kind: str
    kills: int = 0
    whole_runs: int = 0  # undisturbed ones, in between
    files: int = 0  # looked at after a kill
    temporaries: int = 0  # of killed processes: hidden, and left behind
    problems: list[str] = field(default_factory=list)


def campaign(kind: str, kills: int, seed: int = 1) -> Row:
    """Kill one kind so often."""
    rng, row = random.Random(f"{kind} {seed}"), Row(kind)
    with tempfile.TemporaryDirectory() as place, local_mirrors() as address, stable(kind, Path(place), address) as do:
        folder = Path(place, "files")
        finished: dict[str, int] = {}  # how much each file held that was told to be finished

        def look(answer: dict[str, Any], complete: bool) -> None:
            finished.update(dict(answer["said"]))
            if problems := damage(folder, finished, complete):
                row.problems.append(
                    f"{kind}, kill {row.kills}: " + "; ".join(problems).replace(f"{folder}{os.sep}", "")
                )
                begin_anew()

        def begin_anew() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            finished.clear()

        begun = time.monotonic()
        answer = do({})
        whole = time.monotonic() - begun  # only how late the latest kills come depends on it
        assert answer["status"] == 0, f"{kind} fails even if it is left alone"
        look(answer, complete=True)
        touched = answer["touched"]
        while row.kills < kills and len(row.problems) < 10:
            if rng.random() < 0.4:  # else over what is there
                begin_anew()
            for _ in range(rng.randint(1, 3)):
                lines = int(2 ** rng.uniform(0, 4)) - 1
                late = rng.choice([0, 0, 0, 10 ** rng.uniform(-5, -2), rng.uniform(0, whole)])
                finals = [number for number, final in enumerate(touched, start=1) if final]
                at = rng.choice(finals) if rng.random() < 0.5 else rng.randint(1, len(touched))
                before = len(hidden(folder))
                answer = do({"at": at, "lines": lines, "late": late})
                if answer["status"] == -signal.SIGKILL:
                    row.kills += 1
                    row.files += len(visible(folder))
                    row.temporaries += max(0, len(hidden(folder)) - before)
                elif answer["status"]:
                    row.problems.append(f"{kind}, kill {row.kills}: the next run failed")
                look(answer, complete=False)
            answer = do({})
            row.whole_runs += 1
            if answer["status"]:
                row.problems.append(f"{kind}, kill {row.kills}: it cannot be done again")
                break
            touched = answer["touched"]
            look(answer, complete=True)
    return row


# Looking at what is left


def damage(folder: Path, finished: dict[str, int], complete: bool) -> list[str]:
    """What is wrong with the files in a folder, and with what should be in them.

    Args:
        folder: where the files lie.
        finished: the least that must be in each.
        complete: whether a run has just ended well, so that the files must also fit each other.
    """
    problems, found = [], {}
    for path in visible(folder):
        name = path.relative_to(folder).as_posix()
        try:
            found[name] = look_at(path)
        except Exception as error:
            problems.append(f"{name} is damaged: {type(error).__name__}: {error}")
    for name, much in finished.items():
        if found.get(name, 0) < much:
            problems.append(f"{name} held {much} and now {found.get(name, 'is gone')}")
    for path in visible(folder) if complete else ():
        if path.name == "manifest.json":
            for entry in json.loads(path.read_bytes())["models"].values():
                if "sha256" in entry and entry["sha256"] != sha256(path.with_name(entry["file"])):
                    problems.append(f"the manifest does not belong to {entry['file']}")
    return problems


def look_at(path: Path) -> int:
    """How much is in a file, at least 1.

    Raises:
        Exception: of any kind, if it is not whole.
    """
    data = path.read_bytes()
    if path.name == "pad.json":
        assert read_settings(path)[1] == ""
    elif path.name in ("manifest.json", "report.json"):
        return max(int(entry.get("count", 1)) for entry in json.loads(data)["models"].values())
    elif path.name == "my_digits.json" or (path.name.startswith("drawing-") and path.suffix == ".json"):
        return len(read_samples(path))
    elif path.name == "file.gz":
        assert data == CONTENT
        return len(data)
    elif path.suffix == ".json":
        json.loads(data)
    elif path.suffix == ".onnx":
        Recognizer(path)
    elif path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
    elif path.suffix == ".npz":
        with np.load(path) as arrays:
            assert all(arrays[name].size for name in arrays)
    elif path.suffix in (".pt", ".keras", ".zip"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
    elif path.name.endswith(".tar.gz"):
        with gzip.open(path) as unzipped:  # to the end, where the sum is
            assert len(unzipped.read()) % tarfile.RECORDSIZE == 0
        with tarfile.open(path) as archive:
            assert any(name.endswith("/SHA256SUMS") for name in archive.getnames())
    elif path.suffix == ".md":
        assert data.decode().endswith("\n")
    else:
        raise ValueError("nobody knows this file")
    return 1


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def visible(folder: Path) -> list[Path]:
    """The files in a folder, but not those that are hidden or in a hidden folder: killed processes' temporary ones."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not is_hidden(path, folder))


def hidden(folder: Path) -> list[Path]:
    return list(folder.rglob(".*"))


def is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


# The process that is killed, and the one it is forked off


@contextmanager
def stable(kind: str, place: Path, address: str) -> Iterator[Any]:
    """A process that has loaded all, and a function that has it fork off another to do the step.

    The function takes {}, to be left alone, or {"at": which file touched, "lines": how many later, "late": or, unless
    that is 0, how many seconds later}. It gives {"status", "touched", "said"}: the exit status, whether each file
    touched was other than a temporary one, and what was told to be finished.
    """
    (place / "temporary").mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT / "runtime"), "TMPDIR": str(place / "temporary")}
    environment |= {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.killing", "--serve", kind, str(place / "files"), address]
    with (
        open(place / "errors", "w") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):

        def do(order: dict[str, Any]) -> dict[str, Any]:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, (place / "errors").read_text()
            return dict(json.loads(answer))

        yield do
        assert process.stdin
        process.stdin.close()


def serve(kind: str, folder: Path, address: str) -> int:
    """Load all; then, for every line of standard input, fork off a process that does the step."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the step prints is no answer
    step = STEPS[kind](address)
    for line in sys.stdin:
        order = json.loads(line)
        reads, writes = os.pipe()
        process = os.fork()
        if not process:
            os.close(reads)
            by_itself = order and not order["late"]
            _do(step, folder, writes, *((order["at"], order["lines"]) if by_itself else (0, 0)))
        os.close(writes)
        touched, said = [], []
        with open(reads) as news:
            for told in map(json.loads, news):
                if isinstance(told, list):
                    said.append(told)
                    continue
                touched.append(told)
                if len(touched) == order.get("at") and order["late"]:
                    time.sleep(order["late"])
                    os.kill(process, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(json.dumps({"status": status, "touched": touched, "said": said}), file=answers, flush=True)
    return 0


def _do(step: Step, folder: Path, writes: int, last: int, lines: int) -> NoReturn:
    status = 1
    try:
        _tell_of_files(folder, writes, last, lines)
        step(folder, lambda path, much: _tell(writes, [path.relative_to(folder).as_posix(), much]))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _tell_of_files(folder: Path, writes: int, last: int, lines: int) -> None:
    """Tell before every file that is touched; if `last` is not 0, die before that one, or so many lines later."""
    touched = 0

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        if event not in TOUCHES or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        touched += 1
        name = Path(arguments[1] if event in ("os.rename", "os.link") else arguments[0])
        _tell(writes, not is_hidden(name, folder))
        if touched == last:
            _die_in(lines)

    sys.addaudithook(hear)


def _die_in(lines: int) -> None:
    """Kill this process: at once, or when it has come so many lines of Python further."""

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines -= event == "line"
        if lines <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return count

    if lines == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    frame: FrameType | None = sys._getframe()
    while frame:  # those that run already; settrace is for those to come
        frame.f_trace = count
        frame = frame.f_back
    sys.settrace(count)


def _tell(writes: int, what: bool | list[Any]) -> None:
    os.write(writes, json.dumps(what).encode() + b"\n")


@contextmanager
def local_mirrors() -> Iterator[str]:
    """The address of a server whose /good/ has the file, and whose /cut/ breaks off in the middle of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[: len(CONTENT) // 2] if "cut" in self.path else CONTENT)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass  # the client was killed

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# The page


def page(rows: list[Row]) -> str:
    """docs/hardening.md."""
    titles = ["killed while", "kills", "undisturbed runs in between", "files looked at", "damaged or lost", "left over"]
    counts = [(row.kills, row.whole_runs, row.files, len(row.problems), row.temporaries) for row in rows]
    lines = [f"| {' | '.join(titles)} |", "|---|" + "---:|" * len(counts[0])]
    for row, numbers in zip(rows, counts, strict=True):
        lines.append(f"| {KINDS[row.kind][0]} | {' | '.join(f'{number:,}' for number in numbers)} |")
    problems = [problem for row in rows for problem in row.problems]
    return (
        f"""# Killed at any moment

Written by `make test-long`; how it is done is in [tests/killing.py](../tests/killing.py), what is killed in
[tests/killing_steps.py](../tests/killing_steps.py).

{sum(row.kills for row in rows):,} processes got SIGKILL (`kill -9`) while they wrote, each at a moment drawn at random.
Afterwards every file had to be whole or not there, nothing that had been finished before be lost, and the same succeed
when it was done again. {platform.system()} {platform.machine()}, Python {platform.python_version()}.

"""
        + "\n".join(lines)
        + """

"Damaged or lost" counts the kills after which a file was not whole, one that had been finished was gone or held less
than before, or the next run failed. A process that is killed cannot clear away: "left over" counts its temporary files,
hidden ones beside those they were to become (`.NAME.xxxxxxxx`), which may be deleted.
"""
        + ("\n```text\n" + "\n".join(problems) + "\n```\n" if problems else "")
    )


def main() -> int:
    """Kill, and write the page; the exit status is 0 if nothing was damaged."""
    if sys.argv[1:2] == ["--serve"]:
        return serve(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
    parser = argparse.ArgumentParser("python -m tests.killing", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=600, help="how many processes (%(default)s)")
    parser.add_argument("--kind", choices=KINDS, action="append", help="kill only these (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="another one draws other moments (%(default)s)")
    parser.add_argument("--out", type=Path, help="the page to write")
    options = parser.parse_args()
    kinds = options.kind or list(KINDS)
    share = options.kills / sum(KINDS[kind][1] for kind in kinds)
    rows = []
    for kind in kinds:
        rows.append(campaign(kind, max(1, round(share * KINDS[kind][1])), options.seed))
        print(f"{kind}: {rows[-1].kills} kills, {len(rows[-1].problems)} problems", *rows[-1].problems, sep="\n  ")
    if options.out:
        write_whole(options.out, page(rows).encode())
    return int(any(row.problems for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""Kills processes while they write, many hundred times, and looks at every file they leave: whole, or not there.

    python -m tests.killing --kills 600 --out docs/hardening.md

A process does a step of tests/killing_steps.py and is killed at a random moment: as it touches the Nth file, every
other time one that is not temporary; or microseconds to milliseconds later, when a file just opened is still empty or
half written; or up to as much later as the step takes. What it left is looked at, and after one, two or three kills the
step is done undisturbed: it must succeed, and nothing that was finished may be missing.
"""

import argparse
import gzip
import hashlib
import itertools
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
import time
import traceback
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
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

# What is killed, as the page puts it, and how many in a hundred of all kills it gets.
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
    """What came of killing one kind of process."""

    kind: str
    kills: int = 0
    whole_runs: int = 0  # undisturbed ones, in between
    files: int = 0  # looked at after a kill
    temporaries: int = 0  # hidden ones that killed processes left behind
    problems: list[str] = field(default_factory=list)


def campaign(kind: str, kills: int) -> Row:
    """Kill one kind that often, from a new process: what is killed is forked off it, so it must have no threads."""
    code = "import json, pathlib, sys, tests.killing as killing; kind, kills, place = sys.argv[1:]; "
    code += "print(json.dumps(vars(killing.kill_many(kind, int(kills), pathlib.Path(place)))))"
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "runtime"), "TMPDIR": place}
        environment |= {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, "-c", code, kind, str(kills), place]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Row(**json.loads(done.stdout))


def kill_many(kind: str, kills: int, place: Path) -> Row:
    """Kill one kind that often; the folder `place` is for what it reads and writes."""
    step, folder = STEPS[kind](place), place / "files"
    rng, row = random.Random(f"{kind} 1"), Row(kind)
    finished: dict[str, int] = {}  # how much was in each file that was finished

    def begin_anew() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        finished.clear()

    def do(at: int = 0, late: float = 0) -> tuple[int, list[bool]]:
        status, touched, said = forked(step, folder, at, late)
        finished.update(said)
        if problems := damage(folder, finished, complete=not at):
            row.problems.append(f"{kind}, kill {row.kills}: " + "; ".join(problems).replace(f"{folder}{os.sep}", ""))
            begin_anew()
        return status, touched

    begun = time.monotonic()
    status, touched = do()
    whole = time.monotonic() - begun
    assert status == 0, f"{kind} fails even if it is left alone"
    while row.kills < kills and len(row.problems) < 10:
        if rng.random() < 0.4:  # otherwise over old files
            begin_anew()
        for _ in range(min(rng.randint(1, 3), kills - row.kills)):
            late = rng.choice([0, 10 ** rng.uniform(-6, -3), 10 ** rng.uniform(-6, -2), rng.uniform(0, whole)])
            finals = [number for number, final in enumerate(touched, start=1) if final]
            at = rng.choice(finals) if rng.random() < 0.5 else rng.randint(1, len(touched))
            before = len(hidden(folder))
            status, _ = do(at, late)
            if status < 0:
                row.kills += 1
                row.files += len(visible(folder))
                row.temporaries += max(0, len(hidden(folder)) - before)
            elif status:
                row.problems.append(f"{kind}, kill {row.kills}: the next run failed")
        status, touched = do()
        row.whole_runs += 1
        if status:
            row.problems.append(f"{kind}, kill {row.kills}: it cannot be done again")
            break
    return row


# The process that is killed


def forked(step: Step, folder: Path, at: int, late: float) -> tuple[int, list[bool], dict[str, int]]:
    """Fork off a process that does a step, and is killed when it touches the Nth file, or `late` seconds later.

    Returns:
        Its exit status; whether each file it touched was other than a temporary one; what it said was finished.
    """
    reads, writes = os.pipe()
    process = os.fork()
    if not process:
        do_and_exit(step, folder, at, late, writes)
    os.close(writes)
    with open(reads) as news:
        told = [json.loads(line) for line in news]
    said = {name: much for what in told if isinstance(what, dict) for name, much in what.items()}
    touched = [what for what in told if isinstance(what, bool)]
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), touched, said


def do_and_exit(step: Step, folder: Path, at: int, late: float, writes: int) -> NoReturn:
    """Do a step, and report what it touches and finishes."""
    touches = itertools.count(1)

    def tell(what: bool | dict[str, int]) -> None:
        os.write(writes, json.dumps(what).encode() + b"\n")

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in TOUCHES or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return
        tell(not is_hidden(Path(arguments[1] if event in ("os.rename", "os.link") else arguments[0]), folder))
        if next(touches) == at:
            if not late:
                os.kill(os.getpid(), signal.SIGKILL)
            signal.setitimer(signal.ITIMER_REAL, late)  # nobody handles this signal: it kills like any other

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        sys.addaudithook(hear)
        step(folder, lambda path, much: tell({path.relative_to(folder).as_posix(): much}))
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


# What it leaves


def damage(folder: Path, finished: dict[str, int], complete: bool) -> list[str]:
    """What is wrong with the files in a folder.

    `finished` is the least that must be in each. With `complete` a run has just ended well, so the files must also
    belong together.
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
    for path in folder.rglob("manifest.json") if complete else ():
        for entry in json.loads(path.read_bytes())["models"].values():
            if "sha256" in entry:
                model = path.with_name(entry["file"])
                if entry["sha256"] != hashlib.sha256(model.read_bytes()).hexdigest():
                    problems.append(f"the manifest does not belong to {model.name}")
    return problems


def look_at(path: Path) -> int:
    """How much is in a file, at least 1; an exception of any kind if it is not whole."""
    data = path.read_bytes()
    match path.name, path.suffix:
        case "pad.json", _:
            assert read_settings(path)[1] == ""
        case "manifest.json" | "report.json", _:
            return max(int(entry.get("count", 1)) for entry in json.loads(data)["models"].values())
        case name, ".json" if name == "my_digits.json" or name.startswith("drawing-"):
            return len(read_samples(path))
        case "file.gz", _:
            assert data == CONTENT
            return len(data)
        case _, ".json":
            json.loads(data)
        case _, ".onnx":
            Recognizer(path)
        case _, ".png":
            with Image.open(path) as image:
                image.load()
        case _, ".pt" | ".keras" | ".npz" | ".zip":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
        case _, ".npy":
            return len(np.load(path))
        case _, ".gz":  # a bundle
            assert len(gzip.decompress(data)) % tarfile.RECORDSIZE == 0
            with tarfile.open(path) as archive:
                assert any(name.endswith("/SHA256SUMS") for name in archive.getnames())
        case "precision", _:
            assert data in (b"float32", b"bfloat16")
        case _, ".md":
            assert data.decode().endswith("\n")
        case _:
            raise ValueError("nobody knows this file")
    return 1


def visible(folder: Path) -> list[Path]:
    """The files in a folder, without those that are hidden or in a hidden folder: killed processes' temporary ones."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not is_hidden(path, folder))


def hidden(folder: Path) -> list[Path]:
    return list(folder.rglob(".*"))


def is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


# The page


def page(rows: list[Row]) -> str:
    """docs/hardening.md."""
    table = [
        "| killed while | kills | undisturbed runs in between | files looked at | damaged or lost | left over |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        counts = (row.kills, row.whole_runs, row.files, len(row.problems), row.temporaries)
        table.append(f"| {KINDS[row.kind][0]} | {' | '.join(f'{count:,}' for count in counts)} |")
    problems = [problem for row in rows for problem in row.problems]
    return "\n".join(
        [
            f"""# Killed at any moment

Written by `make test-long`; how it is done is in [tests/killing.py](../tests/killing.py), and what is
killed in [tests/killing_steps.py](../tests/killing_steps.py).

{sum(row.kills for row in rows)} processes were killed while they wrote, each at a moment drawn at random. Afterwards
every file had to be whole or not there, nothing that had been finished could be lost, and the same had to succeed when
it was done again. {platform.system()} {platform.machine()}, Python {platform.python_version()}.
""",
            *table,
            """
"Damaged or lost" counts the kills after which a file was not whole, one that had been finished was gone or held less
than before, or the next run failed. A process that is killed cannot clean up: "left over" counts its temporary files,
hidden ones beside those they were to become (`.NAME.xxxxxxxx`), which may be deleted.
""",
            *(["```text", *problems, "```", ""] if problems else []),
        ]
    )


def main() -> int:
    """Kill, and write the page; the exit status is 0 if nothing was damaged."""
    parser = argparse.ArgumentParser("python -m tests.killing", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=600, help="how many processes (%(default)s)")
    parser.add_argument("--out", type=Path, help="the page to write")
    options = parser.parse_args()
    rows = []
    for kind, (_, share) in KINDS.items():
        rows.append(campaign(kind, max(1, options.kills * share // 100)))
        print(f"{kind}: {rows[-1].kills} kills, {len(rows[-1].problems)} problems", *rows[-1].problems, sep="\n  ")
    if options.out:
        write_whole(options.out, page(rows).encode())
    return int(any(row.problems for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""`make bench`: all sides in one run, by turns; medians and spread as a table and as JSON.

Latency and throughput on one thread, cold start and peak memory of whole processes, the pad at rest and at work, bytes
on disk, and errors on the MNIST test set if it is at hand. What is not installed is named as missing.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

import numpy as np
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from bench.sides import BATCH, SIDES, SIX, demo_images
from digitpad import DigitPadError, Recognizer
from digitpad.files import make_folder, write_whole
from digitpad.models import find_model, shipped_models
from evaluate.tables import join, table
from train.command import ROOT, finish
from train.data import load_mnist

Row = dict[str, Any]
ROUNDS = 20  # how often the sides take turns
BARE = "import numpy, onnxruntime, PIL.Image"
READ = """
import sys
import numpy as np
from PIL import Image
x = np.asarray(Image.open(sys.argv[1]).convert("L").resize((28, 28)), np.float32)[None] / 255
"""
KERAS = f"""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
{READ}
network = keras.models.load_model("train/weights/cnn.keras", compile=False)
print(network.predict(x[..., None], verbose=0).argmax())
"""
TORCH = f"""
from pathlib import Path
import torch
from train.mlp import load
{READ}
print(load(Path("train/weights/mlp.pt")).eval()(torch.from_numpy(x)).argmax())
"""

CUDA = ("nvidia-", "cuda-", "triton")  # packages that only serve a graphics card
WITH_CUDA = ", with CUDA"
CUDA_NOTE = """With CUDA: `nvidia-*`, `cuda-*` and `triton`, which only serve graphics cards and come along on Linux;
the other rows are without them. PyTorch itself is in both the one built for CUDA, larger than that for processors."""


def main() -> int:
    """Measure, print and write; returns the exit status."""
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts" / "bench", help="folder for the results")
    options = parser.parse_args()

    def work() -> None:
        make_folder(options.out)
        results = {
            "machine": f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "load": os.getloadavg()[0],
            "latency": latency(ROUNDS),
            "processes": processes(ROUNDS // 2),
            "pad": pad_figures("at_rest()", ("share", "memory_mb")),
            "live": pad_figures("live(10)", ("share", "per_second")),
            "disk": disk(),
            "errors": errors(),
        }
        text = as_tables(results)
        print(text)
        write_whole(options.out / "bench.json", (json.dumps(results, indent=1) + "\n").encode())
        write_whole(options.out / "bench.md", text.encode())
        print(f"written: {options.out / 'bench.md'}, {options.out / 'bench.json'}")

    return finish("bench", work, "nothing was written")


def latency(rounds: int) -> dict[str, Row]:
    """Every side in a process of its own, one at work at a time: in each round, each side runs a few times."""
    rows: dict[str, Row] = {name: {"what": what} for name, (what, _) in SIDES.items()}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as running:
        made = subprocess.run([sys.executable, "-m", "bench.peers", scratch], cwd=ROOT, capture_output=True, text=True)
        if made.returncode:
            print("bench: peers could not be exported:", *made.stderr.splitlines()[-1:], file=sys.stderr)
        children: dict[str, Popen[str]] = {}
        for name in SIDES:
            command = [sys.executable, "-m", "bench.sides", name, scratch]
            child = Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, text=True)
            children[name] = running.enter_context(child)
            running.callback(child.kill)
            rows[name] |= answer(child)
        seconds: dict[str, dict[str, list[float]]] = {name: {"single": [], "batch": []} for name in SIDES}
        for _ in range(rounds):
            for name, child in children.items():
                if "missing" not in rows[name]:
                    seconds[name]["single"] += ask(child, "single 50")
                    if rows[name]["batch"]:
                        seconds[name]["batch"] += ask(child, "batch 1")
    for name, row in rows.items():
        if "missing" not in row:
            row["p50_us"], row["p99_us"] = (1e6 * np.percentile(seconds[name]["single"], [50, 99])).round(1).tolist()
            # Of the rounds' medians: how far to trust the figure on this machine.
            row["spread_us"] = np.round(1e6 * np.std(np.median(np.reshape(seconds[name]["single"], (-1, 50)), 1)), 1)
            row["batch"] = round(1 / float(np.median(seconds[name]["batch"]))) if row["batch"] else None
    return rows


def processes(rounds: int) -> dict[str, Row]:
    """Whole processes that read one picture, by turns: wall time, processor time, peak memory."""
    rows: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as scratch:
        picture = Path(scratch) / "seven.png"
        Image.fromarray(255 - np.pad(demo_images(8)[7], 6)).resize((280, 280)).save(picture)
        photo = Path(scratch) / "photo.jpg"  # as from a phone: 12 million pixels
        Image.open(picture).convert("RGB").resize((4032, 3024)).save(photo, quality=90)
        commands = {
            "bare": ["-c", BARE],
            "digitpad": ["-m", "digitpad", "predict", str(picture)],
            "digitpad photo": ["-m", "digitpad", "predict", str(photo)],
            "Keras": ["-c", KERAS, str(picture)],
            "PyTorch": ["-c", TORCH, str(picture)],
        }
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                if name in ("Keras", "PyTorch") and number > 3:
                    continue  # seconds each
                figures = process(command)
                if number:  # the first finds nothing in the disk's cache
                    measured[name].append(figures) if figures else None
    for name, runs in measured.items():
        if not runs:
            rows[name] = {"missing": "cannot be run here"}
            continue
        wall, cpu, memory = zip(*runs, strict=True)
        rows[name] = {
            "wall_ms": round(1e3 * float(np.median(wall)), 1),
            "cpu_ms": round(1e3 * float(np.median(cpu)), 1),
            "spread_cpu_ms": round(1e3 * float(np.std(cpu)), 1),
            "memory_mb": round(float(np.median(memory)), 1),
        }
    return rows


# A process inherits the peak memory of the one that starts it: a small one starts those that are measured.
LAUNCHER = """
import json, os, sys, time
nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)]
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - start
print(json.dumps([status, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


def process(arguments: list[str]) -> tuple[float, float, float] | None:
    """Wall seconds, processor seconds and peak MiB of a Python process; None where it fails."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)  # set by digitpad's import here; the bare side knows nothing of it
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed was compiled; the first start compiles ours
    command = [sys.executable, "-S", "-c", LAUNCHER, sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    status, wall, cpu, memory = json.loads(done.stdout)
    return None if status else (wall, cpu, memory / (2**20 if sys.platform == "darwin" else 2**10))


def pad_figures(call: str, names: tuple[str, str]) -> Row:
    """What a call of a function of bench.pad gives, in a process of its own: off-screen, in an empty home folder."""
    code = f"import json; from bench.pad import at_rest, live; print(json.dumps({call}))"
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"SDL_VIDEODRIVER": "dummy", "HOME": home}
        environment |= {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}"}
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        return {"missing": "the pad does not open here, or this system has no /proc"}
    return dict(zip(names, json.loads(done.stdout.splitlines()[-1]), strict=True))


def disk() -> dict[str, Row]:
    """Bytes of the models, and of what must be installed for the runtime, for TensorFlow and for PyTorch.

    A framework with its packages for graphics cards, which PyPI's PyTorch needs on Linux, has a row of its own.
    """
    rows: dict[str, Row] = {name: {"bytes": Path(find_model(name)).stat().st_size} for name in shipped_models()}
    slim = {"numpy", "onnxruntime", "pillow"}
    for name, roots in {"digitpad": slim, "TensorFlow": {"tensorflow"}, "PyTorch": {"torch"}}.items():
        try:
            size = {needed: installed_bytes(needed) for needed in closure(roots)}
            plain = sum(size[needed] for needed in size if not needed.startswith(CUDA))
            rows[f"environment of {name}"] = {"bytes": plain}
            if plain < sum(size.values()):
                rows[f"environment of {name}{WITH_CUDA}"] = {"bytes": sum(size.values())}
        except importlib.metadata.PackageNotFoundError as error:
            rows[f"environment of {name}"] = {"missing": f"{error.name} is not installed"}
    rows["environment of digitpad"]["bytes"] += sum(row["bytes"] for name, row in rows.items() if "env" not in name)
    return rows


def closure(roots: set[str]) -> set[str]:
    """The packages and all they need in turn, with only the extras that one of them asks for."""
    found: set[tuple[str, str]] = set()  # name and extra; "" is the package itself
    waiting = {(name, "") for name in roots}
    while waiting:
        name, extra = waiting.pop()
        name = canonicalize_name(name)
        if (name, extra) not in found:
            found.add((name, extra))
            for text in importlib.metadata.requires(name) or []:
                need = Requirement(text)
                if need.marker is None or need.marker.evaluate({"extra": extra}):
                    waiting |= {(need.name, wanted) for wanted in ("", *need.extras)}
    return {name for name, _ in found}


def installed_bytes(name: str) -> int:
    """Bytes of a package's files, without the ones that Python compiled."""
    files = [Path(str(file.locate())) for file in importlib.metadata.files(name) or [] if file.suffix != ".pyc"]
    return sum(file.stat().st_size for file in files if file.is_file())


def errors() -> dict[str, Row]:
    """Wrong answers among MNIST's 10,000 test digits, ours and the Model Zoo network's."""
    try:
        test = load_mnist().test
    except DigitPadError as error:
        return {"MNIST": {"missing": str(error)}}
    rows: dict[str, Row] = {}
    for name in shipped_models():
        rows[name] = {"wrong": int((Recognizer(name).predict_batch(test.images).argmax(1) != test.labels).sum())}
    try:
        run, _ = SIDES["zoo"][1](Path())
        answers = [run(image[None])[0].argmax() for image in test.images]
        rows["zoo"] = {"wrong": int((np.array(answers) != test.labels).sum())}
    except OSError as error:
        rows["zoo"] = {"missing": str(error)}
    return rows


def as_tables(results: dict[str, Any]) -> str:
    """The results in Markdown, with the ratios that matter."""
    bare, slim = results["processes"]["bare"], results["disk"]["environment of digitpad"]["bytes"]
    names = {"bare": f'`python -c "{BARE}"`', "digitpad": "`digitpad predict`", "Keras": "Keras, this CNN"}
    names |= {"digitpad photo": "`digitpad predict`, a photo of 12 million pixels", "PyTorch": "PyTorch, this MLP"}

    def rows(part: str, cells: Callable[[Row], list[str]]) -> list[list[str]]:
        made = []
        for name, row in results[part].items():
            measured = [f"not measured: {row['missing']}"] if "missing" in row else cells(row)
            made.append([row.get("what") or names.get(name, name), *measured])
        return made

    def side(row: Row) -> list[str]:
        many = f"{row['batch']:,}" if row["batch"] else "-"
        against = f"{row['p50_us'] / results['latency']['cnn']['p50_us']:.2f}"
        return [f"{row['p50_us']:,.0f} µs", f"{row['p99_us']:,.0f} µs", f"{row['spread_us']:,.1f} µs", many, against]

    def whole(row: Row) -> list[str]:
        figures = {"wall": "wall_ms", "processor": "cpu_ms", "memory": "memory_mb"}
        ratios = ", ".join(f"{row[key] / bare[key]:.2f} {word}" for word, key in figures.items())
        return [f"{row['wall_ms']:.0f} ms", f"{row['cpu_ms']:.0f} ms", f"{row['memory_mb']:.1f} MiB", ratios]

    def size(row: Row) -> list[str]:
        times = f"{row['bytes'] / slim:.1f} times digitpad's" if row["bytes"] >= slim else ""
        return [f"{row['bytes'] / 1e6:,.1f}", times]

    rest, live = results["pad"], results["live"]
    at_rest = rest.get("missing") or "{share:.2%} of one core, {memory_mb:.0f} MiB".format(**rest)
    drawing = live.get("missing") or f"{live['share']:.2%} of one core"
    rate = "ten" if "missing" in live else f"{live['per_second']:.1f}"
    per_image = ["", "one image, p50", "p99", "spread of p50", f"batches of {BATCH}, images/s", "against cnn"]
    per_process = ["process that reads one picture", "wall", "processor", "peak memory", "against the bare import"]
    p50 = {name: row.get("p50_us", np.nan) for name, row in results["latency"].items()}
    strokes, picture = p50["read_strokes"] / p50["predict_strokes"] / SIX, p50["read"] / p50["predict"] / SIX
    text = join(
        "# How fast, how small",
        f"Measured by `make bench` on {results['machine']}; load {results['load']:.1f} when it began. One thread each.",
        table(per_image, rows("latency", side)),
        f"A drawing of {SIX} digits takes {strokes:.2f} of the time that {SIX} of one digit take, and a picture of"
        f" {SIX} {picture:.2f}.",
        table(per_process, rows("processes", whole)),
        f"The pad while nobody touches it, off-screen: {at_rest}.\n"
        f"While it is drawn on in live mode, {rate} predictions a second: {drawing}.",
        table(["on disk", "MB", ""], rows("disk", size)),
        CUDA_NOTE if any(name.endswith(WITH_CUDA) for name in results["disk"]) else "",
        table(["wrong among MNIST's 10,000 test digits", ""], rows("errors", lambda row: [str(row["wrong"])])),
    )
    return text + "\n"


def answer(child: Popen[str]) -> Any:
    """The next line of a side, read as JSON; one that died is missing."""
    assert child.stdout is not None
    line = child.stdout.readline()
    return json.loads(line) if line else {"missing": "it ended without an answer"}


def ask(child: Popen[str], command: str) -> list[float]:
    """Send a side a command and return the seconds it measured."""
    assert child.stdin is not None
    print(command, file=child.stdin, flush=True)
    seconds = answer(child)
    if not isinstance(seconds, list):
        raise DigitPadError(f"a side of the benchmark died while it ran: {child.args!r}")
    return seconds


def processor() -> str:
    """The processor's name."""
    try:
        text = Path("/proc/cpuinfo").read_text()
        return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())

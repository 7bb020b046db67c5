"""Hostile input by the thousand: images, strokes, stroke files, manifests, settings and models, damaged at random.

    python -m tests.runtime.fuzz --cases 100000 --out docs/fuzzing.md

Only a DigitPadError may come out, in one printable line. Every case is made from its kind and its number alone, so that
a failure can be repeated: --kind image --first 4711 --cases 1. The cases run in child processes, because C code is
fuzzed too: a crash ends the child and is noted, and the next child goes on after it.
"""

import argparse
import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import platform
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

from PIL import Image, ImageDraw

from digitpad import DigitPadError, ModelError, Recognizer, cli, models
from digitpad.stroke_files import Sample, parse_entries
from tests.runtime.odd_models import fields, message, outward

DATA = Path(__file__).parent / "data"
CHUNK = 400  # cases in a child: a fresh process now and then, so that one case is not blamed for another's memory
PATIENCE = 60  # seconds by the clock before a case counts as hanging: long, since other programs run as well
MEMORY = 4 * 2**30  # bytes a child may map: a runaway case must not take the machine with it
MOST_MB, LONGEST = 512, 2.0  # what a case may take: memory of its whole process, and seconds of processor time


# The kinds of cases: each function makes one from random numbers, tries it, and says how it ended


def image_case(rng: random.Random) -> str:
    """A damaged image file: read as a digit or refused."""
    data = rng.choice(image_seeds())
    data = mutate_png(data, rng) if data.startswith(b"\x89PNG") and rng.random() < 0.7 else mutate(data, rng)
    return answered_or_refused(lambda: tiny().predict(data))


def strokes_case(rng: random.Random) -> str:
    """What a program may pass as strokes: lists of anything."""
    return answered_or_refused(lambda: tiny().predict_strokes(random_strokes(rng)))


def stroke_file_case(rng: random.Random) -> str:
    """A stroke file damaged in its bytes, its JSON or its compression; what can be read is rendered."""
    sample = {"label": "7", "strokes": [[[1, 2], [3, 4.5]], [[0, 0]]], "writer": "a"}
    image = {"label": "1984", "image": "A" * 1044 + "+A=="}
    data = mutated_json(json.dumps({"meta": {}, "samples": [sample, image]}).encode(), rng)
    if rng.random() < 0.3:
        data = gzip.compress(data, 1)
        data = mutate(data, rng) if rng.random() < 0.7 else data

    def read() -> None:
        for sample in parse_entries(data, "strokes.json"):
            if isinstance(sample, Sample):
                tiny().predict_normalised(sample.inked())

    return answered_or_refused(read)


def manifest_case(rng: random.Random) -> str:
    """A damaged manifest: `digitpad models`, with and without --verify, and a model loaded by name."""
    data = mutated_json(manifest(), rng)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(models, "models_folder", lambda: folder):
        models._read_manifest.cache_clear()
        Path(folder, "manifest.json").write_bytes(data)
        Path(folder, "cnn.onnx").write_bytes((DATA / "named_cnn.onnx").read_bytes())
        command = ["models", *rng.choice([[], ["--verify"]]), *rng.choice([[], ["--format", "json"]])]
        for arguments in (command, ["predict", "none.png"]):
            run_command(arguments)
        return answered_or_refused(lambda: models.load_model("cnn"))


def settings_case(rng: random.Random) -> str:
    """A damaged settings file: settings come out, whatever is in it."""
    from digitpad.pad.settings import Settings, read_settings

    data = mutated_json(b'{"model": "mlp", "live": true, "dark": true, "brush": 0.05, "width": 900}', rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pad.json")
        path.write_bytes(data)
        settings, remark = read_settings(path)
        assert isinstance(settings, Settings)
        assert remark.isprintable()
        return "refused" if remark else "answered"


def model_case(rng: random.Random) -> str:
    """A damaged model file: refused, or a model that runs or says in one line why it does not."""
    data = rng.choice(model_seeds())
    return tried_as_model(data[: rng.randrange(len(data))] if rng.random() < 0.2 else mutate(data, rng))


def tried_as_model(data: bytes, reason: str = "") -> str:
    def load_and_ask() -> None:
        try:
            Recognizer(path).predict_strokes([[(0, 0), (3, 5), (1, 9)]])
        except ModelError as error:
            assert reason in str(error), "it was refused for another reason"
            raise

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(data)
        return answered_or_refused(load_and_ask)


def model_fields_case(rng: random.Random) -> str:
    """Fields changed, left out, doubled, swapped or blown up, in a file that is well-formed all the same."""
    data = rng.choice(model_seeds())
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = _with_a_changed_field(data, rng)
    return tried_as_model(data)


def _with_a_changed_field(content: bytes, rng: random.Random) -> bytes:
    try:
        parts = fields(content)
    except ValueError:
        return mutate(content, rng)
    if not parts:
        return content + message([(rng.randrange(1, 30), 0, rng.choice(ODD_NUMBERS))])
    place = rng.randrange(len(parts))
    number, wire, value = parts[place]
    if wire == 2 and len(value) > 1 and rng.random() < 0.8:
        parts[place] = number, wire, _with_a_changed_field(value, rng)
        return message(parts)
    match rng.randrange(6):
        case 0:
            del parts[place]
        case 1:
            parts += [parts[place]] * rng.choice((1, 2, 1000))
        case 2:
            other = rng.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
        case 3:
            parts[place] = rng.randrange(1, 30), wire, value
        case _ if wire == 0:
            parts[place] = number, wire, rng.choice((*ODD_NUMBERS, 2**40, 2**63 - 1, 2**63, 2**64 - 1))
        case _:
            odd = (b"", b"\xff" * len(value), value * 2, rng.randbytes(len(value)), bytes(2**20))
            parts[place] = (number, wire, rng.choice(odd) if wire == 2 else rng.randbytes(len(value)))
    return message(parts)


def shipped_model_case(rng: random.Random) -> str:
    """A shipped model with damage, given by path, so that no checksum stands before it."""
    path = Path(models.models_folder(), rng.choice(sorted(entry["file"] for entry in models.shipped_models().values())))
    return tried_as_model(mutate(path.read_bytes(), rng))


def outward_model_case(rng: random.Random) -> str:
    """A file that points at any other, with any offset and length; nothing but our own refusal may come of it."""
    places = [b"side.bin", b"/etc/passwd", b"../" * rng.randrange(1, 30) + b"etc/passwd", b"*/_ORT_MEM_ADDR_/*"]
    location = rng.choice([*places, b"", b"\0", rng.randbytes(rng.randrange(300)), b"a" * 10**6])
    odd = (0, 1, -1, 2**31, 2**62, 2**63, 2**64, -(2**63))
    more = {name: rng.choice(odd) for name in ("offset", "length") if rng.random() < 0.7}
    ending = tried_as_model(
        outward(location, rng.choice(("initializer", "constant", "sparse")), **more), "entry 'location'"
    )
    assert ending == "refused"
    return ending


# A kind, how many of a hundred cases it gets, and whether a crash of the process is a failure of ours. Model files come
# on top: the engine that loads them is not ours, and the README says to trust them like programs.
KINDS: dict[str, tuple[Callable[[random.Random], str], int, bool]] = {
    "image": (image_case, 60, True),
    "strokes": (strokes_case, 15, True),
    "stroke-file": (stroke_file_case, 15, True),
    "manifest": (manifest_case, 4, True),
    "settings": (settings_case, 6, True),
    "model": (model_case, 5, False),
    "model-fields": (model_fields_case, 5, False),
    "model-shipped": (shipped_model_case, 1, False),
    "model-outward": (outward_model_case, 4, True),
}


def try_case(kind: str, number: int) -> str:
    """Try one case; return "answered" or "refused".

    Raises:
        Exception: whatever came out other than a DigitPadError; an AssertionError for an error text of a bad form.
    """
    return KINDS[kind][0](random.Random(f"{kind} {number}"))


def answered_or_refused(call: Callable[[], object]) -> str:
    try:
        call()
    except DigitPadError as error:
        assert str(error).isprintable(), "the error is not one printable line"
        assert 0 < len(str(error)) < 600, "the error is too long to read"
        return "refused"
    return "answered"


def run_command(arguments: list[str]) -> None:
    """Run `digitpad ARGUMENTS` in this process; it must end with an exit status of its own, not in its last resort."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(arguments)
    assert status in (0, 1, 2), f"status {status}"
    assert "this is a bug" not in err.getvalue(), err.getvalue()


# What is damaged


@functools.cache
def tiny() -> Recognizer:
    return Recognizer(DATA / "tiny.onnx")


@functools.cache
def manifest() -> bytes:
    """The shipped manifest, as if every model's file were the tiny model that calls itself cnn."""
    content = json.loads(Path(models.models_folder(), "manifest.json").read_bytes())
    changes = {"file": "cnn.onnx", "sha256": hashlib.sha256((DATA / "named_cnn.onnx").read_bytes()).hexdigest()}
    content["models"] = {
        name: {key: value for key, value in entry.items() if len(str(value)) < 500} | changes
        for name, entry in content["models"].items()
    }
    return json.dumps(content).encode()


@functools.cache
def image_seeds() -> list[bytes]:
    """Small images in every format we read, in as many variants as Pillow writes."""
    grey = Image.new("L", (48, 64), 255)
    ImageDraw.Draw(grey).line([(10, 10), (36, 10), (20, 54)], fill=0, width=5)
    colour = Image.merge("RGB", (grey, grey.transpose(Image.Transpose.ROTATE_180), grey))
    clear = Image.merge("RGBA", (*colour.split(), grey))
    frames = {"save_all": True, "append_images": [grey.transpose(Image.Transpose.ROTATE_180)] * 2}
    exif = Image.Exif()
    exif[0x0112] = 6
    variants: list[tuple[str, Image.Image, dict[str, Any]]] = [
        *(("PNG", image, {}) for image in (grey, colour, clear, grey.convert("P"), grey.convert("1"))),
        ("PNG", grey.convert("I;16"), {}),
        ("PNG", grey.convert("P"), {"transparency": bytes(range(0, 256, 2))}),
        ("PNG", colour, {**frames, "append_images": [colour]}),
        *(("JPEG", image, {"exif": exif}) for image in (grey, colour, colour.convert("CMYK"))),
        ("JPEG", colour, {"progressive": True}),
        ("GIF", grey, {}),
        ("GIF", grey, {**frames, "transparency": 0}),
        *(("BMP", image, {}) for image in (grey, colour, clear, grey.convert("1"))),
        *(("TIFF", colour, {"compression": packed}) for packed in (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg")),
        *(("TIFF", image, {}) for image in (clear, grey.convert("F"), grey.convert("I;16"))),
        ("TIFF", grey.convert("1"), {"compression": "group4"}),
        ("TIFF", grey, {**frames, "compression": "packbits"}),
        ("WEBP", colour, {}),
        ("WEBP", clear, {"lossless": True}),
        ("WEBP", colour, frames),
        *(("PPM", image, {}) for image in (grey, colour, grey.convert("1"))),
    ]
    seeds = []
    for form, image, options in variants:
        file = io.BytesIO()
        image.save(file, form, **options)
        seeds.append(file.getvalue())
    return [*seeds, b"P3 3 2 255\n" + b"0 128 255 " * 6, b"P2 6 4 15\n" + b"0 7 15 " * 8]


@functools.cache
def model_seeds() -> list[bytes]:
    """Small models: damage hits the structure more often than the numbers in it."""
    return [(DATA / f"{name}.onnx").read_bytes() for name in ("tiny", "always_unsure", "fails_to_run", "double_output")]


# How it is damaged

ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 10_000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A few changes, half of them near the start: bytes, numbers, parts cut out, doubled or overwritten."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not changed:
            break
        place = rng.randrange(min(len(changed), 80) if rng.random() < 0.5 else len(changed))
        match rng.randrange(8):
            case 0:
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                changed[place] = rng.randrange(256)
            case 2 | 3:
                number, form = rng.choice(ODD_NUMBERS), rng.choice(("<H", ">H", "<I", ">I"))
                packed = struct.pack(form, number & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
                changed[place : place + len(packed)] = packed
            case 4:
                del changed[place : place + rng.randrange(1, 64)]
            case 5:
                part = changed[place : place + rng.randrange(1, 64)]
                changed[place:place] = part * rng.choice((1, 2, 50))
            case 6:
                changed[place : place + 4] = rng.randbytes(rng.randrange(12))
            case _:
                if rng.random() < 0.3:
                    del changed[place:]
    return bytes(changed)


def mutate_png(data: bytes, rng: random.Random) -> bytes:
    """Damage inside a PNG's chunks, whose checksums are then corrected, so that the first is not refused at once."""
    chunks, place = [], 8
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += length + 12
    number = rng.randrange(len(chunks))
    kind, content = chunks[number]
    if kind == b"IDAT" and rng.random() < 0.5:
        content = zlib.compress(mutate(zlib.decompress(content), rng), 1)
    elif kind == b"IHDR" and rng.random() < 0.5:  # another depth, kind of colour or interlacing
        content = content[:8] + bytes(
            (rng.choice((1, 2, 4, 8, 16)), rng.choice((0, 2, 3, 4, 6)), 0, 0, rng.randrange(2))
        )
    elif rng.random() < 0.1:
        kind = rng.choice((b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"gAMA"))
    else:
        content = mutate(content, rng)
    chunks[number] = kind, content
    if rng.random() < 0.1:
        rng.shuffle(chunks)
    return data[:8] + b"".join(png_chunk(kind, content) for kind, content in chunks)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def odd_value(rng: random.Random) -> Any:
    """A JSON value, seldom the one that is wanted."""
    numbers = (0, -1, 1, 9, 2**31, 2**63, -(2**64), 10**400, 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"))
    words = ("", "7", "cnn", "\0", "\x1b[31m", "\ud800", "..", "/", "a" * 5000, "७", "../../cnn.onnx", "-1", "nan")
    return rng.choice((None, True, False, [], {}, [[]], {"": []}, [[1]], [[[1, 2]]], *numbers, *words))


def mutate_json(content: Any, rng: random.Random) -> Any:
    """A copy in which one value somewhere is replaced, left out or doubled."""
    if isinstance(content, dict) and content and rng.random() < 0.9:
        key = rng.choice(list(content))
        if rng.random() < 0.1:
            return {name: value for name, value in content.items() if name != key}
        return {**content, key: mutate_json(content[key], rng)}
    if isinstance(content, list) and content and rng.random() < 0.8:
        place = rng.randrange(len(content))
        if rng.random() < 0.1:
            return content + content[place:]
        return [*content[:place], mutate_json(content[place], rng), *content[place + 1 :]]
    return odd_value(rng)


def mutated_json(data: bytes, rng: random.Random) -> bytes:
    """JSON with other values in it, or with damaged bytes."""
    content = json.loads(data)
    for _ in range(rng.randrange(4)):
        content = mutate_json(content, rng)
    data = json.dumps(content).encode()
    return data if rng.random() < 0.6 else mutate(data, rng)


def random_strokes(rng: random.Random) -> Any:
    """Strokes of a drawing, of odd numbers, or of other things."""

    def number() -> Any:
        if rng.random() < 0.7:
            return rng.uniform(-500, 500)
        return odd_value(rng) if rng.random() < 0.2 else rng.choice((0, 1, -1, 1e99, -1e100, 1e-300, 5e-324, 1e18))

    if rng.random() < 0.05:
        return odd_value(rng)
    strokes: list[Any] = []
    for _ in range(rng.choice((0, 1, 1, 2, 3, 20))):
        width = 2 if rng.random() < 0.97 else rng.randrange(4)
        points: Any = [[number() for _ in range(width)] for _ in range(rng.choice((0, 1, 2, 3, 10, 200)))]
        if points and rng.random() < 0.3:
            points = points + [points[-1]] * rng.randrange(5)
        strokes.append(points if rng.random() < 0.95 else odd_value(rng))
    return strokes


# Running many of them


@dataclass
class Row:
    """What came of the cases of one kind; `MB` is the most memory that any of their processes had."""

    kind: str
    cases: int
    answered: int = 0
    refused: int = 0
    failed: int = 0
    crashes: int = 0
    seconds: float = 0.0
    MB: int = 0
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """Run a campaign, print and, if asked, write what it found; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000, help="how many in all (default: 2000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each kind (default: 0)")
    parser.add_argument("--kind", choices=KINDS, help="only this kind")
    parser.add_argument("--out", type=Path, help="page to write the findings to")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return _child(args.kind, args.first, args.cases)
    rows = []
    for kind in [args.kind] if args.kind else KINDS:
        rows.append(campaign(kind, args.first, args.cases if args.kind else args.cases * KINDS[kind][1] // 100))
        print(rows[-1], flush=True)
    if args.out:
        args.out.write_text(page(rows), encoding="utf-8")
    return 1 if any(row.failed for row in rows) else 0


def campaign(kind: str, first: int, count: int) -> Row:
    """Run cases `first` to `first + count - 1` of a kind in child processes."""
    row, number, last = Row(kind, count), first, first + count
    while number < last:
        ends, status = _run_child(kind, number, min(CHUNK, last - number))
        for ended, seconds, memory, error in ends:
            if KINDS[kind][2] and (seconds > LONGEST or memory > max(MOST_MB, row.MB)):
                ended, error = "failed", f"took {seconds} s and {memory} MB"
            setattr(row, ended, getattr(row, ended) + 1)
            row.seconds, row.MB = max(row.seconds, seconds), max(row.MB, memory)
            if ended == "failed":
                row.problems.append(f"{kind} {number}: {error}")
            number += 1
        if status != 0:  # it began one more case, and did not come back
            row.crashes += 1
            row.failed += KINDS[kind][2]
            row.problems.append(f"{kind} {number}: the process ended with status {status}")
            number += 1
    return row


def _run_child(kind: str, first: int, count: int) -> tuple[list[tuple[str, float, int, str]], int]:
    """How each case of a child ended, its seconds, its memory in MB, its error; and the exit status of the child."""
    command = [sys.executable, "-m", "tests.runtime.fuzz", "--child", "--kind", kind]
    command += ["--first", str(first), "--cases", str(count)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    lines = done.stdout.decode().split("\n")[:-1]  # without a last one that was cut off with the child
    return [json.loads(line) for line in lines], done.returncode


def _child(kind: str, first: int, count: int) -> int:
    """Try cases, and print a line after each: the one that ends the process has none."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    answers = os.dup(1)  # what C code prints must not get in between
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for number in range(first, first + count):
        if hasattr(signal, "alarm"):  # not on Windows
            signal.alarm(PATIENCE)
        begun, error = time.process_time(), ""
        try:
            ended = try_case(kind, number)
        except Exception as failure:
            ended, error = "failed", f"{type(failure).__name__}: {failure}"[:300]
        seconds = round(time.process_time() - begun, 3)
        os.write(answers, json.dumps([ended, seconds, _peak_memory(), error]).encode() + b"\n")
    return 0


def _peak_memory() -> int:
    """The most memory this process has had, in MB; 0 except on Linux."""
    if sys.platform != "linux":
        return 0
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 // 10**6 for line in status if line.startswith("VmHWM"))


def page(rows: list[Row]) -> str:
    """docs/fuzzing.md."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "onnxruntime", "Pillow"))
    table = [
        "| input | cases | answered | refused with a DigitPadError | anything else | crashes | longest | memory |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        counts = (row.cases, row.answered, row.refused, row.failed, row.crashes)
        table.append(
            f"| {row.kind} | {' | '.join(f'{count:,}' for count in counts)} | {row.seconds:.2f} s | {row.MB} MB |"
        )
    problems = [problem for row in rows for problem in row.problems]
    return "\n".join(
        [
            f"""# Hostile input

Written by `make fuzz`; the cases are in [tests/runtime/fuzz.py](../tests/runtime/fuzz.py).

{sum(row.cases for row in rows):,} damaged inputs, each made from its number alone, on {platform.system()} \
{platform.machine()}, Python {platform.python_version()}, {packages}. Longest is the
processor time of the slowest case; memory is the most that its process ever had, Python included.
Except for model files, more than {LONGEST:g} seconds or {MOST_MB} MB would count under "anything else".
""",
            *table,
            """
A crash is one of the whole process, in C code. Model files from strangers must be trusted like programs:
nothing can be checked before onnxruntime reads them.
""",
            *(["```text", *problems, "```", ""] if problems else []),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

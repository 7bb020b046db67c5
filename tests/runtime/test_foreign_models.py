"""Model files from strangers: no other file is opened for them, and they are refused or run, or the engine crashes.

    python -m tests.runtime.test_foreign_models --cases 20000 --out docs/fuzzing-models.md

runs many more of them. `--also PYTHON` asks the onnxruntime of another environment, too, what it does when it is handed
a file that points outward. The cases run in child processes: a crash ends the child, is counted and told, and the next
child goes on behind it.
"""

import argparse
import collections
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from digitpad import ModelError, Recognizer, models
from tests.runtime import fuzz

ROOT = Path(__file__).parents[2]
TINY = Path(__file__).parent / "data" / "tiny.onnx"
Field = tuple[int, int, Any]  # of a protobuf message: number, wire type, value

GRAPH, DOC_STRING = 7, 6  # of a model
NODE, INITIALIZER, SPARSE_INITIALIZER = 1, 5, 15  # of a graph
NAME, RAW_DATA, EXTERNAL_DATA, DATA_LOCATION = 8, 9, 13, 14  # of a tensor
EXTERNAL = 1


# Just enough of protobuf to take a model apart and to put it together again


def varint(number: int) -> bytes:
    spelled = bytearray()
    while number > 0x7F:
        spelled.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*spelled, number])


def fields(message: bytes) -> list[Field]:
    """The fields of a message; ValueError where these bytes are none."""
    found: list[Field] = []
    place = 0

    def read_varint() -> int:
        nonlocal place
        number = shift = 0
        while True:
            if place >= len(message) or shift > 63:
                raise ValueError("not a protobuf message")
            number |= (message[place] & 0x7F) << shift
            shift, place = shift + 7, place + 1
            if message[place - 1] < 0x80:
                return number

    while place < len(message):
        number, wire = divmod(read_varint(), 8)
        if wire == 0:
            found.append((number, wire, read_varint()))
            continue
        if wire not in (1, 2, 5) or number == 0:
            raise ValueError("not a protobuf message")
        length = read_varint() if wire == 2 else {1: 8, 5: 4}[wire]
        if place + length > len(message):
            raise ValueError("not a protobuf message")
        found.append((number, wire, message[place : place + length]))
        place += length
    return found


def message(parts: list[Field]) -> bytes:
    return b"".join(
        varint(number * 8 + wire) + (varint(value) if wire == 0 else varint(len(value)) * (wire == 2) + value)
        for number, wire, value in parts
    )


# Models that point outward


def outward(location: bytes, wrapped: str = "initializer", **more: int) -> bytes:
    """The tiny model, its weights to be read from somewhere else.

    Args:
        location: where, as the file has it.
        wrapped: what holds the tensor that says so: "initializer", "constant" (a node) or "sparse" (initializer).
        more: offset and length.
    """
    entries = {b"location": location, **{name.encode(): str(number).encode() for name, number in more.items()}}
    model = fields(TINY.read_bytes())
    graph = fields(next(value for number, _, value in model if number == GRAPH))
    inside = next(field for field in graph if field[0] == INITIALIZER and (NAME, 2, b"weights") in fields(field[2]))
    tensor = [field for field in fields(inside[2]) if field[0] != RAW_DATA]
    tensor += [(EXTERNAL_DATA, 2, message([(1, 2, key), (2, 2, value)])) for key, value in entries.items()]
    weights = message([*tensor, (DATA_LOCATION, 0, EXTERNAL)])
    node = [(2, 2, b"weights"), (4, 2, b"Constant"), (5, 2, message([(1, 2, b"value"), (5, 2, weights), (20, 0, 4)]))]
    outside = {
        "initializer": (INITIALIZER, 2, weights),
        "constant": (NODE, 2, message(node)),
        "sparse": (SPARSE_INITIALIZER, 2, message([(1, 2, weights)])),
    }[wrapped]
    graph = [outside, *(field for field in graph if field != inside)]  # a node comes before those that need it
    return message([(number, wire, message(graph) if number == GRAPH else value) for number, wire, value in model])


def respelled(model: bytes, length: bytes) -> bytes:
    """A model that points outward, the length of the word "location" spelled in more bytes than it takes."""
    entry = b"\x0a\x08location\x12\x08side.bin"
    (tail,) = (field for field in fields(entry) if field[0] == 2)
    twisted = b"\x0a" + length + b"location" + message([tail])
    return _swapped(model, entry, twisted)


def _swapped(content: bytes, old: bytes, new: bytes) -> bytes:
    """A message with one submessage, however deep in it, replaced."""
    if content == old:
        return new
    try:
        parts = fields(content)
    except ValueError:
        return content
    return message(
        [(n, wire, _swapped(value, old, new) if wire == 2 and old in value else value) for n, wire, value in parts]
    )


OUTWARD = {
    "a file beside it": outward(b"side.bin"),
    "a file beside it, from a Constant node": outward(b"side.bin", "constant"),
    "a file beside it, from a sparse tensor": outward(b"side.bin", "sparse"),
    "a file beside it, twistedly spelled": respelled(outward(b"side.bin"), b"\x88\x80\x80\x80\x00"),
    "a file in the folder above": outward(b"../side.bin"),
    "an absolute path": outward(b"/etc/passwd", offset=0, length=640),
    "../../../../../../../../etc/passwd": outward(b"../../../../../../../../etc/passwd", offset=0, length=640),
    "a device": outward(b"/dev/zero", length=640),
    "a missing file": outward(b"nowhere.bin"),
    "a huge length": outward(b"side.bin", length=2**62),
    "a huge offset": outward(b"side.bin", offset=2**62),
    "a negative offset": outward(b"side.bin", offset=-8),
    "an address in memory": outward(b"*/_ORT_MEM_ADDR_/*", offset=4096, length=640),
    "nothing": outward(b""),
}


@pytest.mark.parametrize("model", OUTWARD.values(), ids=OUTWARD)
def test_a_model_that_points_outward_is_refused_before_the_engine_sees_it(
    model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_open_session", lambda *_: pytest.fail("onnxruntime was asked to load it"))
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(ModelError, match=r"model\.onnx: has an entry 'location', .* export it as one file"):
        Recognizer(tmp_path / "model.onnx")


def test_the_command_does_not_read_the_file_a_model_points_at(tmp_path: Path, stroke_file: Path, run: Any) -> None:
    (tmp_path / "model.onnx").write_bytes(OUTWARD["a file beside it"])
    (tmp_path / "side.bin").write_bytes(bytes(640))
    done = run("predict", stroke_file, "--model", "model.onnx")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("digitpad: model.onnx: has an entry 'location'")


def test_a_model_may_speak_of_locations(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for text in (b"where its location is", b"locations", b"\x08 location"):
        path.write_bytes(TINY.read_bytes() + message([(DOC_STRING, 2, text)]))
        assert Recognizer(path).name == "tiny"


def test_a_model_in_the_engines_own_form_is_refused(tmp_path: Path) -> None:
    """Nothing that is said here of ONNX files would hold for it, and onnxruntime takes it whatever its name."""
    import onnxruntime as ort

    path = tmp_path / "model.onnx"
    options = models.session_options()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(TINY), options, providers=["CPUExecutionProvider"])
    assert ort.InferenceSession(path.read_bytes(), models.session_options(), providers=["CPUExecutionProvider"])
    with pytest.raises(ModelError, match=r"model\.onnx: is in onnxruntime's own form; give the \.onnx file"):
        Recognizer(path)


def renamed(old: bytes, new: bytes, model: str = "tiny") -> bytes:
    """A small model with a text in it replaced wherever it stands as a whole."""

    def inside(content: bytes) -> bytes:
        if content == old:
            return new
        try:
            parts = fields(content)
        except ValueError:
            return content
        return message([(number, wire, inside(value) if wire == 2 else value) for number, wire, value in parts])

    return inside(TINY.with_name(f"{model}.onnx").read_bytes())


@pytest.mark.parametrize("name", [b"", b"a" * 101, b"a" * 2**20, b"red \x1b[31m", b"two\nlines", "‮no".encode()])
def test_a_model_whose_name_would_upset_a_terminal_or_the_pad_is_refused(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(renamed(b"tiny", name))
    with pytest.raises(ModelError, match=r"digitpad\.name is .*, not a short line of text") as caught:
        Recognizer(path)
    assert len(str(caught.value)) < 600
    path.write_bytes(renamed(b"tiny", "die Kleine (七)".encode()))
    assert Recognizer(path).name == "die Kleine (七)"
    path.write_bytes(renamed(b"tiny", b"a" * 100))
    assert Recognizer(path).name == "a" * 100


@pytest.mark.parametrize(
    ("model", "text"), [("tiny", b"1"), ("tiny", b"probabilities"), ("tiny", b"0.0"), ("other_input_shape", b"batch")]
)
def test_a_refusal_stays_one_readable_line_however_long_the_texts_in_the_file(
    model: str, text: bytes, tmp_path: Path
) -> None:
    """Found by the cases below: four megabytes of escapes in one line."""
    (tmp_path / "model.onnx").write_bytes(renamed(text, b"\0" * 2**20, model))
    with pytest.raises(ModelError) as caught:
        Recognizer(tmp_path / "model.onnx")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) - len(str(tmp_path)) < 1000


# Models with damage


def bytes_case(rng: random.Random) -> str:
    """Changed, missing and doubled bytes, and files cut off."""
    return fuzz.model_case(rng)


def fields_case(rng: random.Random) -> str:
    """Fields changed, left out, doubled, swapped or blown up, in a file that is well-formed all the same."""
    data = rng.choice(fuzz.model_seeds())
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = _with_a_changed_field(data, rng)
    return _tried(data)


def _with_a_changed_field(content: bytes, rng: random.Random) -> bytes:
    try:
        parts = fields(content)
    except ValueError:
        return fuzz.mutate(content, rng)
    if not parts:
        return content + message([(rng.randrange(1, 30), 0, rng.choice(fuzz.ODD_NUMBERS))])
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
            parts[place] = number, wire, rng.choice((*fuzz.ODD_NUMBERS, 2**40, 2**63 - 1, 2**63, 2**64 - 1))
        case _:
            odd = (b"", b"\xff" * len(value), value * 2, rng.randbytes(len(value)), bytes(2**20))
            parts[place] = (number, wire, rng.choice(odd) if wire == 2 else rng.randbytes(len(value)))
    return message(parts)


def shipped_case(rng: random.Random) -> str:
    """A shipped model with damage, given by path, so that no checksum stands before it."""
    path = Path(models.models_folder(), rng.choice(sorted(entry["file"] for entry in models.shipped_models().values())))
    return _tried(fuzz.mutate(path.read_bytes(), rng))


def outward_case(rng: random.Random) -> str:
    """A file that points at any other, with any offset and length; nothing but our own refusal may come of it."""
    places = [b"side.bin", b"/etc/passwd", b"../" * rng.randrange(1, 30) + b"etc/passwd", b"*/_ORT_MEM_ADDR_/*"]
    location = rng.choice([*places, b"", b"\0", rng.randbytes(rng.randrange(300)), b"a" * 10**6])
    odd = (0, 1, -1, 2**31, 2**62, 2**63, 2**64, -(2**63))
    more = {name: rng.choice(odd) for name in ("offset", "length") if rng.random() < 0.7}
    ending = _tried(outward(location, rng.choice(("initializer", "constant", "sparse")), **more), "entry 'location'")
    assert ending == "refused"
    return ending


def _tried(data: bytes, reason: str = "") -> str:
    def load_and_ask() -> None:
        try:
            Recognizer(path).predict_strokes([[(0, 0), (3, 5), (1, 9)]])
        except ModelError as error:
            assert reason in str(error), "it was refused for another reason"
            raise

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(data)
        return fuzz.answered_or_refused(load_and_ask)


KINDS = {"bytes": bytes_case, "fields": fields_case, "shipped": shipped_case, "outward": outward_case}


@pytest.mark.parametrize(("kind", "cases"), [("fields", 80), ("shipped", 15), ("outward", 40)])
def test_damaged_and_twisted_models_are_refused_or_run(kind: str, cases: int) -> None:
    counts, problems = campaign(kind, 0, cases)
    assert counts["failed"] == 0, problems
    assert counts["answered"] + counts["refused"] + counts["crashed"] == cases
    assert counts["refused"] > 0
    assert counts["answered"] > 0 or kind == "outward"


def test_a_crash_is_counted_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "deadly", "only the child looks it up")
    monkeypatch.setattr(sys.modules[__name__], "CHILD", [sys.executable, "-c", DEADLY])
    counts, problems = campaign("deadly", 0, 5)
    assert counts == {"refused": 3, "failed": 1, "crashed": 1}
    assert problems == [
        "deadly 1: ValueError: odd",
        f"deadly 3: the process ended with {'SIGSEGV' if os.name != 'nt' else 3}",
    ]


DEADLY = """
import json, os, signal, sys
for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV) if os.name != "nt" else os._exit(3)
    print(json.dumps(["failed", "ValueError: odd"] if number == 1 else ["refused", ""]), flush=True)
"""


# Running many of them

CHILD = [sys.executable, "-m", "tests.runtime.test_foreign_models", "--child"]
CHUNK = 400  # cases a child


def campaign(kind: str, first: int, count: int) -> tuple[collections.Counter[str], list[str]]:
    """Run cases in child processes: how many ended how, and a line for each that failed or crashed its process."""
    counts: collections.Counter[str] = collections.Counter()
    problems = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    place, last = first, first + count
    while place < last:
        command = [*CHILD, kind, str(place), str(min(CHUNK, last - place))]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
        lines = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
        for number, (ending, error) in enumerate(lines, start=place):
            counts[ending] += 1
            if ending == "failed":
                problems.append(f"{kind} {number}: {error}")
        place += len(lines)
        if done.returncode != 0:  # it began a case and did not come back
            code = done.returncode
            counts["crashed"] += 1
            problems.append(
                f"{kind} {place}: the process ended with {signal.Signals(-code).name if code < 0 else code}"
            )
            place += 1
    return counts, problems


def run_child(kind: str, first: int, count: int) -> int:
    """Try cases, and print a line after each."""
    fuzz._limit_memory()
    answers = os.dup(1)  # C code that prints on its own account must not come between
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for number in range(first, first + count):
        if hasattr(signal, "alarm"):  # not on Windows
            signal.alarm(fuzz.PATIENCE)
        try:
            line = [KINDS[kind](random.Random(f"{kind} {number}")), ""]
        except Exception as failure:
            line = ["failed", f"{type(failure).__name__}: {failure}"[:300]]
        os.write(answers, json.dumps(line).encode() + b"\n")
    return 0


ENGINE = """
import sys
import onnxruntime as ort
if len(sys.argv) == 1:
    sys.exit(print(ort.__version__))
options = ort.SessionOptions()
options.log_severity_level = 4
ort.set_default_logger_severity(4)
try:
    ort.InferenceSession(open(sys.argv[1], "rb").read(), options, providers=["CPUExecutionProvider"])
except Exception:
    sys.exit(1)
"""


def ask_engine(python: str, *model: Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, "-c", ENGINE, *model], cwd=cwd, capture_output=True, text=True)


def outward_table(pythons: list[str]) -> list[str]:
    """What becomes of each file that points outward: in digitpad, and in the onnxruntime of each of these Pythons."""
    versions = [ask_engine(python).stdout.strip() for python in pythons]
    rows = [
        f"| it points at | digitpad | {' | '.join(f'onnxruntime {number} alone' for number in versions)} |",
        "|---|---|" + "---|" * len(pythons),
    ]
    for name, model in OUTWARD.items():
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder, "inner")
            inner.mkdir()
            for place in (inner, inner.parent):
                (place / "side.bin").write_bytes(bytes(640))
            (inner / "model.onnx").write_bytes(model)
            ours = _tried(model, "entry 'location'")
            endings = [ask_engine(python, inner / "model.onnx", cwd=inner).returncode for python in pythons]
        words = [
            "**reads it**" if code == 0 else "refuses" if code == 1 else f"**crashes ({code})**" for code in endings
        ]
        rows.append(f"| {name} | {ours} | {' | '.join(words)} |")
    return rows


def main() -> int:
    """Run a campaign of every kind, print and, if asked, write what came of it; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000, help="how many of each kind (default: 2000)")
    parser.add_argument("--also", nargs="*", default=[], metavar="PYTHON", help="of an environment with onnxruntime")
    parser.add_argument("--out", type=Path, help="page to write the findings to")
    args = parser.parse_args()
    rows, problems, failed = [], [], False
    for kind, case in KINDS.items():
        begun = time.monotonic()
        counts, found = campaign(kind, 0, args.cases)
        numbers = [args.cases, *(counts[ending] for ending in ("answered", "refused", "failed", "crashed"))]
        rows.append(
            f"| {kind} | {(case.__doc__ or '')[:-1]} | " + " | ".join(f"{number:,}" for number in numbers) + " |"
        )
        print(rows[-1], f"{time.monotonic() - begun:.0f} s", *found, sep="\n", flush=True)
        problems += found
        failed |= counts["failed"] > 0
    if args.out:
        args.out.write_text(_page(rows, outward_table([sys.executable, *args.also]), problems), encoding="utf-8")
    return 1 if failed else 0


def _page(rows: list[str], outward_rows: list[str], problems: list[str]) -> str:
    packages = f"Python {platform.python_version()}, numpy {version('numpy')}, onnxruntime {version('onnxruntime')}"
    return "\n".join(
        [
            "# Model files from strangers",
            "",
            "Written by `python -m tests.runtime.test_foreign_models`; the cases are in",
            "[tests/runtime/test_foreign_models.py](../tests/runtime/test_foreign_models.py), each made from its kind",
            f"and number alone. On {platform.system()} {platform.machine()}, {packages}.",
            "",
            "| kind | what was done to the file | cases | ran | refused with a ModelError | anything else | crashes |",
            "|---|---|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "A crash is one of the whole process, in the engine's C++ code, or a case that took longer than a minute",
            f"(SIGALRM) or more than {fuzz.MEMORY >> 30} GiB. digitpad cannot prevent it: a model file from a stranger",
            "is to be trusted like a program.",
            *(["", "```text", *problems, "```"] if problems else []),
            "",
            "## Files that point at others",
            "",
            "An ONNX tensor may say that its numbers lie in another file. digitpad refuses every such model before",
            "onnxruntime sees it, which would open the file, looked for from the working folder on:",
            "",
            *outward_rows,
            "",
        ]
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(run_child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    sys.exit(main())

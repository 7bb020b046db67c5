"""Model files from strangers: no other file is opened for them, and they are refused or run, or the engine crashes.

    python -m tests.runtime.test_foreign_models 20000

runs many more cases of each kind. They run in child processes: a crash ends the child and is reported, and the next
child continues after it.
"""

import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
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


# Just enough of protobuf to take a model apart and put it together again


def varint(number: int) -> bytes:
    spelled = bytearray()
    while number > 0x7F:
        spelled.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*spelled, number])


def fields(message: bytes) -> list[Field]:
    """The fields of a message; ValueError if the bytes are not a message."""
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
    """The tiny model with weights that are to be read from another file.

    Args:
        location: where, as the file puts it.
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
    """A model that points outward, with the length of the word "location" encoded in more bytes than needed."""
    entry = b"\x0a\x08location\x12\x08side.bin"
    (tail,) = (field for field in fields(entry) if field[0] == 2)
    twisted = b"\x0a" + length + b"location" + message([tail])
    return swapped(model, entry, twisted)


def swapped(content: bytes, old: bytes, new: bytes) -> bytes:
    """A message with a text or a submessage replaced, wherever it stands as a whole, however deep."""
    if content == old:
        return new
    try:
        parts = fields(content)
    except ValueError:
        return content
    return message(
        [(n, wire, swapped(value, old, new) if wire == 2 and old in value else value) for n, wire, value in parts]
    )


OUTWARD = {
    "a file beside it": outward(b"side.bin"),
    "a file beside it, from a Constant node": outward(b"side.bin", "constant"),
    "a file beside it, from a sparse tensor": outward(b"side.bin", "sparse"),
    "a file beside it, oddly encoded": respelled(outward(b"side.bin"), b"\x88\x80\x80\x80\x00"),
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
    """What these tests say of ONNX files would not hold for it, and onnxruntime accepts it under any name."""
    import onnxruntime as ort

    path = tmp_path / "model.onnx"
    options = models.session_options()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(TINY), options, providers=["CPUExecutionProvider"])
    assert ort.InferenceSession(path.read_bytes(), models.session_options(), providers=["CPUExecutionProvider"])
    with pytest.raises(ModelError, match=r"model\.onnx: is in onnxruntime's own format; give the \.onnx file"):
        Recognizer(path)


@pytest.mark.parametrize(
    "name", [b"", b"a" * 101, b"a" * 2**20, b"red \x1b[31m", b"bell \a", b"two\nlines", "‮no".encode()]
)
def test_a_model_whose_name_would_upset_a_terminal_or_the_pad_is_refused(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(swapped(TINY.read_bytes(), b"tiny", name))
    with pytest.raises(ModelError, match=r"digitpad\.name is .*, not a short line of text") as caught:
        Recognizer(path)
    assert len(str(caught.value)) < 600
    for good in ("a", "a" * 100, "die Kleine (七)", "mlp, zum zweiten"):
        path.write_bytes(swapped(TINY.read_bytes(), b"tiny", good.encode()))
        assert Recognizer(path).name == good


@pytest.mark.parametrize(
    ("model", "text"), [("tiny", b"1"), ("tiny", b"probabilities"), ("tiny", b"0.0"), ("other_input_shape", b"batch")]
)
def test_a_refusal_stays_one_readable_line_however_long_the_texts_in_the_file(
    model: str, text: bytes, tmp_path: Path
) -> None:
    """Found by the cases below: four megabytes of escapes in one line."""
    whole = TINY.with_name(f"{model}.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(swapped(whole, text, b"\0" * 2**20))
    with pytest.raises(ModelError) as caught:
        Recognizer(tmp_path / "model.onnx")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) - len(str(tmp_path)) < 1000


# Models with damage


def bytes_case(rng: random.Random) -> str:
    """Changed, missing and doubled bytes, and files cut off."""
    return fuzz.model_case(rng)


def fields_case(rng: random.Random) -> str:
    """Fields changed, left out, doubled, swapped or blown up, in a file that is still well-formed."""
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
    """A shipped model with damage, given by path, so that no checksum protects it."""
    path = Path(models.models_folder(), rng.choice(sorted(entry["file"] for entry in models.shipped_models().values())))
    return _tried(fuzz.mutate(path.read_bytes(), rng))


def outward_case(rng: random.Random) -> str:
    """A file that points at any other, with any offset and length; only our own refusal may come of it."""
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
def test_damaged_and_malformed_models_are_refused_or_run(kind: str, cases: int) -> None:
    counts, problems = campaign(kind, 0, cases)
    assert counts["failed"] == 0, problems
    assert counts["answered"] + counts["refused"] + counts["crashed"] == cases
    assert counts["refused"] > 0
    assert counts["answered"] > 0 or kind == "outward"


def test_a_crash_is_counted_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
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
    """Run cases in child processes: how many ended in each way, and a line for each that failed or crashed."""
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
    answers = os.dup(1)  # so that C code that prints cannot interfere
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


def main(cases: int) -> int:
    """Run this many cases of every kind and print what came of them; 1 if anything failed."""
    failed = False
    for kind, case in KINDS.items():
        counts, problems = campaign(kind, 0, cases)
        print(f"{kind} ({(case.__doc__ or '')[:-1]}): {cases:,} cases, {dict(counts)}", *problems, sep="\n", flush=True)
        failed |= counts["failed"] > 0
    return int(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(run_child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    sys.exit(main(int(sys.argv[1])))

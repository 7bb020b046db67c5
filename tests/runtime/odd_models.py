"""Model files that stretch the format: taken apart and put together again, pointing at other files, renamed."""

from pathlib import Path
from typing import Any

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
    """A model that points outward, the length of the word "location" spelled in more bytes than it needs."""
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


def renamed(old: bytes, new: bytes, model: str = "tiny") -> bytes:
    """A small model with a text in it replaced wherever it stands as a whole."""
    return _swapped(TINY.with_name(f"{model}.onnx").read_bytes(), old, new)

"""The stroke file format: what the pad saves, `predict` reads and training learns from.

    {"meta": {...}, "samples": [{"label": "7" or null, "strokes": [[[x, y], ...], ...], "writer": ...}]}

x points right, y down, in any unit. The file is .json or .json.gz.
"""

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from digitpad.errors import StrokeError
from digitpad.mnist_form import Points, clean_strokes

MAX_BYTES = 64 * 2**20  # unpacked: room for 60,000 digits; more is refused before it fills the memory

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Sample:
    """One drawing: its strokes, float64 (n, 2) each, its label, if any, and who drew it, if known."""

    strokes: list[Points]
    label: str | None = None
    writer: str | None = None


def is_stroke_file(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a stroke file: .json or .json.gz."""
    return os.fspath(path).lower().endswith((".json", ".json.gz"))


def read_samples(path: str | os.PathLike[str]) -> list[Sample]:
    """Read a stroke file.

    Raises:
        StrokeError: the file is missing, unreadable, too large or not in the format.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise StrokeError(f"{path}: cannot be read ({reason}); give a .json or .json.gz stroke file") from None
    return parse_samples(data, str(path))


def parse_samples(data: bytes | str, name: str) -> list[Sample]:
    """Parse the content of a stroke file, gzipped or plain; `name` stands for the file in errors.

    Raises:
        StrokeError: it is too large or not in the format.
    """
    if isinstance(data, bytes) and data.startswith(GZIP_MAGIC):
        import gzip  # here, as it imports much else that not every start of `predict` needs
        import zlib

        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error):
            raise StrokeError(f"{name}: the gzip data is cut off or damaged; get the file again") from None
    if len(data) > MAX_BYTES:
        raise StrokeError(f"{name}: larger than {MAX_BYTES >> 20} MiB; split the file")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise StrokeError(f"{name}: not a stroke file: it is not valid JSON") from None
    if not isinstance(content, dict) or not isinstance(content.get("samples"), list):
        raise StrokeError(f'{name}: not a stroke file: it has no list "samples"')
    return [_sample(entry, f"{name}: sample {number}") for number, entry in enumerate(content["samples"], start=1)]


def write_samples(path: str | os.PathLike[str], samples: Sequence[Sample], meta: dict[str, Any] | None = None) -> None:
    """Write a stroke file, gzipped if its name ends in .gz; an old file stays until the new one is complete.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
        DigitPadError: the file cannot be written.
    """
    import gzip
    from pathlib import Path

    from digitpad.files import write_whole

    content = {
        "meta": meta or {},
        "samples": [
            {"label": s.label, "strokes": [_plain(p) for p in clean_strokes(s.strokes)]}
            | ({"writer": s.writer} if s.writer else {})
            for s in samples
        ],
    }
    data = json.dumps(content).encode()
    write_whole(Path(path), gzip.compress(data, mtime=0) if str(path).lower().endswith(".gz") else data)


def _sample(entry: object, name: str) -> Sample:
    if not isinstance(entry, dict) or not isinstance(entry.get("strokes"), list):
        raise StrokeError(f'{name} has no list "strokes"')
    label, writer = entry.get("label"), entry.get("writer")
    if label is not None and not (isinstance(label, str) and len(label) == 1 and label in "0123456789"):
        raise StrokeError(f'{name}: label {label!r:.40} is neither "0" to "9" nor null')
    try:
        strokes = clean_strokes(entry["strokes"])
    except StrokeError as error:
        raise StrokeError(f"{name}: {error}") from None
    return Sample(strokes, label, None if writer is None else str(writer))


def _plain(points: Points) -> list[list[float]]:
    """Points for JSON, whole numbers without a fraction."""
    return [[int(v) if v.is_integer() and abs(v) < 2**53 else v for v in point] for point in points.tolist()]

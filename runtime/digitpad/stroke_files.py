"""The stroke file format: what the pad saves, `predict` reads and training learns from.

    {"meta": {...}, "samples": [{"label": "7", "strokes": [[[x, y], ...], ...], "writer": ...}, ...]}

A label is "7", "1984" (a number, whose rows are joined by line ends), "" (no digit) or null (unknown). x points right,
y down, in any unit. Instead of strokes a sample may hold "image", in MNIST's form: 784 bytes in base64, row by row,
0 = paper, 255 = ink. The file is .json or .json.gz.
"""

import binascii
import io
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitpad.errors import StrokeError
from digitpad.mnist_form import SIZE, Points, clean_strokes, render_strokes

MAX_BYTES = 64 * 2**20  # unpacked: room for 60,000 digits; more is refused before it fills the memory

GZIP_MAGIC = b"\x1f\x8b"

LABEL = re.compile(r"([0-9]+(\n[0-9]+)*)?")  # a digit, a number or "", all of it


@dataclass(frozen=True)
class Sample:
    """One drawing: its strokes, float64 (n, 2) each, its label, if any, and who drew it, if known.

    Or, instead of strokes, what there is of it in MNIST's form: an image, uint8 (28, 28), 0 = paper, 255 = ink.
    """

    strokes: list[Points]
    label: str | None = None
    writer: str | None = None
    image: NDArray[np.uint8] | None = None

    def inked(self) -> NDArray[np.uint8]:
        """The drawing in MNIST's form, uint8 (28, 28)."""
        return render_strokes(self.strokes) if self.image is None else self.image


def is_stroke_file(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a stroke file: .json or .json.gz."""
    return os.fspath(path).lower().endswith((".json", ".json.gz"))


def read_samples(path: str | os.PathLike[str]) -> list[Sample]:
    """Read a stroke file. A sample that is not in the format is named on standard error, and left out.

    Raises:
        StrokeError: the file is missing, unreadable, too large or not in the format; or none of its samples is.
    """
    entries = read_entries(path)
    samples = [entry for entry in entries if isinstance(entry, Sample)]
    bad = [entry for entry in entries if isinstance(entry, StrokeError)]
    if bad and not samples:
        raise bad[0]
    for error in bad:
        print(f"{error}; left out", file=sys.stderr)
    return samples


def read_entries(path: str | os.PathLike[str]) -> list[Sample | StrokeError]:
    """Read a stroke file; in the place of a sample that is not in the format stands what is wrong with it.

    Raises:
        StrokeError: the file is missing, unreadable, too large or not in the format.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise StrokeError(f"{path}: cannot be read ({reason}); give a .json or .json.gz stroke file") from None
    return parse_entries(data, str(path))


def parse_entries(data: bytes | str, name: str) -> list[Sample | StrokeError]:
    """Parse the content of a stroke file, gzipped or plain; `name` stands for the file in errors.

    In the place of a sample that is not in the format stands what is wrong with it.

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
    return [_entry(entry, f"{name}: sample {number}") for number, entry in enumerate(content["samples"], start=1)]


def write_samples(path: str | os.PathLike[str], samples: Sequence[Sample], meta: dict[str, Any] | None = None) -> None:
    """Write a stroke file, gzipped if its name ends in .gz; an old file stays until the new one is complete.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
        DigitPadError: the file cannot be written.
    """
    import gzip
    from pathlib import Path

    from digitpad.files import write_whole

    content = {"meta": meta or {}, "samples": [plain_sample(sample) for sample in samples]}
    data = json.dumps(content).encode()
    write_whole(Path(path), gzip.compress(data, mtime=0) if str(path).lower().endswith(".gz") else data)


def plain_sample(sample: Sample) -> dict[str, Any]:
    """A sample as JSON has it.

    Raises:
        StrokeError: a stroke is not an (n, 2) array of finite numbers.
    """
    if sample.image is None:
        drawing: dict[str, Any] = {"strokes": [_plain(points) for points in clean_strokes(sample.strokes)]}
    else:
        drawing = {"image": binascii.b2a_base64(sample.image.tobytes(), newline=False).decode()}
    return {"label": sample.label, **drawing} | ({"writer": sample.writer} if sample.writer else {})


def _entry(entry: object, name: str) -> Sample | StrokeError:
    try:
        return _sample(entry)
    except StrokeError as error:
        return StrokeError(f"{name}: {error}")


def _sample(entry: object) -> Sample:
    if not isinstance(entry, dict) or not (isinstance(entry.get("strokes"), list) or "image" in entry):
        raise StrokeError('it has neither a list "strokes" nor an "image"')
    label, writer = entry.get("label"), entry.get("writer")
    if label is not None and not (isinstance(label, str) and LABEL.fullmatch(label)):
        raise StrokeError(f'label {label!r:.40} is neither digits, nor "", nor null')
    writer = None if writer is None else str(writer)
    if isinstance(entry.get("strokes"), list):
        return Sample(clean_strokes(entry["strokes"]), label, writer)
    return Sample([], label, writer, _image(entry["image"]))


def _image(text: object) -> NDArray[np.uint8]:
    try:
        data = binascii.a2b_base64(text if isinstance(text, str) else "")
    except ValueError:
        data = b""
    if len(data) != SIZE * SIZE:
        raise StrokeError(f'"image" is not {SIZE * SIZE} bytes in base64')
    return np.frombuffer(data, np.uint8).reshape(SIZE, SIZE).copy()


def _plain(points: Points) -> list[list[float]]:
    """Points for JSON, whole numbers without a fraction."""
    return [[int(v) if v.is_integer() and abs(v) < 2**53 else v for v in point] for point in points.tolist()]

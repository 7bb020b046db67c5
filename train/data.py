"""The data both networks learn from: found or downloaded, and split once and for all.

A download must have the right checksum; a file that is found need only be whole.

Two collections (see README, "Data"): MNIST, whose last 5,000 training images are validation, and the pen digits
of the UCI Machine Learning Repository, split by writer. A person's own digits join the training part.
"""

import gzip
import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitpad.mnist_form import render_strokes
from digitpad.stroke_files import Sample, is_stroke_file, read_samples
from train.download import DataError as DataError  # raised here too
from train.download import RemoteFile, download, mnist_file, pen_file

DATA_FOLDER = Path(__file__).parents[1] / "data"
MNIST_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
MNIST_VALIDATION = 5_000  # the last ones of the training file
PEN_NAME = "pendigits-orig.tra.Z"
PEN_TRAINING_WRITERS = frozenset(f"tra{number:02}" for number in range(1, 25))  # tra25 to tra30 are validation
NOT_A_DIGIT = 10  # the label of non-digits, in the training part alone
CLASSES = 11

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Targets = NDArray[np.float32]  # (N, 11), each row the probabilities of the eleven classes


@dataclass(frozen=True)
class Digits:
    """Labelled digits in the model's form: images uint8 (N, 28, 28), 0 = paper, 255 = ink; labels int64 (N,)."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, which: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Digits":
        """Those that a mask, an index or a slice picks."""
        return Digits(self.images[which], self.labels[which])

    def __add__(self, other: "Digits") -> "Digits":
        return Digits(np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels]))


@dataclass(frozen=True)
class Mnist:
    """MNIST in its three parts: 55,000, 5,000 and 10,000 digits."""

    train: Digits
    validation: Digits
    test: Digits


@dataclass(frozen=True)
class Pen:
    """The pen digits of 24 writers for training and of six others for validation, as strokes."""

    train: list[Sample]
    validation: list[Sample]


def load_mnist(folder: Path | None = None) -> Mnist:
    """Find MNIST, or download it into data/, and split it.

    Raises:
        DataError: it is unavailable, or a file is damaged.
    """
    train_images, train_labels, test_images, test_labels = (find_file(name, mnist_file, folder) for name in MNIST_NAMES)
    known = Digits(read_idx(train_images), read_idx(train_labels).astype(np.int64))
    test = Digits(read_idx(test_images), read_idx(test_labels).astype(np.int64))
    return Mnist(known.pick(slice(-MNIST_VALIDATION)), known.pick(slice(-MNIST_VALIDATION, None)), test)


def load_pen(folder: Path | None = None) -> Pen:
    """Find the pen digits, or download them into data/, and split them by writer.

    E. Alpaydin, F. Alimoglu: Pen-Based Recognition of Handwritten Digits, UCI Machine Learning Repository,
    https://doi.org/10.24432/C5MG6K, CC BY 4.0.

    Raises:
        DataError: they are unavailable, or the file is damaged.
    """
    from unlzw3 import unlzw

    path = find_file(PEN_NAME, pen_file, folder)
    try:
        samples = parse_unipen(unlzw(_bytes(path)).decode("latin-1"))
    except ValueError as error:
        raise DataError(f"{path}: damaged ({error}); delete it, and it is downloaded again") from None
    return Pen(
        [s for s in samples if s.writer in PEN_TRAINING_WRITERS],
        [s for s in samples if s.writer not in PEN_TRAINING_WRITERS],
    )


def load_own(path: Path) -> tuple[Digits, list[Sample]]:
    """A person's own digits: pictures from a folder of images sorted by label (folder/7/photo.png), or strokes.

    Raises:
        DigitPadError: there is nothing labelled, or a file in it cannot be read.
    """
    from digitpad.image.normalise import normalise_image

    if is_stroke_file(path) and (labelled := [s for s in read_samples(path) if s.label is not None]):
        return render([]), labelled
    files = sorted(file for file in path.glob("[0-9]/*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise DataError(f"{path}: no labelled digits: give a stroke file (.json), or a folder with folders 0 to 9")
    images = [normalise_image(file) for file in files]
    return Digits(np.stack(images), np.array([int(file.parent.name) for file in files])), []


def one_hot(labels: Labels) -> Targets:
    """Labels (N,), 0 to 10, as targets."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


def render(samples: list[Sample]) -> Digits:
    """Labelled strokes as a model sees them: training and the runtime ink strokes with the same function."""
    if not samples:
        return Digits(np.empty((0, 28, 28), np.uint8), np.empty(0, np.int64))
    images = np.stack([render_strokes(sample.strokes) for sample in samples])
    return Digits(images, np.array([int(sample.label or "") for sample in samples]))


def read_idx(path: Path) -> Images:
    """An IDX file of unsigned bytes, compressed by gzip or not, as an array (format: http://yann.lecun.com/exdb/mnist).

    Not by torchvision's reader: that would load PyTorch in the process in which Keras trains.

    Raises:
        DataError: it is damaged, or not such a file.
    """
    data = _bytes(path)
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        zeros, kind, dimensions = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
        if zeros != 0 or kind != 8:
            raise ValueError
        return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise DataError(f"{path}: not a whole IDX file of bytes ({error}); get it again") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def parse_unipen(text: str) -> list[Sample]:
    """The digits in a UNIPEN text whose comments read "label writer number"; y is turned to point down.

    The tablet's box is 500 units high (the collection's own description).
    """
    samples: list[Sample] = []
    for segment in text.split(".SEGMENT")[1:]:
        comment = re.search(r"\.COMMENT\s+(\d)\s+(\d+)", segment)
        pens = re.findall(r"\.PEN_DOWN([-\d\s]*)", segment)
        if comment is None or not pens:
            raise DataError("pen digits: a segment has no label, writer or strokes; get the file again")
        points = [np.array(pen.split(), np.float64).reshape(-1, 2) * (1, -1) + (0, 500) for pen in pens]
        samples.append(Sample(points, comment[1], f"tra{int(comment[2]):02}"))
    return samples


def find_file(name: str, remote: Callable[[str], RemoteFile], folder: Path | None = None) -> Path:
    """Where a file of a data set is; downloaded into data/ if missing.

    Looks in `folder`, or else in $DIGITPAD_DATA, then in data/; and in the folders mnist/ and pen/ of each.

    Raises:
        DataError: it is not there and cannot be downloaded.
    """
    named = folder or os.environ.get("DIGITPAD_DATA")
    for place in (Path(named), DATA_FOLDER) if named else (DATA_FOLDER,):
        for path in (place / name, place / "mnist" / name, place / "pen" / name):
            if path.is_file():
                return path
    return download(remote(name), DATA_FOLDER)

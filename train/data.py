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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitpad.errors import StrokeError
from digitpad.stroke_files import Sample, is_stroke_file, read_samples
from train.download import MNIST, OMNIGLOT, PEN, UJI, UJI_LETTERS, RemoteFile, download, unzip
from train.download import DataError as DataError  # raised here too
from train.stroke_formats import check_uji, parse_omniglot, parse_uji, parse_uji_letters, parse_unipen

DATA_FOLDER = Path(__file__).parents[1] / "data"
MNIST_VALIDATION = 5_000  # the last ones of the training file
PEN_TRAINING_WRITERS = frozenset(f"tra{number:02}" for number in range(1, 25))  # tra25 to tra30 are validation
UJI_DIGITS_NAME = "uji2_digits.json.gz"  # of its version 2, as a stroke file
UJI_TRAINING_WRITERS = frozenset(f"w{number:02}" for number in range(1, 41))  # w41 to w60 are validation
UJI_LETTERS_WRITERS = {"train": range(1, 7), "validation": range(7, 9), "measure": range(9, 12)}
ALPHABETS = {"Balinese": 24, "Early_Aramaic": 22, "Greek": 24, "Korean": 40, "Latin": 26}  # characters of each alphabet
OMNIGLOT_WRITERS = 20  # of each alphabet, who drew each character once
# Letters that are digits to the eye, found by looking at every drawing: at least a quarter would be taken for one.
# UJI's and the Greek ones are fixed, so that figures can be compared; of other alphabets, doubtful ones are here too.
_OMNIGLOT_LOOK_ALIKES = {
    "Balinese": (5, 14),  # like 7, with curls
    "Early_Aramaic": (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 20),  # like 4 9 7 4 3 4 1 2 7 6 y 9 0 7 4
    "Greek": (4, 6, 15, 18),  # delta, zeta, omicron, sigma
    "Korean": (1, 5, 9, 10, 12, 21, 22, 24, 27, 28, 33, 37),  # like 7 7 1 4 4 1 7 2 2 0 0 7
    "Latin": (2, 7, 9, 10, 12, 15, 17, 19, 21, 25, 26),  # b g i j l o q s u y z
}
LOOK_ALIKES = frozenset("oOlIijJsSzZbBqgGDyYU") | {
    f"{alphabet}/character{number:02}" for alphabet, numbers in _OMNIGLOT_LOOK_ALIKES.items() for number in numbers
}
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
    """Digits as strokes, some writers' for training and others' for validation."""

    train: list[Sample]
    validation: list[Sample]


@dataclass(frozen=True)
class RealOutliers:
    """Letters that people wrote, as strokes, none of which looks like a digit; each part by the name of the set.

    A label is the letter, such as "A", or alphabet and character, such as "Greek/character01".
    """

    train: dict[str, list[Sample]]  # uji_letters (writers w01 to w06), balinese, korean, latin
    validation: dict[str, list[Sample]]  # uji_letters (w07, w08), early_aramaic
    measure: dict[str, list[Sample]]  # uji_letters (w09 to w11), greek
    missing: list[DataError]  # why a source cannot be had


def load_mnist(folder: Path | None = None) -> Mnist:
    """Find MNIST, or download it into data/, and split it.

    Raises:
        DataError: it is unavailable, or a file is damaged.
    """
    train_images, train_labels, test_images, test_labels = (find_file(file, folder) for file in MNIST)
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

    path = find_file(PEN, folder)
    with _damage_told(path):
        samples = parse_unipen(unlzw(_bytes(path)).decode("latin-1"))
    return Pen(
        [s for s in samples if s.writer in PEN_TRAINING_WRITERS],
        [s for s in samples if s.writer not in PEN_TRAINING_WRITERS],
    )


def load_uji(folder: Path | None = None) -> Pen:
    """Find the digits of UJI's version 2, in its own form or as our stroke file, or download them, and split them.

    F. Prat, M. J. Castro, D. Llorens, A. Marzal, J. M. Vilar: UJI Pen Characters (Version 2), UCI Machine Learning
    Repository, https://doi.org/10.24432/C5FG8S, CC BY 4.0.

    Raises:
        DataError: they are unavailable, or the file is damaged.
    """
    path = at_hand(UJI_DIGITS_NAME, folder) or find_file(UJI, folder)
    with _damage_told(path):
        if path.name == UJI_DIGITS_NAME:
            check_uji(samples := read_samples(path))
        else:
            samples = parse_uji(_bytes(path).decode("latin-1"))
    return Pen(
        [s for s in samples if s.writer in UJI_TRAINING_WRITERS],
        [s for s in samples if s.writer not in UJI_TRAINING_WRITERS],
    )


def load_outliers(folder: Path | None = None) -> RealOutliers:
    """Find the letters of UJI's version 1 and of Omniglot, or download them, and split them by writer and alphabet.

    What looks like a digit is left out, and so is what cannot be had: `missing` says why.

    D. Llorens, F. Prat, A. Marzal, J. M. Vilar: UJI Pen Characters, UCI Machine Learning Repository,
    https://archive.ics.uci.edu/dataset/160, CC BY 4.0. B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum: Human-level
    concept learning through probabilistic program induction, Science 350 (6266), 2015, pages 1332-1338,
    https://github.com/brendenlake/omniglot, MIT licence.
    """
    outliers = RealOutliers({}, {}, {}, [])
    for load in (_load_uji_letters, _load_omniglot):
        try:
            load(outliers, folder)
        except DataError as error:
            outliers.missing.append(error)
    return outliers


def _load_uji_letters(outliers: RealOutliers, folder: Path | None) -> None:
    path = find_file(UJI_LETTERS, folder)
    with _damage_told(path):
        samples = parse_uji_letters(_bytes(path).decode("latin-1"))
    writers = {part: {f"w{number:02}" for number in numbers} for part, numbers in UJI_LETTERS_WRITERS.items()}
    letters = [s for s in samples if s.label not in LOOK_ALIKES and s.label not in set("0123456789")]
    for part, of in (("train", outliers.train), ("validation", outliers.validation), ("measure", outliers.measure)):
        of["uji_letters"] = [s for s in letters if s.writer in writers[part]]


def _load_omniglot(outliers: RealOutliers, folder: Path | None) -> None:
    path = find_file(OMNIGLOT, folder)
    alphabets: dict[str, list[Sample]] = {alphabet: [] for alphabet in ALPHABETS}
    with _damage_told(path):
        for name, data in sorted(unzip(_bytes(path)).items()):
            if found := re.fullmatch(r"strokes_background_small1/(\w+)/(character\d+)/\d+_(\d+)\.txt", name):
                alphabet, character, writer = found.groups()
                sample = Sample(parse_omniglot(data.decode("latin-1")), f"{alphabet}/{character}", writer)
                alphabets.setdefault(alphabet, []).append(sample)
        if any(len(alphabets[alphabet]) != OMNIGLOT_WRITERS * count for alphabet, count in ALPHABETS.items()):
            raise ValueError("not all drawings of its five alphabets are there")
    letters = {a: [s for s in samples if s.label not in LOOK_ALIKES] for a, samples in alphabets.items()}
    outliers.train.update({alphabet.lower(): letters[alphabet] for alphabet in ("Balinese", "Korean", "Latin")})
    outliers.validation["early_aramaic"] = letters["Early_Aramaic"]
    outliers.measure["greek"] = letters["Greek"]


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """What a file that is not whole raises, as one clear error."""
    try:
        yield
    except (ValueError, StrokeError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise DataError(f"{path}: damaged ({reason}); delete it, and it is downloaded again") from None


def load_own(path: Path) -> tuple[Digits, list[Sample]]:
    """A person's own digits: pictures from a folder of images sorted by label (folder/7/photo.png), or strokes.

    A stroke file may also hold what is labelled "", no digit; its whole numbers are left out.

    Raises:
        DigitPadError: there is nothing labelled, or a file in it cannot be read.
    """
    from digitpad.image.normalise import normalise_image

    if is_stroke_file(path):
        labelled = [s for s in read_samples(path) if s.label is not None and len(s.label) < 2]
        if labelled:
            return render([s for s in labelled if s.image is not None]), [s for s in labelled if s.image is None]
    files = sorted(file for file in path.glob("[0-9]/*") if file.is_file() and not file.name.startswith("."))
    if not files:
        raise DataError(f"{path}: no labelled digits: give a stroke file (.json), or a folder with folders 0 to 9")
    images = [normalise_image(file) for file in files]
    return Digits(np.stack(images), np.array([int(file.parent.name) for file in files])), []


def one_hot(labels: Labels) -> Targets:
    """Labels (N,), 0 to 10, as targets."""
    return np.eye(CLASSES, dtype=np.float32)[labels]


def render(samples: list[Sample]) -> Digits:
    """Labelled drawings as a model sees them, letters as NOT_A_DIGIT.

    Training and the runtime ink strokes with the same function.
    """
    if not samples:
        return Digits(np.empty((0, 28, 28), np.uint8), np.empty(0, np.int64))
    return Digits(np.stack([sample.inked() for sample in samples]), labels_of(samples))


def labels_of(samples: list[Sample]) -> Labels:
    """What a network is to learn of labelled strokes (N,): the digit, or NOT_A_DIGIT for any other label."""
    digits = {str(digit): digit for digit in range(10)}
    return np.array([digits.get(sample.label or "", NOT_A_DIGIT) for sample in samples], np.int64)


def read_idx(path: Path) -> Images:
    """An IDX file of unsigned bytes, compressed by gzip or not, as an array (format: http://yann.lecun.com/exdb/mnist).

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


def find_file(file: RemoteFile, folder: Path | None = None) -> Path:
    """Where a file of a data set is; downloaded into data/ if missing.

    Raises:
        DataError: it is not there and cannot be downloaded.
    """
    return at_hand(file.name, folder) or download(file, DATA_FOLDER)


def at_hand(name: str, folder: Path | None = None) -> Path | None:
    """Where a file of a data set is, if it is there.

    Looks in `folder`, or else in $DIGITPAD_DATA, then in data/; and in the folders mnist/ and pen/ of each.
    """
    named = folder or os.environ.get("DIGITPAD_DATA")
    for place in (Path(named), DATA_FOLDER) if named else (DATA_FOLDER,):
        for path in (place / name, place / "mnist" / name, place / "pen" / name):
            if path.is_file():
                return path
    return None

"""Downloading the data sets: whole and with the right checksum, or not at all."""

import hashlib
import io
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole
from train.stroke_formats import parse_uji


class DataError(DigitPadError):
    """A data set is unavailable, or one of its files is not what it should be."""


_UCI = "https://archive.ics.uci.edu"
Check = Callable[[bytes], object]  # raises ValueError, saying why, where the bytes are not the file's


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set: its name, where it can be fetched, alone or in a .zip, and how to know it."""

    name: str
    addresses: tuple[str, ...]
    check: Check


def has_sum(algorithm: str, checksum: str) -> Check:
    """A check for the one checksum that a file must have."""

    def check(data: bytes) -> None:
        if hashlib.new(algorithm, data).hexdigest() != checksum:
            raise ValueError(f"{len(data)} bytes whose {algorithm} sum is not {checksum}")

    return check


_MIRRORS = "https://ossci-datasets.s3.amazonaws.com/mnist", "http://yann.lecun.com/exdb/mnist"
_MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
MNIST = [
    RemoteFile(name, tuple(f"{mirror}/{name}" for mirror in _MIRRORS), has_sum("md5", checksum))
    for name, checksum in _MD5.items()
]
PEN = RemoteFile(
    "pendigits-orig.tra.Z",
    (f"{_UCI}/ml/machine-learning-databases/pendigits/pendigits-orig.tra.Z",),
    has_sum("sha256", "ceae25d05f1ccfed4d27ca2e5766370fb32ddd685a647567e84cf7685aa7ac8b"),
)
# UJI's version 2. No checksum is known: it is whole if its digits can be read and are all there.
UJI = RemoteFile(
    "ujipenchars2.txt",
    (
        f"{_UCI}/ml/machine-learning-databases/uji-penchars/version2/ujipenchars2.txt",
        f"{_UCI}/static/public/177/uji+pen+characters+version+2.zip",
    ),
    lambda data: parse_uji(data.decode("latin-1")),
)
# UJI's version 1: one file, or one for each writer in a .zip.
UJI_LETTERS = RemoteFile(
    "UJIpenchars",
    (
        f"{_UCI}/ml/machine-learning-databases/uji-penchars/version1/UJIpenchars",
        f"{_UCI}/static/public/160/uji+pen+characters.zip",
    ),
    has_sum("sha256", "ee350e1ab0f91aae6686a78210c135ee141d52de6fcf44c5d1b3b974cfdc80ee"),
)
OMNIGLOT = RemoteFile(
    "strokes_background_small1.zip",
    ("https://raw.githubusercontent.com/brendenlake/omniglot/master/python/strokes_background_small1.zip",),
    has_sum("sha256", "8cb3960fb6cf4ccf5f064ad83169f828c36c36782a0f6e7faacb7ecfae4468a2"),
)


def download(file: RemoteFile, into: Path) -> Path:
    """Fetch a file from the first address that has it whole; otherwise nothing is left under its name.

    Raises:
        DataError: no address has it, or what arrives is something else.
    """
    problems = []
    for address in file.addresses:
        try:
            with urllib.request.urlopen(address, timeout=30) as reply:
                data = _read_all(reply, int(reply.headers.get("Content-Length") or 0), file.name)
            if address.endswith(".zip") and not file.name.endswith(".zip"):
                data = _from_zip(data, file.name)
            file.check(data)
        except (OSError, ValueError) as error:
            problems.append(f"{address}: {error}")
            continue
        make_folder(into)
        write_whole(into / file.name, data)
        return into / file.name
    raise DataError(
        f"{file.name} was not found and cannot be downloaded ({'; '.join(problems)}); put it into {into}, or set"
        " DIGITPAD_DATA to the folder that has it, or train on generated digits with DATA=synthetic"
    )


def _read_all(reply: io.BufferedIOBase, length: int, name: str) -> bytes:
    data = bytearray()
    with tqdm(total=length or None, desc=name, unit="B", unit_scale=True, disable=None) as bar:
        while chunk := reply.read(1 << 16):
            data += chunk
            bar.update(len(chunk))
    if length and len(data) < length:
        raise OSError(f"the connection broke off after {len(data)} of {length} bytes")
    return bytes(data)


def unzip(data: bytes) -> dict[str, bytes]:
    """The files in a .zip, by name.

    Raises:
        ValueError: it is not a whole archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception as error:  # zipfile lets through what any of its decompressors raises
        raise ValueError(f"not a whole .zip archive ({error})") from None


def _from_zip(data: bytes, name: str) -> bytes:
    """A file in an archive, or its parts joined, whose names begin with the file's."""
    return b"".join(part for path, part in sorted(unzip(data).items()) if PurePosixPath(path).name.startswith(name))

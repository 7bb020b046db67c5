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

UCI = "https://archive.ics.uci.edu"


class DataError(DigitPadError):
    """A data set is unavailable, or one of its files is not what it should be."""


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


def mnist_file(name: str) -> RemoteFile:
    """One of MNIST's four files, where torchvision would get it and with the checksum it knows."""
    from torchvision.datasets import MNIST  # loads PyTorch: only where something must be downloaded

    return RemoteFile(
        name, tuple(mirror + name for mirror in MNIST.mirrors), has_sum("md5", dict(MNIST.resources)[name])
    )


def pen_file(name: str) -> RemoteFile:
    """The UCI pen digits, as published."""
    address = f"{UCI}/ml/machine-learning-databases/pendigits/{name}"
    checksum = "ceae25d05f1ccfed4d27ca2e5766370fb32ddd685a647567e84cf7685aa7ac8b"
    return RemoteFile(name, (address,), has_sum("sha256", checksum))


def uji_file(name: str) -> RemoteFile:
    """UJI's version 2, as published. No checksum is known: it is whole if its digits can be read and are all there."""
    addresses = (
        f"{UCI}/ml/machine-learning-databases/uji-penchars/version2/{name}",
        f"{UCI}/static/public/177/uji+pen+characters+version+2.zip",
    )
    return RemoteFile(name, addresses, lambda data: parse_uji(data.decode("latin-1")))


def uji_letters_file(name: str) -> RemoteFile:
    """UJI's version 1, as published: one file, or one for each writer in a .zip."""
    addresses = (
        f"{UCI}/ml/machine-learning-databases/uji-penchars/version1/{name}",
        f"{UCI}/static/public/160/uji+pen+characters.zip",
    )
    checksum = "ee350e1ab0f91aae6686a78210c135ee141d52de6fcf44c5d1b3b974cfdc80ee"
    return RemoteFile(name, addresses, has_sum("sha256", checksum))


def omniglot_file(name: str) -> RemoteFile:
    """A part of Omniglot's strokes, a .zip, as published."""
    address = f"https://raw.githubusercontent.com/brendenlake/omniglot/master/python/{name}"
    checksum = "8cb3960fb6cf4ccf5f064ad83169f828c36c36782a0f6e7faacb7ecfae4468a2"
    return RemoteFile(name, (address,), has_sum("sha256", checksum))


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

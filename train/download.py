"""Downloading the data sets: whole and with the right checksum, or not at all."""

import hashlib
import io
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from digitpad.errors import DigitPadError
from digitpad.files import make_folder, write_whole


class DataError(DigitPadError):
    """A data set is unavailable, or one of its files is not what it should be."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a data set: its name, where it can be fetched, and the checksum it must have."""

    name: str
    addresses: tuple[str, ...]
    algorithm: str
    checksum: str


def mnist_file(name: str) -> RemoteFile:
    """One of MNIST's four files, where torchvision would get it and with the checksum it knows."""
    from torchvision.datasets import MNIST  # loads PyTorch: only where something must be downloaded

    return RemoteFile(name, tuple(mirror + name for mirror in MNIST.mirrors), "md5", dict(MNIST.resources)[name])


def pen_file(name: str) -> RemoteFile:
    """The UCI pen digits, as published."""
    address = f"https://archive.ics.uci.edu/ml/machine-learning-databases/pendigits/{name}"
    checksum = "ceae25d05f1ccfed4d27ca2e5766370fb32ddd685a647567e84cf7685aa7ac8b"
    return RemoteFile(name, (address,), "sha256", checksum)


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
        except (OSError, ValueError) as error:
            problems.append(f"{address}: {error}")
            continue
        if hashlib.new(file.algorithm, data).hexdigest() != file.checksum:
            problems.append(f"{address}: {len(data)} bytes whose {file.algorithm} sum is not {file.checksum}")
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
    with tqdm(total=length or None, desc=name, unit="B", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        while chunk := reply.read(1 << 16):
            data += chunk
            bar.update(len(chunk))
    if length and len(data) < length:
        raise OSError(f"the connection broke off after {len(data)} of {length} bytes")
    return bytes(data)

"""The data: found, downloaded whole or not at all, read right, and split the same way every time."""

import gzip
import hashlib
import json
import os
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from digitpad.errors import DigitPadError
from digitpad.stroke_files import Sample, write_samples
from train.data import MNIST_NAMES, PEN_NAME, find_file, load_mnist, load_own, load_pen, read_idx
from train.download import DataError, RemoteFile, download, has_sum, mnist_file
from train.stroke_formats import parse_unipen

CONTENT = bytes(range(256)) * 500


class _Handler(BaseHTTPRequestHandler):
    """good: the file; cut: half of it under the full length; wrong: other bytes; none: not found."""

    def do_GET(self) -> None:
        mirror = self.path.split("/")[1]
        if mirror == "none":
            self.send_error(404)
            return
        body = CONTENT if mirror != "wrong" else CONTENT[::-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if mirror != "cut" else body[: len(body) // 2])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def remote(*addresses: str) -> RemoteFile:
    return RemoteFile("file.gz", addresses, has_sum("sha256", hashlib.sha256(CONTENT).hexdigest()))


@pytest.mark.parametrize("first", ["{}/none", "{}/cut", "{}/wrong", "http://127.0.0.1:9"])
def test_the_second_mirror_serves_where_the_first_fails_and_without_it_nothing_is_left(
    address: str, first: str, tmp_path: Path
) -> None:
    bad, good = f"{first.format(address)}/file.gz", f"{address}/good/file.gz"
    with pytest.raises(DataError) as caught:
        download(remote(bad), tmp_path)
    assert list(tmp_path.iterdir()) == []
    (text,) = str(caught.value).splitlines()
    assert all(word in text for word in ("file.gz", "DIGITPAD_DATA", "DATA=synthetic", str(tmp_path)))
    assert download(remote(bad, good), tmp_path / "data").read_bytes() == CONTENT


def test_a_file_at_hand_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pen").mkdir()
    (tmp_path / "pen" / "file.gz").write_bytes(b"here")
    assert find_file("file.gz", pytest.fail, tmp_path) == tmp_path / "pen" / "file.gz"
    monkeypatch.setenv("DIGITPAD_DATA", str(tmp_path))
    assert find_file("file.gz", pytest.fail) == tmp_path / "pen" / "file.gz"


def test_mnist_is_had_where_torchvision_has_it() -> None:
    for name in MNIST_NAMES:
        file = mnist_file(name)
        assert len(file.addresses) >= 2 and all(address.endswith(f"/{name}") for address in file.addresses)
        with pytest.raises(ValueError, match=r"md5 sum is not [0-9a-f]{32}$"):
            file.check(b"something else")


def test_an_unwritable_data_folder_is_named(address: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(DigitPadError, match="data"):
        download(remote(f"{address}/good/file.gz"), tmp_path / "data")


def test_mnist_is_split_the_fixed_way(mnist_at_hand: None) -> None:
    mnist = load_mnist()
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [55_000, 5_000, 10_000]
    whole = read_idx(find_file(MNIST_NAMES[0], mnist_file))
    assert (mnist.validation.images == whole[-5_000:]).all()
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_the_pen_digits_are_split_by_writer(pen_at_hand: None) -> None:
    pen = load_pen()
    assert len(pen.train) == 5_996
    assert len(pen.validation) == 1_498
    assert {s.writer for s in pen.validation} == {f"tra{n}" for n in range(25, 31)}


def test_the_pen_digits_equal_an_independent_conversion(pen_at_hand: None) -> None:
    folder = Path(os.environ.get("DIGITPAD_DATA", "data"))
    reference = next((p for p in folder.glob("**/pendigits_train.json.gz")), None)
    if reference is None:
        pytest.skip("there is no independently converted file")
    wanted = json.loads(gzip.decompress(reference.read_bytes()))["samples"]
    pen = load_pen()
    found = {w: [s for s in pen.train + pen.validation if s.writer == w] for w in {s["writer"] for s in wanted}}
    for writer, samples in found.items():
        expected = [s for s in wanted if s["writer"] == writer]
        assert [s.label for s in samples] == [s["label"] for s in expected]
        for sample, other in zip(samples, expected, strict=True):
            assert [p.tolist() for p in sample.strokes] == other["strokes"]


def test_unipen_is_read_with_y_turned_down() -> None:
    text = '.SEGMENT DIGIT 0 ? "7"\n.COMMENT 7 3 12\n.PEN_DOWN\n 10 500\n 20 400\n.PEN_UP\n.PEN_DOWN\n 5 0\n.PEN_UP\n'
    (sample,) = parse_unipen(text)
    assert (sample.label, sample.writer) == ("7", "tra03")
    assert [p.tolist() for p in sample.strokes] == [[[10, 0], [20, 100]], [[5, 500]]]


@given(st.binary(max_size=60))
def test_a_damaged_idx_file_is_one_clear_error(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.mktemp("idx") / "images-idx3-ubyte.gz"
    path.write_bytes(junk)
    try:
        read_idx(path)
    except DataError as error:
        assert str(path) in str(error)


def test_idx_files_are_read_packed_or_not_and_damaged_anywhere_are_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "images-idx3-ubyte.gz"
    images = np.random.default_rng(0).integers(0, 5, (1, 28, 28), np.uint8)
    plain = struct.pack(">HBB3I", 0, 8, 3, *images.shape) + images.tobytes()
    for whole in (plain, gzip.compress(plain)):
        path.write_bytes(whole)
        assert (read_idx(path) == images).all()
    for place in range(10, len(whole)):  # after gzip's own header
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz: not a whole IDX file"):
            read_idx(path)


def test_an_idx_file_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").mkdir()
    with pytest.raises(DataError, match=r"images-idx3-ubyte: cannot be read"):
        read_idx(tmp_path / "images-idx3-ubyte")


def test_own_digits_come_from_a_stroke_file_or_a_folder(tmp_path: Path) -> None:
    stroke = np.array([[0.0, 0.0], [0.0, 10.0]])
    write_samples(tmp_path / "own.json", [Sample([stroke], "1"), Sample([stroke], None)])
    pictures, strokes = load_own(tmp_path / "own.json")
    assert len(pictures) == 0
    assert [sample.label for sample in strokes] == ["1"]
    write_samples(tmp_path / "unlabelled.json", [Sample([stroke], None)])
    with pytest.raises(DataError, match="no labelled digits"):
        load_own(tmp_path / "unlabelled.json")

    (tmp_path / "folder" / "7").mkdir(parents=True)
    picture = np.full((60, 60), 255, np.uint8)
    picture[10:14, 15:45] = picture[10:50, 41:45] = 0
    Image.fromarray(picture).save(tmp_path / "folder" / "7" / "seven.png")
    own, strokes = load_own(tmp_path / "folder")
    assert own.labels.tolist() == [7]
    assert own.images[0].any()
    assert strokes == []

    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="folders 0 to 9"):
        load_own(tmp_path / "empty")


def test_a_damaged_file_of_pen_digits_is_told_in_one_line(tmp_path: Path) -> None:
    for number, damaged in enumerate((b"", b"no archive", b"\x1f\x9d\x90" + bytes(range(256)))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / PEN_NAME).write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            load_pen(folder)

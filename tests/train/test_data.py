"""The data: found, downloaded whole or not at all, read right, and split the same way every time."""

import gzip
import hashlib
import io
import json
import os
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import ascii_letters, digits

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitpad import reader
from digitpad.errors import DigitPadError
from digitpad.stroke_files import Sample, write_samples
from train.data import (
    ALPHABETS,
    LOOK_ALIKES,
    NOT_A_DIGIT,
    UJI_DIGITS_NAME,
    find_file,
    load_mnist,
    load_outliers,
    load_own,
    load_pen,
    load_uji,
    read_idx,
    render,
)
from train.download import MNIST, OMNIGLOT, PEN, UJI, UJI_LETTERS, DataError, RemoteFile, download, has_sum
from train.stroke_formats import parse_omniglot, parse_uji, parse_uji_letters, parse_unipen

CONTENT = bytes(range(256)) * 500
UJI_CHARACTERS = digits + ascii_letters


def zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


def uji_text() -> str:
    """A text in the form of UJI's version 2: of each character two drawings by each of 60 writers, y down."""
    words = []
    for character in f"{digits}aZ;ñ":
        for number in range(1, 61):
            name = f"{'trn_UPV' if number <= 40 else 'tst_UJI'}_W{number:02}"
            for session in (1, 2):
                words += [f"// ASCII char: {character}", f"WORD {character} {name}-{session:02}", "  NUMSTROKES 2"]
                words += [f"  POINTS 3 # 0 0 {number} {session} 5 -9", "  POINTS 1 # 7 8"]
    return "\r\n".join(["// UJI: 100 units per millimetre", *words, ""])


def uji_letters_text() -> str:
    """A text in the form of UJI's version 1: eleven writers' files, two drawings of each character, y down."""
    segments = []
    for number in range(11):
        segments.append('.LEXICON "a" "b"\n.COMMENT Class #01: [A] = { "a" , "A" }\n.HIERARCHY CHARACTER\n')
        strokes = f".COMMENT Class [X]\n\n.PEN_DOWN\n {number} 0\n 5 9\n.PEN_UP\n.DT 100\n"
        segments += [f'.SEGMENT CHARACTER {i} ? "{c}"\n{strokes}' for i, c in enumerate(UJI_CHARACTERS * 2)]
    return "\n".join(segments)


def omniglot_zip() -> bytes:
    """An archive in Omniglot's form: each character of its alphabets drawn by 20 people, y up."""
    return zipped(
        {"strokes_background_small1/.DS_Store": b"no drawing"}
        | {
            f"strokes_background_small1/{alphabet}/character{number:02}/0001_{writer:02}.txt": (
                b"START\n1.5,-2.5,0\n3,-9,40\nBREAK\n4,-4,99\nBREAK\n"
            )
            for alphabet, count in ALPHABETS.items()
            for number in range(1, count + 1)
            for writer in range(1, 21)
        }
    )


class _Handler(BaseHTTPRequestHandler):
    """good: the file; cut: half of it under the full length; wrong: other bytes; none: not found.

    zip and parts: an archive that holds it, whole or in parts; uji and half: UJI's digits, all or half of them.
    """

    def do_GET(self) -> None:
        mirror = self.path.split("/")[1]
        if mirror == "none":
            self.send_error(404)
            return
        others = {
            "wrong": CONTENT[::-1],
            "zip": zipped({"folder/file.gz": CONTENT, "folder/names": b"no data"}),
            "parts": zipped({"folder/file.gz-w02": CONTENT[70:], "folder/file.gz-w01": CONTENT[:70]}),
            "uji": uji_text().encode(),
            "half": uji_text().encode()[:40_000],
        }
        body = others.get(mirror, CONTENT)
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


@pytest.mark.parametrize("archive", ["zip/a.zip", "parts/a.zip"])
def test_a_file_is_taken_out_of_an_archive(address: str, tmp_path: Path, archive: str) -> None:
    path = download(remote(f"{address}/good/no_archive.zip", f"{address}/{archive}"), tmp_path)
    assert path.name == "file.gz" and path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]


def test_ujis_digits_of_which_no_checksum_is_known_are_taken_only_if_all_are_there(
    address: str, tmp_path: Path
) -> None:
    check = UJI.check
    for bad in ("half", "good"):
        with pytest.raises(DataError, match=r"digits, not 2 of each by 60 writers|lacks strokes or points"):
            download(RemoteFile(UJI.name, (f"{address}/{bad}/{UJI.name}",), check), tmp_path)
        assert list(tmp_path.iterdir()) == []
    download(RemoteFile(UJI.name, (f"{address}/uji/{UJI.name}",), check), tmp_path)
    assert len(load_uji(tmp_path).train) == 800


def test_what_is_published_as_known_files_is_known_by_its_checksum() -> None:
    for file in (*MNIST, PEN, UJI_LETTERS, OMNIGLOT):
        with pytest.raises(ValueError, match=r"(md5|sha256) sum is not [0-9a-f]+$"):
            file.check(b"something else")


def test_a_file_at_hand_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pen").mkdir()
    (tmp_path / "pen" / "file.gz").write_bytes(b"here")
    here = RemoteFile("file.gz", (), pytest.fail)
    assert find_file(here, tmp_path) == tmp_path / "pen" / "file.gz"
    monkeypatch.setenv("DIGITPAD_DATA", str(tmp_path))
    assert find_file(here) == tmp_path / "pen" / "file.gz"


def test_an_unwritable_data_folder_is_named(address: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(DigitPadError, match="data"):
        download(remote(f"{address}/good/file.gz"), tmp_path / "data")


def test_mnist_is_split_the_fixed_way(mnist_at_hand: None) -> None:
    mnist = load_mnist()
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [55_000, 5_000, 10_000]
    whole = read_idx(find_file(MNIST[0]))
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


def test_ujis_digits_are_split_by_writer_in_whichever_form_they_lie_there(tmp_path: Path) -> None:
    published, ours = tmp_path / "published", tmp_path / "ours"
    for folder in (published, ours):
        (folder / "pen").mkdir(parents=True)
    (published / "pen" / UJI.name).write_text(uji_text(), encoding="utf-8", newline="")
    first = load_uji(published)
    write_samples(ours / "pen" / UJI_DIGITS_NAME, first.train + first.validation)
    for uji in (first, load_uji(ours)):
        assert (len(uji.train), len(uji.validation)) == (800, 400)
        assert {s.writer for s in uji.train} == {f"w{number:02}" for number in range(1, 41)}
        assert {s.writer for s in uji.validation} == {f"w{number:02}" for number in range(41, 61)}
        last = uji.validation[-1]
        assert (last.label, last.writer) == ("9", "w60")
        assert [points.tolist() for points in last.strokes] == [[[0, 0], [60, 2], [5, -9]], [[7, 8]]]


def test_real_letters_are_split_by_writer_and_alphabet_and_look_alikes_left_out(tmp_path: Path) -> None:
    (tmp_path / UJI_LETTERS.name).write_text(uji_letters_text())
    (tmp_path / OMNIGLOT.name).write_bytes(omniglot_zip())
    real = load_outliers(tmp_path)
    assert real.missing == []
    writers = {
        name: {s.writer for s in part["uji_letters"]}
        for name, part in (("train", real.train), ("validation", real.validation), ("measure", real.measure))
    }
    assert writers["train"] == {"w01", "w02", "w03", "w04", "w05", "w06"}
    assert writers["validation"] == {"w07", "w08"}
    assert writers["measure"] == {"w09", "w10", "w11"}
    assert list(real.train) == ["uji_letters", "balinese", "korean", "latin"]
    assert list(real.validation) == ["uji_letters", "early_aramaic"]
    assert list(real.measure) == ["uji_letters", "greek"]
    # The figures' fixed list: 20 of UJI's letters and four of the Greek ones are digits to the eye.
    assert sorted({s.label or "" for s in real.measure["uji_letters"]}) == sorted(
        set(ascii_letters) - set("oOlIijJsSzZbBqgGDyYU")
    )
    assert {s.label for s in real.measure["greek"]} == {
        f"Greek/character{number:02}" for number in set(range(1, 25)) - {4, 6, 15, 18}
    }
    letters = [s for part in (real.train, real.validation, real.measure) for samples in part.values() for s in samples]
    assert not LOOK_ALIKES & {s.label for s in letters}
    assert set(render(letters[::100]).labels) == {NOT_A_DIGIT}
    uji, greek = real.train["uji_letters"][0], real.measure["greek"][0]
    assert [points.tolist() for points in uji.strokes] == [[[0, 0], [5, 9]]]
    assert [points.tolist() for points in greek.strokes] == [[[1.5, 2.5], [3, 9]], [[4, 4]]]


def test_real_letters_of_one_source_are_there_without_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.data.DATA_FOLDER", tmp_path / "data")
    nowhere = replace(UJI_LETTERS, addresses=("http://127.0.0.1:9/UJIpenchars",))
    monkeypatch.setattr("train.data.UJI_LETTERS", nowhere)
    (tmp_path / OMNIGLOT.name).write_bytes(omniglot_zip())
    real = load_outliers(tmp_path)
    assert list(real.measure) == ["greek"]
    (problem,) = real.missing
    assert UJI_LETTERS.name in str(problem) and "cannot be downloaded" in str(problem)


def test_ujis_digits_and_real_letters_are_the_published_ones(letters_at_hand: None) -> None:
    uji, real = load_uji(), load_outliers()
    assert real.missing == []
    first = uji.train[0]
    assert (first.label, first.writer, first.strokes[0][4:6].tolist()) == ("0", "w01", [[485, 685], [432, 746]])
    counts = {name: len(samples) for part in (real.validation, real.measure) for name, samples in part.items()}
    assert counts == {"uji_letters": 192, "early_aramaic": 140, "greek": 400}
    # Version 1 names no writers: its digits are those of version 2's first writers, so both number them alike.
    text = Path(find_file(UJI_LETTERS)).read_text()
    for sample in parse_uji_letters(text):
        if sample.label in set(digits):
            same = [s for s in uji.train if (s.label, s.writer) == (sample.label, sample.writer)]
            assert any(np.array_equal(s.strokes[0], sample.strokes[0]) for s in same)


def test_the_reader_expects_as_many_strokes_as_those_who_train_the_networks_take(
    pen_at_hand: None, letters_at_hand: None
) -> None:
    of_sets = [
        [np.mean([len(s.strokes) == 2 for s in samples if s.label == digit]) for digit in digits]
        for samples in (load_pen().train, load_uji().train)
    ]
    assert np.maximum(np.mean(of_sets, axis=0), 0.01) == pytest.approx(reader._IN_TWO, abs=0.0051)


@settings(deadline=None, max_examples=30)
@given(place=st.floats(0, 1), length=st.integers(0, 30), junk=st.text(max_size=10))
@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_unipen, '.SEGMENT DIGIT 0 ? "7"\n.COMMENT 7 3 12\n.PEN_DOWN\n 10 500\n 20 400\n.PEN_UP\n'),
        (parse_uji_letters, uji_letters_text()),
        (parse_uji, uji_text()),
        (parse_omniglot, "START\n1.5,-2.5,0\n3,-9,40\nBREAK\n4,-4,99\nBREAK\n"),
    ],
)
def test_a_damaged_text_of_strokes_is_read_or_refused(
    parse: Callable[[str], list[object]], text: str, place: float, length: int, junk: str
) -> None:
    start = int(place * len(text))
    try:
        parse(text[:start] + junk + text[start + length :])
    except ValueError as error:
        assert str(error)


@settings(deadline=None)
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
    ink = np.full((28, 28), 9, np.uint8)
    drawn = [Sample([stroke], label) for label in ("1", None, "1984", "")]
    write_samples(tmp_path / "own.json", [*drawn, Sample([], "7", None, ink), Sample([], "", None, ink)])
    pictures, strokes = load_own(tmp_path / "own.json")
    assert pictures.labels.tolist() == [7, NOT_A_DIGIT]
    assert (pictures.images == 9).all()
    assert [sample.label for sample in strokes] == ["1", ""], "numbers are no digits, and no outliers either"
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
        (folder / PEN.name).write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            load_pen(folder)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        (UJI.name, uji_text().encode()),
        (UJI_DIGITS_NAME, b'{"samples": [{"label": "7", "strokes": [[[1, 2]]], "writer": "w01"}]}'),
        (UJI_LETTERS.name, uji_letters_text().encode()),
        (OMNIGLOT.name, omniglot_zip()),
        (OMNIGLOT.name, zipped({"strokes_background_small1/Greek/character01/0001_01.txt": b"START\n1,2\nBREAK\n"})),
    ],
)
def test_damaged_collections_of_strokes_are_told_in_one_line(tmp_path: Path, name: str, whole: bytes) -> None:
    for number, damaged in enumerate((b"", b"<html>sign in first</html>", whole[: len(whole) * 2 // 3])):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(damaged)
        if name in (UJI.name, UJI_DIGITS_NAME):
            with pytest.raises(DataError) as caught:
                load_uji(folder)
            problem: DataError = caught.value
        else:
            problem = next(error for error in load_outliers(folder).missing if name in str(error))
        (line,) = str(problem).splitlines()
        assert f"{folder / name}: damaged (" in line and "delete it" in line

"""Stroke files: what is written is read back, and whatever else is read ends in a StrokeError."""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from digitpad import StrokeError
from digitpad.stroke_files import (
    MAX_BYTES,
    Sample,
    is_stroke_file,
    parse_entries,
    read_entries,
    read_samples,
    write_samples,
)

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)
STROKES = st.lists(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6), max_size=4)
SAMPLES = st.lists(
    st.builds(
        lambda strokes, label, writer: Sample([np.array(s, np.float64) for s in strokes], label, writer),
        STROKES,
        st.none() | st.sampled_from(["7", "1984", "0\n12", ""]),
        st.none() | st.text(min_size=1, max_size=5),
    ),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
in_one_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", ["drawing.json", "drawing.json.gz"])
@in_one_folder
@given(samples=SAMPLES)
def test_what_is_saved_is_read_back_to_the_last_bit(samples: list[Sample], name: str, tmp_path: Path) -> None:
    write_samples(tmp_path / name, samples, {"device": "pen"})
    back = read_samples(tmp_path / name)
    assert [(s.label, s.writer) for s in back] == [(s.label, s.writer) for s in samples]
    for one, other in zip(samples, back, strict=True):
        assert len(one.strokes) == len(other.strokes)
        assert all(np.array_equal(a, b) for a, b in zip(one.strokes, other.strokes, strict=True))


def test_a_sample_may_be_an_image_in_mnists_form_instead_of_strokes(tmp_path: Path) -> None:
    image = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28)
    write_samples(tmp_path / "a.json", [Sample([], "7", "w1", image)])
    (entry,) = json.loads((tmp_path / "a.json").read_bytes())["samples"]
    assert entry == {"label": "7", "image": base64.b64encode(image.tobytes()).decode(), "writer": "w1"}
    (back,) = read_samples(tmp_path / "a.json")
    assert (back.label, back.writer, back.strokes) == ("7", "w1", [])
    assert (back.inked() == image).all()


def test_a_bad_sample_costs_itself_and_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"label": "", "strokes": [[[0, 0], [1, 1]]]}
    bad = [{"label": "seven", "strokes": []}, {"label": "7", "image": "AAAA"}, 3]
    (tmp_path / "a.json").write_text(json.dumps({"samples": [bad[0], good, bad[1], good, bad[2]]}))
    assert [sample.label for sample in read_samples(tmp_path / "a.json")] == ["", ""]
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in told] == ["sample 1", "sample 3", "sample 5"]
    assert "'seven'" in told[0] and "784 bytes" in told[1]
    entries = read_entries(tmp_path / "a.json")
    assert [isinstance(entry, StrokeError) for entry in entries] == [True, False, True, False, True]


def test_the_file_has_the_form_that_is_documented(tmp_path: Path) -> None:
    write_samples(tmp_path / "a.json", [Sample([np.array([[1.0, 2.5], [3.0, 4.0]])], "7", "w1")], {"device": "pen"})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {
        "meta": {"device": "pen"},
        "samples": [{"label": "7", "strokes": [[[1, 2.5], [3, 4]]], "writer": "w1"}],
    }
    write_samples(tmp_path / "a.json.gz", [])
    assert json.loads(gzip.decompress((tmp_path / "a.json.gz").read_bytes())) == {"meta": {}, "samples": []}


def test_packing_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    text = b'{"samples": [{"label": null, "strokes": [[[0, 0], [1, 1]]]}]}'
    (tmp_path / "a.json").write_bytes(gzip.compress(text))
    (tmp_path / "b.json.gz").write_bytes(b"\xef\xbb\xbf" + text)
    for name in ("a.json", "b.json.gz"):
        assert len(read_samples(tmp_path / name)) == 1


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a.json", True), ("a.JSON", True), ("a.json.gz", True), ("a.gz", False), ("json", False), ("a.json.png", False)],
)
def test_a_stroke_file_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert is_stroke_file(name) is is_one
    assert is_stroke_file(Path(name)) is is_one


@given(JSON)
@example({"samples": [{"label": "7", "strokes": [[[float("nan"), 0]]]}]})
@example({"samples": [{"strokes": [[[10**400, 0]]]}]})
@example({"samples": [{"strokes": {"0": [[0, 0]]}}]})
@example({"samples": [{"label": 7, "strokes": []}]})
@example({"samples": [{"label": "1 2", "strokes": []}]})
@example({"samples": [{"image": "A" * 1045}]})
def test_any_json_is_samples_or_a_stroke_error(content: Any) -> None:
    for tried in (content, {"samples": content}, {"samples": [{"strokes": content}]}):
        try:
            entries = parse_entries(json.dumps(tried), "x.json")
        except StrokeError as error:
            entries = [error]
        for entry in entries:
            if isinstance(entry, Sample):
                assert all(np.isfinite(stroke).all() for stroke in entry.strokes)
            else:
                assert str(entry).startswith("x.json: ")
                assert "\n" not in str(entry)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\x1f\x8b\x08" + data))
@example(b"[" * 100_000)
@example(b'{"samples": [{"strokes": ' + b"[" * 900 + b"]" * 900 + b"}]}")
@example(b"9" * 10_000)
@example(b"")
def test_any_bytes_are_samples_or_a_stroke_error(data: bytes) -> None:
    try:
        parse_entries(data, "x.json")
    except StrokeError as error:
        assert str(error).startswith("x.json: ")


@given(st.integers(0, 119))
def test_a_packed_file_cut_off_anywhere_is_a_stroke_error(length: int) -> None:
    rng = np.random.default_rng(0)
    packed = gzip.compress(json.dumps({"samples": [{"strokes": rng.random((1, 40, 2)).tolist()}]}).encode())
    with pytest.raises(StrokeError):
        parse_entries(packed[:length], "x.json.gz")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ('{"strokes": []}', 'no list "samples"'),
        ('{"samples": [{}]}', 'sample 1: it has neither a list "strokes"'),
        ('{"samples": [3, 4]}', 'sample 1: it has neither a list "strokes"'),
        ('{"samples": [{"label": "x", "strokes": []}]}', "sample 1: label 'x' is neither"),
        ('{"samples": [{"label": "1\\n", "strokes": []}]}', "sample 1: label '1\\n' is neither"),
        ('{"samples": [{"strokes": [[[0, 0]], [[0, NaN]]]}]}', "sample 1: stroke 2 holds NaN"),
        ('{"samples": [{"strokes": [[[0, 0, 0]]]}]}', "sample 1: stroke 1 has shape (1, 3)"),
    ],
)
def test_the_error_says_what_is_wrong_and_where(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(StrokeError, match=re.escape(reason)):
        read_samples(tmp_path / "x.json")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.json", "No such file"), (tmp_path, "directory")):
        with pytest.raises(StrokeError, match=f"^{re.escape(str(path))}: cannot be read .*{reason}"):
            read_samples(path)
    with pytest.raises(StrokeError, match="cannot be read"):
        read_samples("a\0b.json")


def test_a_packed_bomb_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(StrokeError, match="larger than 64 MiB"):
        parse_entries(gzip.compress(b" " * (MAX_BYTES + 1), 1), "x.json.gz")


def test_a_sample_that_could_not_be_read_back_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "drawing.json"
    with pytest.raises(StrokeError):
        write_samples(path, [Sample([np.array([[0, np.nan]])])])
    assert not list(tmp_path.iterdir())

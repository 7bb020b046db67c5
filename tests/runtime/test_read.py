"""`digitpad read`: whole numbers, from any number of files, in one process or in several."""

import contextlib
import csv
import functools
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitpad import Recognizer, cli, many
from digitpad.mnist_form import render_strokes
from digitpad.pad.demo_strokes import CANVAS, demo_samples
from digitpad.stroke_files import Sample, write_samples
from tests.runtime.conftest import TINY, Run, hear_ctrl_c, users_environment


def written(number: str) -> list[NDArray[np.float64]]:
    """The strokes of a number, digit beside digit."""
    shapes = {sample.label: sample.strokes for sample in demo_samples()}
    return [
        stroke + np.array([place * 0.6 * CANVAS, 0]) for place, digit in enumerate(number) for stroke in shapes[digit]
    ]


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """A stroke file with the numbers 1984, nothing, and 36."""
    path = tmp_path / "numbers.json"
    write_samples(path, [Sample(written("1984")), Sample([]), Sample(written("36"))])
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures and stroke files, one of each bad, and of what is neither."""
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    for name, digit in {"b.PNG": "7", "a.jpeg": "2", "e.tif": "5", "below/f.png": "6", ".hidden.png": "8"}.items():
        Image.fromarray(render_strokes(written(digit))).save(folder / name)
    write_samples(folder / "d.json.gz", [Sample(written("36")), Sample(written("1"))])
    (folder / "bb.png").write_bytes((folder / "b.PNG").read_bytes()[:60])
    (folder / "cc.json").write_text("{")
    (folder / "notes.txt").write_text("none of them")
    return folder


READ = ["a.jpeg", "b.PNG", "d.json.gz#1", "d.json.gz#2", "e.tif"]  # of that folder, in this order
BAD = ["bb.png", "cc.json"]


def test_a_number_is_told_in_words(numbers: Path, run: Run) -> None:
    done = run("read", numbers)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.splitlines()
    confidence = min(100 * Recognizer().read_strokes(written("1984")).confidence, 99.9)
    assert first == f"{numbers}#1: 1984 ({confidence:.1f} %)"
    assert second == f"{numbers}#2: blank"
    assert third.startswith(f"{numbers}#3: 36 (")


def test_json_has_the_documented_keys_and_each_digits_place(numbers: Path, run: Run) -> None:
    results = [json.loads(line) for line in run("read", numbers, "--format", "json").stdout.splitlines()]
    assert [list(result) for result in results] == [["file", "model", "status", "text", "confidence", "digits"]] * 3
    assert [(result["status"], result["text"]) for result in results] == [
        ("number", "1984"),
        ("blank", ""),
        ("number", "36"),
    ]
    expected = Recognizer().read_strokes(written("1984"))
    assert np.float32(results[0]["confidence"]) == np.float32(expected.confidence)
    assert [list(digit) for digit in results[0]["digits"]] == [["digit", "confidence", "status", "box"]] * 4
    assert [digit["digit"] for digit in results[0]["digits"]] == [1, 9, 8, 4]
    assert [tuple(digit["box"]) for digit in results[0]["digits"]] == [digit.box for digit in expected.digits]
    assert (results[1]["confidence"], results[1]["digits"]) == (0.0, [])


def test_csv_has_a_header_and_a_row_for_each_input_and_model(numbers: Path, run: Run) -> None:
    lines = run("read", numbers, "--format", "csv", "--model", "both").stdout
    assert lines.startswith("file,model,status,text,confidence\n")
    rows = [list(row.values())[:4] for row in csv.DictReader(io.StringIO(lines))]
    expected = [("number", "1984"), ("blank", ""), ("number", "36")]
    assert rows == [
        [f"{numbers}#{place}", model, *result] for place, result in enumerate(expected, 1) for model in ("cnn", "mlp")
    ]


def test_standard_input_is_read_and_options_may_stand_anywhere(numbers: Path, run: Run) -> None:
    done = run("read", "-", "--jobs", "2", numbers, input=numbers.read_text())
    assert (done.returncode, done.stderr) == (0, "")
    by_name = [f"{numbers}#{place}: " for place in (1, 2, 3)]
    assert [line.partition(": ")[0] + ": " for line in done.stdout.splitlines()] == [
        "-#1: ",
        "-#2: ",
        "-#3: ",
        *by_name,
    ]


@pytest.mark.parametrize("jobs", ["1", "2", "7"])
def test_a_folder_is_read_by_name_and_a_bad_file_costs_its_own_row_only(jobs: str, folder: Path, run: Run) -> None:
    done = run("read", folder, "--model", TINY, "--format", "json", "--jobs", jobs)
    assert done.returncode == 1
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["file"] for result in results] == [str(folder / name) for name in READ]
    number = Recognizer(TINY).read(folder / "b.PNG")
    assert (results[1]["status"], results[1]["text"]) == (number.status, number.text)
    complaints = done.stderr.splitlines()
    assert [line.split(": ")[:2] for line in complaints] == [["digitpad", str(folder / name)] for name in BAD]


def test_a_folder_without_anything_to_read_is_told_and_the_rest_is_read(
    numbers: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert cli.main(["read", str(tmp_path / "empty"), str(numbers), "--model", TINY]) == 1
    captured = capsys.readouterr()
    assert (
        captured.err
        == f"digitpad: {tmp_path / 'empty'}: no images or stroke files are in this folder; files below"
        + (" it are not read\n")
    )
    assert len(captured.out.splitlines()) == 3


def test_the_reason_for_an_answer_can_be_seen(numbers: Path, folder: Path, tmp_path: Path, run: Run) -> None:
    done = run("read", numbers, folder / "b.PNG", "--explain", tmp_path / "steps", "--jobs", "2")
    assert (done.returncode, done.stderr) == (0, "")
    sizes = {path.name: Image.open(path).size for path in (tmp_path / "steps").iterdir()}
    assert set(sizes) == {f"{name}-explained.png" for name in ("numbers-1", "numbers-2", "numbers-3", "b")}
    assert sizes["numbers-1-explained.png"] == (20 + 4 * 272, 60 + 3 * (252 + 66))  # the input, and two for each digit


# Several processes


@contextlib.contextmanager
def reading(numbers: Path, times: int) -> Iterator["tuple[subprocess.Popen[bytes], bytes, list[int]]"]:
    """The command amid many files, in a process group of its own; its first line; and its other processes."""
    command = [sys.executable, "-m", "digitpad", "read", *[str(numbers)] * times, "--model", TINY, "--jobs", "2"]
    more = {"env": users_environment(), "process_group": 0, "preexec_fn": hear_ctrl_c, "bufsize": 0}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more) as process:
        first = process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        yield process, first, [int(pid) for text in children for pid in text.read_text().split()]


def test_no_more_than_a_few_inputs_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(many, "_inputs", lambda file: drawn.append(file) or [(file, [])])
    make = functools.partial(cli._reading, TINY, "text", None)
    with contextlib.closing(many.answers(make, ["nothing"] * 1000, jobs=2)) as answers:
        for place in range(20):
            assert next(answers) == (place, "nothing: blank\n", "")
            assert len(drawn) <= place + 10


linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_however_it_is_ended_lines_are_whole_and_no_process_is_left(stop: str, numbers: Path) -> None:
    with reading(numbers, 3000) as (process, first, others):
        assert len(others) in (1, 2)
        os.killpg(process.pid, signal.Signals[stop])  # as Ctrl-C in a terminal does
        printed, complaints = process.communicate(timeout=60)  # returns when all have closed standard error
    assert (process.returncode, complaints) == (130 if stop == "SIGINT" else -signal.Signals[stop], b"")
    assert all(line.startswith(bytes(numbers)) for line in [first, *printed.splitlines()])
    assert printed.endswith(b"\n") or not printed
    assert len(printed.splitlines()) < 8_999  # it did not go on to the end


@linux
def test_a_process_that_crashes_costs_the_input_it_was_at(numbers: Path) -> None:
    with reading(numbers, 50) as (process, first, others):
        os.kill(others[0], signal.SIGKILL)
        printed, complaints = process.communicate(timeout=120)
    assert process.returncode == 1
    (complaint,) = complaints.decode().splitlines()
    assert complaint == f"digitpad: {numbers}: the process that read it ended (status -9); try it alone"
    assert len([first, *printed.splitlines()]) == 3 * 50 - 1

"""The benchmarks: they time what they say they time, and name what is missing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import KERAS, TORCH, as_tables, closure, disk, installed_bytes, pad_figures, process
from bench.sides import SIDES
from bench.training import as_table, time_to_accuracy
from digitpad import DigitPadError
from tests.conftest import ROOT, draw_seven, python

PAGES = ROOT / "docs" / "benchmarks"


@pytest.fixture
def trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module, fake_trainer, that runs whatever is written into it."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT / 'runtime'}")
    return tmp_path / "fake_trainer.py"


EPOCH = 'print("cnn  epoch 1/9  loss 0.1  accuracy 99.99%  |  mnist: loss 0.0312  accuracy {}%", flush=True)\n'


def test_a_training_is_timed_up_to_the_first_epoch_that_reads_well_enough(trainer: Path) -> None:
    trainer.write_text(
        "sum(range(20_000_000))\n" + EPOCH.format("98.76") + EPOCH.format("99.25") + "import time; time.sleep(600)"
    )
    row = time_to_accuracy(["fake_trainer"])
    assert (row["epochs"], row["best"], row["reached"]) == (2, 0.9925, True)
    assert row["seconds"] < 300 and row["cpu_seconds"] > 0


def test_a_training_that_never_reads_well_enough_counts_whole_and_is_marked(trainer: Path) -> None:
    trainer.write_text(EPOCH.format("99.10") + EPOCH.format("99.24") + EPOCH.format("99.20"))
    row = time_to_accuracy(["fake_trainer"])
    assert (row["epochs"], row["best"], row["reached"]) == (3, 0.9924, False)
    assert "never got there: its whole time; best 99.24%" in as_table({"one": row, "other": row})


def test_a_training_that_fails_is_an_error_with_its_last_words(trainer: Path) -> None:
    trainer.write_text("raise SystemExit('no data at hand')")
    with pytest.raises(DigitPadError, match="no data at hand"):
        time_to_accuracy(["fake_trainer"])


def side(name: str, folder: Path, commands: str = "") -> list[Any]:
    """The answers of a side of the benchmark."""
    done = python("-m", "bench.sides", name, folder, given=commands, DIGITPAD_DATA=str(folder))
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_side_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "mnist-8.onnx" in side("zoo", tmp_path)[0]["missing"]


@pytest.mark.parametrize("name", ["cnn", "predict_batch", "predict_strokes"])
def test_our_sides_answer_with_the_seconds_for_each_image(name: str, tmp_path: Path) -> None:
    ready, first, second = side(name, tmp_path, "single 3\nsingle 2\n")
    assert "missing" not in ready
    assert (len(first), len(second)) == (3, 2) and min(first + second) > 0


@pytest.mark.parametrize(("code", "framework", "other"), [(KERAS, "keras", "torch"), (TORCH, "torch", "keras")])
def test_a_framework_that_reads_a_picture_loads_no_other(code: str, framework: str, other: str, tmp_path: Path) -> None:
    draw_seven(tmp_path / "seven.png")
    told = f"\nprint([name in sys.modules for name in ({framework!r}, {other!r})])"
    done = python("-c", code + told, tmp_path / "seven.png")
    assert done.stdout.splitlines()[-1] == "[True, False]", done.stderr


def test_peak_memory_is_that_of_the_process_measured_and_not_of_the_one_that_starts_it() -> None:
    ballast = bytearray(os.urandom(1)) * 300_000_000
    small, large = process(["-c", "pass"]), process(["-c", "x = bytearray(b'1') * 100_000_000"])
    assert len(ballast) and small and large
    assert small[2] < 60 and 90 < large[2] - small[2] < 110
    assert process(["-c", "raise SystemExit(1)"]) is None


def test_an_environment_is_weighed_with_all_that_its_packages_need() -> None:
    needed = closure({"onnxruntime"})
    assert {"onnxruntime", "numpy", "protobuf"} <= needed and "torch" not in needed
    assert installed_bytes("onnxruntime") > 20e6


def test_the_live_pad_predicts_while_it_is_drawn_on() -> None:
    row = pad_figures("live(10, seconds=4)", ("share", "per_second"))
    assert row["per_second"] > 0
    assert row["share"] > 0


def test_the_page_is_what_its_figures_give() -> None:
    figures = json.loads((PAGES / "bench.json").read_bytes())
    assert set(figures["latency"]) == set(SIDES)
    assert as_tables(figures) == (PAGES / "bench.md").read_text(encoding="utf-8")


def test_packages_for_graphics_cards_have_a_row_of_their_own_and_the_page_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = {
        "torch": ["Sym_Py", "cuda-toolkit[cudart]", "nvidia-cudnn", "triton", "pyyaml; extra == 'pyyaml'"],
        "cuda-toolkit": ["nvidia-cuda-runtime; extra == 'cudart'", "nvidia-cufft; extra == 'cufft'"],
    }
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needs.get(name))
    monkeypatch.setattr("bench.__main__.installed_bytes", lambda name: 1_000_000)
    expected = {"torch", "sym-py", "cuda-toolkit", "nvidia-cuda-runtime", "nvidia-cudnn", "triton"}
    assert closure({"torch"}) == expected
    sizes = disk()
    assert sizes["environment of PyTorch"]["bytes"] == 2_000_000
    assert sizes["environment of PyTorch, with CUDA"]["bytes"] == 6_000_000
    assert "environment of TensorFlow, with CUDA" not in sizes
    results = json.loads((PAGES / "bench.json").read_bytes()) | {"disk": sizes}
    assert "\nthe other rows are without them" in as_tables(results)
    del sizes["environment of PyTorch, with CUDA"]
    assert "CUDA" not in as_tables(results)

"""Whatever is wrong with a file or with strokes, an answer or a DigitPadError comes out; and what fuzzing has found."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from digitpad import ModelError, Recognizer
from tests.runtime import fuzz
from tests.runtime.conftest import DATA


@pytest.mark.parametrize(
    ("kind", "cases"), [("image", 150), ("strokes", 100), ("stroke-file", 100), ("manifest", 30), ("settings", 40)]
)
def test_damaged_input_is_answered_or_refused_in_one_line(kind: str, cases: int) -> None:
    if kind == "settings":
        pytest.importorskip("platformdirs")
    endings = {fuzz.try_case(kind, number) for number in range(cases)}
    assert endings == {"answered", "refused"}  # else the damage is too small or too large to show anything


@pytest.mark.parametrize(
    ("kind", "cases"), [("model", 40), ("model-fields", 80), ("model-shipped", 15), ("model-outward", 40)]
)
def test_damaged_and_malformed_models_are_refused_or_run(kind: str, cases: int) -> None:
    row = fuzz.campaign(kind, 0, cases)  # in child processes: the engine may crash
    assert row.failed == 0, row.problems
    assert row.answered + row.refused + row.crashes == cases
    assert row.refused > 0
    assert (row.answered > 0) == (kind != "model-outward")


def test_a_campaign_counts_what_fails_and_what_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = [([("answered", 0.5, 70, "")], 0)]
    ends += [([("refused", 0.5, 70, ""), ("failed", 0.1, 90, "ValueError: odd")], -11)]  # in its third case
    monkeypatch.setattr(fuzz, "_run_child", lambda *_: ends.pop())
    row = fuzz.campaign("image", 0, 4)
    assert (row.answered, row.refused, row.failed, row.crashes) == (1, 1, 2, 1)
    assert (row.seconds, row.MB) == (0.5, 90)
    assert row.problems == ["image 1: ValueError: odd", "image 2: the process ended with status -11"]
    assert "| image | 4 | 1 | 1 | 2 | 1 | 0.50 s | 90 MB |\n" in fuzz.page([row])


@pytest.mark.skipif(not hasattr(signal, "SIGSEGV") or sys.platform == "win32", reason="needs POSIX signals")
def test_a_child_that_crashes_has_told_of_the_cases_before(monkeypatch: pytest.MonkeyPatch) -> None:
    run = subprocess.run
    code = 'import os, signal; print(\'["refused", 0.1, 9, ""]\', flush=True); os.kill(os.getpid(), signal.SIGSEGV)'
    monkeypatch.setattr(subprocess, "run", lambda _, **more: run([sys.executable, "-c", code], **more))
    assert fuzz._run_child("image", 0, 5) == ([["refused", 0.1, 9, ""]], -signal.SIGSEGV)


@pytest.mark.parametrize(("kind", "failed"), [("image", 2), ("model", 0)])
def test_a_campaign_counts_what_takes_too_much(kind: str, failed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = [(0.1, 90), (2.1, 90), (0.1, 513), (0.1, 513)]  # the last one was in the process of the one before it
    ends = [("refused", seconds, megabytes, "") for seconds, megabytes in spent]
    monkeypatch.setattr(fuzz, "_run_child", lambda *_: (ends, 0))
    row = fuzz.campaign(kind, 0, 4)
    assert (row.refused, row.failed, len(row.problems)) == (4 - failed, failed, failed)


# Found by fuzzing


@pytest.mark.parametrize("text", [b"digitpad.contract", b"image", b"ood_score", b"digitpad.name"])
@pytest.mark.parametrize("odd", [b"\x87", b"\n", b"\x1b"])
def test_a_model_whose_texts_are_not_text_is_refused_quietly_in_one_line(
    odd: bytes, text: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It came out as a UnicodeDecodeError, or steered the terminal, as the engine's complaint quotes the file."""
    model = (DATA / "tiny.onnx").read_bytes()
    assert text in model
    (tmp_path / "model.onnx").write_bytes(model.replace(text, odd + text[1:]))
    with pytest.raises(ModelError) as caught:
        Recognizer(tmp_path / "model.onnx")
    assert str(caught.value).isprintable()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [61464, 63520])
def test_an_image_whose_border_is_nowhere_paper_is_answered(number: int) -> None:
    assert fuzz.try_case("image", number) == "answered"

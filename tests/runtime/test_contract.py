"""Which model files are accepted, and what is said about those that are not."""

import hashlib
import importlib
import json
import os
import re
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from digitpad import ModelError, Recognizer, models
from digitpad.errors import first_line
from tests.runtime.conftest import DATA, TINY, as_plain_user, printed_by, users_environment


def refusal(path: str | os.PathLike[str]) -> str:
    """The one line with which a model is refused; it names the model."""
    with pytest.raises(ModelError) as caught:
        Recognizer(path)
    text = str(caught.value)
    assert text.startswith(os.fspath(path))
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("other_contract", "digitpad.contract is 3, not 2 or 1"),
        ("no_metadata", "digitpad.contract is missing"),
        ("no_temperature", "lacks digitpad.temperature"),
        ("wordy_threshold", "digitpad.unsure_threshold is 'half', not a number"),
        ("nan_threshold", "digitpad.ood_threshold is 'nan', not a number"),
        ("other_input_name", "inputs are picture, not image"),
        ("other_output_name", "outputs are scores, ood_score, features, not probabilities, ood_score, features"),
        ("no_features", "outputs are probabilities, ood_score, not probabilities, ood_score, features"),
        ("wide_features", "output features has shape ['batch', 1040], not ['batch', '1 to 1024']"),
        ("float_input", "input image is tensor(float), not tensor(uint8)"),
        ("double_output", "output probabilities is tensor(double), not tensor(float)"),
        ("other_input_shape", "input image has shape ['batch', 32, 32], not ['batch', 28, 28]"),
        ("other_output_shape", "output probabilities has shape ['batch', 11], not ['batch', 10]"),
        ("fixed_batch", "input image has shape [1, 28, 28], not ['batch', 28, 28]"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused_with_the_reason(model: str, reason: str) -> None:
    assert reason in refusal(DATA / f"{model}.onnx")


def test_a_file_of_the_first_contract_answers_as_before_and_says_that_it_cannot_learn() -> None:
    old, new = Recognizer(DATA / "first_contract.onnx"), Recognizer(TINY)
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28), dtype=np.uint8)
    for before, now in zip(old.run(images), new.run(images), strict=True):
        assert np.array_equal(before, now)
    with pytest.raises(ModelError, match=r"^tiny: this model cannot learn: .*contract 1.*; export it again$"):
        old.features(images)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        *((keep, "not a model onnxruntime can load|not a digitpad model") for keep in (1, 40, 400, 1200)),
        (b"\x89PNG\r\n\x1a\n" * 100, r"not a model onnxruntime can load \(\[ONNXRuntimeError\] "),
        (b"", "the file is empty"),
        ("folder", "not a file"),
        ("missing", "no such model file"),
    ],
)
def test_a_file_that_is_no_model_is_refused(content: Any, reason: str, tiny: Path, tmp_path: Path) -> None:
    """`content`: its bytes, or how many of a model's first ones."""
    path = tmp_path / "model.onnx"
    if content == "folder":
        path.mkdir()
    elif content != "missing":
        path.write_bytes(tiny.read_bytes()[:content] if isinstance(content, int) else content)
    assert re.search(reason, refusal(path))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RuntimeError("no\nsuch thing"), "no"),
        (RuntimeError("\n  no  \r\n"), "no"),
        (KeyError(), "KeyError"),
        (RuntimeError("a" * 5000), "a" * 200),
    ],
)
def test_of_a_foreign_error_the_first_line_is_given_or_its_type(error: Exception, line: str) -> None:
    assert first_line(error) == line


def test_the_engine_prints_nothing_itself(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recognizer = Recognizer(DATA / "fails_to_run.onnx")
    with pytest.raises(ModelError, match=r"^tiny: the model fails to run.*$"):
        recognizer.predict_strokes([[(0, 0), (3, 5), (1, 9)]])
    (tmp_path / "cut.onnx").write_bytes((DATA / "tiny.onnx").read_bytes()[:400])
    refusal(tmp_path / "cut.onnx")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("told", "heard"), [(None, "1 1"), ("1", "1 1"), ("0", "0 0")])
def test_the_engine_is_kept_from_reporting_home_unless_told_to(told: str | None, heard: str) -> None:
    code = """
import os, sys
from digitpad.models import load_model
assert "onnxruntime" not in sys.modules  # it looks at the variable when it is loaded
import onnxruntime
calls = []
onnxruntime.disable_telemetry_events = lambda: calls.append("now")
load_model(sys.argv[1])
print(os.environ["ORT_DISABLE_TELEMETRY"], len(calls))
"""
    environment = users_environment()
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    assert printed_by(code, TINY, env=environment | ({"ORT_DISABLE_TELEMETRY": told} if told else {})) == [heard]


def test_a_model_too_large_for_any_digit_network_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(models.MAX_BYTES + 1)  # sparse: takes no room on the disk
    tracemalloc.start()
    assert "larger than 256 MiB" in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_an_unreadable_model_is_refused(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "locked.onnx"
    path.write_bytes(tiny.read_bytes())
    path.chmod(0)
    with as_plain_user():
        assert "cannot be read (Permission denied)" in refusal(path)


def test_a_model_may_be_given_as_text_or_path_relative_or_absolute(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    assert {Recognizer(path).name for path in (tiny, str(tiny), "tiny.onnx", "./tiny.onnx", Path("tiny.onnx"))} == {
        "tiny"
    }


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the shipped models, with none in it."""
    monkeypatch.setattr(models, "models_folder", lambda: str(tmp_path))
    return tmp_path


def test_a_model_by_path_needs_no_shipped_models(tiny: Path, shipped: Path) -> None:
    assert Recognizer(tiny).name == "tiny"
    with pytest.raises(ModelError, match=r"manifest\.json: cannot be read .*install digitpad again"):
        Recognizer("cnn")


def test_an_unknown_name_is_answered_with_the_names_there_are(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "models_folder", lambda: str(installation / "digitpad" / "models"))
    assert Recognizer().name == "cnn"
    with pytest.raises(ModelError, match="lenet: no such model; choose cnn, mlp or give the path"):
        Recognizer("lenet")


def test_a_shipped_model_that_is_missing_is_told(shipped: Path) -> None:
    manifest = {"contract": "2", "models": {"cnn": {"file": "cnn.onnx", "sha256": "0" * 64}}}
    (shipped / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="no such model file; install digitpad again"):
        Recognizer("cnn")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"models": []}', '{"models": {"cnn": {"file": "cnn.onnx"}}}', "[" * 10**5]
)
def test_a_damaged_manifest_is_reported(text: str, shipped: Path) -> None:
    (shipped / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json: damaged"):
        Recognizer("cnn")


def test_checksums_are_taken_also_where_python_lacks_its_own_code_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_module(name: str) -> Any:
        if name.startswith("_sha"):
            raise ImportError(name)
        return importlib.import_module(name)

    expected = hashlib.sha256(b"a model").digest()
    for _ in range(2):
        digest = models._sha256()
        digest.update(b"a model")
        assert digest.digest() == expected
        monkeypatch.setattr(models, "import_module", import_module)


def test_a_file_that_grows_beyond_the_limit_while_it_is_read_is_refused(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "MAX_BYTES", tiny.stat().st_size)
    Recognizer(tiny)
    monkeypatch.setattr(models, "MAX_BYTES", tiny.stat().st_size - 1)
    small = SimpleNamespace(st_size=10, st_mode=tiny.stat().st_mode)
    with monkeypatch.context() as patched, pytest.raises(ModelError, match="larger than"):
        patched.setattr(os, "stat", lambda *_: small)
        Recognizer(tiny)

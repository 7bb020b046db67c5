"""Which model files are accepted, and what is said about those that are not."""

import json
import os
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from digitpad import ModelError, Recognizer, models

DATA = Path(__file__).parent / "data"


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
        ("other_contract", "digitpad.contract is 2, not 1"),
        ("no_metadata", "digitpad.contract is missing"),
        ("no_temperature", "lacks digitpad.temperature"),
        ("wordy_threshold", "digitpad.unsure_threshold is 'half', not a number"),
        ("nan_threshold", "digitpad.ood_threshold is 'nan', not a number"),
        ("other_input_name", "inputs are picture, not image"),
        ("other_output_name", "outputs are scores, ood_score, not probabilities, ood_score"),
        ("float_input", "input image is tensor(float), not tensor(uint8)"),
        ("double_output", "output probabilities is tensor(double), not tensor(float)"),
        ("other_input_shape", "input image has shape ['batch', 32, 32], not ['batch', 28, 28]"),
        ("other_output_shape", "output probabilities has shape ['batch', 11], not ['batch', 10]"),
        ("fixed_batch", "input image has shape [1, 28, 28], not ['batch', 28, 28]"),
    ],
)
def test_a_model_that_breaks_the_contract_is_refused_and_told_where(model: str, reason: str) -> None:
    assert reason in refusal(DATA / f"{model}.onnx")


@pytest.mark.parametrize("keep", [1, 40, 400, 1200])
def test_a_truncated_model_is_refused(keep: int, tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(tiny.read_bytes()[:keep])
    assert "not a model onnxruntime can load" in refusal(path) or "not a digitpad model" in refusal(path)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.onnx"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" * 100)
    assert "not a model onnxruntime can load" in refusal(path)


def test_an_empty_model_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    assert "the file is empty" in refusal(path)


def test_a_folder_is_refused_as_a_model(tmp_path: Path) -> None:
    assert "not a file" in refusal(tmp_path)


def test_a_missing_model_file_is_refused(tmp_path: Path) -> None:
    assert "no such model file" in refusal(tmp_path / "none.onnx")
    assert "no such model file" in refusal("none.onnx")


def test_a_model_too_large_for_any_digit_network_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(models.MAX_BYTES + 1)  # sparse: takes no room on the disk
    tracemalloc.start()
    assert "larger than 256 MiB" in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_an_unreadable_model_is_refused(
    tiny: Path, tmp_path: Path, as_plain_user: Callable[[], AbstractContextManager[None]]
) -> None:
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


def test_a_model_by_path_needs_no_shipped_models(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "models_folder", lambda: tmp_path / "nowhere")
    assert Recognizer(tiny).name == "tiny"
    with pytest.raises(ModelError, match=r"manifest\.json: cannot be read .*install digitpad again"):
        Recognizer("cnn")


def test_an_unknown_name_is_answered_with_the_names_there_are(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "models_folder", lambda: installation / "digitpad" / "models")
    assert Recognizer().name == "cnn"
    with pytest.raises(ModelError, match="lenet: no such model; choose cnn, mlp or give the path"):
        Recognizer("lenet")


def test_a_shipped_model_that_was_changed_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "models_folder", lambda: tmp_path)
    (tmp_path / "cnn.onnx").write_bytes(tiny.read_bytes())
    manifest = {"contract": "1", "models": {"cnn": {"file": "cnn.onnx", "sha256": "0" * 64}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="its checksum is not the manifest's"):
        Recognizer("cnn")
    (tmp_path / "cnn.onnx").unlink()
    with pytest.raises(ModelError, match="no such model file; install digitpad again"):
        Recognizer("cnn")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"models": []}', '{"models": {"cnn": {"file": "cnn.onnx"}}}', "[" * 10**5]
)
def test_a_damaged_manifest_is_told(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "models_folder", lambda: tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.json: damaged"):
        Recognizer("cnn")

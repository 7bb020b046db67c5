"""Model files from strangers: they open no other file, and no name in them upsets a terminal or the pad."""

from pathlib import Path
from typing import Any

import pytest

from digitpad import ModelError, Recognizer, models
from tests.runtime.odd_models import DOC_STRING, OUTWARD, TINY, message, renamed


@pytest.mark.parametrize("model", OUTWARD.values(), ids=OUTWARD)
def test_a_model_that_points_outward_is_refused_before_the_engine_sees_it(
    model: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_open_session", lambda *_: pytest.fail("onnxruntime was asked to load it"))
    (tmp_path / "model.onnx").write_bytes(model)
    with pytest.raises(ModelError, match=r"model\.onnx: has an entry 'location', .* export it as one file"):
        Recognizer(tmp_path / "model.onnx")


def test_the_command_does_not_read_the_file_a_model_points_at(tmp_path: Path, stroke_file: Path, run: Any) -> None:
    (tmp_path / "model.onnx").write_bytes(OUTWARD["a file beside it"])
    (tmp_path / "side.bin").write_bytes(bytes(640))
    done = run("predict", stroke_file, "--model", "model.onnx")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("digitpad: model.onnx: has an entry 'location'")


def test_a_model_may_speak_of_locations(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for text in (b"where its location is", b"locations", b"\x08 location"):
        path.write_bytes(TINY.read_bytes() + message([(DOC_STRING, 2, text)]))
        assert Recognizer(path).name == "tiny"


def test_a_model_in_the_engines_own_form_is_refused(tmp_path: Path) -> None:
    """Nothing that is said here of ONNX files would hold for it, and onnxruntime takes it whatever its name."""
    import onnxruntime as ort

    path = tmp_path / "model.onnx"
    options = models.session_options()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(TINY), options, providers=["CPUExecutionProvider"])
    assert ort.InferenceSession(path.read_bytes(), models.session_options(), providers=["CPUExecutionProvider"])
    with pytest.raises(ModelError, match=r"model\.onnx: is in onnxruntime's own form; give the \.onnx file"):
        Recognizer(path)


@pytest.mark.parametrize(
    "name", [b"", b"a" * 101, b"a" * 2**20, b"red \x1b[31m", b"bell \a", b"two\nlines", "‮no".encode()]
)
def test_a_model_whose_name_would_upset_a_terminal_or_the_pad_is_refused(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(renamed(b"tiny", name))
    with pytest.raises(ModelError, match=r"digitpad\.name is .*, not a short line of text") as caught:
        Recognizer(path)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ["a", "a" * 100, "die Kleine (七)", "mlp, zum zweiten"])
def test_any_other_short_line_is_a_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(renamed(b"tiny", name.encode()))
    assert Recognizer(tmp_path / "model.onnx").name == name


@pytest.mark.parametrize(
    ("model", "text"), [("tiny", b"2"), ("tiny", b"probabilities"), ("tiny", b"0.0"), ("other_input_shape", b"batch")]
)
def test_a_refusal_stays_one_readable_line_however_long_the_texts_in_the_file(
    model: str, text: bytes, tmp_path: Path
) -> None:
    """Found by fuzzing: four megabytes of escapes in one line."""
    (tmp_path / "model.onnx").write_bytes(renamed(text, b"\0" * 2**20, model))
    with pytest.raises(ModelError) as caught:
        Recognizer(tmp_path / "model.onnx")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) - len(str(tmp_path)) < 1000

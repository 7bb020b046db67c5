"""int8 models: they keep the contract and read as well, or are not written."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from digitpad import Recognizer
from export.quantise import MOST_LOST, export_int8, lost_too_much, quantise
from train.data import Digits
from train.synthetic.generate import generate_digits

MODELS = Path(__file__).parents[2] / "onnx_models"


@pytest.fixture(scope="module")
def digits() -> Digits:
    return generate_digits(400, seed=21)


@pytest.fixture(scope="module", params=["cnn", "mlp"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> tuple[Path, Path]:
    """A shipped float32 model, and the int8 one made of it."""
    source = MODELS / f"{request.param}.onnx"
    made = tmp_path_factory.mktemp("int8") / "int8.onnx"
    made.write_bytes(quantise(source.read_bytes(), f"{request.param}-int8", digits.images))
    return source, made


def test_an_int8_model_keeps_the_contract_at_a_third_of_the_size_and_takes_bytes_without_a_detour(
    both: tuple[Path, Path],
) -> None:
    float32, int8 = Recognizer(both[0]), Recognizer(both[1])
    assert int8.name == f"{float32.name}-int8"
    assert {**int8.metadata, "name": float32.name} == float32.metadata
    model = onnx.load(both[1])
    assert model.ir_version <= 8 and [(e.domain, e.version) for e in model.opset_import] == [("", 18)]
    assert both[1].stat().st_size < both[0].stat().st_size / 3
    assert "Cast" not in {node.op_type for node in model.graph.node}
    assert [node.op_type for node in model.graph.node if "image" in node.input] == ["Reshape"]


def test_an_int8_model_answers_as_the_float32_one_does(both: tuple[Path, Path]) -> None:
    fresh = generate_digits(400, seed=22)
    float32, int8 = (Recognizer(path).predict_batch(fresh.images) for path in both)
    assert np.abs(float32 - int8).mean() < 0.005
    right32, right8 = ((rows.argmax(axis=1) == fresh.labels).mean() for rows in (float32, int8))
    assert right8 >= right32 - 0.0051
    one_by_one = [Recognizer(both[1]).predict_batch(fresh.images[i : i + 1])[0] for i in range(20)]
    assert np.allclose(one_by_one, int8[:20], atol=1e-5)


def test_a_network_that_begins_otherwise_is_quantised_too(tmp_path: Path, digits: Digits) -> None:
    model = onnx.load(MODELS / "cnn.onnx")
    (cast,) = [node for node in model.graph.node if "image" in node.input]
    twice = onnx.helper.make_node("Identity", ["image"], ["same"])
    cast.input[0] = "same"
    model.graph.node.insert(0, twice)
    (tmp_path / "int8.onnx").write_bytes(quantise(model.SerializeToString(), "third-int8", digits.images))
    right = Recognizer(tmp_path / "int8.onnx").predict_batch(digits.images).argmax(axis=1) == digits.labels
    assert right.mean() > 0.98


def test_pale_calibration_images_make_no_wrong_model(tmp_path: Path, digits: Digits) -> None:
    pale = digits.images // 2
    (tmp_path / "int8.onnx").write_bytes(quantise((MODELS / "cnn.onnx").read_bytes(), "pale-int8", pale))
    models = Recognizer("cnn"), Recognizer(tmp_path / "int8.onnx")
    right32, right8 = ((model.predict_batch(pale).argmax(axis=1) == digits.labels).mean() for model in models)
    assert right8 >= right32 - 0.05


@pytest.mark.parametrize(
    ("mnist", "pen", "verdict"),
    [
        (0.995, 0.985, ""),
        (0.9945, 0.983, ""),
        (0.9990, 0.999, ""),
        (0.9944, 0.985, "mnist_validation"),
        (0.995, 0.9829, "pen_validation"),
    ],
)
def test_what_may_be_lost_is_half_a_tenth_of_a_point_on_mnist_and_two_tenths_on_pen_digits(
    mnist: float, pen: float, verdict: str
) -> None:
    said = lost_too_much(
        {"mnist_validation": 0.995, "pen_validation": 0.985}, {"mnist_validation": mnist, "pen_validation": pen}
    )
    assert bool(said) == bool(verdict) and verdict in said


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A folder with a float32 model, its manifest entry, and the int8 form of an earlier one."""
    (tmp_path / "cnn.onnx").write_bytes((MODELS / "cnn.onnx").read_bytes())
    (tmp_path / "cnn-int8.onnx").write_bytes(b"of an earlier network")
    return tmp_path, {"cnn": {"accuracy": {}, "bytes": 0}, "cnn-int8": {"sha256": "of an earlier network"}}


def test_an_int8_model_that_loses_too_much_is_not_written_and_the_build_says_so(
    exported: tuple[Path, dict[str, Any]],
    digits: Digits,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, manifest = exported
    monkeypatch.setattr("export.quantise._training_images", lambda data: digits.images)
    manifest["cnn"]["accuracy"] = dict.fromkeys(MOST_LOST, 1.01)  # more than any can reach
    export_int8(folder, "cnn", manifest, {"parameters": 9}, dict.fromkeys(MOST_LOST, digits), None)
    assert "cnn-int8: not written: it loses" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["cnn.onnx"]
    assert list(manifest) == ["cnn"]

    manifest["cnn"]["accuracy"] = dict.fromkeys(MOST_LOST, 0.5)
    export_int8(folder, "cnn", manifest, {"parameters": 9}, dict.fromkeys(MOST_LOST, digits), None)
    assert "cnn-int8: " in capsys.readouterr().out
    assert manifest["cnn-int8"]["bytes"] == (folder / "cnn-int8.onnx").stat().st_size
    assert manifest["cnn-int8"]["accuracy"]["pen_validation"] > 0.9


def test_without_data_to_judge_it_by_no_int8_model_is_written(
    exported: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, manifest = exported
    export_int8(folder, "cnn", manifest, {}, {}, None)
    assert "cnn-int8: not written: no training images" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["cnn.onnx"]
    assert list(manifest) == ["cnn"]

"""Export: a network from training to a file that the slim runtime reads, whole or not at all."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitpad import Recognizer
from digitpad.models import METADATA, shipped_models
from digitpad.stroke_files import write_samples
from export.__main__ import main
from export.contract import IR_VERSION, ExportError, check, fulfil_contract
from tests.conftest import ROOT, python, without_data
from train.calibration import Calibration, log_odds
from train.networks import NETWORKS
from train.synthetic.generate import generate_digits, generate_samples

SLIM = ROOT / ".venv-test" / "bin" / "python"
METADATA_OF_TEST = {f"digitpad.{key}": "2" for key in METADATA} | {"digitpad.name": "tiny"}


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    """Both networks after a few steps on generated digits, exported."""
    without_data("export", "--out", trained, folder=trained)
    return trained


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_network_trained_here_reads_digits_where_no_framework_is_installed(
    exported: Path, tmp_path: Path, name: str
) -> None:
    samples = list(generate_samples(100, seed=77))
    write_samples(tmp_path / "digits.json", samples)
    if not SLIM.exists():
        pytest.skip("no .venv-test: `make test` makes it")
    command = ["-m", "digitpad", "predict", tmp_path / "digits.json", "--format", "json"]
    result = python(*command, "--model", exported / f"{name}.onnx", program=SLIM)
    assert result.returncode == 0, result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    right = [int(np.argmax(a["probabilities"])) == int(s.label or "") for a, s in zip(answers, samples, strict=True)]
    assert sum(right) >= 80
    for framework in ("torch", "tensorflow"):
        assert python("-c", f"import {framework}", program=SLIM).returncode != 0


def test_the_exported_folder_describes_itself(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_bytes())
    report = json.loads((exported / "evaluation" / "report.json").read_bytes())["models"]
    assert manifest["contract"] == "2"
    assert report.keys() == manifest["models"].keys()
    # int8 files are made where MNIST is at hand, as it may be in data/.
    assert {"cnn", "mlp"} <= set(manifest["models"]) <= {"cnn", "mlp", "cnn-int8", "mlp-int8"}
    for name, entry in manifest["models"].items():
        data = (exported / entry["file"]).read_bytes()
        assert entry["bytes"] == len(data)
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert report[name]["sha256"] == entry["sha256"]
        assert report[name]["largest_difference"] <= (0.5 if name.endswith("int8") else 1e-5)
    reference = json.loads((exported / "reference.json").read_bytes())
    drawn = {sample["what"] for sample in reference["samples"]}  # less what is answered near a threshold
    assert len({f"demo {digit}" for digit in range(10)} & drawn) >= 8
    assert all(sample["answers"].keys() == {"cnn", "mlp"} for sample in reference["samples"] + reference["numbers"])
    assert "generated digits" in (exported / "README.md").read_text()
    assert not [p for p in exported.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_the_committed_models_are_what_the_committed_weights_give(tmp_path: Path, name: str) -> None:
    without_data("export", "--only", name, "--out", tmp_path, folder=tmp_path)
    images = generate_digits(1_000, seed=11).images
    anew, committed = (Recognizer(folder / f"{name}.onnx") for folder in (tmp_path, ROOT / "onnx_models"))
    assert anew.metadata == committed.metadata
    for one, other in zip(anew.run(images), committed.run(images), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", shipped_models())
def test_the_committed_files_keep_the_contract_to_the_letter(name: str) -> None:
    model = onnx.load(ROOT / "onnx_models" / f"{name}.onnx", load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= IR_VERSION
    assert [entry.domain for entry in model.opset_import] == [""]
    assert model.opset_import[0].version in (17, 18)
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    values = [*model.graph.input, *model.graph.output]
    types = [(t.name, t.type.tensor_type.elem_type) for t in values]
    assert types == [
        ("image", TensorProto.UINT8), ("probabilities", TensorProto.FLOAT), ("ood_score", TensorProto.FLOAT),
        ("features", TensorProto.FLOAT),
    ]  # fmt: skip
    shapes = [[d.dim_param or d.dim_value for d in t.type.tensor_type.shape.dim] for t in values]
    assert shapes == [
        ["batch", 28, 28],
        ["batch", 10],
        ["batch"],
        ["batch", {"cnn": 160, "mlp": 800}[name.removesuffix("-int8")]],
    ]
    assert {entry.key for entry in model.metadata_props} == {f"digitpad.{key}" for key in METADATA}
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"Shape", "Gather", "Slice", "Concat", "Transpose", "Dropout", "BatchNormalization"}


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_features_are_what_the_last_hidden_layer_makes_of_an_image_with_length_1(name: str) -> None:
    network = NETWORKS[name].trainer()
    model = network.load(ROOT / "train" / "weights" / NETWORKS[name].weights)
    if name == "cnn":
        import keras

        model = keras.Sequential(model.layers[:-1])
    else:
        import torch

        model.scores = torch.nn.Identity()
    digits = generate_digits(300, seed=12)
    wanted = network.logits(model, digits.images)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(Recognizer(name).features(digits.images), wanted, atol=1e-5)
    in_int8 = Recognizer(f"{name}-int8").features(digits.images)
    assert (in_int8 * wanted).sum(axis=1).min() > 0.98, "in int8 they point the same way"
    np.testing.assert_allclose(np.linalg.norm(in_int8, axis=1), 1, atol=1e-5)


FITTED = Calibration(temperature=1.0, ood_scale=0.5, ood_offset=2.0, ood_threshold=1.0, unsure_threshold=0.5)


def linear(digits: str = "digits", rest: str = "rest") -> tuple[bytes, np.ndarray, np.ndarray]:
    """A tiny network's file, images, and the scores its "framework" computes for them."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(0, 0.01, (784, 11)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["x", "row"], ["flat"]),
            helper.make_node("MatMul", ["flat", digits], ["scores"]),
            helper.make_node("MatMul", ["flat", rest], ["outlier"]),
            helper.make_node("Relu", ["flat"], ["hidden"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 28, 28])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10]),
            helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["n", 784]),
        ],
        [
            numpy_helper.from_array(np.array([-1, 784]), "row"),
            *(numpy_helper.from_array(k, n) for k, n in ((kernel[:, :10], digits), (kernel[:, 10:], rest))),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    images = generate_digits(100, seed=1).images
    scores = images.reshape(100, 784).astype(np.float32) @ kernel
    return fulfil_contract(model, FITTED, METADATA_OF_TEST), images, scores


def test_a_network_gives_the_same_file_however_the_exporter_numbered_its_constants() -> None:
    assert linear("one__30", "other__31")[0] == linear("one__30", "other__32")[0]


def test_odds_are_calibrated_and_a_silent_layer_has_features_of_0_in_the_file(tmp_path: Path) -> None:
    data, images, scores = linear()
    (tmp_path / "tiny.onnx").write_bytes(data)
    tiny = Recognizer(tmp_path / "tiny.onnx")
    np.testing.assert_allclose(tiny.run(images)[1], 0.5 * log_odds(scores, 1.0) + 2, atol=1e-4)
    features = tiny.features(np.concatenate([images, 0 * images[:1]]))
    np.testing.assert_allclose(np.linalg.norm(features[:-1], axis=1), 1, atol=1e-6)
    assert (features[-1] == 0).all()


def with_uncalibrated_odds(model: onnx.ModelProto) -> None:
    (scale,) = [item for item in model.graph.initializer if item.name == "ood_scale"]
    scale.CopyFrom(numpy_helper.from_array(np.array(1, np.float32), "ood_scale"))


def with_a_needless_node(model: onnx.ModelProto) -> None:
    model.graph.node.insert(0, helper.make_node("Identity", ["image"], ["same"]))
    model.graph.node[1].input[0] = "same"


def with_an_invalid_node(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Concat"


@pytest.mark.parametrize(
    ("change", "factor", "reason"),
    [
        (None, 1.01, "differs from the framework"),
        (with_uncalibrated_odds, 1, "ood_score differs"),
        (with_a_needless_node, 1, "Identity"),
        (with_an_invalid_node, 1, r"onnx\.checker"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused(
    change: Callable[[onnx.ModelProto], None] | None, factor: float, reason: str
) -> None:
    data, images, scores = linear()
    assert check(data, scores, images, FITTED) <= 1e-5, "the right file passes"
    model = onnx.load_from_string(data)
    if change:
        change(model)
    with pytest.raises(ExportError, match=reason):
        check(model.SerializeToString(), scores * np.float32(factor), images, FITTED)


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "damaged"])
def test_weights_that_are_missing_or_damaged_are_named_and_leave_the_model_in_place(
    missing: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (weights := tmp_path / "weights").mkdir()
    if not missing:
        shutil.copy(ROOT / "train" / "weights" / "mlp.json", weights)
        (weights / "mlp.pt").write_bytes((ROOT / "train" / "weights" / "mlp.pt").read_bytes()[:-100])
    (tmp_path / "mlp.onnx").write_bytes(b"the old one")
    assert main(["--only", "mlp", "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "mlp.pt" in line and "make train" in line
    assert (tmp_path / "mlp.onnx").read_bytes() == b"the old one"

"""The model contract on the exporting side: outputs, names, metadata; and the checks every file must pass."""

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from digitpad import DigitPadError, Recognizer
from digitpad.models import CONTRACT
from train.calibration import Calibration, ood_score, probabilities

OPSET = 18
IR_VERSION = 8  # so that older releases of onnxruntime load the file
LARGEST_DIFFERENCE = 1e-5  # in a probability, between the file and the framework
ALLOWED_NODES = {
    "Cast", "Reshape", "Conv", "MaxPool", "Relu", "MatMul", "Add", "Gemm", "Softmax", "ReduceLogSumExp", "Sub",
    "Mul", "LpNormalization",
}  # fmt: skip


class ExportError(DigitPadError):
    """An exported model fails a check, and so does not replace the one in place."""


def fulfil_contract(model: onnx.ModelProto, fitted: Calibration, metadata: dict[str, str]) -> bytes:
    """Turn a graph from bytes to `scores` (N, 10), `outlier` (N, 1) and `hidden` (N, F) into a file of the contract.

    The first are the digits' scores, the second is the score of "not a digit", the third is the last hidden layer.
    """
    graph = model.graph
    (hidden,) = [output for output in graph.output if output.name == "hidden"]
    features = hidden.type.tensor_type.shape.dim[1].dim_value
    constants = {
        "class_axis": np.array([1], np.int64),
        "batch_shape": np.array([-1], np.int64),
        "ood_scale": np.array(fitted.ood_scale, np.float32),
        "ood_offset": np.array(fitted.ood_offset, np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    graph.node.extend(
        [
            helper.make_node("Softmax", ["scores"], ["probabilities"], name="softmax", axis=1),
            helper.make_node("ReduceLogSumExp", ["scores", "class_axis"], ["digit"], name="log_sum_exp", keepdims=0),
            helper.make_node("Reshape", ["outlier", "batch_shape"], ["not_a_digit"], name="as_vector"),
            helper.make_node("Sub", ["not_a_digit", "digit"], ["odds"], name="log_odds"),
            helper.make_node("Mul", ["odds", "ood_scale"], ["scaled_odds"], name="scale_odds"),
            helper.make_node("Add", ["scaled_odds", "ood_offset"], ["ood_score"], name="shift_odds"),
            # Of length 1, and 0 where the layer is silent.
            helper.make_node("LpNormalization", ["hidden"], ["features"], name="length_1", axis=1, p=2),
        ]
    )
    del graph.output[:], graph.input[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 28, 28]))
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10]))
    graph.output.append(helper.make_tensor_value_info("ood_score", TensorProto.FLOAT, ["batch"]))
    graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", features]))

    # What exporters record about themselves says nothing about the network and differs from run to run.
    graph.doc_string = model.doc_string = model.domain = ""
    for item in (*graph.node, *graph.initializer):
        item.doc_string = ""
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]
    del model.functions[:], graph.metadata_props[:]
    _renumber_constants(graph)
    model.model_version = 1
    return model_file(model, metadata)


def stated(fitted: Calibration, trained: dict[str, Any]) -> dict[str, str]:
    """What a model file's metadata say of its training and calibration, without the prefix."""
    return {
        "framework": trained["framework"],
        "trained_on": trained["trained_on"],
        "temperature": f"{fitted.temperature:.6g}",
        "ood_threshold": f"{fitted.ood_threshold:.6g}",
        "unsure_threshold": f"{fitted.unsure_threshold:.6g}",
    }


def metadata_of(name: str, made: dict[str, str]) -> dict[str, str]:
    """All that the contract asks a model file to say."""
    return {f"digitpad.{key}": text for key, text in {"contract": CONTRACT, "name": name, **made}.items()}


def _renumber_constants(graph: onnx.GraphProto) -> None:
    """Renumber tf2onnx's constants without a gap, which it leaves in some runs and not in others."""
    made = [item for item in graph.initializer if re.fullmatch(r".+__\d+", item.name)]
    numbers = [int(item.name.rpartition("__")[2]) for item in made]
    for number, item in enumerate(made, start=min(numbers, default=0)):
        before, item.name = item.name, f"{item.name.rpartition('__')[0]}__{number}"
        for node in graph.node:
            node.input[:] = [item.name if name == before else name for name in node.input]


def model_file(model: onnx.ModelProto, metadata: dict[str, str]) -> bytes:
    """A model with what all our files say about themselves, and this metadata."""
    model.graph.name = metadata["digitpad.name"]
    del model.metadata_props[:], model.opset_import[:]
    helper.set_model_props(model, metadata)
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.producer_name, model.producer_version, model.ir_version = "digitpad", "", IR_VERSION
    return bytes(model.SerializeToString(deterministic=True))


def check(data: bytes, scores: NDArray[np.float32], images: NDArray[np.uint8], fitted: Calibration) -> float:
    """Check a model file against ONNX, the contract, and the framework's own scores (N, 11) of the images.

    Returns:
        The largest difference in a probability.

    Raises:
        ExportError: a check fails; the text says which.
    """
    model = onnx.load_from_string(data)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"onnx.checker refuses the model: {error}") from None
    if strange := {node.op_type for node in model.graph.node} - ALLOWED_NODES:
        raise ExportError(f"the graph is not clean: it holds {', '.join(sorted(strange))}")

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        path.write_bytes(data)
        recognizer = Recognizer(path)  # raises ModelError where the contract is not kept
    found, found_ood = recognizer.run(images)
    difference = float(np.abs(found - probabilities(scores, fitted.temperature)).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportError(f"a probability differs from the framework's by {difference:.1e} > {LARGEST_DIFFERENCE}")
    wanted = ood_score(scores, fitted)
    if not np.allclose(found_ood, wanted, rtol=1e-4, atol=1e-3):
        raise ExportError(f"ood_score differs from the framework's by {np.abs(found_ood - wanted).max():.1e}")
    one_by_one = np.concatenate([recognizer.run(images[i : i + 1])[0] for i in range(10)])
    if not np.allclose(one_by_one, found[:10], atol=LARGEST_DIFFERENCE):
        raise ExportError("the answer for an image depends on its batch")
    return difference

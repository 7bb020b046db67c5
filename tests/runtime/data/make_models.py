"""Makes the tiny models beside it: `python make_models.py [FOLDER]`, with the onnx package installed.

tiny.onnx keeps the model contract: it averages the image over 7x7 blocks and weighs the 16 means with fixed numbers.
first_contract.onnx keeps the one before, which is still read.
The others are the same but for the one thing their name says. None of them has learnt anything.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

GOOD = {
    "contract": "2",
    "name": "tiny",
    "framework": "none",
    "trained_on": "nothing",
    "temperature": "1.0",
    "ood_threshold": "1e9",
    "unsure_threshold": "0.0",
}


def main(folder: Path) -> None:
    """Write every model into `folder`."""
    models = {
        "tiny": tiny(),
        "named_cnn": tiny(name="cnn"),
        "named_mlp": tiny(name="mlp"),
        "always_unsure": tiny(unsure_threshold="1.1"),
        "never_a_digit": tiny(ood_threshold="-1e9"),
        "first_contract": tiny(contract="1", copies=0),
        "other_contract": tiny(contract="3"),
        "no_metadata": tiny(**dict.fromkeys(GOOD)),
        "no_temperature": tiny(temperature=None),
        "wordy_threshold": tiny(unsure_threshold="half"),
        "nan_threshold": tiny(ood_threshold="nan"),
        "other_input_name": tiny(input_name="picture"),
        "other_output_name": tiny(output_name="scores"),
        "float_input": tiny(input_type=TensorProto.FLOAT),
        "double_output": tiny(output_type=TensorProto.DOUBLE),
        "other_input_shape": tiny(size=32),
        "other_output_shape": tiny(classes=11),
        "no_features": tiny(copies=0),
        "wide_features": tiny(copies=65),
        "fixed_batch": tiny(batch=1),
        "fails_to_run": tiny(blocks=17),
    }
    for name, model in models.items():
        onnx.save(model, folder / f"{name}.onnx")


def tiny(
    *,
    input_name: str = "image",
    output_name: str = "probabilities",
    input_type: int = TensorProto.UINT8,
    output_type: int = TensorProto.FLOAT,
    size: int = 28,
    classes: int = 10,
    batch: int | str = "batch",
    blocks: int = 16,
    copies: int = 1,
    **metadata: str | None,
) -> onnx.ModelProto:
    """The tiny model, or one that differs in what is given; metadata None leaves that entry out.

    Its features are so many copies of the means side by side, of length 1.
    """
    weights = np.random.default_rng(7).normal(0, 6, (blocks, classes)).astype(np.float32)
    constants: dict[str, np.ndarray[Any, Any]] = {
        "white": np.array(255, np.float32),
        "channels": np.array([-1, 1, size, size], np.int64),
        "row": np.array([-1, blocks], np.int64),
        "weights": weights,
    }
    side = size // 4
    nodes = [
        helper.make_node("Cast", [input_name], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["float", "white"], ["ink"]),
        helper.make_node("Reshape", ["ink", "channels"], ["plane"]),
        helper.make_node("AveragePool", ["plane"], ["means"], kernel_shape=[side, side], strides=[side, side]),
        helper.make_node("Reshape", ["means", "row"], ["blocks"]),
        helper.make_node("MatMul", ["blocks", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["softmax"], axis=1),
        helper.make_node("Cast", ["softmax"], [output_name], to=output_type),
        helper.make_node("ReduceLogSumExp", ["logits"], ["energy"], axes=[1], keepdims=0),
        helper.make_node("Neg", ["energy"], ["ood_score"]),
    ]
    outputs = [
        helper.make_tensor_value_info(output_name, output_type, [batch, classes]),
        helper.make_tensor_value_info("ood_score", TensorProto.FLOAT, [batch]),
    ]
    if copies:
        nodes.append(helper.make_node("Concat", ["blocks"] * copies, ["hidden"], axis=1))
        nodes.append(helper.make_node("LpNormalization", ["hidden"], ["features"], axis=1, p=2))
        outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, [batch, blocks * copies]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, input_type, [batch, size, size])],
        outputs,
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="digitpad"
    )
    said = {key: value for key, value in {**GOOD, **metadata}.items() if value is not None}
    helper.set_model_props(model, {f"digitpad.{key}": value for key, value in said.items()})
    return model


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

"""The int8 form of an exported model: smaller, and faster where the processor multiplies bytes faster than floats.

Static quantisation of the finished file (B. Jacob et al., Quantization and training of neural networks for efficient
integer-arithmetic-only inference, CVPR 2018): of every weight and, with ranges measured on training images, of
everything between two layers. The file keeps the contract: bytes in, calibrated probabilities out.
"""

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from digitpad import Recognizer
from evaluate.measure import measure
from export.contract import model_file
from export.manifest import Manifest, candidate, enter, forget_comparisons
from train.data import DataError, Digits, load_mnist, load_pen, render

MOST_LOST = {"mnist_validation": 0.0005, "pen_validation": 0.002}  # of accuracy, against the float32 file
CALIBRATION = 1000  # training images of each data set
LAYERS = ["Conv", "MatMul", "Gemm", "MaxPool"]  # what is computed in int8; the outputs' arithmetic stays in float32


def export_int8(
    folder: Path, name: str, manifest: Manifest, facts: dict[str, Any], sets: dict[str, Digits], data: Path | None
) -> None:
    """Write NAME-int8.onnx beside NAME.onnx and enter it in the manifest, if it reads as well; otherwise drop both.

    The float32 model is in `folder` and in the manifest, `facts` are its own; `data` is the folder of training images.

    Raises:
        DigitPadError: a file cannot be written, or the int8 file does not keep the contract.
    """
    int8 = f"{name}-int8"
    path, float32 = folder / f"{int8}.onnx", folder / f"{name}.onnx"
    reason = "no training images at hand to calibrate it with, or no validation sets to judge it by"
    images = _training_images(data) if set(MOST_LOST) <= set(sets) else None
    if images is not None:
        content = quantise(float32.read_bytes(), int8, images)
        with candidate(path, content) as new:
            recognizer = Recognizer(new)  # raises ModelError where the contract is not kept
            figures = {key: measure(recognizer, digits) for key, digits in sets.items()}
            accuracy = {key: value.accuracy for key, value in figures.items()}
            if not (reason := lost_too_much(manifest[name]["accuracy"], accuracy)):
                difference = _largest_difference(recognizer, Recognizer(float32), sets)
                enter(manifest, int8, content, facts | {"largest_difference": difference}, figures)
                new.replace(path)
    if reason:
        path.unlink(missing_ok=True)  # what is there was made from another float32 file
        manifest.pop(int8, None)
        forget_comparisons(manifest, int8)
        print(f"{int8}: not written: {reason}")
    else:
        accuracies = ", ".join(f"{key} {accuracy[key]:.2%}" for key in MOST_LOST)
        print(f"{int8}: {len(content):,} bytes instead of {manifest[name]['bytes']:,}; {accuracies}")


def quantise(data: bytes, name: str, images: NDArray[np.uint8]) -> bytes:
    """Turn a float32 model file into an int8 one that keeps the contract, under another name.

    Args:
        data: the model file.
        name: what the new one is to be called.
        images: uint8 (N, 28, 28) that the network was trained on. If they range from 0 to 255, the model takes bytes
            without converting them to floats first.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    batches = ({"image": batch} for batch in np.array_split(images, max(len(images) // 100, 1)))

    class Images(CalibrationDataReader):
        """Hands the images over in batches."""

        def get_next(self) -> dict[str, Any] | None:
            return next(batches, None)

    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "int8.onnx"
        logging.disable(logging.WARNING)  # it recommends tidying up the graph first, which ours does not need
        quantize_static(
            onnx.load_from_string(data),
            out,
            Images(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=LAYERS,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            # Seven bits: on processors without instructions for int8 networks, sums of eight-bit products overflow.
            reduce_range=True,
        )
        logging.disable(logging.NOTSET)
        model = onnx.load(out)
    _take_bytes_as_they_are(model)
    metadata = {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}
    content = model_file(model, metadata | {"digitpad.name": name})
    onnx.checker.check_model(model, full_check=True)
    return content


def lost_too_much(float32: dict[str, float], int8: dict[str, float]) -> str:
    """Why the int8 model must not ship, in one line; empty if it reads as well as the float32 one."""
    for key, most in MOST_LOST.items():
        lost = float32[key] - int8[key]
        if lost > most + 1e-9:
            return f"it loses {100 * lost:.2f} points on {key}, more than {100 * most:.2f}"
    return ""


def _take_bytes_as_they_are(model: onnx.ModelProto) -> None:
    """Drop the conversion of the image's bytes to floats and back to the same bytes.

    image → Cast → Reshape → QuantizeLinear → DequantizeLinear becomes image → Reshape → DequantizeLinear.
    """
    graph = model.graph
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    first: list[onnx.NodeProto] = []
    name = "image"
    while len(users.get(name, ())) == 1 and len(first) < 3:
        first.append(users[name][0])
        name = first[-1].output[0]
    if [node.op_type for node in first] != ["Cast", "Reshape", "QuantizeLinear"]:
        return  # a network that begins differently: its bytes take the long way
    cast, reshape, quantize = first
    if values[quantize.input[2]] != 0 or not np.isclose(values[quantize.input[1]], 1.0):
        return  # the calibration images do not reach from 0 to 255, so the bytes do not stay the same
    reshape.input[0] = "image"
    for user in users[quantize.output[0]]:
        user.input[list(user.input).index(quantize.output[0])] = reshape.output[0]
    graph.node.remove(cast)
    graph.node.remove(quantize)
    del graph.value_info[:]


def _training_images(data: Path | None) -> NDArray[np.uint8] | None:
    """Images that the networks were trained on, in the form they see; None if there are none at hand."""
    try:
        mnist, pen = load_mnist(data).train.images, load_pen(data).train
    except DataError:
        return None
    rng = np.random.default_rng(8)
    some = [rng.choice(count, CALIBRATION, replace=False) for count in (len(mnist), len(pen))]
    return np.concatenate([mnist[some[0]], render([pen[i] for i in some[1]]).images])


def _largest_difference(one: Recognizer, other: Recognizer, sets: dict[str, Digits]) -> float:
    images = np.concatenate([sets[key].images for key in MOST_LOST])
    return float(np.abs(one.predict_batch(images) - other.predict_batch(images)).max())

"""`python -m bench.sides NAME FOLDER`: one side of the latency benchmark, in a process of its own, on one thread.

Reads commands from standard input, `single N` or `batch N`, and answers each with a line of JSON: seconds per image,
N times. A side that cannot be imported or found answers {"missing": "..."} at once.
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
from numpy.typing import NDArray

from digitpad import DigitPadError, Recognizer
from digitpad.errors import first_line
from digitpad.mnist_form import render_strokes
from digitpad.models import find_model, session_options
from digitpad.pad.demo_strokes import demo_samples
from train.command import ROOT

BATCH = 256
SIX = 6  # digits of a number
Images = NDArray[np.uint8]
Side = tuple[Callable[[Images], Any], Callable[[Images], Any] | None]  # for uint8 (1, 28, 28) and (BATCH, 28, 28)


def onnxruntime_session(path: Path, as_floats: Callable[[Images], Any] | None = None) -> Side:
    """A model file in onnxruntime, with the same options as digitpad's own."""
    import onnxruntime as ort

    session = ort.InferenceSession(path.read_bytes(), session_options(), providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()
    answers = [output.name for output in session.get_outputs() if output.name != "features"]

    def run(images: Images) -> Any:
        return session.run(answers, {image.name: images if as_floats is None else as_floats(images)})

    return run, None if image.shape[0] == 1 else run


def digitpad_strokes(several: bool) -> Callable[[Path], Side]:
    """`Recognizer.read_strokes` of SIX of the demo's digits in a row, or `predict_strokes` of each by turns."""

    def side(_: Path) -> Side:
        drawings = [sample.strokes for sample in demo_samples()][:SIX]
        wide = max(float(np.ptp(np.concatenate(drawing)[:, 0])) for drawing in drawings)
        number = [stroke + np.array([1.2 * wide * n, 0]) for n, drawing in enumerate(drawings) for stroke in drawing]
        recognizer, each = Recognizer("cnn"), itertools.cycle(drawings)
        return (lambda _: recognizer.read_strokes(number) if several else recognizer.predict_strokes(next(each))), None

    return side


def digitpad_pictures(several: bool) -> Callable[[Path], Side]:
    """`Recognizer.read` of a picture of SIX of the demo's digits, or `Recognizer.predict` of each by turns."""

    def side(_: Path) -> Side:
        pictures = [255 - image.repeat(4, axis=0).repeat(4, axis=1) for image in demo_images(SIX)]
        recognizer, number, each = Recognizer("cnn"), np.hstack(pictures), itertools.cycle(pictures)
        return (lambda _: recognizer.read(number) if several else recognizer.predict(next(each))), None

    return side


def keras_cnn(_: Path) -> Side:
    """The same network in Keras, called directly: for single images many times faster than `model.predict`."""
    import tensorflow as tf

    from train.cnn import load

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = load(ROOT / "train" / "weights" / "cnn.keras")

    def run(images: Images) -> Any:
        return np.asarray(model(channel_last(images)))

    return run, run


def torch_cnn(_: Path) -> Side:
    """The same network in PyTorch, with the weights of our ONNX file."""
    import onnx
    import torch
    from onnx import numpy_helper
    from torch import nn

    torch.set_num_threads(1)
    network = nn.Sequential(
        nn.Conv2d(1, 32, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1024, 160),
        nn.ReLU(),
        nn.Linear(160, 10),
        nn.Softmax(dim=1),
    ).eval()
    graph = onnx.load(find_model("cnn")).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    layers = [node for node in graph.node if node.op_type in ("Conv", "MatMul", "Add")]
    arrays = [stored[name] for layer in layers for name in layer.input if name in stored]
    arrays = [array for array in arrays if array.ndim and array.shape[-1] > 1]  # without the score of non-digits
    for parameter, array in zip(network.parameters(), arrays, strict=True):
        parameter.data = torch.from_numpy(array.T.copy() if array.ndim == 2 else array.copy())

    def run(images: Images) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(images)[:, None].float()).numpy()

    if not np.allclose(run(demo_images(1)), Recognizer("cnn").predict_batch(demo_images(1)), atol=1e-4):
        raise AssertionError("the network in PyTorch is not the one in the file")
    return run, run


def litert(folder: Path) -> Side:
    """The same network in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(folder / "cnn.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    entry, exit_ = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(images: Images) -> Any:
        interpreter.set_tensor(entry, channel_last(images))
        interpreter.invoke()
        return interpreter.get_tensor(exit_)

    return run, None


def channel_last(images: Images) -> NDArray[np.float32]:
    """Bytes (N, 28, 28) as Keras networks take them: float32 (N, 28, 28, 1) in [0, 1]."""
    return (images[..., None] / np.float32(255)).astype(np.float32)


def demo_images(count: int) -> Images:
    """The demo's digits, over and over: uint8 (count, 28, 28)."""
    images = np.stack([render_strokes(sample.strokes) for sample in demo_samples()])
    return np.ascontiguousarray(np.resize(images, (count, 28, 28)))


def zoo(_: Path) -> Side:
    """The ONNX Model Zoo's MNIST network, which is not ours to ship: $DIGITPAD_DATA/peers/mnist-8.onnx."""
    path = Path(os.environ.get("DIGITPAD_DATA", "data")) / "peers" / "mnist-8.onnx"
    if not path.exists():
        raise FileNotFoundError(f"no {path}")
    return onnxruntime_session(path, lambda images: images[:, None].astype(np.float32))


def file_of(name: str) -> Callable[[Path], Side]:
    """One of our model files in onnxruntime."""
    return lambda _: onnxruntime_session(Path(find_model(name)))


# The side's name: what it is, and how to make it. Ours come first.
SIDES: dict[str, tuple[str, Callable[[Path], Side]]] = {
    **{name: (f"{name}.onnx, onnxruntime", file_of(name)) for name in ("cnn", "cnn-int8", "mlp", "mlp-int8")},
    "predict_batch": ("cnn, Recognizer.predict_batch", lambda _: (Recognizer("cnn").predict_batch,) * 2),
    "predict_strokes": ("cnn, Recognizer.predict_strokes", digitpad_strokes(several=False)),
    "read_strokes": (f"cnn, Recognizer.read_strokes, {SIX} digits", digitpad_strokes(several=True)),
    "predict": ("cnn, Recognizer.predict, a picture of a digit", digitpad_pictures(several=False)),
    "read": (f"cnn, Recognizer.read, a picture of {SIX} digits", digitpad_pictures(several=True)),
    "keras-call": ("same CNN, Keras direct call", keras_cnn),
    "torch-eager": ("same CNN, PyTorch eager", torch_cnn),
    "litert": ("same CNN, LiteRT", litert),
    "zoo": ("Model Zoo mnist-8, onnxruntime", zoo),
    "convnet": (
        "Keras mnist_convnet, onnxruntime",
        lambda folder: onnxruntime_session(folder / "convnet.onnx", channel_last),
    ),
}


def main(arguments: Sequence[str]) -> None:
    """Answer the commands on standard input until it ends."""
    name, folder = arguments
    answers, sys.stdout = sys.stdout, sys.stderr  # where frameworks may print what they like
    try:
        single, batch = SIDES[name][1](Path(folder))
    except Exception as error:
        missing = first_line(error)
        if isinstance(error, ModuleNotFoundError):
            missing = f"{error.name} is not installed"
        elif isinstance(error, DigitPadError):
            missing = missing.partition(";")[0]
        print(json.dumps({"missing": missing}), file=answers, flush=True)
        return
    one, many = demo_images(1), demo_images(BATCH)
    for _ in range(20):
        single(one)
    print(json.dumps({"batch": batch is not None}), file=answers, flush=True)
    for line in sys.stdin:
        kind, count = line.split()
        run, images = (single, one) if kind == "single" else (batch, many)
        assert run is not None
        seconds = []
        for _ in range(int(count)):
            start = time.perf_counter()
            run(images)
            seconds.append((time.perf_counter() - start) / len(images))
        print(json.dumps(seconds), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

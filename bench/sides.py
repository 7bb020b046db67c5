"""`python -m bench.sides NAME FOLDER`: one side of the latency benchmark, in a process of its own, one thread.

Reads commands from standard input, `single N` or `batch N`, and answers each with a line of JSON: seconds per image,
N times. What cannot be imported or found answers {"missing": "..."} at once.
"""

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
from digitpad.mnist_form import render_strokes
from digitpad.models import find_model, first_line, session_options
from digitpad.stroke_files import read_samples
from train.command import ROOT

BATCH = 256
DEMO_STROKES = ROOT / "runtime" / "digitpad" / "demo_strokes.json"
Images = NDArray[np.uint8]
Side = tuple[Callable[[Images], Any], Callable[[Images], Any] | None]  # for uint8 (1, 28, 28), and (BATCH, 28, 28)


def onnxruntime_session(path: Path, as_floats: Callable[[Images], Any] | None = None) -> Side:
    """A file in onnxruntime, with the options that digitpad's own get."""
    import onnxruntime as ort

    session = ort.InferenceSession(path.read_bytes(), session_options(), providers=["CPUExecutionProvider"])
    (image,) = session.get_inputs()

    def run(images: Images) -> Any:
        return session.run(None, {image.name: images if as_floats is None else as_floats(images)})

    return run, None if image.shape[0] == 1 else run


def digitpad_batch(name: str) -> Side:
    """`Recognizer.predict_batch`."""
    recognizer = Recognizer(name)
    return recognizer.predict_batch, recognizer.predict_batch


def digitpad_strokes() -> Side:
    """`Recognizer.predict_strokes`, everything included, of the demo's ten digits in turn."""
    recognizer, drawings = Recognizer("cnn"), [sample.strokes for sample in read_samples(DEMO_STROKES)]
    turn = iter(range(10**9))
    return lambda _: recognizer.predict_strokes(drawings[next(turn) % len(drawings)]), None


def keras_side(how: str) -> Side:
    """The same network in Keras: `model.predict`, or a direct call."""
    import tensorflow as tf

    from train.cnn import load

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = load(ROOT / "train" / "weights" / "cnn.keras")

    def run(images: Images) -> Any:
        x = channel_last(images)
        return model.predict(x, batch_size=BATCH, verbose=0) if how == "predict" else np.asarray(model(x))

    return run, run


def torch_side(how: str) -> Side:
    """The same network in PyTorch, eager, or scripted (traced and optimised)."""
    import torch

    torch.set_num_threads(1)
    network = torch_twin(Path(find_model("cnn")))
    with torch.inference_mode():
        run: Any = network
        if how == "scripted":
            run = torch.jit.optimize_for_inference(torch.jit.trace(network, torch.zeros(1, 28, 28, dtype=torch.uint8)))
        wanted, image = Recognizer("cnn").predict_batch(demo_images(1)), torch.from_numpy(demo_images(1))
        if not np.allclose(run(image).numpy(), wanted, atol=1e-4):
            raise AssertionError("the network in PyTorch is not the one in the file")

    def answer(images: Images) -> Any:
        with torch.inference_mode():
            return run(torch.from_numpy(images)).numpy()

    return answer, answer


def torch_twin(path: Path) -> Any:
    """The network of our ONNX file as a PyTorch module from bytes to probabilities, layer by layer."""
    import onnx
    import torch
    from onnx import numpy_helper
    from torch import nn

    graph = onnx.load(path).graph
    weights = {item.name: torch.from_numpy(numpy_helper.to_array(item).copy()) for item in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    chain: list[Any] = []
    node = makers["probabilities"]
    while node is not None:  # from the probabilities back to the image
        chain.insert(0, node)
        node = makers.get(node.input[0])
    modules: list[nn.Module] = []
    for node in chain:
        if node.op_type == "Conv":
            weight = weights[node.input[1]]
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], tuple(weight.shape[2:]))
            layer.weight.data, layer.bias.data = weight, weights[node.input[2]]
            modules.append(layer)
        elif node.op_type == "MaxPool":
            modules.append(nn.MaxPool2d(2))
        elif node.op_type == "Relu":
            modules.append(nn.ReLU())
        elif node.op_type == "MatMul":
            weight = weights[node.input[1]].T.contiguous()
            dense = nn.Linear(weight.shape[1], weight.shape[0])
            dense.weight.data = weight
            modules.append(dense)
        elif node.op_type == "Add":
            modules[-1].bias.data = weights[node.input[1]]
        elif node.op_type == "Gemm":
            weight = weights[node.input[1]]
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            weight = weight if transposed else weight.T.contiguous()
            dense = nn.Linear(weight.shape[1], weight.shape[0])
            dense.weight.data, dense.bias.data = weight, weights[node.input[2]]
            modules.append(dense)
        elif node.op_type == "Reshape" and len(weights[node.input[1]]) == 2:
            modules.append(nn.Flatten())
        elif node.op_type == "Softmax":
            modules.append(nn.Softmax(dim=1))
        elif node.op_type not in ("Cast", "Reshape"):
            raise AssertionError(f"a {node.op_type} in the CNN is new to the benchmark")

    class Twin(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(*modules)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.layers(image.float().unsqueeze(1))

    return Twin().eval()


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
    """Bytes (N, 28, 28) as the Keras networks take them: float32 (N, 28, 28, 1) in [0, 1]."""
    return (images[..., None] / np.float32(255)).astype(np.float32)


def demo_images(count: int) -> Images:
    """The demo's digits, as often as it takes."""
    images = np.stack([render_strokes(sample.strokes) for sample in read_samples(DEMO_STROKES)])
    return np.ascontiguousarray(np.resize(images, (count, 28, 28)))


def zoo_file() -> Path:
    """The ONNX Model Zoo's MNIST network, which is not ours to ship: $DIGITPAD_DATA/peers/mnist-8.onnx."""
    path = Path(os.environ.get("DIGITPAD_DATA", "data")) / "peers" / "mnist-8.onnx"
    if not path.exists():
        raise FileNotFoundError(f"no {path}")
    return path


# The side's name: what it is, and how to make it. The first are ours.
SIDES: dict[str, tuple[str, Callable[[Path], Side]]] = {
    "cnn": ("cnn.onnx, onnxruntime", lambda _: onnxruntime_session(Path(find_model("cnn")))),
    "cnn-int8": ("cnn-int8.onnx, onnxruntime", lambda _: onnxruntime_session(Path(find_model("cnn-int8")))),
    "mlp": ("mlp.onnx, onnxruntime", lambda _: onnxruntime_session(Path(find_model("mlp")))),
    "mlp-int8": ("mlp-int8.onnx, onnxruntime", lambda _: onnxruntime_session(Path(find_model("mlp-int8")))),
    "predict_batch": ("cnn, Recognizer.predict_batch", lambda _: digitpad_batch("cnn")),
    "predict_strokes": ("cnn, Recognizer.predict_strokes", lambda _: digitpad_strokes()),
    "keras-predict": ("same CNN, Keras model.predict", lambda _: keras_side("predict")),
    "keras-call": ("same CNN, Keras direct call", lambda _: keras_side("call")),
    "torch-eager": ("same CNN, PyTorch eager", lambda _: torch_side("eager")),
    "torch-scripted": ("same CNN, PyTorch scripted", lambda _: torch_side("scripted")),
    "litert": ("same CNN, LiteRT", litert),
    "zoo": (
        "Model Zoo mnist-8, onnxruntime",
        lambda _: onnxruntime_session(zoo_file(), lambda x: x[:, None].astype(np.float32)),
    ),
    "classic": (
        "Keras mnist_cnn, onnxruntime",
        lambda folder: onnxruntime_session(folder / "classic.onnx", channel_last),
    ),
    "convnet": (
        "Keras mnist_convnet, onnxruntime",
        lambda folder: onnxruntime_session(folder / "convnet.onnx", channel_last),
    ),
}


def main(arguments: Sequence[str]) -> None:
    """Answer the commands on standard input until it ends."""
    name, folder = arguments
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever a framework prints
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

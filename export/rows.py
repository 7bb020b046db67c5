"""The row reader as an ONNX file, its weights in int8 with a scale for each filter; it computes in float32."""

import hashlib
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from digitpad.files import make_folder, write_whole
from digitpad.image.rows import HEIGHT, PLACE
from export.card import write_card
from export.contract import OPSET, ExportError, model_file
from export.manifest import read_manifest, write_manifest
from train.row_reader import CLASSES, WEIGHTS, RowReader, load

FILE = "rows.onnx"
LARGEST_DIFFERENCE = 1e-4  # in a log probability above -5, between the file and the network with rounded weights


def export_rows(weights: Path, folder: Path) -> None:
    """Export the row reader into a folder; its file is not replaced before every check has passed.

    Raises:
        ExportError: weights are missing, or a check fails.
    """
    path = weights / WEIGHTS
    facts_path = path.with_suffix(".json")
    if not path.exists() or not facts_path.exists():
        raise ExportError(f"{path}: no weights, or no {facts_path.name} beside them; run `make train ONLY=rows` first")
    facts: dict[str, Any] = json.loads(facts_path.read_bytes())
    if hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
        raise ExportError(f"{path}: {facts_path.name} belongs to other weights; run `make train ONLY=rows` to its end")
    make_folder(folder)
    net = load(path)
    content = to_onnx(net, facts["temperature"])
    write_whole(folder / FILE, content)
    entry = {
        "file": FILE,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "parameters": sum(weight.numel() for weight in net.parameters()),
        "exact": facts["validation"],
    }
    manifest = read_manifest(folder)
    write_manifest(folder, manifest, entry)
    if manifest:
        write_card(folder, manifest)
    print(f"rows: {FILE} written in {folder}: {len(content):,} bytes")


class _Rounded(nn.Module):
    """The network as it is exported: normalisation folded into the filters, and those rounded to 8 bits."""

    def __init__(self, net: RowReader, temperature: float) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature
        for module in list(net.modules()):
            if isinstance(module, nn.Sequential):
                _fold(module)
        with torch.no_grad():
            for weight in net.parameters():
                if weight.ndim > 2:
                    weight.copy_(_rounded(weight.numpy())[2])

    def forward(self, rows: Tensor) -> Tensor:
        return torch.log_softmax(self.net(rows) / self.temperature, dim=2)


def _fold(layers: nn.Sequential) -> None:
    for place in range(len(layers) - 1):
        convolution, norm = layers[place], layers[place + 1]
        if isinstance(convolution, nn.Conv1d | nn.Conv2d) and isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            layers[place], layers[place + 1] = fuse_conv_bn_eval(convolution, norm), nn.Identity()


def _rounded(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32], Tensor]:
    """Filters (F, ...) as int8, the scale of each, and their product."""
    scale = np.abs(weight).reshape(len(weight), -1).max(axis=1).clip(1e-8) / np.float32(127)
    broad = scale.reshape(-1, *[1] * (weight.ndim - 1))
    whole = np.rint(weight / broad).astype(np.int8)
    return whole, scale.astype(np.float32), torch.from_numpy((whole * broad).astype(np.float32))


def to_onnx(net: RowReader, temperature: float) -> bytes:
    """The file: from `rows` uint8 (N, HEIGHT, W) to `log_probabilities` float32 (N, W / 2, 12); W a multiple of 4.

    Raises:
        ExportError: it differs from the network.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    rounded = _Rounded(net, temperature).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the exporter itself
        program = torch.onnx.export(
            rounded,
            (torch.zeros(2, HEIGHT, 80, dtype=torch.uint8),),
            input_names=["rows"],
            output_names=["log_probabilities"],
            dynamic_shapes={"rows": {0: torch.export.Dim("batch"), 2: 4 * torch.export.Dim("quarter", min=2)}},
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _store_in_int8(model.graph)
    for node in model.graph.node:
        del node.metadata_props[:]
    del model.graph.value_info[:]
    content = model_file(model, {"digitpad.name": "rows"})
    _check(content, rounded)
    return content


def _store_in_int8(graph: onnx.GraphProto) -> None:
    for item in list(graph.initializer):
        value = numpy_helper.to_array(item)
        if value.ndim < 3:
            continue
        whole, scale, _ = _rounded(value)
        name = item.name
        graph.initializer.remove(item)
        graph.initializer.extend(
            [numpy_helper.from_array(whole, f"{name}_int8"), numpy_helper.from_array(scale, f"{name}_scale")]
        )
        node = helper.make_node(
            "DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], name=f"{name}_dq", axis=0
        )
        graph.node.insert(0, node)


def _check(content: bytes, net: nn.Module) -> None:
    import onnxruntime as ort

    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    rng = np.random.default_rng(1)
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    for shape in ((1, HEIGHT, 32), (3, HEIGHT, 200)):
        rows = rng.integers(0, 256, shape, np.uint8)
        (found,) = session.run(None, {"rows": rows})
        with torch.inference_mode():
            wanted = net(torch.from_numpy(rows)).numpy()
        if found.shape != (shape[0], shape[2] // PLACE, CLASSES):
            raise ExportError(f"rows: shape {found.shape}")
        if not (difference := np.abs(found - wanted)[wanted > -5].max()) < LARGEST_DIFFERENCE:
            raise ExportError(f"rows: a log probability differs from the framework's by {difference:.1e}")

"""The PyTorch network as an ONNX graph from bytes to scores, through torch.onnx."""

import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from export.contract import OPSET
from train.mlp import HIDDEN, load


class ByteMlp(nn.Module):
    """The network for bytes: normalisation, scaling to [0, 1] and temperature folded into three linear layers."""

    def __init__(self, weights: Path, temperature: float) -> None:
        super().__init__()
        model = load(weights)
        self.hidden1 = fuse_linear_bn_eval(model.hidden1, model.norm1)
        self.hidden2 = fuse_linear_bn_eval(model.hidden2, model.norm2)
        self.scores, self.outlier = nn.Linear(HIDDEN, 10), nn.Linear(HIDDEN, 1)
        with torch.no_grad():
            self.hidden1.weight /= 255
            for layer, rows in ((self.scores, slice(10)), (self.outlier, slice(10, None))):
                layer.weight.copy_(model.scores.weight[rows] / temperature)
                layer.bias.copy_(model.scores.bias[rows] / temperature)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Scores (N, 10) of the digits and (N, 1) of "not a digit", and the last hidden layer, of uint8 (N, 28, 28)."""
        x = image.float().reshape(-1, 28 * 28)
        x = torch.relu(self.hidden1(x))
        x = torch.relu(self.hidden2(x))
        return self.scores(x), self.outlier(x), x


def to_onnx(weights: Path, temperature: float) -> onnx.ModelProto:
    """A graph from `image` uint8 (N, 28, 28) to `scores` (N, 10), `outlier` (N, 1) and `hidden` (N, 800).

    `hidden` is the last hidden layer, the scores are divided by the temperature.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the exporter itself
        program = torch.onnx.export(
            ByteMlp(weights, temperature).eval(),
            (torch.zeros(2, 28, 28, dtype=torch.uint8),),
            input_names=["image"],
            output_names=["scores", "outlier", "hidden"],
            dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def count_parameters(weights: Path) -> int:
    """Trained numbers of the network, without the statistics of the normalisation."""
    return sum(parameter.numel() for parameter in load(weights).parameters())

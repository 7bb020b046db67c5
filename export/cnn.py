"""The Keras network as an ONNX graph from bytes to scores, through tf2onnx."""

import logging
from pathlib import Path

import numpy as np
import onnx
import tensorflow as tf
from numpy.typing import NDArray

from export.contract import OPSET
from train.cnn import DENSE, FILTERS, load


def to_onnx(weights: Path, temperature: float) -> onnx.ModelProto:
    """A graph from `image` uint8 (N, 28, 28) to `scores` (N, 10), `outlier` (N, 1) and `hidden` (N, 160).

    `hidden` is the last hidden layer, the scores are divided by the temperature. Batch normalisation, the scaling of
    bytes to [0, 1] and the temperature are folded into the weights: what is left is two convolutions and two matrix
    products.
    """
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model = load(weights)
    kernel1, bias1 = _folded(model, "conv1", "norm1")
    kernel2, bias2 = _folded(model, "conv2", "norm2")
    dense, dense_bias = _folded(model, "dense", "norm3")
    scores, scores_bias = (weights / temperature for weights in model.get_layer("scores").get_weights())
    # ONNX keeps channels before rows and columns. With the dense kernel in that order too, no Transpose is needed.
    dense = dense.reshape(4, 4, FILTERS[1], DENSE).transpose(2, 0, 1, 3).reshape(-1, DENSE)

    def network(image: tf.Tensor) -> dict[str, tf.Tensor]:
        x = tf.reshape(tf.cast(image, tf.float32), [-1, 28, 28, 1])
        x = tf.nn.relu(tf.nn.max_pool2d(tf.nn.conv2d(x, kernel1 / 255, 1, "VALID") + bias1, 2, 2, "VALID"))
        x = tf.nn.relu(tf.nn.max_pool2d(tf.nn.conv2d(x, kernel2, 1, "VALID") + bias2, 2, 2, "VALID"))
        x = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [-1, len(dense)])
        x = tf.nn.relu(tf.matmul(x, dense) + dense_bias)
        return {
            "scores": tf.matmul(x, scores[:, :10]) + scores_bias[:10],
            "outlier": tf.matmul(x, scores[:, 10:]) + scores_bias[10:],
            "hidden": x,
        }

    signature = [tf.TensorSpec([None, 28, 28], tf.uint8, name="image")]
    proto, _ = tf2onnx.convert.from_function(tf.function(network, signature), input_signature=signature, opset=OPSET)
    return proto


def count_parameters(weights: Path) -> int:
    """Trained numbers of the network, without the statistics of the normalisation."""
    return sum(int(np.prod(v.shape)) for v in load(weights).trainable_variables)


def _folded(model: "tf.keras.Model", name: str, norm_name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Kernel and bias of a layer with the normalisation after it folded in.

    Exact also where pooling stands between the two, since the factor is positive.
    """
    (kernel,) = model.get_layer(name).get_weights()
    norm = model.get_layer(norm_name)
    beta, mean, variance = norm.get_weights()
    factor = 1 / np.sqrt(variance + norm.epsilon)
    return kernel * factor, beta - mean * factor

"""`python -m bench.peers FOLDER`: writes someone else's network, and ours in another format, for the sides to run.

The Keras example is exported untrained: how long it takes does not depend on what it has learnt.
"""

import logging
import sys
from pathlib import Path

import keras
import tensorflow as tf
from keras import layers

from digitpad.files import write_whole
from train.cnn import load
from train.command import ROOT


def main(folder: Path) -> None:
    """Write convnet.onnx and cnn.tflite."""
    import tf2onnx

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    model = mnist_convnet()
    signature = [tf.TensorSpec([None, 28, 28, 1], tf.float32, name="image")]
    network = tf.function(lambda image: model(image, training=False), input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(network, input_signature=signature, opset=18)
    write_whole(folder / "convnet.onnx", proto.SerializeToString())
    converter = tf.lite.TFLiteConverter.from_keras_model(load(ROOT / "train" / "weights" / "cnn.keras"))
    write_whole(folder / "cnn.tflite", converter.convert())


def mnist_convnet() -> keras.Model:
    """Today's Keras example, "Simple MNIST convnet"."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

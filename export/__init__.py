"""Export: the trained networks as ONNX files that keep the model contract."""

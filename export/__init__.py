"""Export: the trained networks as ONNX files; those of single digits keep the model contract."""

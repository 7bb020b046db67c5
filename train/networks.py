"""The networks that are trained and exported: a new one is added here, and in the recipes."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from types import ModuleType


@dataclass(frozen=True)
class Network:
    """Where a network's parts are. Its framework takes seconds to load, so it is loaded only with them."""

    trained_by: str  # module with what train/training.py asks of a network
    exported_by: str  # module with `to_onnx` and `count_parameters`
    weights: str  # name of its file in train/weights/
    packages: dict[str, str]  # its framework, as people and as Python know it

    def trainer(self) -> ModuleType:
        """The module that trains it."""
        return import_module(self.trained_by)

    def exporter(self) -> ModuleType:
        """The module that turns its weights into an ONNX graph."""
        return import_module(self.exported_by)

    def framework(self) -> str:
        """Its framework with the version, in words."""
        return ", ".join(f"{known_as} {version(package)}" for known_as, package in self.packages.items())


NETWORKS = {
    "cnn": Network("train.cnn", "export.cnn", "cnn.keras", {"Keras": "keras", "TensorFlow": "tensorflow"}),
    "mlp": Network("train.mlp", "export.mlp", "mlp.pt", {"PyTorch": "torch"}),
}
TEACHER = "cnn"  # what kind of network others learn from

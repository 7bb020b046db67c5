"""Each framework keeps to itself, none is loaded before it is needed, and a network is named in one table."""

import json

import pytest

from tests.conftest import ROOT, python
from train.networks import NETWORKS
from train.recipes import RECIPES

FRAMEWORKS = ("keras", "tensorflow", "torch", "onnx", "tf2onnx")


def loaded_after(code: str) -> set[str]:
    """The frameworks in a Python that has run some code."""
    report = f"import json, sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nfinally:\n    " + (
        f"print(json.dumps([name for name in {FRAMEWORKS} if name in sys.modules]))"
    )
    result = python("-c", report)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", ["train", "evaluate", "evaluate.comparison", "export", "export.report", "bench"])
def test_help_loads_no_framework(command: str) -> None:
    run = (
        f"import runpy; sys.argv = ['x', '--help']; runpy.run_module({command!r}, run_name='__main__', alter_sys=True)"
    )
    assert loaded_after(run) <= ({"onnx"} if command in ("export", "export.report") else set())


@pytest.mark.parametrize(
    ("modules", "frameworks"),
    [
        ("train.data, train.pool, train.recipes, train.training, train.synthetic.outliers", set()),
        ("train.cnn", {"keras", "tensorflow"}),
        ("train.mlp", {"torch"}),
        ("train.augmentation", {"torch"}),
    ],
)
def test_keras_does_not_load_pytorch_nor_pytorch_keras(modules: str, frameworks: set[str]) -> None:
    assert loaded_after(f"import {modules}") == frameworks


def test_what_the_table_of_networks_names_is_there() -> None:
    assert {name: set(recipe.trainings) for name, recipe in RECIPES.items()} == {
        name: set(NETWORKS) for name in RECIPES
    }
    for network in NETWORKS.values():
        assert (ROOT / "train" / "weights" / network.weights).is_file()
        assert network.framework().split()[1][0].isdigit()

"""Where the tests find the data sets, and how they run training as a user does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from train.data import DATA_FOLDER, UJI_DIGITS_NAME
from train.download import MNIST, OMNIGLOT, PEN, UJI, UJI_LETTERS

ROOT = Path(__file__).parents[2]


def _at_hand(name: str) -> bool:
    places = [Path(p) for p in (os.environ.get("DIGITPAD_DATA"), DATA_FOLDER) if p]
    return any((place / sub / name).is_file() for place in places for sub in ("", "mnist", "pen"))


@pytest.fixture
def mnist_at_hand() -> None:
    if not all(_at_hand(file.name) for file in MNIST):
        pytest.skip("MNIST is not at hand: set DIGITPAD_DATA to the folder that has it")


@pytest.fixture
def pen_at_hand() -> None:
    if not _at_hand(PEN.name):
        pytest.skip("the pen digits are not at hand: set DIGITPAD_DATA to the folder that has them")


@pytest.fixture
def letters_at_hand() -> None:
    digits = _at_hand(UJI.name) or _at_hand(UJI_DIGITS_NAME)
    if not (digits and _at_hand(UJI_LETTERS.name) and _at_hand(OMNIGLOT.name)):
        pytest.skip(
            "UJI's digits and letters and Omniglot are not at hand: set DIGITPAD_DATA to the folder that has them"
        )


def run_module(*arguments: str | Path, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run `python -m ...` in the checkout, as the Makefile does."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "runtime")},
        capture_output=True,
        text=True,
        timeout=timeout,
    )

"""Where the tests find the data sets."""

import os
from pathlib import Path

import pytest

from train.data import DATA_FOLDER, UJI_DIGITS_NAME
from train.download import MNIST, OMNIGLOT, PEN, UJI, UJI_LETTERS


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

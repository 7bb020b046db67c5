"""What the tests of the pad share; without pygame only those of the drawing can run."""

import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("pygame") is None:
    collect_ignore = [path.name for path in Path(__file__).parent.glob("test_*.py") if path.stem != "test_drawing"]


@pytest.fixture
def run_with(nothing_of_the_users, monkeypatch):
    """Runs the pad as the command does, but with stand-ins for the models and `use` in place of its loop."""
    from digitpad.pad.loop import run_pad
    from tests.runtime.pad.stand_in import StandIn

    def run(use, load=StandIn, **options):
        monkeypatch.setattr("digitpad.pad.asking.Recognizer", load)
        monkeypatch.setattr("digitpad.pad.loop.PadWindow.run", use)
        return run_pad(None, **options)

    return run


@pytest.fixture
def pad(make_pad):
    return make_pad()


@pytest.fixture
def three_drawn(pad):
    """A three is on the paper of `pad`."""
    from tests.runtime.pad.pad_user import THREE, drag

    drag(pad, THREE)


@pytest.fixture
def three_read(pad, three_drawn):
    """And it was read."""
    from tests.runtime.pad.pad_user import click

    click(pad, "predict")

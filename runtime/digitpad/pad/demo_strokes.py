"""The ten demo digits, drawn for this project."""

from pathlib import Path

from digitpad.stroke_files import Sample, read_samples

CANVAS = 1000.0  # the side of the paper that they were drawn on


def demo_samples() -> list[Sample]:
    """The digits 0 to 9; x and y go from 0 to CANVAS."""
    return read_samples(Path(__file__).with_suffix(".json"))

"""The buttons' icons, drawn for this project: lines that the pad's own brush draws at any size.

Points lie on a square from (0, 0) to (1, 1). A line is a smooth curve through its points; where a point is repeated,
it has a corner.
"""

from digitpad.pad.stroke import Point

LINE = 0.1  # width of the lines


def _corners(*points: Point) -> list[Point]:
    """Straight lines from point to point."""
    return [point for point in points for _ in (0, 1)]


def _mirrored(lines: list[list[Point]]) -> list[list[Point]]:
    return [[(1 - x, y) for x, y in line] for line in lines]


ICONS: dict[str, list[list[Point]]] = {
    "eraser": [
        _corners((0.40, 0.84), (0.14, 0.58), (0.58, 0.14), (0.86, 0.42), (0.44, 0.84)),
        _corners((0.36, 0.36), (0.64, 0.64)),
        _corners((0.40, 0.84), (0.88, 0.84)),
    ],
    "undo": [
        _corners((0.36, 0.14), (0.14, 0.36), (0.36, 0.58)),
        [(0.16, 0.36), (0.16, 0.36), (0.6, 0.36), (0.77, 0.43), (0.84, 0.6), (0.77, 0.77), (0.6, 0.84), (0.4, 0.84)],
    ],
    "clear": [
        _corners((0.14, 0.26), (0.86, 0.26)),
        _corners((0.38, 0.24), (0.40, 0.12), (0.60, 0.12), (0.62, 0.24)),
        _corners((0.24, 0.28), (0.30, 0.88), (0.70, 0.88), (0.76, 0.28)),
        _corners((0.43, 0.44), (0.44, 0.70)),
        _corners((0.57, 0.44), (0.56, 0.70)),
    ],
    "save": [
        _corners((0.50, 0.12), (0.50, 0.62)),
        _corners((0.29, 0.42), (0.50, 0.63), (0.71, 0.42)),
        _corners((0.13, 0.62), (0.13, 0.87), (0.87, 0.87), (0.87, 0.62)),
    ],
    "help": [
        [(0.31, 0.34), (0.36, 0.19), (0.5, 0.13), (0.64, 0.19), (0.69, 0.33), (0.62, 0.46), (0.52, 0.54), (0.5, 0.66)],
        [(0.50, 0.87)],
    ],
    "forget": [_corners((0.22, 0.22), (0.78, 0.78)), _corners((0.78, 0.22), (0.22, 0.78))],
    "previous": [_corners((0.62, 0.20), (0.34, 0.50), (0.62, 0.80))],
}
ICONS["redo"] = _mirrored(ICONS["undo"])
ICONS["next"] = _mirrored(ICONS["previous"])

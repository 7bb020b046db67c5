"""Read whole numbers: from strokes, as a pen or a touch screen delivers them, and from pictures.

python examples/read_numbers.py PICTURE...
"""

import sys

from digitpad import DigitPadError, Number, Recognizer

STROKES = [  # 42: x to the right, y down, in any unit; the strokes may come in any order
    [(30, 10), (12, 50), (55, 50)],
    [(42, 30), (42, 90)],
    [(80, 30), (90, 14), (105, 12), (116, 24), (112, 45), (78, 88), (120, 88)],
]


def show(name: str, number: Number) -> None:
    """Print a number as a whole, and where each of its digits is."""
    print(f"{name}: {number}")
    for digit in number.digits:
        left, top, right, bottom = digit.box or (0, 0, 0, 0)
        print(f"  {digit}, from ({left:.0f}, {top:.0f}) to ({right:.0f}, {bottom:.0f})")


def main(pictures: list[str]) -> None:
    """Read the strokes above, and each picture."""
    recognizer = Recognizer("cnn")  # load the model once, and keep it
    show("strokes", recognizer.read_strokes(STROKES))
    for picture in pictures:
        try:
            show(picture, recognizer.read(picture))
        except DigitPadError as error:
            print(error)  # it names the picture and says what to do


if __name__ == "__main__":
    main(sys.argv[1:])

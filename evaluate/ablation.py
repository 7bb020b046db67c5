"""`python -m evaluate.ablation`: what each rule in front of the network is worth: docs/ablation.md.

Each is switched off alone, and all together: on the simulated conditions and on real paper, with the CNN.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from tqdm import tqdm

from digitpad import Recognizer
from digitpad.files import write_whole
from digitpad.image import clutter, ink, ruled_lines, sheets
from evaluate.conditions import CONDITIONS, photograph
from evaluate.numbers import figures, read_all, with_text
from evaluate.sets import Numbers, load_cheque_digits, load_cheques
from evaluate.tables import table
from train.command import ROOT
from train.data import load_pen

SEED = 5
EACH = 24  # pictures of a condition
DIGITS, AMOUNTS = 4, 6  # of the cheques' digits cut out, and of the whole amounts, one in so many


def _none(marks: Any, *_: Any) -> Any:
    return np.zeros(marks.count, bool)


def _same(picture: Any, *_: Any) -> Any:
    return picture


# By what it is for: where it is called, its name there, what it is itself, and what takes its place.
RULES: dict[str, tuple[Any, str, Callable[..., Any], Callable[..., Any]]] = {
    "frames": (clutter, "_frames", clutter._frames, _none),
    "underlines": (clutter, "_underlines", clutter._underlines, _none),
    "walls of a form's cell": (clutter, "_walls", clutter._walls, _none),
    "rings that are no frame": (clutter, "_rings", clutter._rings, _none),
    "far from the digit": (clutter, "_apart", clutter._apart, _none),
    "along the border": (clutter, "_along_border", clutter._along_border, _none),
    "all of clutter": (ink, "without_clutter", clutter.without_clutter, _same),
    "one ruled line": (ruled_lines, "_without_one_line", ruled_lines._without_one_line, _same),
    "all ruled lines": (ink, "without_rules", ruled_lines.without_rules, _same),
    "a badge's disc": (sheets, "_written_on_disc", sheets._written_on_disc, lambda _: None),
    "sheets": (ink, "inside_sheet", sheets.inside_sheet, lambda _: None),
}


@contextmanager
def without(*names: str) -> Iterator[None]:
    """These rules switched off."""
    switched = [patch.object(RULES[name][0], RULES[name][1], RULES[name][3]) for name in names]
    for switch in switched:
        switch.start()
    try:
        yield
    finally:
        for switch in switched:
            switch.stop()


def _measure(recognizer: Recognizer, pictures: dict[str, list[Any]], labels: dict[str, Any], amounts: Numbers) -> Any:
    right, refused = {}, {}
    for name, of_name in pictures.items():
        answers = [recognizer.predict(picture) for picture in of_name]
        digits = np.array([-1 if p.status == "blank" else p.probabilities.argmax() for p in answers])
        right[name], refused[name] = np.mean(digits == labels[name]), np.mean([p.digit is None for p in answers])
    read = figures(amounts.labels, with_text(recognizer, amounts, read_all(recognizer, amounts)))
    return right, refused, read


def main() -> None:
    """Measure, and write the page."""
    recognizer = Recognizer("cnn")
    digits = load_pen().validation
    samples = [digits[n] for n in np.random.default_rng(SEED).permutation(len(digits))[:EACH]]
    pictures: dict[str, list[Any]] = {name: list(photograph(samples, name, SEED)) for name in CONDITIONS}
    labels: dict[str, Any] = dict.fromkeys(CONDITIONS, np.array([int(sample.label or 0) for sample in samples]))
    cut_out, amounts = load_cheque_digits(), load_cheques()
    if cut_out is None or amounts is None:
        sys.exit("python -m evaluate.ablation: the cheques are not at hand among the data")
    pictures["cheques"], labels["cheques"] = cut_out[0][::DIGITS], cut_out[1][::DIGITS]
    amounts = Numbers(amounts.inputs[::AMOUNTS], amounts.labels[::AMOUNTS])
    whole = ("all of clutter", "all ruled lines", "sheets")
    rows: list[list[str]] = []
    all_rules: dict[str, Any] = {}
    for title, off in tqdm([("nothing", ()), *((name, (name,)) for name in RULES), ("all of them", whole)]):
        with without(*off):
            right, refused, read = _measure(recognizer, pictures, labels, amounts)
        all_rules = all_rules or right
        worse = sorted(CONDITIONS, key=lambda name: right[name] - all_rules[name])[:3]
        rows.append(
            [
                title,
                str(sum(len(inspect.getsource(RULES[name][2]).splitlines()) for name in off)) if off else "",
                f"{100 * np.mean([right[name] for name in CONDITIONS]):.2f}",
                f"{100 * np.mean([refused[name] for name in CONDITIONS]):.2f}",
                ", ".join(
                    f"{n} {100 * (right[n] - all_rules[n]):.0f}".replace("-", "−")
                    for n in worse
                    if right[n] < all_rules[n]
                ),
                f"{100 * right['cheques']:.1f} / {100 * refused['cheques']:.1f}",
                f"{100 * read['exact']:.1f} / {100 * read['answered']:.1f}",
            ]
        )
        print(rows[-1], file=sys.stderr)
    titles = ["switched off", "lines", "conditions: right", "refused", "where it costs most, points"]
    titles += ["cheques' digits: right / refused", "amounts: exact / answered"]
    text = f"""# What each rule in front of the network is worth

Rules tell ink from lines, frames and specks before the network sees a picture. Each was switched off alone, and all
together; with the CNN, in per cent. Conditions: {EACH} pen digits of validation writers under each of the
{len(CONDITIONS)} simulated conditions. Cheques (ORAND-CAR, for research): photographs that nobody here made,
{len(labels["cheques"])} digits cut out by their boxes and {len(amounts.labels)} whole amounts. Lines are those of the
rule's own function. Written by `python -m evaluate.ablation`.

"""
    write_whole(ROOT / "docs" / "ablation.md", (text + table(titles, rows) + "\n").encode())


if __name__ == "__main__":
    main()

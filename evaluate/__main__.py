"""`python -m evaluate`: how well models read digits and numbers, how honest they are, and what they take for digits.

Without a set of your own: on MNIST, the pen and UJI digits, generated digits and pictures, numbers, and non-digits.
"""

import argparse
import json
import sys
from pathlib import Path

from digitpad import Recognizer
from digitpad.files import make_folder, write_whole
from digitpad.models import shipped_models
from evaluate.measure import measure_fully, measure_sets
from evaluate.sets import Numbers, load_set
from evaluate.tables import page
from train.command import ROOT, finish


def main(argv: list[str] | None = None) -> int:
    """Measure, print and save; returns the exit status."""
    parser = argparse.ArgumentParser("python -m evaluate", description=__doc__)
    parser.add_argument("--model", help="names or .onnx files, separated by commas (default: every shipped model)")
    parser.add_argument(
        "--set", type=Path, help="IDX images, a stroke file, or a folder with folders 0 to 9 or a labels.csv"
    )
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--out", type=Path, default=ROOT / "artifacts" / "evaluation", help="where the results go")
    options = parser.parse_args(argv)

    def work() -> None:
        recognizers = load_models(options.model)
        make_folder(options.out)
        if options.set:
            name, found = options.set.name, load_set(options.set)
            if isinstance(found, Numbers):
                from evaluate.numbers import measure_own  # matplotlib takes a second to load

                results = measure_own(recognizers, name, found, options.out)
            else:
                results = measure_sets(recognizers, {name: found}, options.out)
        else:
            results = measure_fully(recognizers, options.data, options.out)
        print(text := page(results))
        write_whole(options.out / "evaluation.json", (json.dumps(results, indent=1) + "\n").encode())
        write_whole(options.out / "evaluation.md", text.encode())
        print(f"saved in {options.out}")

    return finish("evaluate", work, "nothing was saved but pictures")


def load_models(which: str | None) -> dict[str, Recognizer]:
    """The named models, or all that are shipped, by a short name for tables.

    Raises:
        DigitPadError: one cannot be loaded.
    """
    if not which:
        return {name: Recognizer(name) for name in shipped_models()}
    parts = [which] if Path(which).exists() else [part.strip() for part in which.split(",")]
    stems = [Path(part).stem for part in parts]
    return {stem if stems.count(stem) == 1 else part: Recognizer(part) for part, stem in zip(parts, stems, strict=True)}


if __name__ == "__main__":
    sys.exit(main())

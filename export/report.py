"""`python -m export.report`: measures the exported models in full, and writes report, pages and model card.

It takes minutes, and so is not part of the export, which measures the fixed sets alone.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from digitpad import DigitPadError, Recognizer
from digitpad.files import make_folder, write_whole
from evaluate.measure import measure_fully
from evaluate.tables import page
from export.card import write_card
from export.manifest import MODELS, Manifest, read_manifest, report_folder, write_manifest
from train.command import finish


def main(argv: list[str] | None = None) -> int:
    """Measure and write; returns the exit status."""
    parser = argparse.ArgumentParser("python -m export.report", description=__doc__)
    parser.add_argument("--out", type=Path, help="folder that `make export OUT=DIR` wrote (default: onnx_models)")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    parser.add_argument("--pages", action="store_true", help="measure nothing: rewrite the pages from report.json")
    options = parser.parse_args(argv)

    def work() -> None:
        folder = options.out or MODELS
        manifest = read_manifest(folder)
        if not manifest:
            raise DigitPadError(f"{folder}: no exported models; run `make export` first")
        if not options.pages:
            report(folder, manifest, options.data)
        page_path = report_folder(folder) / "README.md"
        write_whole(page_path, page(manifest).encode())
        write_card(folder, manifest)
        print(f"{page_path} and {folder / 'README.md'} written")

    return finish("report", work, "nothing was changed")


def report(folder: Path, manifest: Manifest, data: Path | None) -> None:
    """Measure the models in a folder; nothing is written until everything is measured.

    Raises:
        DigitPadError: a model fails to run, or a file cannot be written.
    """
    recognizers = {name: Recognizer(folder / entry["file"]) for name, entry in manifest.items()}
    pages = report_folder(folder)
    with tempfile.TemporaryDirectory() as scratch:
        results = measure_fully(recognizers, data, Path(scratch))
        for name, entry in manifest.items():
            figures = entry["figures"] | results[name].pop("figures")
            accuracy = {part: of_part["accuracy"] for part, of_part in figures.items()}
            entry |= rounded(results[name]) | {"figures": figures, "accuracy": accuracy}
        make_folder(pages)
        for old in pages.glob("*.png"):
            if not (Path(scratch) / old.name).exists():
                old.unlink()
        for picture in Path(scratch).glob("*.png"):
            write_whole(pages / picture.name, picture.read_bytes())
    write_manifest(folder, manifest)


def rounded(content: Any) -> Any:
    """The same with numbers rounded to five digits: the rest is noise, and changes with every run."""
    return json.loads(json.dumps(content), parse_float=lambda text: float(f"{float(text):.5g}"))


if __name__ == "__main__":
    sys.exit(main())

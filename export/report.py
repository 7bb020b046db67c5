"""`python -m export.report`: measures the exported models in full, and writes manifest, docs/evaluation and model card.

It takes minutes, and so is not a part of the export, which measures the fixed sets alone.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from digitpad import DigitPadError, Recognizer
from digitpad.files import make_folder, write_whole
from evaluate.__main__ import evaluate_fully
from evaluate.tables import page
from export.card import write_card, write_readme_figures
from export.manifest import read_manifest, write_manifest
from train.command import ROOT, finish


def main(argv: list[str] | None = None) -> int:
    """Measure and write; returns the exit status."""
    parser = argparse.ArgumentParser("python -m export.report", description=__doc__)
    parser.add_argument("--out", type=Path, help="folder that `make export OUT=DIR` wrote (default: onnx_models)")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    options = parser.parse_args(argv)
    return finish("report", lambda: report(options.out, options.data), "nothing was changed")


def report(out: Path | None, data: Path | None) -> None:
    """Measure the models in `out` (None: onnx_models/); nothing is written before all is measured.

    Raises:
        DigitPadError: there is no model, one fails to run, or a file cannot be written.
    """
    folder = out or ROOT / "onnx_models"
    manifest = read_manifest(folder)
    if not manifest:
        raise DigitPadError(f"{folder}: no exported models; run `make export` first")
    recognizers = {name: Recognizer(folder / entry["file"]) for name, entry in manifest.items()}
    pages = out / "evaluation" if out else ROOT / "docs" / "evaluation"
    with tempfile.TemporaryDirectory() as scratch:
        results = evaluate_fully(recognizers, data, Path(scratch))
        for name, entry in manifest.items():
            entry["figures"] |= results[name]["figures"]
            entry["report"] = rounded(results[name]["report"])
        make_folder(pages)
        for old in pages.glob("*.png"):
            if not (Path(scratch) / old.name).exists():
                old.unlink()
        for picture in Path(scratch).glob("*.png"):
            write_whole(pages / picture.name, picture.read_bytes())
    write_whole(pages / "README.md", page(manifest).encode())
    write_manifest(folder, manifest)
    write_card(folder / "README.md", manifest, "evaluation/" if out else "../docs/evaluation/")
    if out is None:
        write_readme_figures(ROOT / "README.md", manifest)
    print(f"{pages / 'README.md'}, its pictures, {folder / 'manifest.json'} and {folder / 'README.md'} written")


def rounded(content: Any) -> Any:
    """The same with numbers of five digits: what comes after them is noise, and changes with every run."""
    return json.loads(json.dumps(content), parse_float=lambda text: float(f"{float(text):.5g}"))


if __name__ == "__main__":
    sys.exit(main())

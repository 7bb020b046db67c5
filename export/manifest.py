"""What is known of the exported models: manifest.json, which is short and ships with them, and report.json, the rest.

In memory they are one: an entry holds what the manifest says about a model, how it was made, and its figures
as evaluate's tables take them.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digitpad.files import make_folder, write_whole
from digitpad.models import CONTRACT
from evaluate.answers import Figures
from train.command import ROOT

Manifest = dict[str, dict[str, Any]]  # a model's entry by its name
SHIPPED = ("file", "sha256", "bytes", "parameters", "accuracy")  # little, as the runtime reads it at every load
MODELS = ROOT / "onnx_models"


def report_folder(folder: Path) -> Path:
    """Where report, page and pictures of the models in a folder go: beside them, or to docs/ for the shipped ones."""
    return ROOT / "docs" / "evaluation" if folder == MODELS else folder / "evaluation"


def read_manifest(folder: Path) -> Manifest:
    """The entries of the models in a folder; none where there is no manifest, or only a damaged one.

    Where the report is missing or damaged, or of another file, an entry has what the manifest says and no figures.
    """
    report = _read(report_folder(folder) / "report.json")
    manifest = _read(folder / "manifest.json")
    for name, entry in manifest.items():
        reported = report.get(name, {})
        entry |= {"figures": {}} | (reported if reported.get("sha256") == entry.get("sha256") else {})
    return manifest


def row_reader(folder: Path) -> dict[str, Any]:
    """What the manifest in a folder says of the row reader; nothing where there is none."""
    return _read(folder / "manifest.json", "row_reader")


def write_manifest(folder: Path, manifest: Manifest, reader: dict[str, Any] | None = None) -> None:
    """Write the entries of all models, and that of the row reader; by default the one that is there stays.

    Raises:
        DigitPadError: a file cannot be written.
    """
    shipped, rest = {}, {}
    for name, entry in sorted(manifest.items()):
        shipped[name] = {key: entry[key] for key in SHIPPED if key in entry}
        rest[name] = {key: value for key, value in entry.items() if key == "sha256" or key not in SHIPPED}
    make_folder(report_folder(folder))
    _write(report_folder(folder) / "report.json", {"models": rest})
    reader = reader or row_reader(folder)
    _write(
        folder / "manifest.json", {"contract": CONTRACT, "models": shipped} | ({"row_reader": reader} if reader else {})
    )


def enter(manifest: Manifest, name: str, content: bytes, facts: dict[str, Any], figures: dict[str, Figures]) -> None:
    """Enter a model. Earlier figures of the very same file are kept; those of another are dropped.

    `facts` are parameters, how it was made, and "largest_difference" in a probability from what it was made from;
    `figures` are those just measured, by set.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    kept = manifest.get(name, {})
    if kept.get("sha256") != sha256:
        forget_comparisons(manifest, name)
        kept = {}
    manifest[name] = {
        **kept,
        **facts,
        "largest_difference": kept.get("largest_difference", facts["largest_difference"]),
        "file": f"{name}.onnx",
        "sha256": sha256,
        "bytes": len(content),
        "accuracy": kept.get("accuracy", {}) | {key: value.accuracy for key, value in figures.items()},
        "figures": kept.get("figures", {}) | {key: asdict(value) for key, value in figures.items()},
    }


def forget_comparisons(manifest: Manifest, name: str) -> None:
    """Drop the comparisons of other models with one that has been replaced."""
    for entry in manifest.values():
        entry.get("against", {}).pop(name, None)


@contextmanager
def candidate(path: Path, content: bytes) -> Iterator[Path]:
    """A new model as a file that can be measured before it takes the old one's place; gone afterwards if it did not."""
    new = path.with_name(f".new-{path.name}")
    write_whole(new, content)
    try:
        yield new
    finally:
        new.unlink(missing_ok=True)


def _read(path: Path, part: str = "models") -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes())[part])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        print(f"export: {path} is damaged and will be rewritten", file=sys.stderr)
        return {}


def _write(path: Path, content: dict[str, Any]) -> None:
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())

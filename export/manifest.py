"""manifest.json: what is known of every exported model, and every figure that was measured of it."""

import json
import sys
from pathlib import Path
from typing import Any

from digitpad.files import write_whole

Manifest = dict[str, dict[str, Any]]  # a model's entry by its name


def read_manifest(folder: Path) -> Manifest:
    """The entries of the models in a folder; none where there is no manifest, or only a damaged one."""
    path = folder / "manifest.json"
    try:
        return dict(json.loads(path.read_bytes())["models"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        print(f"export: {path} is damaged and will be written anew", file=sys.stderr)
        return {}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the entries of all models.

    Raises:
        DigitPadError: the disk does not take it.
    """
    content = {"contract": "1", "models": dict(sorted(manifest.items()))}
    write_whole(folder / "manifest.json", (json.dumps(content, indent=1) + "\n").encode())


def forget_comparisons(manifest: Manifest, name: str) -> None:
    """Drop what was found when other models were compared with one that is no longer there."""
    for entry in manifest.values():
        entry.get("report", {}).get("against", {}).pop(name, None)

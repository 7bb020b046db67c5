"""`python -m export`: turns train/weights/ into the shipped models, checks them, and writes down their figures."""

import argparse
import hashlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from digitpad import DigitPadError, Recognizer
from digitpad.files import make_folder, write_whole
from digitpad.stroke_files import read_samples
from evaluate.__main__ import known_sets
from evaluate.answers import measure
from export.card import write_card, write_readme_figures
from export.contract import ExportError, check, fulfil_contract
from export.manifest import forget_comparisons, read_manifest, write_manifest
from export.quantise import export_int8
from train.command import ROOT, finish
from train.data import Digits
from train.networks import NETWORKS
from train.synthetic.generate import generate_digits

DEMO_STROKES = ROOT / "runtime" / "digitpad" / "pad" / "demo_strokes.json"


def main(argv: list[str] | None = None) -> int:
    """Export what is asked for; returns the exit status."""
    parser = argparse.ArgumentParser("python -m export", description=__doc__)
    parser.add_argument("--only", choices=NETWORKS, help="export one network (default: all)")
    parser.add_argument("--weights", type=Path, help="folder of the weights (default: train/weights)")
    parser.add_argument("--out", type=Path, help="write into this folder; weights are read from its weights/, if any")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    options = parser.parse_args(argv)
    weights = options.weights or ROOT / "train" / "weights"
    if not options.weights and options.out and (options.out / "weights").is_dir():
        weights = options.out / "weights"

    def work() -> int:
        if options.only:
            export(options.only, weights, options.out, options.data)
            return 0
        # A process for each: PyTorch's exporter dies in one that has TensorFlow loaded.
        command = [sys.executable, "-m", "export", *(sys.argv[1:] if argv is None else argv), "--only"]
        return max(abs(subprocess.run([*command, name]).returncode) for name in NETWORKS)

    return finish("export", work, "the models in place are whole")


def export(name: str, weights: Path, out: Path | None, data: Path | None) -> None:
    """Export a network into `out` (None: onnx_models/); nothing replaces a file before every check is passed.

    Raises:
        DigitPadError: weights are missing, a check fails, or a file cannot be written.
    """
    folder = out or ROOT / "onnx_models"
    make_folder(folder)
    facts = read_facts(name, weights)
    sets = known_sets(data)
    digits = sets.get("mnist_validation") or generate_digits(2_000, seed=4)
    manifest = read_manifest(folder)
    old = manifest.get(name)
    content, manifest[name] = _export_one(name, weights, facts, digits, old)
    if not old or old["sha256"] != manifest[name]["sha256"]:
        forget_comparisons(manifest, name)

    path = folder / f"{name}.onnx"
    new = path.with_name(f".new-{path.name}")  # measured as a file before it takes the old one's place
    write_whole(new, content)
    try:
        _measure_side_by_side(name, new, path, sets, manifest[name])
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    write_manifest(folder, manifest)
    export_int8(folder, name, manifest, sets, data)
    write_manifest(folder, manifest)

    # Not the int8 forms: their sums are rounded otherwise from one kind of processor to the next.
    exact = {other: entry["file"] for other, entry in sorted(manifest.items()) if not other.endswith("-int8")}
    recognizers = {other: Recognizer(folder / file) for other, file in exact.items()}
    write_whole(folder / "reference.json", _json(reference_vectors(recognizers)))
    write_card(folder / "README.md", manifest, "evaluation/" if out else "../docs/evaluation/")
    if out is None:
        write_readme_figures(ROOT / "README.md", manifest)
    print(f"{name}: {path.name}, manifest.json, reference.json and README.md written in {folder}")


def reference_vectors(recognizers: dict[str, Recognizer]) -> dict[str, Any]:
    """What a port of the runtime to another language must reproduce: strokes, the 28x28 bytes, the answers."""
    samples = []
    for sample in read_samples(DEMO_STROKES):
        answers = {name: recognizer.predict_strokes(sample.strokes) for name, recognizer in recognizers.items()}
        samples.append(
            {
                "label": sample.label,
                "strokes": [stroke.tolist() for stroke in sample.strokes],
                "image": next(iter(answers.values())).image.tolist(),
                "probabilities": {name: [float(p) for p in a.probabilities] for name, a in answers.items()},
                "ood_score": {name: a.ood_score for name, a in answers.items()},
            }
        )
    description = (
        "Reference vectors: strokes (x right, y down) become 28x28 bytes (0 = paper, 255 = ink; equal within 1), and"
        " these become probabilities (equal within 1e-4) and ood_score (within 1e-2), per model."
    )
    return {"description": description, "samples": samples}


def read_facts(name: str, weights: Path) -> dict[str, Any]:
    """What training wrote down of the weights of a network.

    Raises:
        ExportError: weights or facts are missing, or do not belong together.
    """
    path, facts_path = weights / NETWORKS[name].weights, weights / f"{name}.json"
    if not path.exists() or not facts_path.exists():
        raise ExportError(f"{path}: no weights, or no {facts_path.name} beside them; run `make train` first")
    facts: dict[str, Any] = json.loads(facts_path.read_bytes())
    if hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
        raise ExportError(f"{path}: {facts_path.name} belongs to other weights; run `make train` to its end")
    return facts


def _export_one(
    name: str, weights: Path, facts: dict[str, Any], digits: Digits, old: dict[str, Any] | None
) -> tuple[bytes, dict[str, Any]]:
    """The checked model file and its manifest entry, as yet without measured figures."""
    path = weights / NETWORKS[name].weights
    network, exporter = NETWORKS[name].trainer(), NETWORKS[name].exporter()
    temperature = float(facts["temperature"])
    metadata = {
        "contract": "1",
        "name": name,
        "framework": facts["framework"],
        "trained_on": facts["trained_on"],
        "temperature": f"{temperature:.6g}",
        "ood_threshold": f"{facts['ood_threshold']:.6g}",
        "unsure_threshold": f"{facts['unsure_threshold']:.6g}",
    }
    data = fulfil_contract(
        exporter.to_onnx(path, temperature), {f"digitpad.{key}": value for key, value in metadata.items()}
    )
    difference = check(data, network.logits(network.load(path), digits), digits.images, temperature)
    print(f"{name}: largest difference in a probability on {len(digits):,} images, ONNX - framework: {difference:.1e}")
    sha256 = hashlib.sha256(data).hexdigest()
    entry: dict[str, Any] = {
        "file": f"{name}.onnx",
        "sha256": sha256,
        "bytes": len(data),
        "parameters": exporter.count_parameters(path),
        **{
            key: metadata[key]
            for key in ("framework", "trained_on", "temperature", "ood_threshold", "unsure_threshold")
        },
        "recipe": facts["recipe"],
        "epochs": facts["epochs"],
        "largest_difference": difference,
        "seeds": facts.get("seeds", []),
        "accuracy": {},
        "figures": {},
        "report": {},
    }
    if old and old["sha256"] == sha256:  # the very same model: what was measured of it stays true
        entry |= {key: old[key] for key in ("accuracy", "figures", "largest_difference", "report") if key in old}
    return data, entry


def _measure_side_by_side(name: str, new: Path, old: Path, sets: dict[str, Digits], entry: dict[str, Any]) -> None:
    """Measure the new model for its manifest entry, and print its validation accuracy beside the old one's."""
    now = {key: measure(Recognizer(new), digits) for key, digits in sets.items()}
    entry["accuracy"] |= {key: figures.accuracy for key, figures in now.items()}
    entry["figures"] |= {key: asdict(figures) for key, figures in now.items()}
    try:
        before = Recognizer(old) if old.exists() else None
    except DigitPadError as error:
        print(f"{name}: the model in place cannot be compared: {error}", file=sys.stderr)
        before = None
    for key in [key for key in sets if key.endswith("validation")]:
        was = f"{measure(before, sets[key]).accuracy:.2%}" if before else "none"
        print(f"{name}: accuracy on {key}: old model {was}, new model {now[key].accuracy:.2%}")


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


if __name__ == "__main__":
    sys.exit(main())

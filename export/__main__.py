"""`python -m export`: turns train/weights/ into the shipped models, checks them, and writes down their figures."""

import argparse
import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from digitpad import DigitPadError, Recognizer
from digitpad.files import make_folder, write_whole
from evaluate.answers import Figures, read_set
from evaluate.measure import measure
from evaluate.sets import known_sets
from export.card import write_card
from export.contract import ExportError, check, fulfil_contract, metadata_of, model_file, stated
from export.manifest import MODELS, candidate, enter, read_manifest, write_manifest
from export.quantise import export_int8
from export.reference import exact_models, write_reference
from train.calibration import Calibration, fit_unsure_threshold
from train.command import ROOT, finish
from train.data import Digits
from train.networks import NETWORKS
from train.synthetic.generate import generate_digits

VALIDATION = ("mnist_validation", "pen_validation", "uji_validation")


def main(argv: list[str] | None = None) -> int:
    """Export what is asked for; returns the exit status."""
    parser = argparse.ArgumentParser("python -m export", description=__doc__)
    parser.add_argument(
        "--only", choices=[*NETWORKS, "rows"], help="export one network (default: all; with --out, all but rows)"
    )
    parser.add_argument("--out", type=Path, help="write into this folder; weights are read from its weights/, if any")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets")
    options = parser.parse_args(argv)
    own = options.out and (options.out / "weights").is_dir()
    weights = (options.out if own else ROOT / "train") / "weights"

    def work() -> int:
        if options.only == "rows":
            from export.rows import export_rows

            export_rows(weights, options.out or MODELS)
            return 0
        if options.only:
            export(options.only, weights, options.out or MODELS, options.data)
            return 0
        # One process each: PyTorch's exporter dies in one that has TensorFlow loaded.
        command = [sys.executable, "-m", "export", *(sys.argv[1:] if argv is None else argv), "--only"]
        rows = [] if options.out else ["rows"]  # one's own models are used with the shipped row reader
        return max(abs(subprocess.run([*command, name]).returncode) for name in [*rows, *NETWORKS])

    return finish("export", work, "the models in place are whole")


def export(name: str, weights: Path, folder: Path, data: Path | None) -> None:
    """Export a network into a folder; no file is replaced before every check has passed.

    Raises:
        DigitPadError: weights are missing, a check fails, or a file cannot be written.
    """
    make_folder(folder)
    trained = read_facts(name, weights)
    sets = known_sets(data)
    path = folder / f"{name}.onnx"
    content, facts = _export_one(name, weights, trained, sets, path)
    manifest = read_manifest(folder)
    with candidate(path, content) as new:
        enter(manifest, name, content, facts, _measure_side_by_side(name, new, path, sets))
        new.replace(path)
    if weights.parent == folder or folder == MODELS:  # where a data set is missing, the file is then still the same
        write_whole(weights / f"{name}.json", (json.dumps(trained, indent=2) + "\n").encode())
    write_manifest(folder, manifest)
    export_int8(folder, name, manifest, facts, sets, data)
    write_manifest(folder, manifest)

    write_reference(folder, exact_models(folder))
    write_card(folder, manifest)
    print(f"{name}: {path.name}, manifest.json, reference.json and README.md written in {folder}")


def read_facts(name: str, weights: Path) -> dict[str, Any]:
    """What training recorded about a network's weights.

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
    name: str, weights: Path, trained: dict[str, Any], sets: dict[str, Digits], to: Path
) -> tuple[bytes, dict[str, Any]]:
    """The checked model file, and what is known about it."""
    path = weights / NETWORKS[name].weights
    network, exporter = NETWORKS[name].trainer(), NETWORKS[name].exporter()
    fitted = Calibration(**{field.name: trained[field.name] for field in dataclasses.fields(Calibration)})
    made = stated(fitted, trained)
    content = fulfil_contract(exporter.to_onnx(path, fitted.temperature), fitted, metadata_of(name, made))
    if set(VALIDATION) <= sets.keys():
        with candidate(to, content) as new:
            trained["unsure_threshold"] = _unsure_threshold(Recognizer(new), [sets[key] for key in VALIDATION])
        made = stated(dataclasses.replace(fitted, unsure_threshold=trained["unsure_threshold"]), trained)
        content = model_file(onnx.load_from_string(content), metadata_of(name, made))
    digits = sets.get("mnist_validation") or generate_digits(2_000, seed=4)
    difference = check(content, network.logits(network.load(path), digits.images), digits.images, fitted)
    print(f"{name}: largest difference in a probability on {len(digits):,} images, ONNX - framework: {difference:.1e}")
    return content, {
        "parameters": exporter.count_parameters(path),
        **made,
        "recipe": trained["recipe"],
        "epochs": trained["epochs"],
        "seeds": trained.get("seeds", []),
        "largest_difference": difference,
    }


def _unsure_threshold(recognizer: Recognizer, validation: list[Digits]) -> float:
    """Fitted on what is answered, to which the row reader adds its say: training knows the network alone."""
    recognizer.unsure_threshold = 0.0
    confidence, right = [], []
    for digits in validation:
        answers = read_set(recognizer, digits)
        answered = answers.status == "digit"
        confidence.append(answers.confidence[answered].astype(np.float64))
        right.append((answers.digit == digits.labels)[answered])
    return fit_unsure_threshold(confidence, right)


def _measure_side_by_side(name: str, new: Path, old: Path, sets: dict[str, Digits]) -> dict[str, Figures]:
    """Measure the new model, by set, and print its validation accuracy beside the old one's."""
    recognizer = Recognizer(new)
    now = {key: measure(recognizer, digits) for key, digits in sets.items()}
    try:
        before = Recognizer(old) if old.exists() else None
    except DigitPadError as error:
        print(f"{name}: the model in place cannot be compared: {error}", file=sys.stderr)
        before = None
    for key in [key for key in sets if key.endswith("validation")]:
        was = f"{measure(before, sets[key]).accuracy:.2%}" if before else "none"
        print(f"{name}: accuracy on {key}: old model {was}, new model {now[key].accuracy:.2%}")
    return now


if __name__ == "__main__":
    sys.exit(main())

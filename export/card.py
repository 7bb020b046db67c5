"""The model card and the README's figures, written from the manifest: no number is typed by hand."""

from pathlib import Path
from typing import Any

from digitpad.errors import DigitPadError
from digitpad.files import write_whole

START, END = "<!-- figures: start (written by make export) -->", "<!-- figures: end -->"
SETS = {
    "mnist_test": "MNIST test",
    "mnist_validation": "MNIST validation (last 5,000 training images)",
    "pen_validation": "pen digits, six writers not trained on, `predict_strokes`",
}

CARD = """# The digitpad models

{figures}

Written by `make export` from `manifest.json`; `digitpad models --verify` checks the files against their checksums.

## What they are

{models}

## The contract

Any ONNX runtime, in any language, can serve these files (opset 18, IR version 8, one self-contained file each).

| | name | type | shape | meaning |
|---|---|---|---|---|
| input | `image` | uint8 | [batch, 28, 28] | 0 = paper, 255 = ink; nothing else is done outside the graph |
| output | `probabilities` | float32 | [batch, 10] | calibrated, rows sum to 1 |
| output | `ood_score` | float32 | [batch] | higher = less like a handwritten digit |

The image must be in MNIST's form: ink fitted into 20x20 pixels, its aspect ratio kept, anti-aliased, the centre of
mass in the middle of 28x28. `reference.json` holds strokes, the bytes they must become, and the answers, for those who
port `runtime/digitpad/ink.py`.

Metadata: `digitpad.contract` (1), `digitpad.name`, `digitpad.framework`, `digitpad.trained_on`, `digitpad.temperature`
(folded into the last layer), `digitpad.ood_threshold` (an `ood_score` above it: not a digit),
`digitpad.unsure_threshold` (a largest probability below it: unsure).

## How they were made

Both networks learn from augmented images (rotation, scale, shear, shift, elastic distortion); the weights are an
exponential moving average. One temperature per model is fitted on the validation parts (Guo et al., ICML 2017);
`ood_score` is the energy of the scores (Liu et al., NeurIPS 2020). The thresholds keep 99 % of the digits of each
validation part, and ask for 99.8 % right answers. Every choice was made on validation digits; the MNIST test set is
read only for the table above.

## What they do not do

They know single digits, 0 to 9. They do not segment: several digits in one picture are not read one by one. The
energy score turns away much that is no digit, crosses, dashes and most scribbles, but far from all of it: a heart, a
square or a triangle can be read as 0, an H or a W as 4, with high confidence.

## Data

MNIST (LeCun, Cortes, Burges). Pen digits: E. Alpaydin, F. Alimoglu, *Pen-Based Recognition of Handwritten Digits*,
UCI Machine Learning Repository, https://doi.org/10.24432/C5MG6K, CC BY 4.0; rendered by this project's ink function.
"""


def write_card(path: Path, manifest: dict[str, Any]) -> None:
    """Write the model card."""
    models = "\n".join(
        f"- `{entry['file']}`: {entry['parameters']:,} parameters, {entry['bytes']:,} bytes, trained with"
        f" {entry['framework']} by the recipe `{entry['recipe']}` ({entry['epochs']} epochs) on {entry['trained_on']}."
        f" Largest difference in a probability between the file and the framework: {entry['largest_difference']:.1e}."
        for entry in manifest.values()
    )
    write_whole(path, CARD.format(figures=figures_table(manifest), models=models).encode())


def write_readme_figures(path: Path, manifest: dict[str, Any]) -> None:
    """Replace what stands between the two marks in the README.

    Raises:
        DigitPadError: the marks are not there.
    """
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise DigitPadError(f"{path}: lacks the marks {START} and {END}, between which the figures go")
    write_whole(path, f"{before}{START}\n{figures_table(manifest)}\n{END}{after}".encode())


def figures_table(manifest: dict[str, Any]) -> str:
    """A Markdown table of what was measured, through onnxruntime."""
    lines = [
        "| model | digits | accuracy | errors | 95 % interval | ECE | answered as a digit | right among those |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in manifest.items():
        for key, figures in entry["figures"].items():
            low, high = figures["interval"]
            lines.append(
                f"| {name} | {SETS[key]} | **{figures['accuracy']:.2%}** | {figures['errors']} of {figures['count']:,}"
                f" | {low:.2%} to {high:.2%} | {figures['ece']:.2%} | {figures['answered']:.1%} |"
                f" {figures['answered_accuracy']:.2%} |"
            )
    if len(lines) == 2:
        lines.append("| not measured: no data at hand | | | | | | | |")
    return "\n".join(lines)

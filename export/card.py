"""The model card and the README's figures, written from the manifest: no number is typed by hand."""

from pathlib import Path
from statistics import mean, stdev

from digitpad.errors import DigitPadError
from digitpad.files import write_whole
from evaluate import tables
from evaluate.tables import join, percent, reports, short_title
from export.manifest import Manifest
from train.calibration import ANSWERED, KEPT, RIGHT

START, END = "<!-- figures: start (written by make export) -->", "<!-- figures: end -->"
HEADLINES = {"mnist_test": "accuracy, MNIST test", "pen_validation": "accuracy, pen digits"}  # of the README
GOOD = 0.98  # read well: every network is right this often
SELDOM = 0.02  # told from digits: every network takes at most this share for one

CARD = """# The digitpad models

{figures}

{sets}

Written by `make export` and `make report` from `manifest.json`; `digitpad models --verify` checks the files against
their checksums.

## What they are

{models}

{report}

## The contract

Any ONNX runtime, in any language, can serve these files (opset 18, IR version 8, one self-contained file each).

| | name | type | shape | meaning |
|---|---|---|---|---|
| input | `image` | uint8 | [batch, 28, 28] | 0 = paper, 255 = ink; nothing else is done outside the graph |
| output | `probabilities` | float32 | [batch, 10] | calibrated, rows sum to 1 |
| output | `ood_score` | float32 | [batch] | higher = less like a handwritten digit |

The image must be in MNIST's form: ink fitted into 20x20 pixels, its aspect ratio kept, anti-aliased, the centre of
mass in the middle of 28x28. `reference.json` holds strokes, the bytes they must become, and the answers, for those who
port `runtime/digitpad/mnist_form.py`.

Metadata: `digitpad.contract` (1), `digitpad.name`, `digitpad.framework`, `digitpad.trained_on`, `digitpad.temperature`
(folded into the last layer), `digitpad.ood_threshold` (an `ood_score` above it: not a digit),
`digitpad.unsure_threshold` (a largest probability below it: unsure).

## How they were made

Both networks learn from distorted images (turned, stretched, sheared, bent, with thicker and thinner strokes; then
brought back to their size and place and scanned anew), from pen strokes written anew, from generated digits, and
from generated pictures that are no digit; the weights are an exponential moving average. Drawn digits matter more than
MNIST's to whoever uses the pad, so hardly more than half of what an epoch shows is MNIST's: what each part of the
mixture gains and costs, what is no digit among them, is in docs/training.md. One temperature per model
is fitted on the validation parts (Guo et al., ICML 2017). `ood_score` is the log of how much likelier "not a digit"
is than all digits together, by a class of its own (outlier exposure: Hendrycks, Mazeika, Dietterich, ICLR 2019).
The thresholds keep {kept} of the digits of each validation part, and ask for {right} right answers; for a little less
where it is not 95 % certain that else {answered} of all digits would get one. Every choice was made on validation
digits and the MNIST test set read only to report, but for that exception: it was made after the MLP had left too many
test digits unsure.

## What they do not do

They know single digits, 0 to 9. They do not segment: several digits in one picture are not read one by one. Letters
that look like a digit, such as O, l, S or Z, are read as that digit.

## Data

MNIST (LeCun, Cortes, Burges). Pen digits: E. Alpaydin, F. Alimoglu, *Pen-Based Recognition of Handwritten Digits*,
UCI Machine Learning Repository, https://doi.org/10.24432/C5MG6K, CC BY 4.0; rendered by this project's ink function.
"""


def _original(name: str) -> str:
    return f"`{name.removesuffix('-int8')}.onnx`" if name.endswith("-int8") else "the framework"


def write_card(path: Path, manifest: Manifest, pictures: str) -> None:
    """Write the model card; `pictures` is the folder of the page of `make report`, as seen from the card."""
    models = "\n".join(
        f"- `{entry['file']}`: {entry['parameters']:,} parameters, {entry['bytes']:,} bytes, trained with"
        f" {entry['framework']} by the recipe `{entry['recipe']}` ({entry['epochs']} epochs) on {entry['trained_on']}."
        " Largest difference in a probability between the file and"
        f" {_original(name)}: {entry['largest_difference']:.1e}."
        for name, entry in manifest.items()
    )
    text = CARD.format(
        figures=figures_table(manifest),
        sets=tables.about_sets(manifest),
        models=models,
        report=join(seeds_table(manifest), report_text(manifest, pictures)),
        kept=f"{100 * KEPT:g} %",
        right=f"{100 * RIGHT:g} %",
        answered=f"{100 * ANSWERED:g} %",
    )
    write_whole(path, text.encode())


def seeds_table(manifest: Manifest) -> str:
    """Accuracy over all seeds that the recipe trained each network with: mean and standard deviation."""
    runs = {name: entry.get("seeds", []) for name, entry in manifest.items()}
    parts = list(dict.fromkeys(part for seeds in runs.values() for run in seeds for part in run if part != "seed"))
    rows = [
        [name, str(len(seeds)), *(_spread([run[part] for run in seeds if part in run]) for part in parts)]
        for name, seeds in runs.items()
        if len(seeds) > 1 and not name.endswith("-int8")  # those are made from the same network
    ]
    note = """The whole recipe with several seeds, as many as the time allowed: mean accuracy ± standard deviation. The
file is the seed that read the validation parts best; the test part had no say."""
    titles = ["network", "seeds", *(SEED_PARTS.get(part, part) for part in parts)]
    return join(note, tables.table(titles, rows)) if rows else ""


SEED_PARTS = {"mnist": "MNIST validation", "pen": "pen digits", "test": "MNIST test"}


def _spread(accuracies: list[float]) -> str:
    return f"{mean(accuracies):.2%} ± {stdev(accuracies):.2%}" if len(accuracies) > 1 else "-"


def report_text(manifest: Manifest, pictures: str) -> str:
    """What `make report` found, in short, with its pictures; or that it has yet to be run."""
    if not all(entry.get("report") for entry in manifest.values()):
        return "What the models read well and what they do not is not measured yet: run `make report`."
    sets = [key for key in ("mnist_test", "pen_validation") if all(key in e["figures"] for e in manifest.values())]
    calibration = [tables.picture("calibration", key, folder=pictures) for key in sets]
    errors = [
        join(f"{name}, {short_title(key)}:", tables.picture("errors", name, key, folder=pictures))
        for key in sets
        for name, entry in manifest.items()
        if entry["figures"][key]["errors"]
    ]
    sections = {
        "What they read well, and what they do not": join(
            _well_and_not(manifest, "conditions", "Pictures of digits, by how they were made."),
            tables.picture("conditions", folder=pictures),
            _well_and_not(manifest, "variants", "Ways of writing, by our own generator."),
            tables.picture("variants", folder=pictures),
        ),
        "What is no digit": join(_taken_or_not(manifest), tables.picture("outliers", folder=pictures)),
        "How honest they are": join(
            tables.confidence_table(manifest),
            tables.CONFIDENCE,
            *calibration,
            tables.held_out_writers(manifest, only=["all"]),
        ),
        "What they still get wrong": join(tables.ERRORS, *errors),
    }
    more = f"All figures, kind by kind and writer by writer: [evaluation]({pictures}README.md)."
    return join(*(join(f"## {title}", text) for title, text in sections.items()), more)


def _well_and_not(manifest: Manifest, key: str, title: str) -> str:
    by_model = reports(manifest, key)
    accuracy = {case: [of[case]["accuracy"] for of in by_model.values()] for case in next(iter(by_model.values()))}
    badly = sorted((case for case in accuracy if min(accuracy[case]) < GOOD), key=lambda case: min(accuracy[case]))
    well = [case for case in accuracy if case not in badly]
    models = ", ".join(by_model)
    return join(
        title,
        f"- Read well (at least {GOOD:.0%} are right with each of {models}): {'; '.join(well) or 'none'}.\n"
        f"- Not so well ({models}): {_with_shares(accuracy, badly)}.",
        tables.sheet_text(manifest, key),
    )


def _taken_or_not(manifest: Manifest) -> str:
    by_model = reports(manifest, "outliers")
    taken = {kind: [of[kind]["digit"] for of in by_model.values()] for kind in next(iter(by_model.values()))}
    often = sorted((kind for kind in taken if max(taken[kind]) > SELDOM), key=lambda kind: -max(taken[kind]))
    seldom = [kind for kind in taken if kind not in often and kind != "all"]
    models = ", ".join(by_model)
    return join(
        f"- Seldom taken for a digit (status `digit` for at most {SELDOM:.0%} with each of {models}):"
        f" {'; '.join(seldom) or 'none'}.\n"
        f"- More often ({models}): {_with_shares(taken, [kind for kind in often if kind != 'all'])}.",
        tables.outlier_text(manifest),
        tables.outlier_table(manifest, only=["all"]),
    )


def _with_shares(shares: dict[str, list[float]], names: list[str]) -> str:
    return "; ".join(f"{name} ({', '.join(percent(s, 1) for s in shares[name])})" for name in names) or "none"


def write_readme_figures(path: Path, manifest: Manifest) -> None:
    """Replace what stands between the two marks in the README.

    Raises:
        DigitPadError: the marks are not there.
    """
    text = path.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise DigitPadError(f"{path}: lacks the marks {START} and {END}, between which the figures go")
    write_whole(path, f"{before}{START}\n{headline_table(manifest)}\n{END}{after}".encode())


def headline_table(manifest: Manifest) -> str:
    """What a newcomer wants to know of each model: how well it reads digits, and how large it is."""
    rows = [
        [
            name,
            *(f"**{e['accuracy'][key]:.2%}**" if key in e["accuracy"] else "not measured" for key in HEADLINES),
            f"{e['parameters']:,}",
            f"{e['bytes'] / 1e6:.1f} MB",
        ]
        for name, e in manifest.items()
    ]
    return tables.table(["model", *HEADLINES.values(), "parameters", "file"], rows)


def figures_table(manifest: Manifest) -> str:
    """What was measured of every model on every set, through onnxruntime, as a Markdown table."""
    titles = [
        "model",
        "digits",
        "accuracy",
        "errors",
        "95 % interval",
        "ECE",
        "answered as a digit",
        "right among those",
    ]
    rows = [
        [
            name, short_title(key), f"**{figures['accuracy']:.2%}**", f"{figures['errors']} of {figures['count']:,}",
            "{:.2%} to {:.2%}".format(*figures["interval"]), percent(figures["ece"]), percent(figures["answered"], 1),
            percent(figures["answered_accuracy"]),
        ]
        for name, entry in manifest.items()
        for key, figures in entry["figures"].items()
    ]  # fmt: skip
    return tables.table(titles, rows or [["not measured: no data at hand", *[""] * (len(titles) - 1)]])

"""The model card and the README's figures, written from what is known about the models: no number is typed by hand."""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from digitpad.errors import DigitPadError
from digitpad.files import write_whole
from digitpad.models import CONTRACT
from evaluate import tables
from evaluate.tables import join, measured
from export.contract import IR_VERSION, OPSET
from export.manifest import MODELS, Manifest, report_folder, row_reader
from train.calibration import RIGHT
from train.command import ROOT

CARD = Path(__file__).with_name("card.md")  # with gaps, which are filled in here
START, END = "<!-- figures: start (written by make export) -->", "<!-- figures: end -->"
README: tables.Columns = {
    "MNIST's test digits: right": "**{figures[mnist_test][accuracy]:.2%}**",
    "digits cut from people's pen numbers: right / refused": (
        "**{people_digits[pen_numbers][accuracy]:.1%}** / {people_digits[pen_numbers][rejected]:.1%}"
    ),
    "digits cut out of photographed cheques: right / refused": (
        "**{people_digits[cheque_digits][accuracy]:.1%}** / {people_digits[cheque_digits][rejected]:.1%}"
    ),
    "whole pen numbers: every digit right": "**{numbers[real][pen numbers][exact]:.1%}**",
    "whole amounts on cheques: every digit right": "**{numbers[real][amounts on cheques][exact]:.1%}**",
    "letters by people, taken for a digit: Latin / Greek": (
        "{people_letters[uji_letters][digit]:.1%} / {people_letters[greek][digit]:.1%}"
    ),
    "parameters": "{parameters:,}",
    "file / as int8": "{megabytes:.1f} / {int8:.1f} MB",
}
FIGURES = {
    "accuracy": "**{accuracy:.2%}**",
    "errors": "{errors} of {count:,}",
    "95 % interval": "{interval[0]:.2%} to {interval[1]:.2%}",
    "ECE": "{ece:.2%}",
    "answered as a digit": "{answered:.1%}",
    "right among those": "{answered_accuracy:.2%}",
}
GOOD = 0.98  # read well: every model is right at least this often
SELDOM = 0.02  # told from digits: every model takes at most this share for one


def write_card(folder: Path, manifest: Manifest) -> None:
    """Write the model card of a folder, and for the shipped models the README's figures.

    Raises:
        DigitPadError: the README lacks the marks for the figures, or a file cannot be written.
    """
    pictures = os.path.relpath(report_folder(folder), folder) + "/"
    write_whole(folder / "README.md", card(manifest, pictures).encode())
    if folder == MODELS:
        write_readme_figures(ROOT / "README.md", manifest)


def card(manifest: Manifest, pictures: str) -> str:
    """The model card; `pictures` is the folder of the page of `make report`, as seen from the card."""
    models = "\n".join(
        f"- `{entry['file']}`: {entry['parameters']:,} parameters, {entry['bytes']:,} bytes{_how_made(name, entry)}."
        for name, entry in manifest.items()
    )
    return CARD.read_text(encoding="utf-8").format(
        figures=join(figures_table(manifest), tables.about_sets(manifest)),
        models=models,
        report=join(seeds_table(manifest), report_text(manifest, pictures)),
        rows=row_reader(MODELS),
        contract=CONTRACT,
        opset=OPSET,
        ir_version=IR_VERSION,
        right=f"{100 * RIGHT:g} %",
    )


def _how_made(name: str, entry: dict[str, Any]) -> str:
    if "framework" not in entry:
        return ""
    original = f"`{name.removesuffix('-int8')}.onnx`" if name.endswith("-int8") else "the framework"
    return (
        f", trained with {entry['framework']} by the recipe `{entry['recipe']}` ({entry['epochs']} epochs) on"
        f" {entry['trained_on']}. Largest difference in a probability from {original}:"
        f" {entry['largest_difference']:.1e}"
    )


def figures_table(manifest: Manifest) -> str:
    """Every model's figures on every set, measured through onnxruntime, as a Markdown table."""
    if not any(entry["figures"] for entry in manifest.values()):
        return "Not measured: no data at hand."
    return tables.by_set(manifest, FIGURES)


def seeds_table(manifest: Manifest) -> str:
    """Accuracy over all seeds that the recipe trained each network with: mean and standard deviation."""
    runs = {name: entry.get("seeds", []) for name, entry in manifest.items()}
    parts = list(dict.fromkeys(part for seeds in runs.values() for run in seeds for part in run if part != "seed"))
    rows = [
        [name, str(len(seeds)), *(_spread([run[part] for run in seeds if part in run]) for part in parts)]
        for name, seeds in runs.items()
        if len(seeds) > 1 and not name.endswith("-int8")  # those are made from the same network
    ]
    note = """The whole recipe with several seeds: mean accuracy ± standard deviation. The file comes from the seed that
read the validation parts best; the test part had no say. By the networks alone, without the row reader."""
    titles = ["network", "seeds", *(SEED_PARTS.get(part, part) for part in parts)]
    return join(note, tables.table(titles, rows)) if rows else ""


SEED_PARTS = {"mnist": "MNIST validation", "pen": "pen digits", "uji": "UJI digits", "test": "MNIST test"}


def _spread(accuracies: list[float]) -> str:
    return f"{mean(accuracies):.2%} ± {stdev(accuracies):.2%}" if len(accuracies) > 1 else "-"


def report_text(manifest: Manifest, pictures: str) -> str:
    """What `make report` found, in short, with its pictures; or that it has yet to be run."""
    if not all(entry.get("conditions") for name, entry in manifest.items() if not name.endswith("-int8")):
        return "What the models read well and what they do not has not been measured yet: run `make report`."
    sections = {
        "People's own digits and letters": tables.people(manifest),
        "What they read well, and what they do not": join(
            "Pictures of digits, by how they were made.",
            _well_and_not(manifest, "conditions"),
            tables.picture("conditions", folder=pictures),
            "Ways of writing, by our own generator.",
            _well_and_not(manifest, "variants"),
            tables.picture("variants", folder=pictures),
        ),
        "Non-digits that we generated": join(_taken_or_not(manifest), tables.picture("outliers", folder=pictures)),
    }
    more = f"""All figures, kind by kind and writer by writer, how honest the confidence is, and what was read wrong:
[evaluation]({pictures}README.md)."""
    return join(*(join(f"## {title}", text) for title, text in sections.items() if text), more)


def _well_and_not(manifest: Manifest, key: str) -> str:
    models, accuracy = _by_case(manifest, key, "accuracy")
    well = [case for case, shares in accuracy.items() if min(shares) >= GOOD]
    badly = {case: shares for case, shares in accuracy.items() if case not in well}
    return join(
        f"- Read well (at least {GOOD:.0%} right with each of {models}): {'; '.join(well) or 'none'}.\n"
        f"- Less well ({models}): {_with_shares(badly, min)}.",
        tables.sheet_text(manifest, key),
    )


def _taken_or_not(manifest: Manifest) -> str:
    models, taken = _by_case(manifest, "outliers", "digit")
    del taken["all"]
    seldom = [kind for kind, shares in taken.items() if max(shares) <= SELDOM]
    often = {kind: shares for kind, shares in taken.items() if kind not in seldom}
    return join(
        f"- Seldom taken for a digit (status `digit` for at most {SELDOM:.0%} with each of {models}):"
        f" {'; '.join(seldom) or 'none'}.\n"
        f"- More often ({models}): {_with_shares(often, lambda shares: -max(shares))}.",
        tables.outliers(manifest, only="all"),
    )


def _by_case(manifest: Manifest, key: str, figure: str) -> tuple[str, dict[str, list[float]]]:
    """The models for which a part of the report was measured, and one figure of each by case."""
    by_model = measured(manifest, key)
    cases = next(iter(by_model.values()))
    return ", ".join(by_model), {case: [of[case][figure] for of in by_model.values()] for case in cases}


def _with_shares(cases: dict[str, list[float]], order: Callable[[list[float]], float]) -> str:
    named = [
        f"{case} ({', '.join(f'{share:.1%}' for share in cases[case])})"
        for case in sorted(cases, key=lambda case: order(cases[case]))
    ]
    return "; ".join(named) or "none"


def write_readme_figures(path: Path, manifest: Manifest) -> None:
    """Replace what stands between the two marks in the README.

    Raises:
        DigitPadError: the marks are not there.
    """
    before, start, rest = path.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise DigitPadError(f"{path}: lacks the marks {START} and {END}, between which the figures go")
    write_whole(path, f"{before}{START}\n{readme_figures(manifest)}\n{END}{after}".encode())


def readme_figures(manifest: Manifest) -> str:
    """What a newcomer wants to know: how well each model reads what people wrote that it never saw, and its size."""
    entries = {
        name: entry | {"megabytes": entry["bytes"] / 1e6, "int8": manifest.get(f"{name}-int8", entry)["bytes"] / 1e6}
        for name, entry in manifest.items()
        if not name.endswith("-int8")
    }
    return tables.in_short(entries, README)

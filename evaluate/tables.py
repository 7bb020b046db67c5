"""What was measured, as Markdown: the page that `make evaluate` saves, and the tables it shares with the model card.

Results are what evaluate measures, or report.json, which keeps the same. No number is typed by hand.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from string import Formatter
from typing import Any

from evaluate.metrics import wilson

# By model: "figures" by set (evaluate.answers.Figures); and, as far as measured, "writers", "against", "variants",
# "conditions", "outliers" and "held_out_writers".
Results = dict[str, dict[str, Any]]
Columns = dict[str, str]  # titles, and the formats of their cells

_CHOSEN = "not trained on, but used to choose recipe, seed, temperature and thresholds"
SETS = {
    "mnist_test": ("MNIST test", "its 10,000 test images; used to choose nothing"),
    "mnist_validation": ("MNIST validation", f"the last 5,000 of its training images; {_CHOSEN}"),
    "pen_validation": ("pen digits", f"1,498 digits by six writers, as `predict_strokes` reads them; {_CHOSEN}"),
    "uji_validation": ("UJI digits", f"400 digits by twenty writers, as `predict_strokes` reads them; {_CHOSEN}"),
}

ACCURACY = {
    "digits": "{count:,}",
    "accuracy": "**{accuracy:.2%}**",
    "95 % interval": "{interval[0]:.2%} to {interval[1]:.2%}",
    "errors": "{errors}",
    "95 % interval of the errors": "{fewest:.0f} to {most:.0f}",
}
CLASSES = {str(digit): f"{{per_class[{digit}]:.2%}}" for digit in range(10)}
CONFIDENCE = {
    "NLL": "{nll:.4f}",
    "ECE": "{ece:.2%}",
    "AURC": "{aurc:.5f}",
    "mean confidence when wrong": "{wrong_confidence:.1%}",
    "`digit`": "{answered:.2%}",
    "right": "{answered_accuracy:.2%}",
    "`unsure`": "{unsure:.2%}",
    "`not_a_digit`": "{rejected:.2%}",
}
WRITERS = {
    "accuracy": "{accuracy:.2%}",
    "errors": "{errors}",
    "`digit`": "{answered:.1%}",
    "right": "{answered_accuracy:.2%}",
}
HELD_OUT = {
    "ECE": "{ece:.2%}",
    "NLL": "{nll:.4f}",
    "`digit`": "{answered:.2%}",
    "right": "{answered_accuracy:.2%}",
    "temperature": "{temperature:.2f}",
}
CASES = {
    "accuracy": "{accuracy:.1%}",
    "errors": "{errors}",
    "`digit`": "{answered:.1%}",
    "right": "{answered_accuracy:.1%}",
}

CONFIDENCE_TEXT = """NLL: mean negative log-likelihood, in nats. ECE: expected calibration error, 15 bins. AURC: area
under the risk-coverage curve. `digit`, `unsure`, `not_a_digit`: the share of the digits with this status; "right":
accuracy of the `digit` answers. In the pictures, bars are 95 % intervals, and dots mark the model's own thresholds."""

HELD_OUT_TEXT = """Temperature and thresholds are fitted on MNIST validation and the other writers, not on the one
measured; those in the file are fitted on all of them. Recipe and seed were chosen on all of them in both cases."""

ERRORS_TEXT = """True digit, answer and confidence; those whose true digit got the lowest probability come first."""

SHEETS = {
    "conditions": """Strokes by writers not trained on, which our own code draws, lights, photographs, scans or saves,
and `predict` reads as files; percentages are accuracies. To the right of each is what the model sees; red: wrong,
orange: right, but `unsure` or `not_a_digit`.""",
    "variants": """None of these was trained on, but others written in each of these ways were; percentages are
accuracies.""",
}


def page(results: Results) -> str:
    """Everything measured, with the pictures that lie beside the page."""
    calibration = [picture("calibration", name) for name in _sets(results)]
    errors = [picture("errors", model, name) for model, name, f in _figures(results) if f["errors"]]
    sections = [
        ("Accuracy", join(by_set(results, ACCURACY), by_set(results, CLASSES))),
        ("One model against another", comparisons(results)),
        ("Confidence and status", join(by_set(results, CONFIDENCE), CONFIDENCE_TEXT, *calibration)),
        ("Writer by writer", writers(results)),
        ("Each writer left out", held_out_writers(results)),
        ("Non-digits", join(outliers(results), picture("outliers")) if measured(results, "outliers") else ""),
        ("How the pictures were made", cases(results, "conditions", "condition")),
        ("Ways of writing", cases(results, "variants", "way of writing")),
        ("Remaining errors", join(ERRORS_TEXT, *errors)),
        ("Confusions", join(*confusions(results))),
    ]
    parts = [f"## {title}\n\n{text}" for title, text in sections if text]
    return join("# Evaluation", about_sets(results), *parts) + "\n"


def about_sets(results: Results) -> str:
    """What each measured set is, if it is a known one."""
    return "\n".join(f"- {SETS[name][0]}: {SETS[name][1]}." for name in _sets(results) if name in SETS)


def comparisons(results: Results) -> str:
    """Every pair of models on every set they were both measured on: McNemar's exact test."""
    rows = [
        [f"{m}, {other}", short_title(s), str(c["only_this"]), str(c["only_other"]), chance(c["p"])]
        for m, against in measured(results, "against").items()
        for other, sets in against.items()
        if other in results
        for s, c in sets.items()
    ]
    note = "p: how often chance makes two equally good models differ this much (exact McNemar test, two-sided)."
    titles = ["models", "set", "only the first is right", "only the second is right", "p"]
    return join(table(titles, rows), note) if rows else ""


def writers(results: Results) -> str:
    """Every writer of the sets whose writers are known."""
    by_model = measured(results, "writers")
    names = dict.fromkeys(name for sets in by_model.values() for name in sets)
    tables = {name: side_by_side({m: sets[name] for m, sets in by_model.items()}, WRITERS) for name in names}
    return join(*(join(f"{short_title(name)}:", text) for name, text in tables.items()))


def held_out_writers(results: Results, only: str = "") -> str:
    """Each writer left out: calibration, and how reliable the `digit` answers are, by writer or for "all" alone."""
    by_model = measured(results, "held_out_writers")
    return join(HELD_OUT_TEXT, side_by_side(by_model, HELD_OUT, only=only)) if by_model else ""


def outliers(results: Results, only: str = "") -> str:
    """How well each kind of non-digit, or only one, is told from digits; and how to read the table and the picture."""
    by_model = measured(results, "outliers")
    kinds = next(iter(by_model.values()))
    unseen = ", ".join(kind for kind, entry in kinds.items() if not entry.get("trained_on", True))
    each = min(entry["count"] for kind, entry in kinds.items() if kind != "all")
    text = f"""Pictures from our own generator, {each:,} of each kind ({sure_to(0.02, each)}), in shapes not trained
on (for uniform grey only other levels, for several digits only other pairs). Kinds not trained on at all: {unseen}.
AUROC: how often such a picture has a higher `ood_score` than a digit. FPR95: the share of them that passes where 95 %
of the digits pass. "taken": the share that gets status `digit` at the model's own thresholds; "on paper": the same
share when some of each kind are photographed on paper and read as `predict` reads a file. The picture shows the share
taken, and examples: red is `digit`, orange `unsure`, green `not_a_digit`."""
    columns: Columns = {}
    for name in kinds["all"]["auroc"]:
        columns[f"AUROC, {short_title(name)}"] = f"{{auroc[{name}]:.4f}}"
        columns[f"FPR95, {short_title(name)}"] = f"{{fpr95[{name}]:.1%}}"
    columns |= {"taken": "{digit:.1%}", "on paper": "{on_paper:.1%}"}
    return join(text, side_by_side(by_model, columns, "kind", only))


def cases(results: Results, key: str, what: str) -> str:
    """Accuracy on a sheet of SHEETS, case by case, and the sheet."""
    if not (by_model := measured(results, key)):
        return ""
    return join(sheet_text(results, key), side_by_side(by_model, CASES, what), picture(key))


def sheet_text(results: Results, key: str) -> str:
    """What is on a sheet of SHEETS, how many digits are behind each row of its table, and how far to trust a share."""
    each = min(entry["count"] for entry in next(iter(measured(results, key).values())).values())
    return f"{SHEETS[key]} {each:,} digits each: one is worth {100 / each:.2g} points ({sure_to(0.98, each)})."


def sure_to(share: float, count: int) -> str:
    """How far chance alone may move a share of this many."""
    low, high = wilson(round(share * count), count)
    return f"95 % interval of {share:.0%}: {low:.1%} to {high:.1%}"


def confusions(results: Results) -> list[str]:
    """A matrix for every model and set, as fixed-width text."""
    texts = []
    for model, name, f in _figures(results):
        rows = ["     " + "".join(f"{digit:6}" for digit in range(10))]
        for digit, row in enumerate(f["confusion"]):
            rows.append(f"{digit:4} " + "".join(f"{count or '·':>6}" for count in row))
        title = f"{model}, {short_title(name)}: rows are the true digit, columns the answer."
        texts.append(join(title, "```text\n" + "\n".join(rows) + "\n```"))
    return texts


def picture(subject: str, *which: str, folder: str = "") -> str:
    """A picture in Markdown; `folder` is where it lies, as seen from the page."""
    words = " ".join((subject, *which)).replace("_", " ")
    return f"![{words}]({folder}{picture_name(subject, *which)})"


def picture_name(subject: str, *which: str) -> str:
    """The file name of a picture, such as errors_cnn_mnist_test.png."""
    return re.sub(r"[^\w.-]+", "_", "_".join((subject, *which))).strip("_") + ".png"


def by_set(results: Results, columns: Columns) -> str:
    """A table with a row for each model and set."""
    rows = [[model, short_title(name), *_cells(f, columns)] for model, name, f in _figures(results)]
    return table(["model", "set", *columns], rows)


def side_by_side(
    by_model: dict[str, dict[str, dict[str, Any]]], columns: Columns, what: str = "writer", only: str = ""
) -> str:
    """A table with a row for each key, or only one, and all columns for each model."""
    names = [only] if only else list(dict.fromkeys(name for rows in by_model.values() for name in rows))
    titles = [what, "count", *(f"{model}: {title}" for model in by_model for title in columns)]
    lines = []
    for name in names:
        found = [rows.get(name, {}) for rows in by_model.values()]
        count = max(entry.get("count", 0) for entry in found)
        lines.append([name, str(count), *(cell for entry in found for cell in _cells(entry, columns))])
    return table(titles, lines)


def measured(results: Results, key: str) -> dict[str, dict[str, dict[str, Any]]]:
    """One part of the results by model, for the models that have it."""
    return {model: result[key] for model, result in results.items() if result.get(key)}


def table(titles: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def join(*paragraphs: str) -> str:
    """Paragraphs with a blank line between them; empty ones are left out."""
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def chance(p: float) -> str:
    """A p value with three places."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def short_title(name: str) -> str:
    """What a set is called in a table; SETS says more."""
    return SETS[name][0] if name in SETS else name


class _Cell(Formatter):
    """Puts a figure into a cell, or a dash where there is none."""

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key))

    def format_field(self, value: Any, format_spec: str) -> str:
        return "-" if value is None else str(super().format_field(value, format_spec))


def _cells(entry: dict[str, Any], columns: Columns) -> list[str]:
    return [_Cell().vformat(text, (), entry) for text in columns.values()]


def _figures(results: Results) -> list[tuple[str, str, dict[str, Any]]]:
    """Models, sets and figures, with the interval of the accuracy also as numbers of errors."""
    found = []
    for model, result in results.items():
        for name, figures in result["figures"].items():
            most, fewest = ((1 - share) * figures["count"] for share in figures["interval"])
            found.append((model, name, figures | {"fewest": fewest, "most": most}))
    return found


def _sets(results: Results) -> list[str]:
    return list(dict.fromkeys(name for result in results.values() for name in result["figures"]))

"""What was measured, as Markdown: the page that `make evaluate` saves, and the tables it shares with the model card.

Results are what evaluate measures, or report.json, which keeps the same. No number is typed by hand.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from evaluate.metrics import wilson

# By model: "figures" by set (evaluate.answers.Figures); and, as far as measured, "writers", "against", "variants",
# "conditions", "outliers" and "held_out_writers".
Results = dict[str, dict[str, Any]]
Columns = dict[str, Callable[[dict[str, Any]], str]]  # title: the cell's text, from what was measured

_CHOSEN = "not trained on, but used to choose recipe, seed, temperature and thresholds"
SETS = {
    "mnist_test": (
        "MNIST test",
        "its 10,000 test images; used to choose nothing but one threshold's rule (model card, How they were made)",
    ),
    "mnist_validation": ("MNIST validation", f"the last 5,000 of its training images; {_CHOSEN}"),
    "pen_validation": ("pen digits", f"1,498 digits by six writers, as `predict_strokes` reads them; {_CHOSEN}"),
}


def page(results: Results) -> str:
    """Everything measured, with the pictures that lie beside the page."""
    sections = [
        ("Accuracy", join(accuracy_table(results), class_table(results))),
        ("One model against another", comparisons(results)),
        ("Confidence and status", join(confidence_table(results), CONFIDENCE, *calibration_pictures(results))),
        ("Writer by writer", writers(results)),
        ("Each writer left out", held_out_writers(results)),
        ("Non-digits", outliers(results)),
        ("How the pictures were made", cases(results, "conditions", "condition")),
        ("Ways of writing", cases(results, "variants", "way of writing")),
        ("Remaining errors", join(ERRORS, *error_pictures(results))),
        ("Confusions", join(*confusions(results))),
    ]
    return (
        join("# Evaluation", about_sets(results), *(join(f"## {title}", text) for title, text in sections if text))
        + "\n"
    )


def about_sets(results: Results) -> str:
    """What each of the known sets is, of those measured."""
    return "\n".join(f"- {SETS[name][0]}: {SETS[name][1]}." for name in _sets(results) if name in SETS)


CONFIDENCE = """NLL: mean negative log-likelihood, in nats. ECE: expected calibration error, 15 bins. AURC: area under
the risk-coverage curve. `digit`, `unsure`, `not_a_digit`: the share of the digits with this status; "right": accuracy
of the `digit` answers. In the pictures, bars are 95 % intervals, and dots mark the model's own thresholds."""

ERRORS = """True digit, answer and confidence; those whose true digit got the lowest probability come first."""


def accuracy_table(results: Results) -> str:
    """Accuracy and errors with 95 % interval, by model and set."""
    return by_set(
        results,
        {
            "digits": lambda f: f"{f['count']:,}",
            "accuracy": lambda f: f"**{f['accuracy']:.2%}**",
            "95 % interval": lambda f: f"{f['interval'][0]:.2%} to {f['interval'][1]:.2%}",
            "errors": lambda f: str(f["errors"]),
            "95 % interval of the errors": errors_interval,
        },
    )


def errors_interval(reading: dict[str, Any]) -> str:
    """The accuracy's interval as numbers of errors."""
    low, high = reading["interval"]
    return f"{(1 - high) * reading['count']:.0f} to {(1 - low) * reading['count']:.0f}"


def class_table(results: Results) -> str:
    """Accuracy of each digit, by model and set."""

    def of(digit: int) -> Callable[[dict[str, Any]], str]:
        return lambda f: percent(f["per_class"][digit])

    return by_set(results, {str(digit): of(digit) for digit in range(10)})


def confidence_table(results: Results) -> str:
    """Calibration, and how reliable the statuses are, by model and set."""
    return by_set(
        results,
        {
            "NLL": lambda f: f"{f['nll']:.4f}",
            "ECE": lambda f: percent(f["ece"]),
            "AURC": lambda f: f"{f['aurc']:.5f}",
            "mean confidence when wrong": lambda f: percent(f["wrong_confidence"], 1),
            "`digit`": lambda f: percent(f["answered"]),
            "right": lambda f: percent(f["answered_accuracy"]),
            "`unsure`": lambda f: percent(f["unsure"]),
            "`not_a_digit`": lambda f: percent(f["rejected"]),
        },
    )


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
    columns: Columns = {
        "accuracy": lambda r: percent(r["accuracy"]),
        "errors": lambda r: str(r["errors"]),
        "`digit`": lambda r: percent(r["answered"], 1),
        "right": lambda r: percent(r["answered_accuracy"]),
    }
    by_model = measured(results, "writers")
    names = dict.fromkeys(name for sets in by_model.values() for name in sets)
    tables = {name: side_by_side({m: sets[name] for m, sets in by_model.items()}, columns) for name in names}
    return join(*(join(f"{short_title(name)}:", text) for name, text in tables.items()))


def held_out_writers(results: Results, only: list[str] | None = None) -> str:
    """Each writer left out: calibration, and how reliable the `digit` answers are, by writer or for "all" alone."""
    text = """Temperature and thresholds are fitted on MNIST validation and the other writers, not on the one measured;
those in the file are fitted on all of them. Recipe and seed were chosen on all of them in both cases."""
    columns: Columns = {
        "ECE": lambda r: percent(r["ece"]),
        "NLL": lambda r: f"{r['nll']:.4f}",
        "`digit`": lambda r: percent(r["answered"]),
        "right": lambda r: percent(r["answered_accuracy"]),
        "temperature": lambda r: f"{r['temperature']:.2f}" if "temperature" in r else "",
    }
    by_model = _only(measured(results, "held_out_writers"), only)
    return join(text, side_by_side(by_model, columns)) if by_model else ""


def outliers(results: Results) -> str:
    """How well each kind of non-digit is told from digits."""
    if not measured(results, "outliers"):
        return ""
    return join(outlier_text(results), outlier_table(results), picture("outliers"))


def outlier_text(results: Results) -> str:
    """What the non-digits are, and how to read the table and the picture."""
    kinds = next(iter(measured(results, "outliers").values()))
    unseen = ", ".join(kind for kind, entry in kinds.items() if not entry.get("trained_on", True))
    each = min(entry["count"] for kind, entry in kinds.items() if kind != "all")
    return f"""Pictures from our own generator, {each:,} of each kind ({sure_to(0.02, each)}), in shapes not trained
on (for uniform grey only other levels, for several digits only other pairs). Kinds not trained on at all: {unseen}.
AUROC: how often such a picture has a higher `ood_score` than a digit. FPR95: the share of them that passes where 95 %
of the digits pass. "taken": the share that gets status `digit` at the model's own thresholds; "on paper": the same
share when some of each kind are photographed on paper and read as `predict` reads a file. The picture shows the share
taken, and examples: red is `digit`, orange `unsure`, green `not_a_digit`."""


def outlier_table(results: Results, only: list[str] | None = None) -> str:
    """AUROC, false positives and the share taken for digits, for every kind or only some."""

    def auroc(name: str) -> Callable[[dict[str, Any]], str]:
        return lambda r: f"{r['auroc'][name]:.4f}"

    def fpr95(name: str) -> Callable[[dict[str, Any]], str]:
        return lambda r: percent(r["fpr95"][name], 1)

    by_model = measured(results, "outliers")
    columns: Columns = {}
    for name in next(iter(by_model.values()))["all"]["auroc"]:
        columns |= {f"AUROC, {short_title(name)}": auroc(name), f"FPR95, {short_title(name)}": fpr95(name)}
    columns |= {"taken": lambda r: percent(r["digit"], 1), "on paper": lambda r: percent(r.get("on_paper"), 1)}
    return side_by_side(_only(by_model, only), columns, "kind")


CASE_COLUMNS: Columns = {
    "accuracy": lambda r: percent(r["accuracy"], 1),
    "errors": lambda r: str(r["errors"]),
    "`digit`": lambda r: percent(r["answered"], 1),
    "right": lambda r: percent(r["answered_accuracy"], 1),
}

SHEETS = {
    "conditions": """Strokes by writers not trained on, which our own code draws, lights, photographs, scans or saves,
and `predict` reads as files; percentages are accuracies. To the right of each is what the model sees; red: wrong,
orange: right, but `unsure` or `not_a_digit`.""",
    "variants": """None of these was trained on, but others written in each of these ways were; percentages are
accuracies.""",
}


def sheet_text(results: Results, key: str) -> str:
    """What is on a sheet of SHEETS, how many digits are behind each row of its table, and how far to trust a share."""
    each = min(entry["count"] for entry in next(iter(measured(results, key).values())).values())
    return f"{SHEETS[key]} {each:,} digits each: one is worth {100 / each:.2g} points ({sure_to(0.98, each)})."


def sure_to(share: float, count: int) -> str:
    """How far chance alone may move a share of this many."""
    low, high = wilson(round(share * count), count)
    return f"95 % interval of {share:.0%}: {low:.1%} to {high:.1%}"


def cases(results: Results, key: str, what: str) -> str:
    """Accuracy on a sheet of SHEETS, case by case, and the sheet."""
    if not (by_model := measured(results, key)):
        return ""
    return join(sheet_text(results, key), side_by_side(by_model, CASE_COLUMNS, what), picture(key))


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


def calibration_pictures(results: Results) -> list[str]:
    """Reliability diagram and risk-coverage curve of every set."""
    return [picture("calibration", name) for name in _sets(results)]


def error_pictures(results: Results) -> list[str]:
    """The errors of every model on every set."""
    return [picture("errors", model, name) for model, name, f in _figures(results) if f["errors"]]


def picture(subject: str, *which: str, folder: str = "") -> str:
    """A picture in Markdown; `folder` is where it lies, as seen from the page."""
    words = " ".join((subject, *which)).replace("_", " ")
    return f"![{words}]({folder}{picture_name(subject, *which)})"


def picture_name(subject: str, *which: str) -> str:
    """The file name of a picture, such as errors_cnn_mnist_test.png."""
    return re.sub(r"[^\w.-]+", "_", "_".join((subject, *which))).strip("_") + ".png"


def by_set(results: Results, columns: Columns) -> str:
    """A table with a row for each model and set."""
    rows = [[model, short_title(name), *(text(f) for text in columns.values())] for model, name, f in _figures(results)]
    return table(["model", "set", *columns], rows)


def side_by_side(by_model: dict[str, dict[str, dict[str, Any]]], columns: Columns, what: str = "writer") -> str:
    """A table with a row for each key and all columns for each model."""
    names = dict.fromkeys(name for rows in by_model.values() for name in rows)
    titles = [what, "count", *(f"{model}: {title}" for model in by_model for title in columns)]
    lines = []
    for name in names:
        found = [rows.get(name) for rows in by_model.values()]
        cells = [text(entry) if entry else "" for entry in found for text in columns.values()]
        lines.append([name, str(next(entry["count"] for entry in found if entry)), *cells])
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


def percent(share: float | None, places: int = 2) -> str:
    """A share in per cent, or a dash where there is none."""
    return "-" if share is None else f"{share:.{places}%}"


def chance(p: float) -> str:
    """A p value with three places."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def short_title(name: str) -> str:
    """What a set is called in a table; SETS says more."""
    return SETS[name][0] if name in SETS else name


def _only(by_model: dict[str, dict[str, dict[str, Any]]], names: list[str] | None) -> dict[str, dict[str, Any]]:
    return {m: {name: of[name] for name in names or of} for m, of in by_model.items()}


def _figures(results: Results) -> list[tuple[str, str, dict[str, Any]]]:
    return [(model, name, f) for model, result in results.items() for name, f in result["figures"].items()]


def _sets(results: Results) -> list[str]:
    return list(dict.fromkeys(name for _, name, _ in _figures(results)))

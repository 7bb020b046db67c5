"""The page beside the pad: one design, one set of words, and nothing that names a registry. Needs no Node.

What the page does is tested in web/test/, by `make test-web`.
"""

import json
import re

import pytest

from digitpad.pad import asking, paint
from digitpad.pad.actions import ACTIONS
from tests.conftest import ROOT

WEB = ROOT / "web"
OWN_HELP = {"open a stroke file", "on the paper: move the pen, put it down"}  # what only the page has
OWN_BUTTONS = {"Open"}


def source(name: str) -> str:
    return (WEB / "src" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("theme", "selector"), [(paint.LIGHT, ":root"), (paint.DARK, ':root[data-theme="dark"]')])
def test_the_pages_colours_are_the_pads(theme: paint.Theme, selector: str) -> None:
    block = source("style.css").partition(f"\n{selector} {{")[2].partition("}")[0]
    colours = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", block))
    assert {name.replace("-", "_"): tuple(bytes.fromhex(colour)) for name, colour in colours.items()} == vars(theme)


def test_dark_is_the_same_whether_the_system_or_the_user_asks_for_it() -> None:
    blocks = re.findall(r"\{([^{}]*color-scheme: dark;[^{}]*)\}", source("style.css"))
    asked, wanted = ([line.strip() for line in block.split(";")] for block in blocks)
    assert asked == wanted


def test_the_pages_words_are_the_pads() -> None:
    table = source("pad/actions.js")
    helps = set(re.findall(r'help: (?:n \? undefined : )?\[\d+, ".*?", "(.*?)"\]', table))
    assert len(helps) > 10
    assert helps - OWN_HELP <= {action.help[2] for action in ACTIONS.values() if action.help}
    labels = set(re.findall(r'label: "(.*?)"', table))
    assert len(labels) > 8
    assert labels - OWN_BUTTONS <= {action.button.label for action in ACTIONS.values()}
    assert {choice.label for choice in asking.CHOICES.values()} == set(
        re.findall(r'\{ label: "(.*?)"', source("pad/asking.js"))
    )
    python = (ROOT / "runtime/digitpad/pad/asking.py").read_text(encoding="utf-8")
    for words in ("Blank paper: draw a digit from 0 to 9", "Not a digit, by the look of it", "Unsure: perhaps"):
        assert words in python and words in source("pad/asking.js")


def test_the_page_may_load_nothing_from_elsewhere() -> None:
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', source("index.html"))
    assert policy is not None
    allowed = {word for part in policy[1].split(";") for word in part.split()[1:]}
    assert allowed == {"'none'", "'self'", "'wasm-unsafe-eval'"}
    for path in WEB.glob("src/**/*.[jh]*"):
        named = re.findall(r"https?://[\w./-]+", path.read_text(encoding="utf-8"))
        assert set(named) <= {"http://www.w3.org/2000/svg"}, path


def test_npms_lock_file_has_sums_and_names_no_registry() -> None:
    text = (WEB / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)
    assert "omit-lockfile-registry-resolved=true" in (WEB / ".npmrc").read_text(encoding="utf-8")


def test_only_the_runtime_ships_beside_our_code() -> None:
    assert list(json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]) == ["onnxruntime-web"]

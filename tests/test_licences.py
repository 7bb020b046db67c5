"""The licences of what is installed with digitpad: all in docs/licences.md, as the packages say, and permissive."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PERMISSIVE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-CMU", "Zlib"}
THE_EXCEPTION = {"pygame": "LGPL-2.1", "pygame-ce": "LGPL-2.1"}  # for the pad alone; the page says what that means
# What packages wrote before licences had standard names, and what is meant.
OLD_NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "3-Clause BSD License": "BSD-3-Clause",
    "LGPL": "LGPL-2.1",
    "LGPL v2.1": "LGPL-2.1",
    "BSD": "BSD-3-Clause",  # as in the files of mpmath and sympy
}


def table(section: str = "What is installed with it") -> dict[str, str]:
    """The licence that a section of the page names for each package."""
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    part = page.partition(f"## {section}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")] for row in re.findall(r"^\|(.*)\|$", part, re.MULTILINE)]
    return {package: licence for package, licence, *_ in rows[2:]}


def locked() -> set[str]:
    """The packages that the runtime and the pad need on any platform."""
    return set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / "pad.txt").read_text(), re.MULTILINE))


def test_every_package_that_is_installed_with_it_is_in_the_table() -> None:
    assert set(table()) == locked()


def says_of_itself(package: str) -> str:
    """The licence that an installed package names."""
    try:
        told = metadata(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed: it is for another platform, another Python, or for training")
    licence = told.get("License-Expression") or told.get("License", "")
    return OLD_NAMES.get(licence, licence)


@pytest.mark.parametrize("package", [*sorted(locked()), "keras", "onnx", "tensorflow", "tf2onnx", "tqdm"])
def test_a_package_is_under_the_licence_in_its_table(package: str) -> None:
    assert says_of_itself(package) == (table() | table("What training uses"))[package]


def test_every_package_that_training_asks_for_is_in_the_other_table() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(table("What training uses")) == {re.split(r"[^\w.-]", need)[0] for need in extras["train"]}


def is_permissive(licence: str) -> bool:
    return bool(set(licence.split(" OR ")) & PERMISSIVE) or set(licence.split(" AND ")) <= PERMISSIVE


def test_every_licence_is_permissive_except_that_of_pygame() -> None:
    assert {package: licence for package, licence in table().items() if not is_permissive(licence)} == THE_EXCEPTION


def test_the_page_names_pygame_as_the_one_exception_and_says_what_follows() -> None:
    page = " ".join((ROOT / "docs" / "licences.md").read_text(encoding="utf-8").split())
    assert "All are permissive, with one exception: **pygame**" in page
    for words in (
        "its fork pygame-ce, is under the LGPL",
        "loaded dynamically",
        "Only the extra `pad` installs it",
        "make bundle PAD=0",
    ):
        assert words in page


def test_pygame_comes_with_the_pad_and_with_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = {"": project["dependencies"], **project["optional-dependencies"]}
    asked = {(part, re.split(r"[^\w.-]", need)[0]) for part, needs in parts.items() for need in needs}
    assert {(part, package) for part, package in asked if package in THE_EXCEPTION} == {
        ("pad", package) for package in THE_EXCEPTION
    }


def test_our_own_licence_and_the_attribution_of_the_data_go_with_the_wheel() -> None:
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert '"/onnx_models/README.md"' in (ROOT / "pyproject.toml").read_text()
    for page in ("onnx_models/README.md", "README.md", "docs/licences.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for words in ("Alpaydin", "Alimoglu", "https://doi.org/10.24432/C5MG6K", "CC BY 4.0"):
            assert words in text, page
        for words in ("Prat", "Llorens", "Vilar", "https://doi.org/10.24432/C5FG8S", "Lake", "Omniglot", "MIT licence"):
            assert words in text, page

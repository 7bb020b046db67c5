"""The pages in docs/, CONTRIBUTING and CHANGELOG: what they name exists, and the limits they give are right."""

import ast
import re
from pathlib import Path

import pytest

import digitpad
from digitpad import cli, models
from digitpad import stroke_files as strokes
from digitpad.image import limits as image_files

ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def modules() -> dict[str, Path]:
    """The runtime's files by their names."""
    return {path.stem: path for path in (ROOT / "runtime" / "digitpad").rglob("[a-z]*.py")}


def names_in(path: Path) -> set[str]:
    """What a file defines: functions, classes, and the methods of those as Class.method."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return found


def test_every_function_the_architecture_names_is_in_the_code() -> None:
    code = modules()
    named = re.findall(rf"`({'|'.join(code)})\.(?!py\b)([\w.]+)`", ARCHITECTURE.read_text(encoding="utf-8"))
    assert len(named) > 25
    assert [f"{module}.{name}" for module, name in named if name not in names_in(code[module])] == []


def test_every_file_the_picture_of_the_architecture_shows_is_there() -> None:
    picture = ARCHITECTURE.read_text(encoding="utf-8").split("```")[1]
    shown = set(re.findall(r"\b[a-z_]+\.py\b", picture))
    assert len(shown) > 15
    folders = ("train", "evaluate", "export", "runtime/digitpad")
    assert shown - {path.name for folder in folders for path in (ROOT / folder).rglob("*.py")} == set()


def test_the_limits_on_the_page_are_the_limits_in_the_code() -> None:
    text = " ".join(ARCHITECTURE.read_text(encoding="utf-8").split())
    listed = "PNG, JPEG, GIF, BMP, TIFF, WebP and PNM"  # Pillow calls the family of PNM formats PPM
    assert listed in text
    assert {name.strip().upper().replace("PNM", "PPM") for name in re.split(",| and ", listed)} == set(
        image_files.FORMATS
    )
    assert f"files up to {image_files.MAX_BYTES >> 20} MiB" in text
    assert f"pictures up to {image_files.MAX_PIXELS // 10**6} million pixels" in text
    assert image_files.MAX_BYTES_WHOLE >> 20 == 32 and image_files.MAX_BYTES_TABLES >> 10 == 64
    of_each_kind = {
        "A JPEG may have {} million": image_files.MAX_PIXELS_JPEG,
        "progressive JPEG {} million and 32 MiB": image_files.MAX_PIXELS_WHOLE,
        "of more than 64 KiB {} million": image_files.MAX_PIXELS_TABLES,
        "in memory {} million": image_files.MAX_PIXELS_MEMORY,
    }
    assert [told for told, limit in of_each_kind.items() if told.format(f"{limit / 1e6:g}") not in text] == []
    assert image_files.MAX_PIXELS_SLOW == 500_000 and "9 to 15 bits) half a million" in text
    assert f"Stroke files: {strokes.MAX_BYTES >> 20} MiB unpacked" in text
    assert f"Model files: {models.MAX_BYTES >> 20} MiB" in text
    assert f"Standard input: {cli.MAX_STDIN >> 20} MiB" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in link or (page.parent / link).exists(), link


def test_every_target_that_is_named_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z0-9-]+)", page.read_text(encoding="utf-8")))
        assert named <= targets, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    folders = r"train|evaluate|export|runtime|bench|deploy|tests|requirements|docs|onnx_models|\.github"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if "vit" not in path and not (ROOT / path).exists()] == []


def test_the_readme_installs_the_wheel_of_this_version() -> None:
    named = re.findall(r"dist/(digitpad-[\w.]+-py3-none-any\.whl)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert named == [f"digitpad-{digitpad.__version__}-py3-none-any.whl"]


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## \[?([\w.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None and first[1] in ("Unreleased", digitpad.__version__)

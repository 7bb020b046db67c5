"""The pages, README to CHANGELOG: what they name is there, and what they say of limits is true."""

import ast
import re
from pathlib import Path

import pytest

import digitpad
from digitpad import many, models, stroke_files
from digitpad.image import limits
from tests.conftest import PAGES, ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
RUNTIME = ROOT / "runtime" / "digitpad"


def names_in(file: Path) -> set[str]:
    """What a file defines: functions, classes, and the methods of those as Class.method."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return found


def test_every_function_the_architecture_names_is_in_the_code() -> None:
    """Named as in Python: `pad.drawing.Drawing.press` is in pad/drawing.py."""
    files = {".".join(path.relative_to(RUNTIME).with_suffix("").parts): path for path in RUNTIME.rglob("[a-z]*.py")}
    modules = "|".join(map(re.escape, sorted(files, key=len, reverse=True)))
    named = re.findall(rf"`({modules})\.(?!py\b)([\w.]+)`", ARCHITECTURE.read_text(encoding="utf-8"))
    assert len(named) > 25
    assert [f"{module}.{name}" for module, name in named if name not in names_in(files[module])] == []
    dotted = re.findall(r"`((?:pad|image)\.[\w.]+)`", ARCHITECTURE.read_text(encoding="utf-8"))
    assert set(dotted) == {f"{module}.{name}" for module, name in named if module.startswith(("pad.", "image."))}


def test_everything_the_picture_of_the_architecture_shows_is_there() -> None:
    picture = ARCHITECTURE.read_text(encoding="utf-8").split("```")[1]
    rooms = [ROOT, ROOT / "train", ROOT / "export", RUNTIME.parent, RUNTIME, RUNTIME / "pad"]
    files = set(re.findall(r"\b[a-z_]+\.py\b", picture))
    assert len(files) > 15
    assert files - {path.name for room in rooms for path in room.glob("*.py")} == set()
    folders = set(re.findall(r"\b([a-z_]+)/", picture))
    assert len(folders) > 5
    assert folders - {path.name for room in rooms for path in room.iterdir() if path.is_dir()} == set()


def test_the_limits_on_the_page_are_the_limits_there_are() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8").partition("## Limits")[2]
    table = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE))
    listed = "PNG, JPEG, GIF, BMP, TIFF, WebP and PNM"  # Pillow calls the family of PNM formats PPM
    assert listed in text
    formats = {name.strip().upper().replace("PNM", "PPM") for name in re.split(",| and ", listed)}
    assert formats == set(limits.FORMATS)

    def of(start: str) -> str:
        (limit,) = (limit for what, limit in table.items() if what.startswith(start))
        return limit

    def pixels(number: int) -> str:
        return f"{number / 1e6:g} million pixels"

    assert of("a picture file") == f"{limits.MAX_BYTES >> 20} MiB and {pixels(limits.MAX_PIXELS)}"
    assert of("a JPEG").startswith(pixels(limits.MAX_PIXELS_JPEG))
    whole = f"{limits.MAX_BYTES_WHOLE >> 20} MiB and {pixels(limits.MAX_PIXELS_WHOLE)}"
    assert of("a WebP or a progressive JPEG").startswith(whole)
    tables = f"a lossless WebP of more than {limits.MAX_BYTES_TABLES >> 10} KiB"
    assert of(tables).startswith(pixels(limits.MAX_PIXELS_TABLES))
    assert of("what Pillow decodes in Python") == pixels(limits.MAX_PIXELS_SLOW)
    assert of("an array or an image") == pixels(limits.MAX_PIXELS_MEMORY)
    assert of("a stroke file") == f"{stroke_files.MAX_BYTES >> 20} MiB when unpacked"
    assert of("a model file") == f"{models.MAX_BYTES >> 20} MiB"
    assert of("standard input") == f"{many.MAX_STDIN >> 20} MiB"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in link or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_in_the_project_that_is_named_is_there(page: Path) -> None:
    folders = r"train|evaluate|export|runtime|tests|requirements|docs|examples|onnx_models|images|\.github"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", page.read_text(encoding="utf-8"))
    assert len(named) > 10 or page.name != "CONTRIBUTING.md"
    assert [path for path in named if "vit" not in path and not (ROOT / path).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 96


def test_the_readme_installs_the_wheel_of_this_version() -> None:
    for page in PAGES:
        named = re.findall(r"(digitpad-[\w.]+-py3-none-any\.whl)", page.read_text(encoding="utf-8"))
        assert named or page != ROOT / "README.md"
        assert set(named) <= {f"digitpad-{digitpad.__version__}-py3-none-any.whl"}, page.name


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## \[?([\w.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None and first[1] in ("Unreleased", digitpad.__version__)

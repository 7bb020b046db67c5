"""The rooms of the code: who may import whom, no circular imports, and a top room that is not crowded.

Imports inside functions and those for types alone count like all others.
"""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNTIME = ROOT / "runtime" / "digitpad"
# A room, and the rooms that its files may import besides their own.
MAY_IMPORT = {
    "digitpad": set(),
    "train": {"digitpad"},
    "evaluate": {"train", "digitpad"},
    "export": {"evaluate", "train", "digitpad"},
    "bench": {"export", "evaluate", "train", "digitpad"},
    "deploy": {"train", "digitpad"},
    "examples": {"digitpad"},
}
# The rooms inside the runtime. Of its top room only the command, the recogniser, what explains its answers and the list
# of public names open the other two, the last only when asked.
INSIDE_THE_RUNTIME = {
    "pad": {"image"},
    "cli": {"image", "pad"},
    "recognizer": {"image"},
    "hand": {"image"},
    "explain": {"image"},
    "": {"image"},
}


@cache
def files() -> dict[str, Path]:
    """Every file of the product by the name of its module."""
    found = {}
    for room in MAY_IMPORT:
        folder = RUNTIME if room == "digitpad" else ROOT / room
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """The names of modules, or of things in them, that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, level):
                assert level == 0, f"{path}: relative import"
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(ast.Name("import_module"), [ast.Constant(str(name))]):
                yield name


@cache
def graph() -> dict[str, set[str]]:
    """Each module of the product, and those of ours, tests included, that it imports."""
    modules = files()

    def ours(name: str) -> str | None:
        """The module that a name is or lies in."""
        while name not in modules and "." in name:
            name = name.rpartition(".")[0]
        return name if name in modules or name == "tests" else None

    return {
        module: {found for name in imported(path) if (found := ours(name)) and found != module}
        for module, path in modules.items()
    }


def test_no_two_files_import_each_other_in_a_circle() -> None:
    sorter = TopologicalSorter(graph())
    try:
        sorter.prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(reversed(error.args[1]))) from None


def test_rooms_import_only_the_rooms_below_them() -> None:
    wrong = []
    for module, others in graph().items():
        room = module.split(".")[0]
        wrong += [
            f"{module} imports {other}" for other in others if other.split(".")[0] not in MAY_IMPORT[room] | {room}
        ]
    assert wrong == []


def test_inside_the_runtime_the_pad_and_pictures_stand_on_the_top_room() -> None:
    def room(module: str) -> str:
        return f"{module}.".split(".")[1]

    wrong = []
    for module, others in graph().items():
        if module.startswith("digitpad"):
            allowed = INSIDE_THE_RUNTIME.get(room(module), set()) | {room(module)}
            wrong += [f"{module} imports {other}" for other in others if room(other) in {"pad", "image"} - allowed]
    assert wrong == []


def test_only_the_pads_room_imports_pygame() -> None:
    importing = {
        module for module, path in files().items() if any(name.split(".")[0] == "pygame" for name in imported(path))
    }
    assert importing
    assert [module for module in importing if not module.startswith("digitpad.pad.")] == []


def test_the_top_room_of_the_runtime_is_not_crowded() -> None:
    assert len([*RUNTIME.glob("*.py")]) <= 16

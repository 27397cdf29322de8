"""The import rules of the house, read from the source itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "landscape"
LONGEST_MODULE = 300

# Which room may import from which; its own modules always.
_ROOMS = ("core", "geometry", "networks", "training", "studies", "service")
MAY_IMPORT: dict[str, set[str]] = {
    **{room: set(_ROOMS[:number]) for number, room in enumerate(_ROOMS)},
    "figures": {"core"},
    "ui": {"core", "service", "figures"},
    "commands": {"core", "service", "figures"},
    "__main__": {"core", "commands"},
    # Lazy: a table of names, of which `draw` and `save_figure` live in figures.
    "__init__": {*_ROOMS, "figures"},
    "app": {"ui"},
}
# What a room may import of the world. Rooms that are not listed are free.
BANNED: dict[str, set[str]] = {
    "core": {"torch", "torchvision", "streamlit", "plotly", "matplotlib", "click"},
    "geometry": {"torchvision", "streamlit", "plotly", "matplotlib", "click"},
    "networks": {"streamlit", "plotly", "matplotlib", "click"},
    "training": {"streamlit", "plotly", "matplotlib", "click"},
    "studies": {"streamlit", "plotly", "matplotlib", "click"},
    "service": {"streamlit", "plotly", "matplotlib", "click"},
    "figures": {"torch", "torchvision", "streamlit", "click"},
    "ui": {"torch", "torchvision", "click"},
    "commands": {"torch", "torchvision", "streamlit", "matplotlib"},
}


def modules() -> list[Path]:
    return [*sorted(PACKAGE.rglob("*.py")), ROOT / "app.py"]


def room_of(path: Path) -> str:
    if path.parent == ROOT or path.parent == PACKAGE:
        return path.stem
    return path.relative_to(PACKAGE).parts[0]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module of a file, and whether it is imported for the type checker only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or "", id(node) in for_types
    yield from ((name, False) for name in _lazy_names(tree))


def _lazy_names(tree: ast.Module) -> Iterator[str]:
    """The modules in a `_PUBLIC` table, which `__getattr__` imports."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "_PUBLIC" for t in node.targets
        ):
            yield from ast.literal_eval(node.value).values()


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_each_room_imports_only_from_the_rooms_below_it(path):
    room = room_of(path)
    allowed = MAY_IMPORT[room] | {room}
    for name, for_types in imports(path):
        top, _, rest = name.partition(".")
        if top == "landscape" and rest:
            # A type may be named from anywhere: nothing is imported when the program runs.
            assert for_types or rest.partition(".")[0] in allowed, f"{path} imports {name}"
        elif not for_types:
            assert top not in BANNED.get(room, set()), f"{path} imports {name}"


def test_every_room_has_a_rule():
    assert {room_of(path) for path in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_too_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_nobody_builds_a_junk_room():
    names = {path.stem for path in modules()}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("landscape", {"torch", "xarray", "streamlit", "plotly", "matplotlib"}),
        ("landscape.core.results", {"torch", "streamlit", "plotly", "matplotlib"}),
        ("landscape.service.jobs", {"torch", "streamlit", "plotly", "matplotlib"}),
        ("landscape.service.library", {"torch", "streamlit", "plotly", "matplotlib"}),
        ("landscape.service.launch", {"torch", "streamlit", "plotly", "matplotlib"}),
        ("landscape.figures", {"torch", "streamlit", "plotly", "matplotlib"}),
        ("landscape.figures.screen", {"torch", "streamlit", "matplotlib"}),
        ("landscape.figures.print_result", {"torch", "streamlit"}),
        ("landscape.commands.main", {"torch", "xarray", "streamlit", "plotly", "matplotlib"}),
        ("landscape.service.compute", {"streamlit", "plotly", "matplotlib"}),
    ],
)
def test_a_fresh_interpreter_loads_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print(*sorted({heavy!r} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert loaded.stdout.split() == []

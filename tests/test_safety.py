"""Rules that keep uploads from running and pages from injecting: the code itself is searched."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "landscape").rglob("*.py"))]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bpickle\.loads?\(",
        r"allow_pickle\s*=\s*True",
        r"jit\.load\(",
        r"export\.load\(",
        r"(?<![\w.])eval\(",
        r"(?<![\w.])exec\(",
        r"shell\s*=\s*True",
        r"unsafe_allow_html",
        r"\bst\.html\(",
        r"add_safe_globals",
        r"0\.0\.0\.0",
    ],
)
def test_no_source_contains(pattern):
    found = [path.name for path in SOURCES if re.search(pattern, path.read_text())]
    assert found == []


def test_only_the_import_child_unpickles_and_only_weights():
    calls = [
        (path.name, {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords})
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert {name for name, _ in calls} == {"import_child.py"}
    assert all(keywords.get("weights_only") == "True" for _, keywords in calls)


def test_the_server_listens_on_this_machine_only():
    config = (ROOT / ".streamlit" / "config.toml").read_text()
    assert 'address = "127.0.0.1"' in config
    assert "allowedHosts" in config
    assert "gatherUsageStats = false" in config

"""The house rules that can be counted: sizes, names, documentation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "deepflash_service"
CODE = sorted(PACKAGE.rglob("*.py"))
ALL_PYTHON = sorted(
    path
    for folder in ("deepflash_service", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
JAVA = sorted((ROOT / "fiji_plugin" / "src").rglob("*.java"))
FORBIDDEN_WORDS = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def _length_without_docstring(node: Function) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def _is_click_callback(node: Function) -> bool:
    names = {ast.unparse(decorator).split("(")[0] for decorator in node.decorator_list}
    return any("click." in name or name.endswith((".command", ".group")) for name in names)


def _relative(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("name", _relative([*ALL_PYTHON, *JAVA]))
def test_a_file_has_at_most_300_lines(name: str) -> None:
    """A file that outgrows 300 lines holds more than one thing."""
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("name", _relative(CODE))
def test_functions_are_short_and_take_few_parameters(name: str) -> None:
    """A function has at most 40 lines without docstring and at most 6 parameters."""
    faults = []
    for node in _functions(ROOT / name):
        if _length_without_docstring(node) > 40:
            faults.append(f"{node.name}: {_length_without_docstring(node)} lines")
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = len([a for a in arguments if a.arg not in {"self", "cls"}])
        if count > 6 and not _is_click_callback(node):
            faults.append(f"{node.name}: {count} parameters")
    assert faults == []


def test_no_module_has_an_empty_name() -> None:
    """Modules are named after what they hold, never utils, helpers, manager or common."""
    parts = {part for path in CODE for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert parts & FORBIDDEN_WORDS == set()


def _public_functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        owners = [node] if isinstance(node, Function) else []
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            owners = [member for member in node.body if isinstance(member, Function)]
        yield from (owner for owner in owners if not owner.name.startswith("_"))


@pytest.mark.parametrize("name", _relative(CODE))
def test_public_functions_are_documented(name: str) -> None:
    """Every module and every public function says what it does."""
    path = ROOT / name
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "module docstring"
    bare = [node.name for node in _public_functions(path) if not ast.get_docstring(node)]
    assert bare == []


@pytest.mark.parametrize("name", _relative(sorted((PACKAGE / "core").rglob("*.py"))))
def test_core_docstrings_name_parameters_and_returns(name: str) -> None:
    """Public functions of the core have numpydoc sections for what goes in and comes out."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    faults = []
    for node in tree.body:
        if not isinstance(node, Function) or node.name.startswith("_"):
            continue
        text = ast.get_docstring(node) or ""
        takes = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        if takes and "Parameters\n----------" not in text:
            faults.append(f"{node.name}: Parameters")
        if "Returns\n-------" not in text and "Yields\n------" not in text:
            faults.append(f"{node.name}: Returns")
    assert faults == []


def _tests(path: Path) -> Iterator[Function]:
    yield from (node for node in _functions(path) if node.name.startswith("test_"))


@pytest.mark.parametrize("name", _relative(sorted((ROOT / "tests").rglob("test_*.py"))))
def test_every_test_says_what_it_proves(name: str) -> None:
    """Every test has a one-sentence docstring and never sleeps instead of awaiting."""
    path = ROOT / name
    bare = [node.name for node in _tests(path) if not ast.get_docstring(node)]
    assert bare == []

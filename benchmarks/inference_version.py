"""A name for everything in the project, and below it, that makes a probability map."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import deepflash_service
from benchmarks.recording import list_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(deepflash_service.__file__).parent
FIRST = "deepflash_service.workflows.prediction"
COMPUTING = ("core", "inference", "network")


@cache
def find_version() -> str:
    """Return 12 hexadecimal digits that change with the code of a prediction.

    All modules that the prediction imports, directly or not, from the folders that compute; what
    is written for people (comments, docstrings, layout) does not count. The versions of the
    packages that compute count too.
    """
    digest = hashlib.sha256(str(list_versions()).encode())
    for name, code in sorted(collect_modules(FIRST).items()):
        digest.update(f"{name}\n{ast.dump(strip_docstrings(code))}\n".encode())
    return digest.hexdigest()[:12]


def collect_modules(first: str, source: Path = SOURCE) -> dict[str, ast.Module]:
    """Return the code of a module and of all that it imports from the folders that compute."""
    found: dict[str, ast.Module] = {}
    unread = [first]
    while unread:
        name = unread.pop()
        path = source.joinpath(*name.split(".")[1:]).with_suffix(".py")
        if name in found or not path.is_file():
            continue
        found[name] = ast.parse(path.read_text("utf-8"))
        unread += [one for one in list_imports(found[name]) if one.split(".")[1] in COMPUTING]
    return found


def list_imports(code: ast.Module) -> Iterator[str]:
    """Yield the names that may be modules of the project, imported anywhere in the code."""
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "deepflash_service."
        ):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strip_docstrings(code: ast.Module) -> ast.Module:
    """Remove strings that stand alone as a statement."""
    for node in ast.walk(code):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
    return code


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

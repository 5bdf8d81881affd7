"""What is committed names no foreign place, and what the documents promise exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".java",
    ".xml",
    ".ijm",
    ".json",
    ".yml",
    ".html",
    ".js",
    ".css",
    "",
}
REGISTRY = re.compile(
    r"(pypi|pythonhosted|npmjs|crates|maven\.(org|apache)|repo1|proxy\.golang)\.[a-z]+/|index-url|find-links",
    re.IGNORECASE,
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
MACHINE_PATH = re.compile(r"(?<![\w.:])/(work|root|home/\w+)/")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in files if path.is_file() and path.suffix in TEXT]


def test_no_committed_file_names_a_registry_or_a_path_of_a_machine() -> None:
    """No download address and no path of one computer is committed."""
    faults = []
    for path in _tracked():
        if path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for pattern in (REGISTRY, MACHINE_PATH):
            faults += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in pattern.finditer(text)]
    assert faults == []


def test_the_top_level_is_as_designed() -> None:
    """Nothing lies on the top level that the design does not name."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    top = {name.split("/")[0] for name in listed if name}
    allowed = {
        "deepflash_service",
        "fiji_plugin",
        "macros",
        "tests",
        "docs",
        "benchmarks",
        ".ci",
        "pyproject.toml",
        "README.md",
        "Makefile",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "constraints.txt",
        ".gitignore",
    }
    assert top <= allowed


def test_constraints_pin_versions_and_hold_no_address() -> None:
    """Each line of constraints.txt is NAME==VERSION, and pydantic is below 2.14."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    pinned = dict(line.split("==") for line in lines)
    assert tuple(int(part) for part in pinned["pydantic"].split(".")[:2]) < (2, 14)


def test_architecture_page_is_short() -> None:
    """docs/architecture.md stays within 150 lines."""
    assert len((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_links_in_the_documents_lead_somewhere() -> None:
    """Every relative link in README and docs points to a file that exists."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not target.startswith(("http:", "https:", "mailto:"))
        and not (page.parent / target).exists()
    ]
    assert broken == []

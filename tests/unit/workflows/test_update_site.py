"""The laid out update site against the format that docs/update-site.md describes."""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from deepflash_service.errors import InputError
from deepflash_service.workflows import update_site
from deepflash_service.workflows.jar_digests import digest_file
from deepflash_service.workflows.update_site import lay_out_update_site

if TYPE_CHECKING:
    from pathlib import Path

FIRST = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECOND = datetime(2026, 6, 7, 8, 9, 10, tzinfo=UTC)
TOOLS = "macros/toolsets/DeepFLaSH Annotation.ijm"
JAR = "plugins/DeepFLaSH_Fiji-1.0.0.jar"


def write_jar(path: Path, *, text: bytes = b"code", built_by: bytes = b"anna") -> Path:
    """Write a small jar whose entries are not in the order of their names."""
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("org/B.class", text)
        jar.writestr("org/", b"")
        jar.writestr("META-INF/MANIFEST.MF", b"Built-By: " + built_by)
        jar.writestr("a.properties", b"#" + built_by + b"\nversion=1\n")
    return path


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Return the files of the plugin, a jar and a tool set, for the site to be made from."""
    tools = tmp_path / "tools.ijm"
    tools.write_bytes(b"macro")
    found = {JAR: write_jar(tmp_path / "a.jar"), TOOLS: tools}
    monkeypatch.setattr(update_site, "list_plugin_files", lambda: found)
    return found


def read_index(site: Path) -> ET.Element:
    """Return the root of the index."""
    return ET.fromstring(gzip.decompress((site / "db.xml.gz").read_bytes()))


def read_table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the table of a page whose first column has this heading."""
    lines = page[page.index(f"| {heading} |") :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def check_element(
    element: ET.Element, elements: dict[str, list[str]], patterns: dict[str, str]
) -> None:
    """Hold one element, and those in it, against the tables of the page."""
    _, _, attributes, text = elements[element.tag]
    assert set(element.attrib) == set(re.findall(r"`(.+?)`", attributes)), element.tag
    for name, value in element.attrib.items():
        assert re.fullmatch(patterns.get(name, ".+"), value), (name, value)
    assert bool((element.text or "").strip()) == (text == "yes")
    order = list(elements)
    found = [child.tag for child in element]
    assert found == sorted(found, key=order.index)
    for child in element:
        parent, count, *_ = elements[child.tag]
        assert parent == f"`{element.tag}`"
        assert count != "0-1" or found.count(child.tag) == 1
        check_element(child, elements, patterns)


def check_format(site: Path, project_root: Path) -> None:
    """Hold a site against the page: its elements, its attributes, the files on it."""
    page = (project_root / "docs" / "update-site.md").read_text(encoding="utf-8")
    elements = {row[0].strip("`"): row[1:] for row in read_table(page, "element")}
    rows = {row[0].strip("`"): row[1] for row in read_table(page, "attribute")}
    found = {name: re.match(r"`(\[.+?)`", text) for name, text in rows.items()}
    patterns = {name: match.group(1) for name, match in found.items() if match}
    assert len(patterns) == 4
    root = read_index(site)
    check_element(root, elements, patterns)
    for plugin in root:
        assert "\\" not in plugin.attrib["filename"]
        for version in plugin.iter("version"):
            name = plugin.attrib["filename"]
            data = (site / f"{name}-{version.attrib['timestamp']}").read_bytes()
            assert len(data) == int(version.attrib["filesize"])
            assert digest_file(name, data) == version.attrib["checksum"]


def test_a_new_site_is_as_described(
    files: dict[str, Path], tmp_path: Path, project_root: Path
) -> None:
    """Jar and tool set lie under name and time stamp; the index lists both."""
    result = lay_out_update_site(tmp_path / "site", now=FIRST)
    assert result["changed"] == list(files)
    assert (tmp_path / "site" / f"{TOOLS}-20260102030405").read_bytes() == b"macro"
    assert {one.attrib["filename"] for one in read_index(tmp_path / "site")} == set(files)
    check_format(tmp_path / "site", project_root)


def test_what_did_not_change_keeps_its_time(files: dict[str, Path], tmp_path: Path) -> None:
    """A second run writes the same index; another build of the same classes is no new version."""
    site = tmp_path / "site"
    lay_out_update_site(site, now=FIRST)
    before = (site / "db.xml.gz").read_bytes()
    write_jar(files[JAR], built_by=b"berta")
    assert lay_out_update_site(site, now=SECOND)["changed"] == []
    assert (site / "db.xml.gz").read_bytes() == before


def test_earlier_versions_stay_known(
    files: dict[str, Path], tmp_path: Path, project_root: Path
) -> None:
    """A jar of another version number follows the old one; a macro that is gone is obsolete."""
    site = tmp_path / "site"
    lay_out_update_site(site, now=FIRST)
    old = {one.attrib["filename"]: one.find("version") for one in read_index(site)}
    new_jar = JAR.replace("1.0.0", "1.1.0")
    files[new_jar] = write_jar(files.pop(JAR), text=b"better code")
    del files[TOOLS]
    assert lay_out_update_site(site, now=SECOND)["changed"] == [new_jar]
    gone, jar = sorted(read_index(site), key=lambda one: one.attrib["filename"])
    assert (jar.attrib["filename"], gone.attrib["filename"]) == (new_jar, TOOLS)
    assert gone.find("version") is None
    for plugin, name in ((jar, JAR), (gone, TOOLS)):
        (past,) = plugin.iter("previous-version")
        version = old[name]
        assert version is not None
        assert past.attrib == {
            "filename": name,
            "timestamp": "20260102030405",
            "timestamp-obsolete": "20260607080910",
            "checksum": version.attrib["checksum"],
        }
    check_format(site, project_root)
    third = datetime(2027, 1, 1, tzinfo=UTC)
    files[JAR] = write_jar(files.pop(new_jar))
    lay_out_update_site(site, now=third)
    jar = next(one for one in read_index(site) if one.attrib["filename"] == JAR)
    assert len(list(jar.iter("previous-version"))) == 1


def test_a_damaged_index_is_not_written_over(files: dict[str, Path], tmp_path: Path) -> None:
    """Losing the history would make every user's jar look locally modified."""
    assert files
    for damage in (b"<html>", gzip.compress(b"<plugin"), gzip.compress(b"<a><plugin/></a>")):
        (tmp_path / "db.xml.gz").write_bytes(damage)
        with pytest.raises(InputError, match="is no index of an update site"):
            lay_out_update_site(tmp_path, now=FIRST)
        assert (tmp_path / "db.xml.gz").read_bytes() == damage


def test_the_checksum_is_the_one_of_the_page(tmp_path: Path) -> None:
    """Entries by name, the manifest empty, comments as empty lines; other files with their path."""
    data = write_jar(tmp_path / "x.jar").read_bytes()
    told = b"META-INF/MANIFEST.MF" + b"a.properties\nversion=1\n" + b"org/" + b"org/B.classcode"
    assert digest_file("plugins/x.jar", data) == hashlib.sha1(told).hexdigest()
    assert digest_file("macros/x y.ijm", b"z") == hashlib.sha1(b"macros/x y.ijmz").hexdigest()


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        (b"# one\n# two\na=1\n#three", b"\n\na=1\n"),
        (b"\n# kept\n# gone\n", b"\n# kept\n\n"),
        (b"#\n# kept\na=1", b"\n# kept\na=1"),
        (b"a=#1\n##\n#kept\n", b"a=#1\n\n#kept\n"),
    ],
)
def test_comments_of_properties_count_as_the_updater_counts_them(
    tmp_path: Path, text: bytes, counted: bytes
) -> None:
    """Also in its odd cases: after an empty line and after a comment without text."""
    with zipfile.ZipFile(tmp_path / "x.jar", "w") as jar:
        jar.writestr("p.properties", text)
    data = (tmp_path / "x.jar").read_bytes()
    assert digest_file("x.jar", data) == hashlib.sha1(b"p.properties" + counted).hexdigest()

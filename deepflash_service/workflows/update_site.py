"""Lay out a folder as an ImageJ update site serves it (docs/update-site.md)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from deepflash_service.errors import InputError
from deepflash_service.store.atomic import write_bytes
from deepflash_service.workflows.jar_digests import digest_file
from deepflash_service.workflows.plugin_files import list_plugin_files

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

INDEX: Final = "db.xml.gz"
_AUTHOR: Final = "The DeepFLaSH for Fiji developers"
_DESCRIPTION: Final = "Train and run U-Nets on fluorescent features with the DeepFLaSH service."


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of one file of the site.

    Parameters
    ----------
    name : str
        Path inside the Fiji folder, with ``/``.
    checksum : str
        From :func:`~deepflash_service.workflows.jar_digests.digest_file`.
    timestamp : int
        When it was laid out, as digits: year, month, day, hour, minute, second.
    size : int
        In bytes.
    obsolete : int
        When a newer one replaced it; 0 while it is the current one.
    """

    name: str
    checksum: str
    timestamp: int
    size: int = 0
    obsolete: int = 0

    @property
    def key(self) -> str:
        """The name without version number: what ImageJ takes for the same file."""
        return re.sub(r"-\d[\w.]*(?=\.jar$)", "", self.name)

    @property
    def served_as(self) -> str:
        """Path of the file on the site."""
        return f"{self.name}-{self.timestamp}"


def lay_out_update_site(folder: Path, *, now: datetime) -> dict[str, Any]:
    """Write jar, macros and tool set with their index; versions laid out before stay known.

    Nothing is written when nothing changed. The index is replaced last, so a site can be laid
    out while it is served.

    Parameters
    ----------
    folder : Path
        The site; is made.
    now : datetime
        Present moment in UTC, the time stamp of new files.

    Returns
    -------
    dict
        ``{"folder", "files": {path: path on the site}, "changed": [path, ...]}``.

    Raises
    ------
    InputError
        Code ``broken_site``: the index that lies there cannot be read.
    SetupError
        Codes ``no_jar`` and ``disk_fault``.
    """
    stamp = int(now.strftime("%Y%m%d%H%M%S"))
    known = _read_index(folder / INDEX)
    files = list_plugin_files()
    current, changed = [], []
    for name, source in files.items():
        data = source.read_bytes()
        version = FileVersion(name, digest_file(name, data), stamp, size=len(data))
        old = next((one for one in known if _is_current_same(one, version)), None)
        if old is None:
            changed.append(name)
        version = old or version
        current.append(version)
        if old is None or not (folder / version.served_as).is_file():
            write_bytes(folder / version.served_as, data)
    past = _retire(known, current, stamp=stamp)
    index = gzip.compress(_format_index(current, past), mtime=0)
    if not (folder / INDEX).is_file() or (folder / INDEX).read_bytes() != index:
        write_bytes(folder / INDEX, index)
    return {
        "folder": str(folder),
        "files": {one.name: one.served_as for one in current},
        "changed": changed,
    }


def _is_current_same(old: FileVersion, new: FileVersion) -> bool:
    return (old.obsolete, old.name, old.checksum) == (0, new.name, new.checksum)


def _retire(
    known: Iterable[FileVersion], current: Iterable[FileVersion], *, stamp: int
) -> list[FileVersion]:
    """Return the versions that are no longer current, each once."""
    present = {(one.name, one.checksum) for one in current}
    past = [one for one in known if (one.name, one.checksum) not in present]
    return [replace(one, obsolete=one.obsolete or stamp) for one in past]


def _format_index(current: list[FileVersion], past: list[FileVersion]) -> bytes:
    root = ET.Element("pluginRecords")
    by_key = {one.key: one for one in current}
    for key in sorted({*by_key, *(one.key for one in past)}):
        older = sorted((one for one in past if one.key == key), key=lambda one: one.timestamp)
        newest = by_key.get(key)
        plugin = ET.SubElement(root, "plugin", filename=(newest or older[-1]).name)
        if newest is not None:
            _add_version(plugin, newest)
        for one in older:
            _add_previous(plugin, one)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def _add_version(plugin: ET.Element, version: FileVersion) -> None:
    element = ET.SubElement(
        plugin,
        "version",
        checksum=version.checksum,
        timestamp=str(version.timestamp),
        filesize=str(version.size),
    )
    ET.SubElement(element, "description").text = _DESCRIPTION
    ET.SubElement(element, "author").text = _AUTHOR


def _add_previous(plugin: ET.Element, version: FileVersion) -> None:
    ET.SubElement(
        plugin,
        "previous-version",
        {
            "filename": version.name,
            "timestamp": str(version.timestamp),
            "timestamp-obsolete": str(version.obsolete),
            "checksum": version.checksum,
        },
    )


def _read_index(path: Path) -> list[FileVersion]:
    if not path.is_file():
        return []
    try:
        root = ET.fromstring(gzip.decompress(path.read_bytes()))  # noqa: S314 - our own file
        return [one for plugin in root.iter("plugin") for one in _read_versions(plugin)]
    except (OSError, EOFError, ET.ParseError, KeyError, ValueError) as error:
        raise InputError(
            f"{path} is no index of an update site ({error}). Move it away, or name another "
            "folder; without it Fiji takes the files that users have for files they changed.",
            code="broken_site",
        ) from error


def _read_versions(plugin: ET.Element) -> Iterable[FileVersion]:
    name = plugin.attrib["filename"]
    for one in plugin.iter("version"):
        facts = one.attrib
        stamp, size = int(facts["timestamp"]), int(facts["filesize"])
        yield FileVersion(name, facts["checksum"], stamp, size=size)
    for one in plugin.iter("previous-version"):
        facts = one.attrib
        yield FileVersion(
            facts.get("filename", name),
            facts["checksum"],
            int(facts["timestamp"]),
            obsolete=int(facts.get("timestamp-obsolete", 0)) or int(facts["timestamp"]),
        )

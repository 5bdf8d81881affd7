"""The time stamps that files carry."""

from __future__ import annotations

from datetime import UTC, datetime


def format_now() -> str:
    """Return the present moment in UTC as ISO 8601 text with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

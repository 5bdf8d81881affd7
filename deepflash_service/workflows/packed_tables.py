"""Tables as JSON and back, without loss: values, types, order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def pack_table(table: pd.DataFrame | None) -> dict[str, Any] | None:
    """Return a table as a JSON-ready value."""
    if table is None:
        return None
    columns = {
        str(name): {"type": str(column.dtype), "values": column.tolist()}
        for name, column in table.items()
    }
    return {"rows": len(table), "columns": columns}


def unpack_table(packed: dict[str, Any] | None) -> pd.DataFrame | None:
    """Return the table that :func:`pack_table` got."""
    import pandas as pd

    if packed is None:
        return None
    columns = {
        name: pd.Series(column["values"], dtype=column["type"])
        for name, column in packed["columns"].items()
    }
    return pd.DataFrame(columns, index=range(packed["rows"]))

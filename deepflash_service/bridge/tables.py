"""Tables between ImageJ's ``ResultsTable`` and pandas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deepflash_service.bridge.faults import check_kind

if TYPE_CHECKING:
    import pandas as pd

_LABEL: Final = "Label"


def read_results_table(table: Any) -> pd.DataFrame:
    """Return an ``ij.measure.ResultsTable`` as a data frame.

    Parameters
    ----------
    table : ij.measure.ResultsTable
        Any table; its row labels become the column ``Label``.

    Returns
    -------
    pandas.DataFrame
        Numbers as float64, text as text; one row for each row of the table.

    Raises
    ------
    InputError
        Code ``invalid_table``.
    """
    import pandas as pd

    check_kind(
        table,
        "getHeadings",
        code="invalid_table",
        sentence="An ij.measure.ResultsTable is needed here, not a {kind}. Leave it out for the "
        "Results of ImageJ.",
    )
    rows = int(table.size())
    columns: dict[str, Any] = {}
    if rows and any(table.getLabel(row) is not None for row in range(rows)):
        columns[_LABEL] = [_text(table.getLabel(row)) for row in range(rows)]
    for heading in table.getHeadings() if rows else ():
        name = str(heading)
        if name != _LABEL:
            columns[name] = _read_column(table, name)
    return pd.DataFrame(columns)


def _read_column(table: Any, name: str) -> Any:
    numbers = table.getColumn(name)
    if numbers is not None:
        values = np.array(numbers, dtype=np.float64)
        texts = [str(text) for text in table.getColumnAsStrings(name)]
        # A column of text reads as numbers, all of them not-a-number.
        if not np.isnan(values).all() or {*texts} <= {"NaN", ""}:
            return values
        return texts
    return [str(text) for text in table.getColumnAsStrings(name)]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def read_csv(data: bytes) -> pd.DataFrame:
    """Return a CSV file of the service (``rois.csv``, ``summary.csv``) as a data frame."""
    import pandas as pd

    frame: pd.DataFrame = pd.read_csv(io.BytesIO(data))
    return frame

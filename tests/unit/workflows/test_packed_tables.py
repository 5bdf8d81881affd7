"""Tables that travel as JSON."""

from __future__ import annotations

import json

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from deepflash_service.workflows.packed_tables import pack_table, unpack_table


@given(
    st.lists(
        st.tuples(
            st.floats(allow_infinity=False), st.floats(width=32), st.integers(0, 2**40), st.text()
        ),
        max_size=6,
    )
)
def test_tables_travel_without_loss(rows: list[tuple[float, float, int, str]]) -> None:
    """Values, types and order survive JSON, for empty tables, too."""
    table = pd.DataFrame(rows, columns=["a", "b", "Area (µm^2)", "name"])
    table = table.astype({"a": "float64", "b": "float32", "Area (µm^2)": "int64"})
    found = unpack_table(json.loads(json.dumps(pack_table(table))))
    assert found is not None
    pd.testing.assert_frame_equal(found, table, check_index_type=False)
    assert unpack_table(pack_table(None)) is None

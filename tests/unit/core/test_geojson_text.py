"""GeoJSON as text: what was put in, one feature per line."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deepflash_service.core.geojson import labels_to_geojson
from deepflash_service.core.geojson_text import HEAD, TAIL, format_collection, format_feature


@given(arrays(np.int32, st.tuples(*[st.integers(1, 9)] * 2), elements=st.integers(0, 4)))
def test_a_document_is_read_back_line_by_line(labels: np.ndarray) -> None:
    """Each feature is a line, none holds a blank, and the whole is what was traced."""
    _, dense = np.unique(np.append(0, labels.ravel()), return_inverse=True)
    document = labels_to_geojson(dense[1:].reshape(labels.shape).astype(np.int32), target="µ")
    text = format_collection(document["features"])
    assert json.loads(text) == json.loads(json.dumps(document))
    lines = text.splitlines()[1:-1]
    assert [json.loads(line.removesuffix(",")) for line in lines] == [
        json.loads(format_feature(one)) for one in document["features"]
    ]
    assert " " not in text
    assert "µ" in text or not lines


def test_no_feature_is_a_document_too() -> None:
    """Head and tail alone are valid."""
    assert format_collection([]) == HEAD + TAIL
    assert json.loads(HEAD + TAIL) == {"type": "FeatureCollection", "features": []}

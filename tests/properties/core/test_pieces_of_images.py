"""Percentiles, sums, windows and outlines of images in pieces equal those of whole images."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deepflash_service.core.bands import ImageRows, plan_bands
from deepflash_service.core.labels import label_rois
from deepflash_service.core.measurements import measure_lengths, measure_rois
from deepflash_service.core.outlines import trace_bands, trace_outlines
from deepflash_service.core.percentiles import find_percentiles, stream_percentiles
from deepflash_service.core.roi_sums import RoiSums
from deepflash_service.core.roi_tables import tabulate_rois
from deepflash_service.core.roi_windows import keep_group, plan_windows
from deepflash_service.core.rois import labels_to_rois, outlines_to_rois
from deepflash_service.core.uncertainty import measure_uncertainty
from deepflash_service.errors import ComputeError

WANTED = (0.0, 1.0, 37.5, 99.8, 100.0)
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64", "bool"]


@settings(deadline=None, max_examples=200)
@given(st.data(), st.sampled_from(TYPES), st.integers(1, 5))
def test_percentiles_of_pieces_are_exact(data: st.DataObject, dtype: str, pieces: int) -> None:
    """They equal numpy's percentiles of the values as float32, bit for bit, for any type."""
    floats = st.floats(-(2.0**100), 2.0**100, width=32)
    elements = floats if dtype.startswith("float") else hnp.from_dtype(np.dtype(dtype))
    values = data.draw(hnp.arrays(dtype, st.integers(1, 60), elements=elements))
    exact = values.astype(np.float32)
    expected = np.percentile(exact, WANTED).tolist()
    assert find_percentiles(exact, WANTED) == expected
    assert stream_percentiles(lambda: np.array_split(values, pieces), WANTED) == expected


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_percentiles_of_many_values(dtype: str) -> None:
    """A large sample, walked through in bands, gives numpy's percentiles."""
    values = np.random.default_rng(0).gamma(2.0, 900.0, (700, 900)).astype(dtype)
    rows = ImageRows((700, 900), 1, lambda start, stop: values[start:stop])
    found = stream_percentiles(lambda: (band for _, band in rows.walk()), (1.0, 99.8))
    assert found == np.percentile(values.astype(np.float32), [1.0, 99.8]).tolist()


@given(st.integers(1, 400), st.integers(1, 300), st.integers(1, 5000), st.integers(1, 7))
def test_bands_cover_the_image(rows: int, columns: int, values: int, multiple: int) -> None:
    """Bands follow each other, and all but the last have a multiple of rows."""
    bands = plan_bands((rows, columns), values=values, multiple=multiple)
    assert [band[0] for band in bands] == [0, *(band[1] for band in bands[:-1])]
    assert bands[-1][1] == rows
    heights = {stop - start for start, stop in bands[:-1]}
    assert all(height % multiple == 0 for height in heights)
    assert all(height * columns <= max(values, multiple * columns) for height in heights)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of random ROIs, intensities and probabilities of one shape."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    labels = label_rois(rng.random(shape) < draw(st.sampled_from([0.1, 0.4, 0.7])))
    image = rng.gamma(2.0, 100.0, shape).astype(np.float32)
    return labels, image, rng.random(shape, dtype=np.float32)


def add_up(scene: tuple[np.ndarray, np.ndarray, np.ndarray], height: int) -> RoiSums:
    """Measure a scene in bands."""
    labels, image, probability = scene
    sums = RoiSums(int(labels.max(initial=0)))
    for start, stop in plan_bands(labels.shape, values=height * labels.shape[1]):
        rows = slice(start, stop)
        sums.add_rows(start, labels[rows], image=image[rows], probability=probability[rows])
    return sums


@settings(deadline=None, max_examples=60)
@given(scenes(), st.integers(1, 40))
def test_tables_of_bands_are_exact(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray], height: int
) -> None:
    """Every figure of the table is the same number, not only close to it."""
    labels, image, probability = scene
    sums = add_up(scene, height)
    lengths = measure_lengths(trace_outlines(labels), np.arange(1, labels.max(initial=0) + 1))
    found = tabulate_rois(sums.finish(lengths, shape=labels.shape))
    expected = measure_rois(labels, image, probability=probability)
    assert found.equals(expected)
    assert sums.find_uncertainty() == measure_uncertainty(probability, labels)


@settings(deadline=None, max_examples=60)
@given(scenes(), st.integers(1, 500), st.booleans())
def test_windows_hold_all_rois_whole(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray], most: int, joins: bool
) -> None:
    """ROIs traced window by window are byte for byte those of the whole image, in order."""
    labels = scene[0]
    found: list[bytes] = []
    expected_first = 1
    for window in plan_windows(add_up(scene, 7).bounds, most_pixels=most):
        assert window.first == expected_first
        expected_first = window.last + 1
        part = labels[window.top : window.bottom, window.left : window.right]
        assert window.pixels <= most or window.first == window.last
        outlines = trace_outlines(keep_group(part, window), joins_diagonals=joins)
        found += outlines_to_rois(outlines.shift(window.top, window.left))
    if joins:
        assert found == labels_to_rois(labels)
    assert expected_first == labels.max(initial=0) + 1


@settings(deadline=None, max_examples=60)
@given(scenes(), st.lists(st.integers(1, 39), max_size=5), st.booleans())
def test_outlines_of_bands_are_those_of_the_whole(
    scene: tuple[np.ndarray, np.ndarray, np.ndarray], cuts: list[int], joins: bool
) -> None:
    """Loops, their order and their corners do not depend on the bands."""
    labels = scene[0]
    ends = [0, *sorted({cut for cut in cuts if cut < len(labels)}), len(labels)]
    bands = list(pairwise(ends))
    found = trace_bands(lambda a, b: labels[a:b], bands, joins_diagonals=joins)
    expected = trace_outlines(labels, joins_diagonals=joins)
    for name in ("labels", "starts", "rows", "columns"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_endless_outlines_are_not_begun() -> None:
    """Edges are counted before the memory for their order is taken."""
    labels = np.indices((40, 40)).sum(axis=0).astype(np.int32) % 2
    with pytest.raises(ComputeError) as caught:
        trace_bands(lambda a, b: labels[a:b], plan_bands(labels.shape, values=80), most_edges=1000)
    assert caught.value.code == "outline_too_long"

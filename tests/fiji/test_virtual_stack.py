"""A virtual stack that is much larger than the memory of ImageJ is segmented plane by plane.

Always: 130 planes of 2 MB in 64 MB of memory, with a stub in place of the service. With
``DEEPFLASH_ALL_PLANES=1`` the real service segments 1,000 planes, and ImageJ has 1 GB; that takes
from a quarter of an hour up, and ``--log-cli-level=INFO`` tells time and memory.
"""

from __future__ import annotations

import io
import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile

from deepflash_service.core.rois import labels_to_rois
from tests.fiji.conftest import run_service
from tests.fiji.desktop import start_imagej
from tests.fiji.stub_service import STAGES, StubService, pack_rois, serve_stub
from tests.fiji.tiny_model import store_threshold_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm]

IS_WHOLE = os.environ.get("DEEPFLASH_ALL_PLANES") == "1"
SIZE, SIDE = 1024, 60
EMPTY = range(10, 40)
"""Planes on which there is nothing to find."""
MODEL = "Deep"
LOG = logging.getLogger(__name__)
PEAK = "/proc/self/status"


def column(plane: int) -> int:
    """Return where the square of a plane begins, planes counted from 1."""
    return 7 * plane % (SIZE - SIDE)


def write_planes(path: Path, count: int) -> None:
    """Write bare 16-bit values, one square per plane, and none on the planes EMPTY."""
    pixels = np.memmap(path, np.dtype("<u2"), mode="w+", shape=(count, SIZE, SIZE))
    for plane in range(1, count + 1):
        if plane not in EMPTY:
            start = column(plane)
            pixels[plane - 1, 500 : 500 + SIDE, start : start + SIDE] = 5000
    pixels.flush()


def open_virtual(imagej: Desktop, path: Path, count: int) -> None:
    """Open the planes as a virtual stack."""
    write_planes(path, count)
    layout = f"image=[16-bit Unsigned] width={SIZE} height={SIZE} number={count} little-endian use"
    facts = 'return "" + nSlices + " " + is("Virtual Stack");'
    answer = imagej.do("macro", f'run("Raw...", "open=[{path}] {layout}"); {facts}')
    assert answer == f"done {count} 1"


@pytest.fixture
def places(display: str, require_jvm: Path, plugin_jar: Path) -> dict[str, Any]:
    """Return what every ImageJ of these tests needs."""
    return {"display": display, "jars": require_jvm, "plugin_jar": plugin_jar}


@contextmanager
def serve_maps() -> Iterator[StubService]:
    """Run a service that finds nothing in any plane, and sends 4 MB of probabilities for each."""
    packed = io.BytesIO()
    tifffile.imwrite(packed, np.full((SIZE, SIZE), 0.25, np.float32))
    with serve_stub(labels_to_rois(np.zeros((9, 9), np.int32))) as stub:
        stub.answers["GET /api/v1/jobs/j1/results/probability.tif"] = packed.getvalue()
        yield stub


def find_squares(stub: StubService, number: int) -> None:
    """Let the service find that many squares in every plane."""
    labels = np.zeros((SIZE, SIZE), np.int32)
    for label in range(1, number + 1):
        labels[500:520, 25 * label : 25 * label + 20] = label
    lines = [f"roi-{label:04d},400,0.9" for label in range(1, number + 1)]
    stub.answers[STAGES["rois"]] = pack_rois(labels_to_rois(labels))
    stub.answers[STAGES["table"]] = "\n".join(["ROI,Area px,Probability", *lines]).encode()


def test_a_virtual_stack_is_never_loaded_whole(places: dict[str, Any], tmp_path: Path) -> None:
    """Far more than fits is read, sent and answered; images of results are refused at once.

    First there is nothing on any plane, which needs the map of each; then there are ROIs on all,
    which stay in overlay, ROI Manager and table.
    """
    count, memory, squares = 130, 64 << 20, 20
    folder = tmp_path / "imagej"
    with (
        serve_maps() as stub,
        start_imagej(folder, home=tmp_path, heap=memory, **places) as imagej,
    ):
        imagej.do("macro", f'run("DFL Set Up...", "service_url={stub.url} token=none");')
        open_virtual(imagej, tmp_path / "planes.raw", count)
        run = 'run("DFL Segment...", "model=Stub planes=all{}"); return "" + Overlay.size;'
        answer = imagej.do("macro", run.format(" mask labels probability"))
        assert answer.startswith(
            f"aborted The result images of {count} planes (mask, labels, probability) need 1.0 GB, "
            "but ImageJ may use 0.1 GB. Leave these images out"
        )
        assert not [one for one in stub.requests if one.startswith("POST")]
        assert imagej.do("macro", run.format(""), seconds=300) == "done 0"
        assert "the highest probability is 0.250" in imagej.do("log")
        find_squares(stub, squares)
        answer = imagej.do("macro", run.format(" add_to_manager table"), seconds=300)
        assert answer == f"done {count * squares}"
        names = imagej.do("manager").splitlines()
        assert len(set(names)) == count * squares
        last = imagej.do("rois").splitlines()[-1].split(" ")
        assert last[:2] == [f"cFOS-t001-z{count:03d}-{squares:04d}", f"{25 * squares},500,20,20"]
        assert last[3].rpartition(",")[2] == str(count)
        rows = imagej.do("macro", 'return "" + Table.size("DeepFLaSH ROIs");')
        assert rows == f"done {count * squares}"
    assert (tmp_path / "planes.raw").stat().st_size > 4 * memory
    assert sum(one.startswith("POST") for one in stub.requests) == 2 * count


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.skipif(not IS_WHOLE, reason="takes long: set DEEPFLASH_ALL_PLANES=1")
def test_a_thousand_planes_with_the_real_service(places: dict[str, Any], tmp_path: Path) -> None:
    """Each plane gives its ROI with its position; a model of base 4 and depth 2, 1 GB of memory."""
    count = 1000
    store_threshold_model(tmp_path / "home", name=MODEL, depth=2)
    with (
        run_service(tmp_path / "home"),
        start_imagej(tmp_path / "imagej", home=tmp_path / "home", **places) as imagej,
    ):
        open_virtual(imagej, tmp_path / "planes.raw", count)
        answer = imagej.do(
            "macro",
            f'start = getTime(); run("DFL Segment...", "model={MODEL} planes=all add_to_manager"); '
            f'return d2s((getTime() - start) / 1000, 1) + " s " + File.openAsString("{PEAK}");',
            seconds=4 * 3600.0,
        )
        assert answer.startswith("done "), answer
        peak = [line for line in answer.splitlines() if line.startswith("VmHWM")]
        LOG.info("%d planes in %s, %s", count, answer.split(" s ")[0], peak)
        rows = [line.split(" ") for line in imagej.do("rois").splitlines()]
    found = [(row[1], row[3].rpartition(",")[2]) for row in rows]
    assert found == [
        (f"{column(plane)},500,{SIDE},{SIDE}", str(plane))
        for plane in range(1, count + 1)
        if plane not in EMPTY
    ]

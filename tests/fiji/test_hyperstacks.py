"""``DFL Segment...`` on a 16-bit hyperstack of 4 channels, 10 slices and 5 frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

FRAMES, SLICES, CHANNELS = 5, 10, 4
NAMES = ("DAPI", "Cy5", "GFP", "TRITC")
SHAPE = (80, 176)
SIDE = 8
WANTED = 3
FACTS = """
selectImage("{title}"); getDimensions(w, h, c, z, t); getVoxelSize(x, y, d, unit);
if (nSlices > 1) setSlice({slice});
return "" + c + " " + z + " " + t + " " + bitDepth + " " + x + " " + d + " " + unit + " "
    + Stack.getFrameInterval + "/" + getInfo("slice.label");
"""


def place(channel: int, z: int, t: int) -> tuple[int, int]:
    """Return row and column of the one square on a plane, all counted from 1."""
    return 4 + 15 * (t - 1), 4 + 16 * (z - 1) + 2 * (channel - 1)


@pytest.fixture(scope="module")
def hyperstack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file in which each plane has one square of its own."""
    stack = np.full((FRAMES, SLICES, CHANNELS, *SHAPE), 300, np.uint16)
    labels = []
    for t, z, c in np.ndindex(FRAMES, SLICES, CHANNELS):
        row, column = place(c + 1, z + 1, t + 1)
        stack[t, z, c, row : row + SIDE, column : column + SIDE] = 9000 + 500 * z
        labels.append(f"c:{c + 1}/4 z:{z + 1}/10 t:{t + 1}/5 - {NAMES[c]}")
    path = tmp_path_factory.mktemp("hyperstack") / "hyper.tif"
    facts = {"axes": "TZCYX", "unit": "um", "spacing": 1.5, "finterval": 30, "Labels": labels}
    tifffile.imwrite(path, stack, imagej=True, resolution=(4, 4), metadata=facts)
    return path


@pytest.fixture
def imagej(clean_desktop: Desktop, hyperstack: Path) -> Iterator[Desktop]:
    """Return ImageJ with the hyperstack open at channel 2, slice 4, frame 3."""
    clean_desktop.do("open", str(hyperstack))
    clean_desktop.do("macro", 'roiManager("reset"); Stack.setPosition(2, 4, 3);')
    yield clean_desktop
    clean_desktop.do("macro", 'roiManager("reset");')


def segment(imagej: Desktop, options: str) -> list[tuple[str, str, str]]:
    """Return name, bounds and position (channel, slice, frame) of each ROI."""
    answer = imagej.do("macro", f'run("DFL Segment...", "model={MODEL} {options}");')
    assert answer.startswith("done"), answer
    rows = [line.split(" ") for line in imagej.do("rois", "hyper.tif").splitlines()]
    return [(name, bounds, place.rpartition(",")[0]) for name, bounds, _, place, _ in rows]


def expect(channel: int, z: int, t: int, *, position: str = "") -> tuple[str, str, str]:
    """Return what a ROI of that plane is."""
    row, column = place(channel, z, t)
    bounds = f"{column},{row},{SIDE},{SIDE}"
    return f"cFOS-t{t:03d}-z{z:03d}-0001", bounds, position or f"{channel},{z},{t}"


def test_all_planes_give_rois_and_results_in_their_places(imagej: Desktop) -> None:
    """Fifty planes, fifty ROIs with position; stacks with the labels and sizes of the image."""
    found = segment(imagej, f"channel={WANTED} planes=all add_to_manager mask labels probability")
    everywhere = [(z, t) for t in range(1, FRAMES + 1) for z in range(1, SLICES + 1)]
    assert found == [expect(WANTED, z, t) for z, t in everywhere]
    assert imagej.do("manager").splitlines() == [name for name, _, _ in found]
    for title, bits in (("hyper-mask", 8), ("hyper-labels", 16), ("hyper-prob", 32)):
        facts = FACTS.format(title=title, slice=(3 - 1) * SLICES + 4)
        assert imagej.do("macro", facts) == (
            f"done 1 10 5 {bits} 0.25 1.5 µm 30/c:3/4 z:4/10 t:3/5 - GFP"
        ), title
    row, column = place(WANTED, 7, 2)
    look = (
        f'selectImage("hyper-mask"); Stack.setPosition(1, 7, 2); v = getPixel({column}, {row}); '
        f"return d2s(v, 0) + d2s(getPixel({column} - 1, {row}), 0);"
    )
    assert imagej.do("macro", look) == "done 2550"


def test_the_current_plane_is_that_of_the_wanted_channel(imagej: Desktop) -> None:
    """Slice and frame are those shown; a name is as good as a number, else it is the one shown."""
    assert segment(imagej, f"channel={WANTED} planes=current") == [expect(WANTED, 4, 3)]
    assert segment(imagej, "channel=gfp planes=current") == [expect(WANTED, 4, 3)]
    assert segment(imagej, "planes=current") == [expect(2, 4, 3)]


def test_the_projection_is_over_the_slices_of_the_frame_shown(imagej: Desktop) -> None:
    """Ten squares of frame 3 lie side by side; they belong to the frame and to no slice."""
    found = segment(imagej, f"channel={WANTED} planes=[max projection]")
    assert sorted(bounds for _, bounds, _ in found) == sorted(
        expect(WANTED, z, 3)[1] for z in range(1, SLICES + 1)
    )
    assert {position for _, _, position in found} == {f"{WANTED},0,3"}


def test_one_plane_of_a_hyperstack_keeps_its_label(imagej: Desktop) -> None:
    """The mask of the current plane is a single image with pixel size and label."""
    segment(imagej, f"channel={WANTED} planes=current mask")
    facts = imagej.do("macro", FACTS.format(title="hyper-mask", slice=1))
    assert facts.startswith("done 1 1 1 8 0.25 1.5 µm")
    assert facts.endswith("/c:3/4 z:4/10 t:3/5 - GFP")


@pytest.mark.parametrize(
    ("channel", "sentence"),
    [
        ("5", "Channel 5 was asked for, but hyper.tif has 4. Choose a channel from 1 to 4."),
        ("mCherry", "No channel of hyper.tif is called mCherry: 1 is DAPI, 2 is Cy5, 3 is GFP, 4"),
        ("-1", "channel=-1 is not known. Channels count from 1; 0 is the one shown."),
    ],
)
def test_a_channel_that_is_not_there_is_told(imagej: Desktop, channel: str, sentence: str) -> None:
    """By number and by name the sentence tells which channels there are."""
    answer = imagej.do("macro", f'run("DFL Segment...", "model={MODEL} channel={channel}");')
    assert answer.startswith(f"aborted {sentence}")

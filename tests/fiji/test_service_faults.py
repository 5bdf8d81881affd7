"""Each fault of the service gives its one sentence in time, and leaves no window waiting."""

from __future__ import annotations

import json
import re
import time
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from deepflash_service.core.rois import labels_to_rois
from tests.fiji.desktop import run_headless, start_imagej
from tests.fiji.stub_service import LIVE, LOG, MERGE, PAIRS, STAGES, StubService, serve_stub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm]

SILENCE_SECONDS = 2
LIMIT_SECONDS = SILENCE_SECONDS + 6
"""Connecting may take 2 s; the rest is for a busy computer."""

FAILS = "The service failed: The disk is on strike. See DFL Report a Problem."
CUT = "The service failed: the connection to {url} was cut"
SILENT = "The service stopped answering after 2 s. See DFL Jobs..."
JOB_SILENT = "The service stopped answering after 2 s. Job j1 goes on; see DFL Jobs..."
FAULTS = [
    *[(f"fail@{stage}", FAILS) for stage in STAGES],
    *[(f"drop@{stage}", CUT) for stage in STAGES],
    *[(f"cut@{stage}", CUT) for stage in STAGES],
    *[(f"freeze@{stage}", JOB_SILENT if stage == "job" else SILENT) for stage in STAGES],
    ("age@info", "Plugin 0.1.0 and service 9.0 do not fit together. Update DeepFLaSH_Fiji-0.1.0"),
    ("vanish@job", JOB_SILENT),
    ("garble@info", "No DeepFLaSH service answers at {url}. Start it with DFL Set Up..."),
    ("garble@models", "The service failed: its answer lists no models. See DFL Report"),
    ("garble@submit", "The service failed: its answer describes no job. See DFL Report"),
    ("garble@job", "The service failed: its answer describes no job. See DFL Report"),
    ("garble@rois", "The service failed: its result cannot be read (it is no zip file). See DFL"),
]
TABLES = {f"DeepFLaSH {name}" for name in ("ROIs", "Pairs", "ROI Sizes", "Agreement")}
SEGMENT = 'run("DFL Segment...", "model=Stub table");'


@pytest.fixture
def stub() -> Iterator[StubService]:
    """Return a stub of the service, which finds one ROI in any image."""
    labels = np.zeros((32, 32), np.int32)
    labels[4:9, 5:11] = 1
    with serve_stub(labels_to_rois(labels)) as service:
        yield service


@pytest.fixture(scope="module")
def module_imagej(
    display: str, require_jvm: Path, plugin_jar: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desktop]:
    """Return an ImageJ of this module."""
    folder = tmp_path_factory.mktemp("faults")
    places = {"jars": require_jvm, "plugin_jar": plugin_jar, "home": folder / "home"}
    with start_imagej(folder / "imagej", display=display, **places) as desktop:
        yield desktop


@pytest.fixture
def imagej(module_imagej: Desktop) -> Iterator[Desktop]:
    """Return ImageJ with one open image; no window but its own may be left at the end."""
    module_imagej.do("macro", 'newImage("dark", "16-bit black", 32, 32, 1);')
    yield module_imagej
    module_imagej.do("closeall")
    assert set(module_imagej.do("windows").splitlines()) <= {"ImageJ", "Log", *TABLES}


def set_up(imagej: Desktop, stub: StubService, fault: str) -> None:
    """Point the plugin to the stub, which will fail as the token says."""
    options = f"service_url={stub.url} token={fault} timeout_s={SILENCE_SECONDS}"
    assert imagej.do("macro", f'run("DFL Set Up...", "{options}");').startswith("done")


def test_the_stub_is_a_service(imagej: Desktop, stub: StubService) -> None:
    """Without a fault the macro of these tests goes through, by all the stages."""
    set_up(imagej, stub, "none")
    assert imagej.do("macro", f'{SEGMENT} return "went on";') == "done went on"
    assert imagej.do("rois", "dark").startswith("cFOS-t001-z001-0001 5,4,6,5")
    assert set(STAGES.values()) <= set(stub.requests)


@pytest.mark.parametrize(("fault", "sentence"), FAULTS, ids=[fault for fault, _ in FAULTS])
def test_a_macro_ends_with_the_sentence(
    imagej: Desktop, stub: StubService, fault: str, sentence: str
) -> None:
    """At every request of a segmentation; the macro is aborted and the image untouched."""
    set_up(imagej, stub, fault)
    start = time.monotonic()
    answer = imagej.do("macro", f'{SEGMENT} return "went on";')
    assert time.monotonic() - start < LIMIT_SECONDS
    assert answer.startswith("aborted " + sentence.format(url=stub.url))
    assert answer.removeprefix("aborted ") in imagej.do("log").replace("\n", " ")
    assert not imagej.do("rois", "dark")
    assert stub.requests.count(STAGES["submit"]) <= 1


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [one for one in FAULTS if one[0] in {"fail@submit", "freeze@rois", "drop@table", "vanish@job"}],
)
def test_a_person_gets_one_dialog_with_the_sentence(
    imagej: Desktop, stub: StubService, fault: str, sentence: str
) -> None:
    """Fault in the middle of the work: one message, closed by one click."""
    set_up(imagej, stub, fault)
    imagej.do("menu", "DFL Segment...")
    imagej.do("dialog")
    imagej.do("press", "OK")
    start = time.monotonic()
    imagej.do("idle")
    shown = imagej.do("dialog").replace("\n", " ")
    assert time.monotonic() - start < LIMIT_SECONDS
    assert sentence.format(url=stub.url) in shown
    imagej.do("press", "OK")
    imagej.do("nodialog")


def annotate(folder: Path) -> str:
    """Write an image with annotations of two experts; return the options that name them."""
    for name in ("", "a", "b"):
        (folder / name).mkdir(exist_ok=True)
        tifffile.imwrite(folder / name / "x.tif", np.eye(32, dtype=np.uint8) * 255)
    return f"image_folder=[{folder}] mask_folders=[a={folder}/a;b={folder}/b]"


def check_pairs(folder: Path) -> str:
    """Return a macro that checks the annotations of two experts."""
    return f'run("DFL Check Pairs...", "{annotate(folder)}"); return "went on";'


def test_work_of_a_living_service_is_awaited_beyond_the_limit(
    imagej: Desktop, stub: StubService, tmp_path: Path
) -> None:
    """Check Pairs asks once, and as long as the service lives the answer may take its time."""
    macro = check_pairs(tmp_path)
    set_up(imagej, stub, "toil@pairs")
    imagej.do("log")
    start = time.monotonic()
    assert imagej.do("macro", macro) == "done went on"
    assert time.monotonic() - start > SILENCE_SECONDS
    assert [one for one in stub.requests if one.startswith("GET /api/v1/datasets")] == [PAIRS]
    assert stub.requests.count(LIVE) >= 3
    assert "a and b agree with F1 0.500" in imagej.do("log")
    shown = imagej.do("macro", 'return call("ij.ImageJ.getStatusBarText");')
    assert re.fullmatch(r"done DeepFLaSH: checking the pairs \([2-9] s; Escape ends it\)", shown)


@pytest.mark.parametrize("step", MERGE)
def test_each_step_of_a_merge_may_take_its_time(
    imagej: Desktop, stub: StubService, step: str, tmp_path: Path
) -> None:
    """Pairing, the consensus of an image and the comparison are work of the service too."""
    options = f"{annotate(tmp_path)} output_folder=[{tmp_path}/merged]"
    set_up(imagej, stub, f"toil@{step}")
    start = time.monotonic()
    answer = imagej.do("macro", f'run("DFL Merge Experts...", "{options}"); return "went on";')
    assert answer == "done went on"
    assert time.monotonic() - start > SILENCE_SECONDS
    assert [stub.requests.count(one) for one in MERGE.values()] == [1, 1, 1]
    assert [one.read_bytes() for one in (tmp_path / "merged").iterdir()] == [b"a consensus"]


def test_a_merge_that_cannot_be_paired_leaves_no_data_set(
    imagej: Desktop, stub: StubService, tmp_path: Path
) -> None:
    """What was sent is taken away again before the macro ends with the sentence."""
    options = f"{annotate(tmp_path)} output_folder=[{tmp_path}/merged]"
    set_up(imagej, stub, "fail@list")
    answer = imagej.do("macro", f'run("DFL Merge Experts...", "{options}");')
    assert answer.startswith(f"aborted {FAILS}")
    assert stub.requests[-1] == "DELETE /api/v1/datasets/d1"


def test_escape_ends_the_wait_for_the_pairs(
    imagej: Desktop, stub: StubService, tmp_path: Path
) -> None:
    """The data set that was sent is taken away again."""
    macro = check_pairs(tmp_path)
    set_up(imagej, stub, "freeze@pairs")
    imagej.do("escapeafter", "1500")
    assert imagej.do("macro", macro).startswith("aborted")
    assert stub.requests.count(PAIRS) == 1
    assert stub.requests[-1] == "DELETE /api/v1/datasets/d1"


def test_a_report_holds_the_logs_that_can_be_had(
    imagej: Desktop, stub: StubService, tmp_path: Path
) -> None:
    """A job whose log is lost does not cost those of the others, nor does a very long one."""
    jobs = [{"id": name, "kind": "training", "state": "failed"} for name in ("j1", "j2", "j3")]
    stub.answers["GET /api/v1/jobs"] = json.dumps({"jobs": jobs}).encode()
    stub.answers[LOG] = b"lost"
    stub.answers["GET /api/v1/jobs/j2/log"] = b"start " + b"x" * (1 << 20) + b" end of two"
    stub.answers["GET /api/v1/jobs/j3/log"] = b"log of three"
    set_up(imagej, stub, "fail@log")
    imagej.do("macro", f'run("DFL Report a Problem", "output_folder=[{tmp_path}]");')
    with zipfile.ZipFile(next(tmp_path.glob("*.zip"))) as archive:
        text = archive.read("failed-jobs.txt").decode()
    assert f"j1:\n{FAILS}" in text
    assert "end of two" in text
    assert "start" not in text
    assert text.endswith("j3:\nlog of three\n")


@pytest.mark.parametrize(
    "command",
    [
        "DFL Segment...,model=Stub",
        "DFL Model Library...,action=list",
        "DFL Jobs...,action=list",
        "DFL Check Service,",
        "DFL Train...,model=new base=new image_folder=[{folder}] mask_folders=[a={folder}]",
        "DFL Evaluate...,prediction=[{folder}] truth=[{folder}]",
        "DFL Check Pairs...,image_folder=[{folder}] mask_folders=[a={folder};b={folder}]",
        "DFL Merge Experts...,image_folder=[{folder}] mask_folders=[a={folder};b={folder}] "
        "output_folder=[{folder}/out]",
    ],
    ids=lambda command: command.split(",")[0],
)
def test_every_command_tells_that_plugin_and_service_differ(
    imagej: Desktop, stub: StubService, tmp_path: Path, command: str
) -> None:
    """The handshake comes before any work: the sentence names both versions and the file."""
    for name in ("x.tif", "y.tif"):
        imagej.do("macro", f'saveAs("Tiff", "{tmp_path / name}");')
    set_up(imagej, stub, "age@info")
    name, options = command.format(folder=tmp_path).split(",")
    answer = imagej.do("macro", f'run("{name}", "{options}"); return "went on";')
    assert answer == (
        "aborted Plugin 0.1.0 and service 9.0 do not fit together. Update DeepFLaSH_Fiji-0.1.0.jar."
    )


def test_without_a_display_a_fault_is_text_and_an_exit_code(
    require_jvm: Path, plugin_jar: Path, stub: StubService, tmp_path: Path
) -> None:
    """The sentence stands on standard error, the process ends with 1, and nothing is written."""
    macro = tmp_path / "faults.ijm"
    macro.write_text(
        'newImage("dark", "16-bit black", 32, 32, 1);'
        f'call("org.deepflash.Macros.setUp", "service_url={stub.url} token=fail@job timeout_s=2");'
        f'text = call("org.deepflash.Macros.segment", "model=Stub output_folder=[{tmp_path}/out]");'
        'if (startsWith(text, "error: ")) exit(text); return text;'
    )
    done = run_headless(require_jvm, plugin_jar, folder=tmp_path, macro=macro)
    assert done.returncode == 1
    assert FAILS in done.stdout
    assert not (tmp_path / "out").exists()

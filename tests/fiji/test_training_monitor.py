"""``DFL Training Monitor`` and ``DFL Jobs...`` in a real ImageJ, while a real training runs."""

from __future__ import annotations

import io
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from deepflash_service.bridge import connect
from deepflash_service.errors import DeepFlashError
from deepflash_service.jobs.table import FILE_NAME
from tests.fiji.conftest import MODEL, await_recorded, await_that, draw_spots, run_service
from tests.fiji.desktop import SCREEN_HEIGHT
from tests.fiji.tiny_model import store_threshold_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

WINDOW = "DeepFLaSH Training watched"
ENDLESS = 2000
LOSS_BLUE = (0x00, 0x72, 0xB2)
PICTURES = Path(os.environ["DEEPFLASH_PICTURES"]) if "DEEPFLASH_PICTURES" in os.environ else None


def start_training(service: Service) -> str:
    """Start an endless fine-tuning and return its job when it learns."""
    dataset = service.create_dataset("spots")
    for count in (2, 4, 6):
        image = draw_spots(shape=(144, 144), count=count)
        service.put_image(dataset, f"{count}.tif", image)
        service.put_annotation(dataset, f"{count}.tif", image > 1000, expert="anna")
    job = service.train(dataset, "watched", base=MODEL, preset="quick", epochs=ENDLESS).id
    await_that(lambda: service.job(job).current > 1 or service.job(job).has_ended)
    assert service.job(job).state == "running"
    return str(job)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return a stack that closes what the test opened."""
    with ExitStack() as opened:
        yield opened


def count_pixels(picture: Path, colour: tuple[int, int, int]) -> int:
    """Return how many pixels of a screenshot have exactly this colour."""
    with Image.open(picture) as image:
        return int((np.asarray(image.convert("RGB")) == colour).all(-1).sum())


def find_shade(png: bytes) -> tuple[int, int, int]:
    """Return the commonest colour of a preview that no frame or background has."""
    with Image.open(io.BytesIO(png)) as image:
        found = image.convert("RGB").getcolors(maxcolors=1 << 20) or []
    usual = {(0, 0, 0), (128, 128, 128), (255, 255, 255)}
    _, shade = max((count, colour) for count, colour in found if colour not in usual)
    return shade  # type: ignore[return-value]


def read_monitor(imagej: Desktop) -> str:
    """Return the words in the window of the training."""
    return imagej.do("window", WINDOW)


def read_epoch(imagej: Desktop) -> int:
    """Return the epoch that the window shows, 0 before the first."""
    found = re.search(r"Epoch (\d+) of", read_monitor(imagej))
    return int(found[1]) if found else 0


def test_monitor_attaches_again_after_fiji_was_killed(
    open_imagej: Callable[..., Any], service: Service, tmp_path: Path
) -> None:  # fmt: skip
    """The curve of a new Fiji holds the epochs before it came; the button stops and keeps."""
    job = start_training(service)
    with open_imagej("first") as imagej:
        imagej.do("record")
        imagej.do("menu", "DFL Training Monitor")
        first = await_that(lambda: read_epoch(imagej))
        line = f'run("DFL Training Monitor", "job={job}");'
        await_that(lambda: line in imagej.do("recorded"))
        imagej.kill()
    assert service.job(job).state == "running"
    with open_imagej("second") as imagej:
        imagej.do("menu", "DFL Check Service")
        imagej.do("window", "DeepFLaSH Service")
        assert f"Training {job} goes on: open DFL Training Monitor." in imagej.do("log")
        assert f"({job}) goes on. Follow it" in imagej.do("dialog").replace("\n", " ")
        top, height = map(int, imagej.do("place").split()[1::2])
        assert SCREEN_HEIGHT / 2 < top < SCREEN_HEIGHT - height
        imagej.do("press", "Open Training Monitor")
        await_that(lambda: read_epoch(imagej) > first)
        picture = PICTURES or tmp_path
        imagej.do("shot", str(picture / "monitor-running.png"))
        assert count_pixels(picture / "monitor-running.png", LOSS_BLUE) > 100
        imagej.do("click", f"{WINDOW}|Export...")
        imagej.do("type", f"0 {tmp_path}")
        imagej.do("press", "OK")
        table = await_that(lambda: next(tmp_path.glob("*-curve.csv"), None))
        epochs = [int(row.split(",")[0]) for row in table.read_text().splitlines()[1:]]
        assert epochs == list(range(1, len(epochs) + 1))
        assert len(epochs) > first
        assert table.with_suffix(".png").is_file()
        imagej.do("close", WINDOW)
        assert WINDOW not in imagej.do("windows")
        assert service.job(job).state == "running"
        imagej.do("menu", "DFL Training Monitor")
        await_that(lambda: "Stop and keep best=true" in imagej.do("buttons", WINDOW))
        imagej.do("click", f"{WINDOW}|Stop and keep best")
        await_that(lambda: "holds the best weights" in read_monitor(imagej))
        shade = find_shade(service.result(job, "preview.png"))
        imagej.do("shot", str(picture / "monitor-stopped.png"))
        assert count_pixels(picture / "monitor-stopped.png", shade) > 50
        assert "Resume=true" in imagej.do("buttons", WINDOW)
    assert service.job(job).state == "stopped"
    assert "watched" in [card.name for card in service.models()]


def test_macro_follows_stops_resumes_and_cancels(
    imagej_2: Desktop, service: Service, tmp_path: Path,
) -> None:  # fmt: skip
    """Without a window: numbers by Ext, a line per epoch, Escape cancels job and macro."""
    job = start_training(service)
    cancelled = "aborted Cancelled by the user."
    answer = imagej_2.do(
        "macro",
        'run("DFL Macro Extensions"); '
        f'Ext.dflProgress("{job}", state, epoch, epochs, loss, jaccard); '
        f'Ext.dflMetric("{job}", "seconds_per_epoch", pace); Ext.dflWait("{job}", 1, waited); '
        f'Ext.dflStop("{job}"); '
        'return state + " " + (epoch > 0) + " " + epochs + " " + (loss > 0) + " " '
        '+ (pace > 0) + " " + waited;',
    )
    assert answer == f"done running 1 {ENDLESS} 1 1 running"
    follow = f'run("DFL Training Monitor", "job={job}");'
    answer = imagej_2.do("macro", f'setBatchMode(true); {follow} return "went on";')
    assert answer == "done went on"
    log = imagej_2.do("log")
    assert f"DeepFLaSH: watched: epoch 1 of {ENDLESS}, loss " in log.replace("@1", "")
    assert f"training {job}: Stopped: " in log
    answer = imagej_2.do("macro", f'run("DFL Jobs...", "action=resume job={job}");')
    assert answer == "done null"
    imagej_2.do("escapeafter", "1500")
    assert imagej_2.do("macro", follow) == cancelled
    await_that(lambda: service.job(job).state == "cancelled")
    # a job for each of many planes, because the worker may be warm: one is done before any key
    imagej_2.do("macro", 'newImage("Many", "8-bit black", 512, 512, 400);')
    known = {one.id for one in service.jobs()}
    sign = tmp_path / "running"
    imagej_2.do("escapewhen", str(sign))
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(await_that, lambda: sign_running(service, known, sign))
        answer = imagej_2.do("macro", 'run("DFL Segment...", "model=Bright planes=all");')
        assert found.result()
    assert answer == cancelled
    ended = {"done", "cancelled"}
    await_that(lambda: {one.state for one in list_new(service, known)} <= ended)
    assert len(list_new(service, known)) < 400


def list_new(service: Service, known: set[str]) -> list[Any]:
    """Return the segmentations that were not known."""
    every = service.jobs()
    return [one for one in every if one.kind == "segmentation" and one.id not in known]


def sign_running(service: Service, known: set[str], sign: Path) -> bool:
    """Say whether a new segmentation is there; leave a file as a sign of it."""
    if list_new(service, known):
        sign.touch()
    return sign.exists()


def test_jobs_by_menu_recorded_and_replayed(
    imagej_2: Desktop, service: Service, pictures: Path
) -> None:
    """The table lists every job; what the menu recorded gives the same text in batch mode."""
    job = service.segment({"cells.tif": pictures / "cells.tif"}, MODEL).id
    with suppress(DeepFlashError):
        service.cancel(job)
    state = await_that(lambda: service.job(job).has_ended and service.job(job).state)
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Jobs...")
    imagej_2.do("dialog")
    imagej_2.do("choose", "0 show")
    imagej_2.do("choose", f"1 {job}")
    assert f"segmentation Bright@1, {state}" in imagej_2.do("dialog")
    imagej_2.do("shot", str((PICTURES or pictures) / "jobs.png"))
    imagej_2.do("press", "OK")
    shown = imagej_2.do("window", "DeepFLaSH Job")
    assert f"Job: {job}" in shown
    line = await_recorded(imagej_2, "DFL")
    assert line == f'run("DFL Jobs...", "action=show job={job}");'
    rows = imagej_2.do("rows", "DeepFLaSH Jobs").splitlines()
    assert rows[0].strip().split("\t") == [
        "ID", "Kind", "State", "Message", "Progress", "Model", "Created",
    ]  # fmt: skip
    assert len(rows) == len(service.jobs()) + 1
    assert imagej_2.do("macro", f'setBatchMode(true); {line} return "on";') == "done on"
    assert shown.partition("\n")[2].strip().splitlines()[1:3] == [
        "Kind: segmentation", f"State: {state}",
    ]  # fmt: skip
    assert "\n".join(shown.strip().splitlines()[-6:]) in imagej_2.do("log")
    for options, sentence in (
        ("action=show job=none", "none"),
        (f"action=stop job={job}", "has ended already"),
        (f"action=resume job={job}", "Start a new job instead."),
        ("action=burn", "action=burn is not known."),
    ):
        answer = imagej_2.do("macro", f'run("DFL Jobs...", "{options}");')
        assert answer.startswith("aborted ")
        assert sentence in answer


def move_job(home: Path, source: str, target: str) -> None:
    """Rename the folder of a job while no service runs, and take the index away."""
    (home / source).rename(home / target)
    for index in home.glob(f"{FILE_NAME}*"):
        index.unlink()


def kill_while_a_macro_waits(imagej: Desktop, home: Path, job: str) -> str:
    """Kill the service under a macro that follows the job, press Escape, return the answer."""
    pid = json.loads((home / "service.json").read_text())["pid"]
    imagej.do("escapeafter", "8000")
    return imagej.do(
        "macro",
        f'exec("sh", "-c", "(sleep 3; kill -9 {pid}) > /dev/null 2>&1 &"); '
        f'run("DFL Training Monitor", "job={job}"); return "went on";',
    )


def test_monitor_waits_for_a_service_that_was_killed(
    open_imagej: Callable[..., Any], tmp_path: Path, stack: ExitStack
) -> None:
    """A new service has another port and token: the window says so and goes on by itself.

    Escape cannot reach a service that is away. A job that the service does not know ends the
    looking; the window says so, and can be opened again.
    """
    home = tmp_path / "home"
    store_threshold_model(home, name=MODEL)
    with run_service(home), connect(home=home, start=False) as service:
        job = start_training(service)
        imagej = stack.enter_context(open_imagej("fifth", home=home))
        imagej.do("menu", "DFL Training Monitor")
        await_that(lambda: read_epoch(imagej))
        answer = kill_while_a_macro_waits(imagej, home, job)
        assert f"job {job} was not cancelled and goes on. Cancel it with DFL Jobs..." in answer
        await_that(lambda: "The service has not answered for" in read_monitor(imagej))
    before = read_epoch(imagej)
    with run_service(home), connect(home=home, start=False) as service:
        await_that(lambda: read_epoch(imagej) > before)
        assert "running" in read_monitor(imagej).splitlines()
        imagej.do("click", f"{WINDOW}|Cancel and discard")
        assert "This cannot be undone." in imagej.do("dialog")
        imagej.do("press", "Keep training")
        imagej.do("nodialog")
        assert service.job(job).state == "running"
        imagej.do("click", f"{WINDOW}|Cancel and discard")
        imagej.do("dialog")
        imagej.do("press", "Discard")
        await_that(lambda: service.job(job).state == "cancelled")
        await_that(lambda: "Cancelled: nothing was kept." in read_monitor(imagej))
    move_job(home, f"runs/{job}", "aside")
    with run_service(home):
        await_that(lambda: "This window looks no more" in read_monitor(imagej))
    move_job(home, "aside", f"runs/{job}")
    with run_service(home):
        imagej.do("menu", "DFL Training Monitor")
        await_that(lambda: "Cancelled: nothing was kept." in read_monitor(imagej))

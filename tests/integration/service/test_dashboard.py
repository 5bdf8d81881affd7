"""The dashboard in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from deepflash_service.records import ModelCard, RoiScores
from deepflash_service.store import models, runs
from deepflash_service.store.custody import hold_run
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.events import Event
from tests.integration.service.conftest import LiveService, await_that

pytestmark = pytest.mark.browser

SCORES = RoiScores(
    pixel_jaccard=0.71,
    dice=0.83,
    roi_jaccard=0.72,
    precision=0.84,
    recall=0.83,
    f1=0.836,
    matched=10,
    predicted=12,
    expected=12,
)


@pytest.fixture
def browser(require_browser: tuple[str, str], tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """Return Chromium without a window, which may reach this computer only."""
    options = webdriver.ChromeOptions()
    options.binary_location = require_browser[0]
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--window-size=1280,900",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={tmp_path / 'profile'}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=require_browser[1])
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[Path]:
    """Fill the home folder with a finished segmentation, a running training, a failure, a model."""
    home = tmp_path / "home"
    prepare_home(home)
    done = runs.create_run(home, "segmentation", options={"model": "cFOS_Wue@2"})
    runs.append_event(done, Event("done", "42 ROIs in 1 of 1 images.", 1, 1))
    failed = runs.create_run(home, "segmentation", options={"model": "cFOS_Wue@2"})
    error = {"code": "rgb_image", "message": "This is an RGB image.", "details": {}}
    runs.append_event(failed, Event("failed", "This is an RGB image.", error=error))
    training = runs.create_run(home, "training", options={"dataset": "d", "model": "mine"})
    runs.append_event(training, Event("running", "epoch 3 of 40", 3, 40, {"loss": 0.4}))
    with models.stage_model(home) as folder:
        (folder / "member-1.weights.h5").write_bytes(b"no weights")
        models.publish_model(home, folder, card=ModelCard(name="cFOS_Wue", scores=SCORES))
    with hold_run(training):
        yield home


_STATES = "return [...document.querySelectorAll('#jobs tbody tr')].map(row => row.dataset.state)"
_STOP = (
    "const found = [...document.querySelectorAll('button')];"
    "const stops = found.filter(one => one.innerText.includes('Stop'));"
    "stops.forEach(one => one.click()); return stops.length"
)


def _read_states(driver: webdriver.Chrome) -> list[str]:
    """Return the states at one moment; the page may be redrawn at any time."""
    return sorted(driver.execute_script(_STATES))


def test_the_dashboard_shows_jobs_and_models(
    history: Path,
    start: Callable[[], LiveService],
    browser: webdriver.Chrome,
    tmp_path: Path,
) -> None:
    """The printed link logs in once; a finished job is seen, and news appear by themselves."""
    service = start()
    link = service.lines[1].removeprefix("Dashboard: ")
    await_that(lambda: service.client.get("/ready").status_code == 200)
    browser.get(link)
    await_that(lambda: browser.current_url == f"{service.url}/", seconds=20)
    await_that(lambda: _read_states(browser) == ["done", "failed", "running"], seconds=20)
    page = browser.find_element(By.TAG_NAME, "body").text
    for words in ("42 ROIs in 1 of 1 images.", "epoch 3 of 40", "cFOS_Wue", "0.836"):
        assert words in page
    browser.save_screenshot(str(tmp_path / "dashboard.png"))

    (training,) = [run for run in runs.list_runs(history) if run.kind == "training"]
    runs.append_event(training, Event("running", "epoch 4 of 40", 4, 40))
    await_that(lambda: "epoch 4 of 40" in browser.page_source, seconds=20)
    assert browser.execute_script(_STOP) == 1
    await_that(lambda: "stopping" in _read_states(browser), seconds=20)
    assert runs.is_stop_requested(training)
    runs.append_event(training, Event("stopped", "Saved mine@1.", 4, 40, model="mine@1"))
    await_that(lambda: "stopped" in _read_states(browser), seconds=20)
    severe = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert severe == [], json.dumps(severe)

    browser.delete_all_cookies()
    browser.get(link)
    await_that(lambda: "used already" in browser.page_source, seconds=20)
    browser.get(f"{service.url}/")
    assert "unauthorized" in browser.page_source

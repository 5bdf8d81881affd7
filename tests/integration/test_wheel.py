"""The wheel alone, in an environment without source folder: install-fiji, update-site, serve."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge import connect
from tests.fiji.tiny_model import store_threshold_model

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.jvm, pytest.mark.slow]

BUILT = ("setup", ".venv/.installed", "fiji_plugin/target/.built")


@pytest.fixture(scope="module")
def environment(
    project_root: Path, plugin_jar: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a fresh environment with our wheel and, from here, what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    assert plugin_jar.is_file()
    old = [word for name in BUILT for word in ("-o", name)]
    tools = [f"BIN={Path(sys.executable).parent}", f"DIST={folder}", f"STAGE={folder}/stage"]
    subprocess.run(["make", *old, *tools, "wheel"], cwd=project_root, check=True)
    (wheel,) = folder.glob("deepflash_service-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    # A path in a .pth file is searched, but not its own .pth files, such as that of our source.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env"


def run(environment: Path, *words: str) -> str:
    """Run a program of the environment outside the source folder and return what it prints."""
    command = [str(environment / "bin" / words[0]), *words[1:]]
    answer = subprocess.run(
        command, cwd=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_package_is_the_one_of_the_wheel(environment: Path) -> None:
    """What the next tests look at is installed, not the source folder."""
    place = run(environment, "python", "-c", "import deepflash_service as d; print(d.__file__)")
    assert place.startswith(str(environment))


def test_every_data_file_is_in_the_wheel(environment: Path, project_root: Path) -> None:
    """Templates, style sheets and weights that the source folder has are installed too."""
    source = project_root / "deepflash_service"
    (place,) = (environment / "lib").glob("python*/site-packages/deepflash_service")
    files = {
        path.relative_to(source) for path in source.rglob("*") if path.suffix not in {".py", ".pyc"}
    }
    data = {name for name in files if (source / name).is_file()}
    assert len(data) > 5
    assert {name for name in data if not (place / name).is_file()} == set()


def test_install_fiji_copies_jar_and_macros_of_the_wheel(
    environment: Path, plugin_jar: Path, project_root: Path, tmp_path: Path
) -> None:
    """Users without make and source folder get the same files as those with."""
    plugins = tmp_path / "Fiji.app" / "plugins"
    plugins.mkdir(parents=True)
    fiji = str(tmp_path / "Fiji.app")
    answer = json.loads(run(environment, "deepflash", "install-fiji", fiji, "--json"))
    assert (plugins / plugin_jar.name).read_bytes() == plugin_jar.read_bytes()
    sources = sorted((project_root / "macros").rglob("*.ijm"))
    copied = sorted((tmp_path / "Fiji.app" / "macros").rglob("*.ijm"))
    assert [one.read_bytes() for one in copied] == [one.read_bytes() for one in sources]
    keys = tmp_path / "Fiji.app" / "macros" / "DeepFLaSH_README.txt"
    assert keys.read_bytes() == (project_root / "macros" / "README.md").read_bytes()
    assert len(answer["files"]) == len(sources) + 2
    site = json.loads(run(environment, "deepflash", "update-site", str(tmp_path / "s"), "--json"))
    assert len(site["files"]) == len(answer["files"])
    assert "install-fiji" in run(environment, "deepflash", "doctor", "--no-device")


@pytest.fixture
def served(environment: Path, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return the runtime file of a service that the wheel serves."""
    home = tmp_path / "home"
    store_threshold_model(home, name="Bright")
    command = [str(environment / "bin" / "deepflash"), "serve", "--no-browser", "--home", str(home)]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (home / "service.json").is_file():
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield {**json.loads((home / "service.json").read_text()), "home": home}
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.keras
def test_serve_answers_shows_its_pages_and_segments(served: dict[str, Any], tmp_path: Path) -> None:
    """Templates, style sheets and the worker are all in the wheel."""
    headers = {"Authorization": f"Bearer {served['token']}"}
    with urlopen(Request(served["url"] + "/", headers=headers), timeout=10) as page:
        assert b"dashboard.css" in page.read()
    style = served["url"] + "/static/dashboard.css"
    with urlopen(Request(style, headers=headers), timeout=10) as sheet:
        assert sheet.status == 200
    image = np.full((64, 64), 100, np.uint16)
    image[20:30, 20:30] = 3000
    tifffile.imwrite(tmp_path / "cell.tif", image)
    with connect(home=served["home"], start=False) as service:
        job = service.segment({"cell.tif": tmp_path / "cell.tif"}, "Bright")
        done = service.wait(job)
    assert (done.state, done.error) == ("done", None)

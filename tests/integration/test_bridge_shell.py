"""A macro run from a shell: what it writes, and how it ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fiji.conftest import await_that
from tests.fiji.stub_service import CANCEL, StubService
from tests.fiji.test_terminated_macros import EVENTS, annotate, serve_training

pytestmark = pytest.mark.jvm

LIMIT_SECONDS = 20.0


@pytest.fixture
def stub() -> Iterator[StubService]:
    """Return a service that takes a training."""
    with serve_training() as service:
        yield service


@contextmanager
def start_file(
    folder: Path, macro: str, *, output: int | None = subprocess.PIPE, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Start a macro as a shell would, and leave no process behind.

    Temporary folders of the process are made in `folder`.
    """
    (folder / "made").mkdir()
    (folder / "my macro.ijm").write_text(macro, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "deepflash_service.bridge", "my macro.ijm"],
        cwd=folder,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "TMPDIR": str(folder / "made"),
            "HOME": str(folder),
            **environment,
        },
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_macro_and_the_training_it_waits_for(
    stub: StubService, plugin_jar: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Java has the thread of the macro for hours; the end is told in sentences, nothing is left."""
    assert plugin_jar.is_file()
    macro = (
        f'call("org.deepflash.Macros.setUp", "service_url={stub.url} token=none");'
        f'print("begun"); return call("org.deepflash.Macros.train", "{annotate(tmp_path)} wait");'
    )
    with start_file(tmp_path, macro) as process:
        await_that(lambda: EVENTS in stub.requests or process.poll() is not None)
        start = time.monotonic()
        process.send_signal(number)
        output, said = process.communicate(timeout=60)
    assert time.monotonic() - start < LIMIT_SECONDS
    assert (process.returncode, output) == (128 + number, ""), said
    assert stub.requests.count(CANCEL) == 1
    assert f"The macro my macro.ijm was ended by {number.name}.\n" in said
    assert "begun\n" in said
    assert "DeepFLaSH: Job j1 was cancelled, as the program that waited for it was ended." in said
    assert "Traceback" not in said
    assert not list((tmp_path / "made").glob("deepflash-*"))


def test_what_a_macro_prints_is_seen_at_once(plugin_jar: Path, tmp_path: Path) -> None:
    """The macro goes on when its first words were read; Java has the home folder of Python."""
    assert plugin_jar.is_file()
    macro = (
        'print("home " + getDirectory("home")); i = 0;'
        'while (!File.exists("read") && i++ < 3000) wait(10); return d2s(File.exists("read"), 0);'
    )
    with start_file(tmp_path, macro) as process:
        assert process.stderr is not None
        words = next(line for line in process.stderr if line.startswith("home "))
        (tmp_path / "read").touch()
        output, said = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "1\n"), said
    assert Path(words.removeprefix("home ").strip()) == tmp_path


def test_a_signal_ends_a_macro_that_computes(plugin_jar: Path, tmp_path: Path) -> None:
    """Nothing in it waits."""
    assert plugin_jar.is_file()
    macro = 'File.saveString("x", "begun"); for (i = 0; i < 1e12; i++) x = sqrt(i);'
    with start_file(tmp_path, macro) as process:
        await_that(lambda: (tmp_path / "begun").exists() or process.poll() is not None)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert time.monotonic() - start < LIMIT_SECONDS
    assert process.returncode == 128 + signal.SIGINT
    assert "Traceback" not in said


def test_what_the_terminal_cannot_show_is_written_as_numbers(
    plugin_jar: Path, tmp_path: Path
) -> None:
    """On Windows a pipe takes few characters."""
    assert plugin_jar.is_file()
    with start_file(tmp_path, 'return "5 µm";', PYTHONIOENCODING="ascii") as process:
        output, said = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "5 \\xb5m\n"), said


def test_an_output_that_takes_nothing_is_told_in_a_sentence(
    plugin_jar: Path, tmp_path: Path
) -> None:
    """Nobody reads on."""
    assert plugin_jar.is_file()
    reading, writing = os.pipe()
    os.close(reading)
    with start_file(tmp_path, 'return "x";', output=writing) as process:
        os.close(writing)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-1] == (
        "What the macro returned cannot be written to standard output (Broken pipe)."
    )

"""A virtual display with a real ImageJ on it, led by the Java class ``FijiDriver``."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import contextmanager
from queue import Empty, Queue
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER_SECONDS = 120.0
SCREEN_WIDTH, SCREEN_HEIGHT = 1280, 900


@contextmanager
def open_display(executable: str) -> Iterator[str]:
    """Start Xvfb on a free display and yield its name, such as ``:99``."""
    read, write = os.pipe()
    server = subprocess.Popen(
        [
            executable,
            "-displayfd",
            str(write),
            "-screen",
            "0",
            f"{SCREEN_WIDTH}x{SCREEN_HEIGHT}x24",
            "-nolisten",
            "tcp",
        ],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(timeout=10)


class Desktop:
    """A person at ImageJ: each call is one thing to do or to look at."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()
        assert self._await_answer() == "ready"

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            if line.startswith(">> "):
                self._lines.put(line[3:].rstrip("\n"))
            elif line.startswith(">>"):
                self._lines.put("")

    def _await_answer(self, seconds: float = ANSWER_SECONDS) -> str:
        try:
            text = self._lines.get(timeout=seconds)
        except Empty:
            raise AssertionError("ImageJ gave no answer: a window may be waiting") from None
        return text.replace("\\n", "\n").replace("\\\\", "\\")

    def do(self, word: str, rest: str = "", *, seconds: float = ANSWER_SECONDS) -> str:
        """Send one line to the driver and return its answer.

        Parameters
        ----------
        word, rest : str
            What to do, see ``FijiDriver``.
        seconds : float, optional
            How long it may take; trainings take longer than the default.

        Raises
        ------
        AssertionError
            When the driver could not do it, or gave no answer in time.
        """
        self.begin(word, rest)
        answer = self._await_answer(seconds)
        assert not answer.startswith("error: "), answer
        return answer

    def begin(self, word: str, rest: str) -> None:
        """Send one line to the driver, and do not wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word} {rest}".rstrip().replace("\n", "\\n") + "\n")
        self._process.stdin.flush()

    def terminate(self) -> None:
        """End ImageJ as the system does when it shuts down."""
        self._process.terminate()
        self._process.wait(timeout=30)

    def kill(self) -> None:
        """End ImageJ as a crash would."""
        self._process.kill()
        self._process.wait(timeout=30)

    def close(self) -> None:
        """End ImageJ."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@contextmanager
def start_imagej(
    folder: Path,
    *,
    display: str,
    jars: Path,
    plugin_jar: Path,
    home: Path,
    java: Path | str = "java",
    heap: object = "1g",
) -> Iterator[Desktop]:
    """Start ``ij.ImageJ`` with our jar in its plugins folder, and end it afterwards.

    Parameters
    ----------
    folder : Path
        Empty folder for plugins and preferences.
    display : str
        From :func:`open_display`.
    jars, plugin_jar : Path
        Folder of the ImageJ jars, and our jar.
    home : Path
        Home folder of the service.
    java : path
        The Java executable.
    heap : object
        The most memory that Java takes, as text of its option ``-Xmx``.
    """
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / plugin_jar.name).write_bytes(plugin_jar.read_bytes())
    classes = plugin_jar.parent / "test-classes"
    path = os.pathsep.join([str(next(jars.glob("ij-*.jar"))), str(classes)])
    command = [
        str(java),
        f"-Xmx{heap}",
        f"-Dplugins.dir={folder}",
        f"-Duser.home={folder}",
        f"-Ddeepflash.home={home}",
        "-cp",
        path,
        "org.deepflash.driver.FijiDriver",
    ]
    with (
        (folder / "imagej.log").open("w") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env={**os.environ, "DISPLAY": display},
        ) as process,
    ):
        try:
            desktop = Desktop(process)
            yield desktop
            desktop.close()
        finally:
            process.kill()


def command_headless(jars: Path, plugin_jar: Path, *, folder: Path, macro: Path) -> list[str]:
    """Return the command that runs a macro file in an ImageJ without a display.

    Parameters
    ----------
    jars, plugin_jar : Path
        Folder of the ImageJ jars, and our jar.
    folder : Path
        Home folder of the user.
    macro : Path
        File with the macro.
    """
    classes = plugin_jar.parent / "test-classes"
    path = os.pathsep.join([f"{jars}/*", str(plugin_jar), str(classes)])
    flags = ["-Djava.awt.headless=true", "--add-opens=java.base/java.lang=ALL-UNNAMED"]
    driver = "org.deepflash.driver.HeadlessDriver"
    return ["java", *flags, f"-Duser.home={folder}", "-cp", path, driver, str(macro), ""]


def run_headless(
    jars: Path, plugin_jar: Path, *, folder: Path, macro: Path
) -> subprocess.CompletedProcess[str]:
    """Run a macro file as :func:`command_headless` says, to its end."""
    command = command_headless(jars, plugin_jar, folder=folder, macro=macro)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

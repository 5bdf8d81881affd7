"""Start and end of the service process."""

from __future__ import annotations

import logging
import logging.handlers
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deepflash_service import API_VERSION, __version__
from deepflash_service.errors import ConflictError, SetupError
from deepflash_service.settings import LOOPBACK_HOSTS, type_home
from deepflash_service.store import runtime
from deepflash_service.store.disk import prepare_home
from deepflash_service.store.locks import hold_lock
from deepflash_service.web.doorman import Doorman
from deepflash_service.web.listener import Listener
from deepflash_service.web.security import Access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepflash_service.jobs.supervisor import Supervisor
    from deepflash_service.settings import Settings

_LOGGER = logging.getLogger(__name__)
_LOG_BYTES = 5 * 1024**2
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, never bound by default


def serve(settings: Settings, *, open_browser: bool) -> None:
    """Run the service until SIGTERM or Ctrl+C.

    Prints ``DeepFLaSH service ready at URL`` once it listens, then a link to the dashboard.

    Parameters
    ----------
    settings : Settings
        Home folder, address and limits.
    open_browser : bool
        Open the dashboard in the user's browser.

    Raises
    ------
    ConflictError
        Code ``service_running`` when a service lives on the same home folder.
    SetupError
        Codes ``disk_fault`` and ``port_taken``.
    """
    prepare_home(settings.home)
    with hold_lock(settings.home / "service.lock") as is_mine:
        if not is_mine:
            raise _refuse_second(settings.home)
        _write_logs(settings.home)
        with _own_temporary_folder(settings.home):
            _run(settings, open_browser=open_browser)


class _Service:
    """The parts of a running service; all but the listener are loaded behind its back."""

    def __init__(self, settings: Settings) -> None:
        self.access = _make_access(settings.host)
        self.ending = threading.Event()
        self.fault: Exception | None = None
        self._settings = settings
        self._doorman = Doorman()
        self._supervisor: Supervisor | None = None
        self.listener = _listen(self._doorman, settings, access=self.access)
        self.url = f"http://{_format_host(settings.host)}:{self.listener.port}"
        self.access.cookie_name = f"deepflash-{self.listener.port}"
        self._loader = threading.Thread(target=self._load, name="loader", daemon=True)

    def run(self) -> None:
        """Load the application and serve until told to end."""
        self._loader.start()
        self.listener.run(self.ending, on_end=self._finish)

    def end(self) -> None:
        """Make :meth:`run` return; may be called by a signal handler."""
        self.ending.set()
        self.listener.wake()

    def _load(self) -> None:
        try:
            from deepflash_service.jobs.supervisor import Supervisor
            from deepflash_service.store.submissions import sweep_staging
            from deepflash_service.web.app import create_app
            from deepflash_service.web.context import ServiceContext

            sweep_staging(self._settings.home)
            self._supervisor = Supervisor(self._settings.home)
            self._supervisor.start()
            context = ServiceContext(self._settings, self._supervisor, self.access)
            self._doorman.open(create_app(context))
        except Exception as error:
            _LOGGER.exception("the application could not be loaded")
            self.fault = error
            self.end()

    def _finish(self) -> None:
        self._loader.join()
        self._doorman.close()
        if self._supervisor is not None:
            self._supervisor.close()


def _listen(app: Doorman, settings: Settings, *, access: Access) -> Listener:
    try:
        return Listener(app, settings=settings, access=access)
    except OSError as error:
        raise SetupError(
            f"{settings.host}:{settings.port} cannot be used: {error.strerror or error}. "
            "Choose another port with --port, or 0 for any free one.",
            code="port_taken",
        ) from error


def _run(settings: Settings, *, open_browser: bool) -> None:
    service = _Service(settings)
    facts = {"url": service.url, "token": service.access.token, "pid": os.getpid()}
    facts |= {"version": __version__, "api": API_VERSION}
    with _end_by_signal(service):
        try:
            runtime.write_service_file(settings.home, facts=facts)
            _announce(service.url, service.access, open_browser=open_browser)
            service.run()
        finally:
            runtime.remove_service_file(settings.home, pid=os.getpid())
            _LOGGER.info("service at %s ended", service.url)
    if service.fault is not None:
        raise service.fault


@contextmanager
def _end_by_signal(service: _Service) -> Iterator[None]:
    names = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    previous = {number: signal.signal(number, lambda *_: service.end()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _announce(url: str, access: Access, *, open_browser: bool) -> None:
    link = f"{url}/login#{access.create_code()}"
    sys.stdout.write(f"DeepFLaSH service ready at {url}\nDashboard: {link}\n")
    sys.stdout.flush()
    _LOGGER.info("service %s ready at %s, pid %s", __version__, url, os.getpid())
    if open_browser:
        import webbrowser

        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def _make_access(host: str) -> Access:
    if host.lower() in LOOPBACK_HOSTS:
        return Access()
    sys.stderr.write(
        f"Warning: the service listens on {host}, not only on this computer. Whoever reads the "
        "network can read images and the token; use it in a trusted network only.\n"
    )
    names = {host.lower(), socket.gethostname().lower(), *LOOPBACK_HOSTS}
    return Access(hosts=frozenset(names), accepts_any_address=host in _ANY_ADDRESS)


def _refuse_second(home: Path) -> ConflictError:
    facts = runtime.read_service_file(home) or {}
    url, pid = facts.get("url"), facts.get("pid")
    where = f"at {url} (process {pid})" if url else "and is just starting"
    return ConflictError(
        f"A DeepFLaSH service for {home} runs already {where}. Use it, end it with "
        f"`deepflash serve --stop {type_home(home)}`, or choose another home folder with --home.",
        code="service_running",
        details={"url": url, "pid": pid},
    )


def _format_host(host: str) -> str:
    if host in _ANY_ADDRESS:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _write_logs(home: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(
        home / "service.log", maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


@contextmanager
def _own_temporary_folder(home: Path) -> Iterator[None]:
    """Spool uploads below the home folder, whose space was checked, not in the system's."""
    folder = home / "tmp"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    previous, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = previous
        shutil.rmtree(folder, ignore_errors=True)

"""Starting ImageJ in a Java virtual machine inside this process.

There is one virtual machine per process and it cannot be started twice, so what runs is
kept here. Two ways lead to the same ``ij.*`` classes: pyimagej (a Fiji folder, or ImageJ2 from
its Maven repository), and the small set ``ij`` + ``ij1-patcher`` + ``scijava-common``.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jars import (
    IMAGEJ2_VERSION,
    SMALL_SET,
    find_bundled_java,
    find_exit_guard,
    find_imagej_jars,
    find_plugin_jar,
    has_imglyb,
    list_fiji_jars,
    list_plugin_jars,
    read_java_version,
)
from deepflash_service.bridge.plugin_folder import lay_out_plugins
from deepflash_service.errors import InputError, SetupError
from deepflash_service.settings import use_java

if TYPE_CHECKING:
    from deepflash_service.bridge.options import JvmOptions

_OPEN_LANG: Final = "--add-opens=java.base/java.lang=ALL-UNNAMED"
# Without this the JVM takes over SIGINT and SIGTERM, and Ctrl+C ends Python without a trace.
_KEEP_SIGNALS: Final = "-Xrs"
# Else its own warnings and logs go to standard output, whatever Java's System.out is.
_KEEP_OUTPUT: Final = (
    "-XX:+DisplayVMOutputToStderr",
    "-Xlog:all=off:stdout",
    "-Xlog:all=warning:stderr",
)
_log = logging.getLogger(__name__)
imagej_lock: Final = threading.RLock()
"""ImageJ 1 holds its state in static fields: whoever calls it holds this lock."""


@dataclass(frozen=True, slots=True)
class Running:
    """What runs: the way it was started, and the pyimagej gateway if there is one."""

    backend: str
    gateway: Any = None


_running: list[Running] = []
_process: list[int] = []


def start_imagej(options: JvmOptions) -> Running:
    """Start ImageJ, or return what runs already.

    ``auto`` takes pyimagej for a Fiji folder that holds the jars pyimagej needs, else the
    jars that the build laid out, else pyimagej with ImageJ2 from the network, and the small
    set wherever pyimagej cannot be started.

    Raises
    ------
    SetupError
        Codes ``no_java``, ``no_imagej``, ``no_display``: what is missing and how to mend it.
    InputError
        Code ``invalid_fiji`` when the folder is no Fiji.
    """
    with imagej_lock:
        if not _running:
            _running.append(_start(options))
            _process.append(os.getpid())
        return _running[0]


def java_class(name: str) -> Any:
    """Return a Java class of the running virtual machine."""
    import scyjava

    if _process and _process[0] != os.getpid():
        raise SetupError(
            "ImageJ runs in the parent of this process and cannot be used in a fork of it. Start "
            "processes with multiprocessing.get_context('spawn'), or use threads.",
            code="forked",
        )
    return scyjava.jimport(name)


def _start(options: JvmOptions) -> Running:
    import scyjava

    if sys.platform == "darwin" and options.mode == "interactive":
        raise SetupError(
            "macOS lets no Python program open ImageJ windows. Use mode='headless', or the "
            "menus of Fiji itself.",
            code="no_display",
        )
    if scyjava.jvm_started():
        _end_threads_with_java()
        _take_signals_back()
        return Running("running")
    _set_options(options)
    # Before ImageJ is made: what it prints then is no data of the program that uses it either.
    scyjava.when_jvm_starts(_print_to_errors)
    running = _start_first(list_ways(options), options)
    _end_threads_with_java()
    return running


def _take_signals_back() -> None:
    """Give Python the signals again that Java takes over when somebody else starts it."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                signal.signal(number, handler)


def _print_to_errors() -> None:
    system = java_class("java.lang.System")
    system.setOut(system.err)


def list_ways(options: JvmOptions) -> list[str]:
    """Return the ways of starting ImageJ in the order in which they are tried."""
    if options.backend != "auto":
        return [options.backend]
    if options.fiji is not None:
        return ["pyimagej", "ij1"] if has_imglyb(options.fiji) else ["ij1"]
    return ["ij1"] if find_imagej_jars() else ["pyimagej", "ij1"]


def _start_first(ways: list[str], options: JvmOptions) -> Running:
    """Try the ways in turn; only what fails before the virtual machine runs can be passed."""
    import scyjava

    causes = []
    for way in ways:
        try:
            return _start_pyimagej(options) if way == "pyimagej" else _start_small(options)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - jgo, cjdk, requests, JPype: no common parent
            _log.info("ImageJ cannot be started by %s: %s", way, error)
            causes.append((way, error))
            if scyjava.jvm_started():
                break
    raise _explain(causes) from causes[-1][1]


def _set_options(options: JvmOptions) -> None:
    from scyjava import config

    # Java would take the home folder of the account, whatever HOME says, and find no service.
    home = f"-Duser.home={Path.home()}"
    config.add_options([_OPEN_LANG, _KEEP_SIGNALS, *_KEEP_OUTPUT, home])
    if options.mode == "headless":
        config.enable_headless_mode()
    if options.heap_gb is not None:
        config.set_heap_max(mb=round(options.heap_gb * 1024))
    if options.plugin_jar is not None:
        config.add_classpath(str(options.plugin_jar))
    own = list_plugin_jars(options.fiji) if options.fiji is not None else []
    guard = find_exit_guard(options.plugin_jar, *own, find_plugin_jar())
    if guard is not None:
        # Without it IJ.getImage() with no image open ends this process by System.exit(0).
        config.add_options([f"-javaagent:{guard}"])


def _start_pyimagej(options: JvmOptions) -> Running:
    import imagej
    from scyjava import config

    what = IMAGEJ2_VERSION
    if options.fiji is not None:
        what = str(options.fiji)
        list_fiji_jars(options.fiji)
        if has_imglyb(options.fiji):
            # `import imagej` asks for a jar from the network that this folder has.
            config.endpoints.clear()
        _choose_java(options.fiji)
    else:
        config.set_java_constraints(fetch="auto", version="11")
    gateway = imagej.init(what, mode=options.mode)
    if not _has_legacy(gateway):
        raise SetupError(
            "This ImageJ2 runs without ImageJ 1 (no imagej-legacy). Name a Fiji folder, or "
            "use backend='ij1'.",
            code="no_imagej",
        )
    return Running("pyimagej", gateway)


def _choose_java(fiji: Path) -> None:
    """Ask for a Java that can run a Fiji folder, its own one if that can.

    Never ``fetch="never"``: pyimagej 1.8 ends with an UnboundLocalError then.
    """
    from scyjava import config

    version = read_java_version(fiji)
    own = find_bundled_java(fiji, at_least=int(version))
    if own is not None:
        use_java(own)
    config.set_java_constraints(fetch="auto", version=version)


def _has_legacy(gateway: Any) -> bool:
    try:
        return bool(gateway.legacy and gateway.legacy.isActive())
    except ImportError:
        return False


def _start_small(options: JvmOptions) -> Running:
    import scyjava
    from scyjava import config

    config.set_java_constraints(fetch="auto", version="11")
    if options.fiji is not None:
        _choose_java(options.fiji)
    config.endpoints.clear()
    jars = list_fiji_jars(options.fiji) if options.fiji is not None else find_imagej_jars()
    if jars:
        config.add_classpath(*(str(jar) for jar in jars))
    else:
        # All of it is on Maven Central; the order decides which versions win.
        config.get_repositories().clear()
        config.endpoints[:] = list(SMALL_SET)
    config.add_options([f"-Dplugins.dir={lay_out_plugins(options)}"])
    try:
        scyjava.start_jvm()
    except TypeError:
        # After a failed try with pyimagej its start-up hook runs, and misses its own jar.
        if not scyjava.jvm_started():
            raise
    if options.mode == "headless":
        java_class("net.imagej.patcher.LegacyInjector").preinit()
    return Running("ij1")


def _end_threads_with_java() -> None:
    """Let the process end by itself, whatever filter ImageJ ran."""
    import scyjava

    try:
        pool = java_class("ij.util.ThreadUtil").threadPoolExecutor
    except Exception as error:
        raise SetupError(
            "A Java virtual machine runs in this process already, without ImageJ. Call "
            "init() before anything else starts Java.",
            code="no_imagej",
        ) from error
    # The pool's threads are no daemons: after any threaded filter Java would never end.
    scyjava.when_jvm_stops(pool.shutdown)


def _explain(causes: list[tuple[str, Exception]]) -> SetupError:
    """Return one sentence for why ImageJ did not start."""
    own = [error for _, error in causes if isinstance(error, SetupError)]
    if own:
        return own[-1]
    text = "; ".join(f"{way}: {_first_line(error)}" for way, error in causes)
    if any("JVM" in str(error) or "Java" in str(error) for _, error in causes):
        return SetupError(
            f"Java cannot be started ({text}). Install a JDK, version 11 or newer (21 for a "
            "current Fiji), and set JAVA_HOME, then run `deepflash doctor`.",
            code="no_java",
        )
    return SetupError(
        f"ImageJ cannot be started ({text}). Name the folder of a Fiji installation, as in "
        "init('/path/to/Fiji.app'), or run `make setup` once with a network connection.",
        code="no_imagej",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]

"""How ImageJ is started, against stand-ins for pyimagej and scyjava."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from deepflash_service.bridge import jvm
from deepflash_service.bridge.jars import find_exit_guard
from deepflash_service.bridge.options import JvmOptions
from deepflash_service.errors import InputError, SetupError


@pytest.fixture
def scyjava(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Return a stand-in for scyjava; nothing is started."""
    stand_in = MagicMock()
    stand_in.jvm_started.return_value = False
    stand_in.config.endpoints = ["net.imglib2:imglib2-imglyb:1.1.0"]
    monkeypatch.setitem(sys.modules, "scyjava", stand_in)
    return stand_in


@pytest.fixture
def imagej(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Return a stand-in for pyimagej."""
    stand_in = MagicMock()
    monkeypatch.setitem(sys.modules, "imagej", stand_in)
    return stand_in


def test_a_complete_fiji_is_started_by_pyimagej_without_network(
    scyjava: MagicMock, imagej: MagicMock, make_fiji: Callable[..., Path]
) -> None:
    """No endpoint is left to resolve, and the Java that the folder needs is asked for."""
    fiji = make_fiji(with_pyimagej=True, java=21)
    running = jvm._start(JvmOptions(fiji=fiji, heap_gb=2))
    assert running.backend == "pyimagej"
    assert running.gateway is imagej.init.return_value
    imagej.init.assert_called_once_with(str(fiji), mode="headless")
    assert scyjava.config.endpoints == []
    scyjava.config.set_java_constraints.assert_called_once_with(fetch="auto", version="21")
    scyjava.config.set_heap_max.assert_called_once_with(mb=2048)
    pool = scyjava.jimport.return_value.threadPoolExecutor
    scyjava.when_jvm_stops.assert_called_once_with(pool.shutdown)


def test_a_fiji_that_pyimagej_cannot_start_is_started_directly(
    scyjava: MagicMock, imagej: MagicMock, make_fiji: Callable[..., Path]
) -> None:
    """A failure before Java runs is no end; the jars of the folder are enough."""
    imagej.init.side_effect = ConnectionError("no network")
    fiji = make_fiji(with_pyimagej=True)
    assert jvm._start(JvmOptions(fiji=fiji)).backend == "ij1"
    names = {Path(path).name for path in scyjava.config.add_classpath.call_args.args}
    assert "ij-1.54p.jar" in names
    options = [
        option for call in scyjava.config.add_options.call_args_list for option in call[0][0]
    ]
    assert f"-Dplugins.dir={fiji}" in options


@pytest.mark.usefixtures("scyjava")
@pytest.mark.parametrize("legacy", ["inactive", "missing", "raises"])
def test_imagej2_without_imagej1_is_refused(
    imagej: MagicMock, legacy: str, make_fiji: Callable[..., Path]
) -> None:
    """Every method here needs ImageJ 1."""
    gateway = MagicMock()
    gateway.legacy.isActive.return_value = False
    if legacy == "missing":
        gateway.legacy = None
    if legacy == "raises":
        gateway.legacy.isActive.side_effect = ImportError
    imagej.init.return_value = gateway
    fiji = make_fiji(with_pyimagej=True)
    with pytest.raises(SetupError, match="imagej-legacy"):
        jvm._start(JvmOptions(fiji=fiji, backend="pyimagej"))


@pytest.mark.usefixtures("imagej")
def test_java_that_runs_already_is_used(scyjava: MagicMock) -> None:
    """A script that started Fiji itself keeps it; its standard output is left alone."""
    scyjava.jvm_started.return_value = True
    assert jvm._start(JvmOptions()).backend == "running"
    scyjava.start_jvm.assert_not_called()
    scyjava.jimport.return_value.setOut.assert_not_called()
    scyjava.jimport.side_effect = TypeError("Class ij.util.ThreadUtil is not found")
    with pytest.raises(SetupError, match="before anything else starts Java"):
        jvm._start(JvmOptions())


@pytest.mark.usefixtures("imagej")
def test_the_plugin_guards_the_process_wherever_it_lies(
    scyjava: MagicMock, make_fiji: Callable[..., Path], make_jar: Callable[..., Path]
) -> None:
    """Java gets the agent from the plugin of the Fiji folder, but from none that has no agent."""
    fiji = make_fiji(with_pyimagej=True)
    old = make_jar(fiji / "plugins" / "DeepFLaSH_Fiji-0.0.1.jar")
    new = make_jar(fiji / "plugins" / "DeepFLaSH_Fiji-0.1.0.jar")
    with zipfile.ZipFile(new, "a") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Premain-Class: org.deepflash.ExitGuard\n")
    jvm._start(JvmOptions(fiji=fiji))
    options = [
        option for call in scyjava.config.add_options.call_args_list for option in call[0][0]
    ]
    assert [option for option in options if "agent" in option] == [f"-javaagent:{new}"]
    assert find_exit_guard(None, old, fiji / "missing.jar") is None
    odd = fiji.parent / "a=b.jar"
    odd.write_bytes(new.read_bytes())
    assert find_exit_guard(odd, new) == new


@pytest.mark.usefixtures("scyjava", "imagej")
def test_a_wrong_folder_is_named(tmp_path: Path) -> None:
    """Neither way of starting hides that the folder is no Fiji."""
    for backend in ("auto", "ij1", "pyimagej"):
        options = JvmOptions(fiji=tmp_path, backend=backend)
        with pytest.raises(InputError, match="is no Fiji folder"):
            jvm._start(options)


@pytest.mark.usefixtures("imagej")
def test_without_java_the_sentence_says_so(
    scyjava: MagicMock, make_fiji: Callable[..., Path]
) -> None:
    """Cause, remedy and the command that looks further."""
    scyjava.start_jvm.side_effect = ValueError("No JVM shared library file (libjvm.so) found.")
    with pytest.raises(SetupError, match="Install a JDK") as caught:
        jvm._start(JvmOptions(fiji=make_fiji()))
    assert caught.value.code == "no_java"


@pytest.mark.usefixtures("scyjava")
def test_windows_on_a_mac_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Java windows would block Python for ever there."""
    monkeypatch.setattr("deepflash_service.bridge.jvm.sys.platform", "darwin")
    with pytest.raises(SetupError, match="macOS"):
        jvm._start(JvmOptions(mode="interactive"))


@pytest.mark.usefixtures("imagej")
def test_what_is_printed_while_imagej_starts_is_no_data(
    scyjava: MagicMock, make_fiji: Callable[..., Path]
) -> None:
    """The output is turned before the gateway is made, by what scyjava calls when Java starts."""
    system = scyjava.jimport.return_value
    scyjava.start_jvm.side_effect = lambda: [
        c.args[0]() for c in scyjava.when_jvm_starts.mock_calls
    ]
    jvm._start(JvmOptions(fiji=make_fiji()))
    system.setOut.assert_called_once_with(system.err)


@pytest.mark.usefixtures("imagej")
@pytest.mark.parametrize(("java", "is_taken"), [("17.0.2", False), ("21.0.1", True)])
def test_the_java_of_a_fiji_folder_is_used_if_it_is_new_enough(
    scyjava: MagicMock,
    make_fiji: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    java: str,
    is_taken: bool,
) -> None:
    """Nothing is downloaded then; ``fetch="never"``, over which pyimagej 1.8 trips, is not used."""
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("JAVA_HOME", "/other")
    fiji = make_fiji(with_pyimagej=True, java=21)
    home = fiji / "java" / "linux64" / "jdk-21"
    (home / "lib" / "server").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{java}"\n')
    (home / "lib" / "server" / "libjvm.so").touch()
    jvm._start(JvmOptions(fiji=fiji))
    assert (os.environ["JAVA_HOME"] == str(home)) is is_taken
    scyjava.config.set_java_constraints.assert_called_once_with(fetch="auto", version="21")


@pytest.mark.usefixtures("scyjava")
def test_a_fork_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call of Java in it would hang for ever."""
    monkeypatch.setattr(jvm, "_process", [os.getpid() + 1])
    with pytest.raises(SetupError, match="spawn") as caught:
        jvm.java_class("ij.IJ")
    assert caught.value.code == "forked"

"""Keeping a macro from ending ImageJ, and with it the Python that it runs in."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.jvm import java_class

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIT: Final = "Quit"
UNKNOWN_QUIT: Final = f'Unrecognized command: "{QUIT}"'
_UNKNOWN: Final = "no command at all"
CANNOT_QUIT: Final = (
    f'run("{QUIT}") would end Python too. Leave it out: ImageJ ends with the Python process.'
)


@contextmanager
def without_quit() -> Iterator[None]:
    """Run the body while ImageJ knows no command *Quit*.

    With ImageJ2 that command calls ``System.exit``, and Python would vanish as if it were done.
    ImageJ 1 without its main window does nothing there, and the macro would go on. The command
    comes back only where there are menus, since ``doCommand`` of a macro may still be under way
    in another thread. A macro that makes the menus again (*Refresh Menus*) makes the command too,
    and could call it.
    """
    commands = _list_commands()
    taken = commands.remove(QUIT)
    try:
        yield
    finally:
        is_headless = java_class("java.awt.GraphicsEnvironment").isHeadless()
        # Not those of before: the menus may have been made again meanwhile.
        commands = java_class("ij.Menus").getCommands()
        if is_headless:
            commands.remove(QUIT)
        elif taken is not None:
            commands.put(QUIT, taken)


def _list_commands() -> Any:
    """Return ImageJ's table of commands, which is made when the first one is looked for."""
    import jpype

    menus, ij, system = map(java_class, ("ij.Menus", "ij.IJ", "java.lang.System"))
    if menus.getCommands() is None:
        before = system.out, system.err
        nowhere = java_class("java.io.OutputStream").nullOutputStream()
        silence = java_class("java.io.PrintStream")(nowhere)
        system.setOut(silence)
        system.setErr(silence)
        try:
            with contextlib.suppress(jpype.JException):
                ij.run(_UNKNOWN)
        finally:
            system.setOut(before[0])
            system.setErr(before[1])
            ij.getErrorMessage()
    return menus.getCommands()

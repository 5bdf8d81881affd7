"""A macro of ImageJ from a shell, without a display.

``python -m deepflash_service.bridge FILE.ijm [ARG]``: ImageJ's own ``-batch`` needs a display for
many commands, and its exit code is 0 whatever happened.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from deepflash_service.errors import DeepFlashError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a macro and write what it returns to standard output.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default are those of the process.

    Returns
    -------
    int
        Exit code: 0, or 1 with a sentence on standard error; wrong use exits with 2, and a signal
        with 128 and its number.
    """
    wanted = _read_arguments(arguments)
    from deepflash_service.bridge.ending import EndedError, end_process, signals_raised

    try:
        with signals_raised():
            answer = _run(wanted)
    except DeepFlashError as error:
        _write(sys.stderr, str(error))
        return 1
    except EndedError as ended:
        _write(sys.stderr, f"The macro {wanted.macro} was ended by {ended.signal.name}.")
        end_process(ended.exit_code)
        return ended.exit_code
    if answer and (fault := _write(sys.stdout, answer)):
        sentence = "What the macro returned cannot be written to standard output"
        _write(sys.stderr, f"{sentence} ({fault}).")
        return 1
    return 0


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deepflash_service.bridge",
        description="Run a macro of ImageJ without a display; what it returns is printed.",
    )
    parser.add_argument("macro", type=Path, metavar="FILE.ijm", help="the macro")
    parser.add_argument(
        "argument", nargs="?", default="", metavar="ARG", help="what getArgument() in it gives"
    )
    parser.add_argument(
        "--fiji", type=Path, metavar="DIR", help="a Fiji folder, for macros that need its plugins"
    )
    return parser.parse_args(arguments)


def _run(wanted: argparse.Namespace) -> str:
    from deepflash_service.bridge.ending import run_beside
    from deepflash_service.bridge.startup import init

    with init(wanted.fiji) as fiji:
        return run_beside(lambda: fiji.run_macro(wanted.macro, wanted.argument))


def _write(stream: TextIO, text: str) -> str:
    """Write a line; return why that failed, or nothing.

    A character that the encoding of the stream lacks is written as its number.
    """
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError as error:
        # Else Python tries again when it ends, and says so in a traceback.
        with suppress(OSError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
        return error.strerror or str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main())

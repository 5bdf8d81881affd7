"""A macro of ImageJ from a shell, without a display.

``python -m deepflash_service.bridge FILE.ijm [ARG]``: ImageJ's own ``-batch`` needs a display for
many commands, and its exit code is 0 whatever happened.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
        Exit code: 0, or 1 with a sentence on standard error; wrong use exits with 2.
    """
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
    wanted = parser.parse_args(arguments)
    from deepflash_service.bridge.startup import init

    try:
        with init(wanted.fiji) as fiji:
            answer = fiji.run_macro(wanted.macro, wanted.argument)
    except DeepFlashError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if answer:
        sys.stdout.write(f"{answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a script pays for the import, before it has done anything."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from deepflash_service import bridge

LIMIT_SECONDS = 0.3
RUNS = 5
HEAVY = (
    "tensorflow",
    "keras",
    "scyjava",
    "jpype",
    "imagej",
    "pandas",
    "scipy",
    "httpx",
    "pydantic",
)
NAMES = "from deepflash_service.bridge import Event, FijiBridge, Job, Service, connect, init"
CODE = """
import json, sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
print(json.dumps([seconds, [name for name in {heavy!r} if name in sys.modules]]))
"""


@pytest.mark.alone
@pytest.mark.parametrize("statement", ["import deepflash_service.bridge", NAMES])
def test_the_import_is_quick_and_loads_nothing_large(statement: str) -> None:
    """At most 0.3 s for who waits for it, best of several."""
    command = [sys.executable, "-W", "error", "-c", CODE.format(statement=statement, heavy=HEAVY)]
    runs = [
        json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(RUNS)
    ]
    assert {tuple(loaded) for _, loaded in runs} == {()}
    assert min(seconds for seconds, _ in runs) <= LIMIT_SECONDS


def test_every_public_name_is_there() -> None:
    """What ``__all__`` promises can be had and is listed; another name is refused as usual."""
    assert all(getattr(bridge, name).__name__ == name for name in bridge.__all__)
    assert set(bridge.__all__) <= set(dir(bridge))
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        _ = bridge.disconnect

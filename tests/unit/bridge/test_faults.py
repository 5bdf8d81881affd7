"""Short bodies in ImageJ run without Python's garbage collector, which comes back afterwards."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from deepflash_service.bridge.faults import uncollected

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave the collector as the other tests expect it."""
    yield
    gc.enable()


def test_a_short_body_is_not_collected() -> None:
    """The collector pauses for a body and for one within it, and runs again after the outer."""
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failure_gives_the_collector_back() -> None:
    """What fails in ImageJ leaves no program without its collector."""
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_a_program_without_collector_stays_without() -> None:
    """Who switched the collector off finds it so."""
    gc.disable()
    with uncollected():
        assert not gc.isenabled()
    assert not gc.isenabled()

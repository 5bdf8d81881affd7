"""Every command of the menu: opened, photographed, recorded, and replayed in batch mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fiji.stage import list_commands
from tests.fiji.walks import WALKS

if TYPE_CHECKING:
    from tests.fiji.stage import Stage


@pytest.mark.parametrize("command", list_commands())
@pytest.mark.xvfb
@pytest.mark.jvm
@pytest.mark.keras
def test_command_is_recorded_and_replays_with_the_same_result(command: str, stage: Stage) -> None:
    """The walk of the command passes, and it left neither picture nor replay out."""
    WALKS[command](stage)
    assert set(stage.photographed) == {command}
    assert command in stage.replayed


def test_no_walk_is_left_of_a_command_that_went() -> None:
    """A renamed command takes its walk along."""
    assert set(WALKS) == set(list_commands())

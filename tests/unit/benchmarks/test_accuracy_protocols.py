"""What the accuracy protocols ask for."""

from __future__ import annotations

from typing import Any, cast

import pytest

from benchmarks import accuracy_protocols


@pytest.mark.parametrize("best", ["scratch", "frozen", "frozen_with_fitted_cut"])
def test_fine_tuning_is_held_against_its_best_rival(
    monkeypatch: pytest.MonkeyPatch, best: str
) -> None:
    """Also against the base model with a threshold chosen anew, which needs no training."""
    f1 = {"scores": 0.85, "scratch": 0.7, "frozen": 0.7, "frozen_with_fitted_cut": 0.7} | {
        best: 0.9
    }
    found: dict[str, Any] = {role: {"mean": {"f1": one}} for role, one in f1.items()}
    monkeypatch.setattr(accuracy_protocols, "_run_transfer", lambda *_: {**found, "bars": []})
    lowest, against = accuracy_protocols.run_mue(cast("Any", None))["bars"]
    assert (lowest["holds"], against["holds"]) == (True, False)
    assert against["at_least"] == 0.89

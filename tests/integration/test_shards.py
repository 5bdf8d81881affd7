"""``segment --shard``: several processes at once in one folder, as in a SLURM array."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.segment_samples import (
    await_that,
    find_differences,
    list_records,
    make_samples,
)

pytestmark = [pytest.mark.keras, pytest.mark.slow]


def test_shards_at_once_make_what_one_process_makes(tmp_path: Path) -> None:
    """Three shards run together, one is killed with -9 and started again; nothing is redone."""
    samples = make_samples(tmp_path, count=90)
    found = tmp_path / "found"
    mine = {f"i{number:03d}" for number in range(1, 90, 3)}
    shards = [samples.start(found, "--shard", f"{number}/3") for number in (1, 2, 3)]
    await_that(lambda: len(list_records(found) & mine) >= 5)
    shards[1].kill()
    for shard in shards:
        shard.communicate(timeout=240)
    assert [shard.returncode for shard in shards] == [0, -9, 0]
    assert not (found / "rois.csv").exists()
    early = {name: (found / f"{name}_labels.tif").stat() for name in list_records(found)}
    assert len(early) < 90

    again = samples.run(found, "--shard", "2/3")
    assert again.returncode == 0, again.stderr
    facts = json.loads(again.stdout)["shards"]
    assert facts == {"number": 2, "count": 3, "missing": [], "joined": True}
    for name, stat in early.items():
        assert (found / f"{name}_labels.tif").stat().st_mtime_ns == stat.st_mtime_ns

    samples.segment_undivided(tmp_path / "expected", like=found)
    tables = [f"{kind}_{n}_of_3.csv" for kind in ("rois", "summary") for n in (1, 2, 3)]
    assert find_differences(found, tmp_path / "expected", besides=tables) == []
    assert all((found / name).is_file() for name in tables)

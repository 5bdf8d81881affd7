"""Records of images that are done, shared by processes that may be killed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deepflash_service.store import image_records as records


def test_a_record_counts_for_its_key_only(tmp_path: Path) -> None:
    """Records of other options, damaged ones and missing ones are no records."""
    records.write_record(tmp_path, "a", record={"key": "k", "rows": [1.5]})
    assert records.read_record(tmp_path, "a", key="k") == {"key": "k", "rows": [1.5]}
    assert records.read_record(tmp_path, "a", key="other") is None
    assert records.read_record(tmp_path, "b", key="k") is None
    (tmp_path / records.FOLDER / "images" / "a.json").write_text('{"key"')
    assert records.read_record(tmp_path, "a", key="k") is None


def test_files_are_described_by_size_and_time(tmp_path: Path) -> None:
    """A file that changed has another description; a missing one has none."""
    path = tmp_path / "a"
    path.write_text("one")
    before = records.describe_files([path])
    assert before is not None
    assert before[0][0] == 3
    path.write_text("three")
    assert records.describe_files([path]) != before
    assert records.describe_files([path, tmp_path / "none"]) is None


def test_the_last_of_many_shards_knows_it(tmp_path: Path) -> None:
    """Of shards that end at once at least one sees that none is missing; old runs do not count."""
    records.mark_shard(tmp_path, 3, count=8, key="old")
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda number: records.mark_shard(tmp_path, number, count=8, key="k"), range(1, 9)
            )
        )
    assert [] in found
    assert records.mark_shard(tmp_path, 1, count=8, key="new") == [2, 3, 4, 5, 6, 7, 8]


def test_exactly_one_process_chooses(tmp_path: Path) -> None:
    """Many may choose at once: all get the choice of one; other runs choose anew."""
    assert records.settle_choice(tmp_path, "k", choice=None) == {}
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda number: records.settle_choice(tmp_path, "k", choice={"engine": number}),
                range(16),
            )
        )
    assert len({one["engine"] for one in found}) == 1
    assert records.settle_choice(tmp_path, "k", choice=None) == found[0]
    assert records.settle_choice(tmp_path, "other", choice={"engine": "x"}) == {"engine": "x"}
    left = [path.name for path in (tmp_path / records.FOLDER).iterdir()]
    assert sorted(left) == ["engine-k.json", "engine-other.json"]


def test_a_token_is_seen_or_missed(tmp_path: Path) -> None:
    """Two computers with different disks find out."""
    token = records.place_token(tmp_path)
    assert records.await_token(token, seconds=0)
    assert not records.await_token(tmp_path / "elsewhere", seconds=0)


def test_any_change_of_a_source_is_seen(tmp_path: Path) -> None:
    """A folder is known by all within, and a file by more than its size and time."""
    chunk = tmp_path / "a.zarr" / "0" / "c"
    chunk.parent.mkdir(parents=True)
    chunk.write_text("one")
    seen = [records.describe_source(chunk.parents[1])]
    chunk.write_text("two")
    seen.append(records.describe_source(chunk.parents[1]))
    chunk.with_name("d").write_text("")
    seen.append(records.describe_source(chunk.parents[1]))
    chunk.unlink()
    seen.append(records.describe_source(chunk.parents[1]))
    assert len({str(one) for one in seen}) == 4
    assert records.describe_source(chunk) is None

    path, other = tmp_path / "a.tif", tmp_path / "b.tif"
    path.write_text("one")
    before, facts = records.describe_source(path), path.stat()
    assert records.describe_source(path) == before
    other.write_text("two")
    os.utime(other, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    other.replace(path)
    if os.name != "nt":
        assert records.describe_source(path) != before

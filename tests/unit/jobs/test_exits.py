"""Why a process ended, in words."""

from __future__ import annotations

import pytest

from deepflash_service.jobs.exits import Exit, explain_exit


@pytest.mark.parametrize(
    ("end", "key", "word"),
    [
        (Exit(-9), "worker_killed", "memory"),
        (Exit(137), "worker_killed", "memory"),
        (Exit(-9, memory_kill="own"), "out_of_memory", "ran out of memory"),
        (Exit(None, memory_kill="own"), "out_of_memory", "ran out of memory"),
        (Exit(-6, output=b"what(): std::bad_alloc"), "out_of_memory", "ran out of memory"),
        (Exit(-6, output=b"free(): invalid pointer"), "worker_crashed", "crashed"),
        (Exit(-11), "worker_crashed", "crashed"),
        (Exit(-11, memory_kill="own"), "worker_crashed", "crashed"),
        (Exit(3221225477), "worker_crashed", "crashed"),
        (Exit(-9, memory_kill="elsewhere"), "worker_killed", "perhaps by the system"),
        (Exit(None, memory_kill="elsewhere"), "worker_lost", "exit code not known"),
        (Exit(-15), "worker_killed", "asked to end"),
        (Exit(143), "worker_killed", "asked to end"),
        (Exit(-1), "worker_killed", "logout"),
        (Exit(1), "worker_lost", "exit code 1"),
        (Exit(None), "worker_lost", "exit code not known"),
        (Exit(None, is_watched=False), "worker_lost", "no service"),
    ],
)
def test_exit_codes_become_sentences(end: Exit, key: str, word: str) -> None:
    """Nobody has to know what -9 means; a counted memory kill is named for certain."""
    cause = explain_exit(end, remedy="try again")
    assert cause.code == key
    assert word in cause.sentence
    assert "try again" in cause.sentence
    assert cause.sentence.endswith(".")


@pytest.mark.parametrize(
    ("end", "is_external"),
    [
        (Exit(-9), True),
        (Exit(None), True),
        (Exit(None, is_watched=False), True),
        (Exit(-9, memory_kill="own"), False),
        (Exit(-9, memory_kill="elsewhere"), True),
        (Exit(-15), True),
        (Exit(3221225786), True),
        (Exit(-11), False),
        (Exit(1), False),
    ],
)
def test_a_kill_from_outside_is_not_the_fault_of_the_job(end: Exit, *, is_external: bool) -> None:
    """What a job does to itself it would do again; what others do it would not."""
    assert explain_exit(end).is_external is is_external

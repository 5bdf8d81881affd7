"""Many images in one process with a small heap, too large ones, and a quick end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.jvm

IMAGES = 500
MANY = """
import json
import numpy as np
import psutil
from deepflash_service.bridge import init
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.rois import labels_to_rois, rois_to_labels

labels = np.zeros((1536, 2944), np.int32)
labels[10:40, 10:60] = 1
labels[20:30, 20:30] = 0
labels[900:1000, 2000:2400] = 2
rois = labels_to_rois(labels)
pixels = np.arange(labels.size, dtype=np.uint16).reshape(labels.shape)
assert 9e6 < pixels.nbytes < 10e6
sizes = []
with init(backend="ij1", heap_gb=1) as fiji:
    runtime = java_class("java.lang.Runtime").getRuntime()
    for number in range(%d):
        pixels[0, 0] = number
        image = fiji.to_imageplus(pixels, title=str(number))
        fiji.set_overlay(image, rois)
        back = fiji.from_imageplus(image)
        assert back[0, 0] == number and np.array_equal(back[::97], pixels[::97])
        if number %% 50 == 0:
            assert np.array_equal(rois_to_labels(fiji.rois_from(image), labels.shape), labels)
        if number %% 50 == 49:
            java_class("java.lang.System").gc()
            used = int(runtime.totalMemory() - runtime.freeMemory())
            sizes.append([used / 2**20, psutil.Process().memory_info().rss / 2**20])
    windows = int(java_class("ij.WindowManager").getImageCount())
    limit = int(runtime.maxMemory()) / 2**20
print(json.dumps({"sizes": sizes, "windows": windows, "limit": limit}))
"""

TOO_LARGE = """
import json
import numpy as np
from deepflash_service.bridge import init
from deepflash_service.errors import DeepFlashError

facts = {}
with init(backend="ij1", heap_gb=0.125) as fiji:
    calls = {
        "array": lambda: fiji.to_imageplus(np.zeros((20, 4096, 4096), np.uint8), dims="ZYX"),
        "macro": lambda: fiji.run_macro('newImage("a", "8-bit", 4096, 4096, 20);'),
        "command": lambda: fiji.run_command("Image...", name="a", type="8-bit black",
                                            width=4096, height=4096, slices=20),
    }
    for name, call in calls.items():
        try:
            call()
        except DeepFlashError as error:
            facts[name] = [type(error).__name__, str(error), repr(error.__cause__)]
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    facts["goes on"] = bool((fiji.from_imageplus(fiji.to_imageplus(pixels)) == pixels).all())
print(json.dumps(facts))
"""

FILTERS = """
import json, time
import numpy as np
from deepflash_service.bridge import init

fiji = init(backend="ij1")
image = fiji.to_imageplus(np.random.default_rng(0).random((700, 700)).astype(np.float32))
filters = (
    ("Gaussian Blur...", {"sigma": 3}),
    ("Median...", {"radius": 2}),
    ("Mean...", {"radius": 3}),
    ("Variance...", {"radius": 2}),
    ("Unsharp Mask...", {"radius": 1, "mask": 0.6}),
    ("Subtract Background...", {"rolling": 20}),
    ("Find Maxima...", {"prominence": 0.9, "output": "Count"}),
    ("FFT", {}),
)
for command, options in filters:
    fiji.run_command(command, image=image, **options)
print(json.dumps({"ended": time.time()}))
"""


def run_script(code: str, *, timeout: float = 300.0) -> tuple[dict[str, object], float]:
    """Run Python code in a process of its own; return its JSON and when it had ended."""
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), time.time()


@pytest.mark.slow
def test_500_images_leave_nothing_behind(plugin_jar: Path) -> None:
    """4.5 GB through a heap of 1 GB: neither Java nor the process has grown since the first 50."""
    assert plugin_jar.is_file()
    facts, _ = run_script(MANY % IMAGES)
    sizes = facts["sizes"]
    assert isinstance(sizes, list)
    assert len(sizes) == IMAGES // 50
    heap, process = ([size[which] for size in sizes] for which in (0, 1))
    assert facts["windows"] == 0
    assert 900 < float(str(facts["limit"])) < 1100
    assert max(heap[1:]) < heap[0] + 20, heap
    # Java takes and gives back memory when it likes: what is never given back raises the lowest,
    # too; the first is from before it has taken what it needs
    assert min(process[5:]) < min(process[1:5]) + 60, process


def test_java_without_memory_is_an_error_with_its_cause(plugin_jar: Path) -> None:
    """From numpy, in a macro and in a command; ImageJ goes on afterwards."""
    assert plugin_jar.is_file()
    facts, _ = run_script(TOO_LARGE)
    assert facts.pop("goes on") is True
    assert set(facts) == {"array", "macro", "command"}
    for name, found in facts.items():
        assert isinstance(found, list)
        kind, sentence, _ = found
        assert kind == ("ComputeError" if name == "array" else "MacroError")
        assert "memory" in sentence.lower(), found
    assert "OutOfMemoryError" in str(facts["array"])


@pytest.mark.alone
def test_the_process_ends_within_5_seconds_after_any_filter(plugin_jar: Path) -> None:
    """Threads that filters leave behind would keep Java, and with it Python, for ever."""
    assert plugin_jar.is_file()
    facts, end = run_script(FILTERS)
    assert end - float(str(facts["ended"])) < 5

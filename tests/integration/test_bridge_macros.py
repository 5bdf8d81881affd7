"""Macros and commands in a real ImageJ: what works, and how each early end is reported."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deepflash_service.bridge import FijiBridge
from deepflash_service.bridge.jvm import java_class
from deepflash_service.bridge.macros import make_options
from deepflash_service.bridge.quitting import without_quit
from deepflash_service.bridge.rois import labels_to_rois, write_roi_zip
from deepflash_service.errors import MacroError

pytestmark = pytest.mark.jvm


@pytest.mark.parametrize(
    ("macro", "line", "cause"),
    [
        ('x = 1;\nrun("No Such Command");\nreturn "after";', 2, 'command: "No Such Command"'),
        ("x = 1;\n\ny = z;\nreturn toString(y);", 3, "Undefined variable"),
        ("function f() {\n  return q;\n}\nx = 1;\nf();", 2, "Undefined variable"),
        ("x = (;", 1, "expected"),
        ("return 5;", 1, "Macros can only return strings"),
        ('x = 1;\nexit("nothing to do");', 2, "nothing to do"),
        ("a = newArray(2);\nb = a[5];", 2, "Index (5) out of 0-1 range"),
        ('close("*");\nrun("Invert");', 2, "No image is open. Open one"),
        ('call("no.such.Class.m");', 1, "Could not load class no.such.Class"),
        ('roiManager("reset");', 1, "needs a display"),
        ('name = getString("Name", "x");', 1, "needs a display"),
        ("x = newArray(2000000000);", 1, "out of memory"),
        ('x = 1;\nrun("Quit");\nreturn "after";', 2, "would end Python too"),
        ('doCommand("Quit");\nfor (i = 0; i < 90; i++) wait(100);', 2, "would end Python too"),
    ],
)
def test_a_macro_that_stops_early_is_an_error_with_line_and_cause(
    fiji: FijiBridge, macro: str, line: int, cause: str
) -> None:
    """Unknown command, undefined variable, exit, dialogs: none passes silently."""
    with pytest.raises(MacroError) as caught:
        fiji.run_macro(macro)
    assert cause in str(caught.value)
    assert caught.value.line == line
    assert caught.value.details["line"] == line


@pytest.mark.parametrize(
    ("macro", "cause"),
    [
        ('open("/no/such/image.tif");\nreturn "after";', "File not found: /no/such/image.tif"),
        ('call("java.lang.Integer.parseInt", "x");', "NumberFormatException"),
        ('r = eval("y = zz;");\nreturn "got " + r;', "Undefined variable"),
    ],
)
def test_a_failure_that_the_macro_itself_survives_is_an_error(
    fiji: FijiBridge, macro: str, cause: str
) -> None:
    """ImageJ goes on after these, so nobody would hear of them."""
    with pytest.raises(MacroError, match="(?s).*" + cause):
        fiji.run_macro(macro)


def test_a_failure_after_a_failed_macro_is_an_error(fiji: FijiBridge) -> None:
    """ImageJ would tell the next one to the macro that is over, and nobody would hear of it."""
    fiji.run_macro('close("*");')
    with pytest.raises(MacroError, match="No image is open"):
        fiji.run_macro('eval("getDimensions(a, b, c, d, e);");')
    with pytest.raises(MacroError, match="File not found"):
        fiji.run_macro('open("/no/such/image.tif"); return "after";')


@pytest.mark.parametrize(
    "text",
    [
        "java.lang.IllegalStateException: old\\n\\tat ij.Executer.run(Executer.java:70)",
        "java.lang.Error: x\\n at a.B.c(D.java:1)\\nCaused by: y.Z: deep\\n\\tat a.b(C)",
        "Macro Error: something in line 3",
        "There are no images open",
        "[aborted]",
        "Error: 3 of 5",
    ],
)
def test_what_a_macro_prints_is_no_failure(fiji: FijiBridge, text: str) -> None:
    """A macro may report on a log, or say what it caught; it ran to its end."""
    assert fiji.run_macro(f'print("{text}"); return "done";') == "done"
    lines = [f'print("{line}");' for line in text.split("\\n")]
    assert fiji.run_macro("\n".join(lines) + 'return "done";') == "done"


def test_a_failure_inside_print_is_one(fiji: FijiBridge) -> None:
    """The command fails while the macro's print is being made ready."""
    macro = (
        'print("java.lang.Error: x\\n\\tat a.B.c(D)" + call("java.lang.Integer.parseInt", "x"));'
    )
    with pytest.raises(MacroError, match="NumberFormatException"):
        fiji.run_macro(macro)


def test_long_output_is_quick(fiji: FijiBridge) -> None:
    """Twenty thousand lines, one after the other, are no matter."""
    start = time.monotonic()
    fiji.run_macro('for (i = 0; i < 20000; i++) print("row " + i + " äöü");')
    assert time.monotonic() - start < 20


def test_nothing_in_imagej_can_be_told_to_quit(fiji: FijiBridge) -> None:
    """ImageJ2 would call System.exit(0), and the script would end as if it were done."""
    assert fiji.run_macro('List.setCommands; return "found " + List.get("Quit");') == "found "
    with pytest.raises(MacroError, match="would end Python too"):
        fiji.run_command("Quit")


def test_menus_made_again_have_no_quit_afterwards(fiji: FijiBridge) -> None:
    """The table in which the command was is no longer ImageJ's then."""
    fiji.run_macro("x = 1;")
    menus = java_class("ij.Menus")
    table = menus.class_.getDeclaredField("pluginsTable")
    table.setAccessible(True)
    old = menus.getCommands()
    new = old.clone()
    new.put("Quit", 'ij.plugin.Commands("quit")')
    try:
        with without_quit():
            table.set(None, new)
        assert "Quit" not in new
    finally:
        table.set(None, old)


def test_a_text_that_is_called_an_image_is_told_as_such(fiji: FijiBridge, tmp_path: Path) -> None:
    """ImageJ would show it in an editor; that there is no display is not what went wrong."""
    path = tmp_path / "bad.png"
    path.write_text("this is not an image\n")
    with pytest.raises(MacroError, match=r"line 1: The file .* can read as an image"):
        fiji.run_macro(f'open("{path}");')


def test_edits_that_a_virtual_stack_loses_are_warned_of(fiji: FijiBridge, tmp_path: Path) -> None:
    """ImageJ says nothing and changes nothing; reading and copies are no matter."""
    path = tmp_path / "planes.tif"
    tifffile.imwrite(path, np.full((3, 20, 30), 7, np.uint8), imagej=True)
    image = java_class("ij.IJ").openVirtual(str(path))
    fiji.run_command("Measure", image=image)
    with pytest.warns(UserWarning, match=r"planes\.tif is a virtual stack.*duplicate") as caught:
        fiji.run_command("Invert", image=image, stack=True)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="virtual stack"):
        fiji.run_macro('run("Invert", "slice");', image=image)
    assert (fiji.from_imageplus(image) == 7).all(), "ImageJ has learnt to keep them"
    with pytest.warns(UserWarning, match="planes-1.tif is a virtual stack"):
        fiji.run_macro(
            f'setBatchMode(true); run("TIFF Virtual Stack...", "open=[{path}]");'
            'rename("planes-1.tif"); run("Invert", "slice");'
        )
    fiji.run_macro('close("*");')
    fiji.run_command("Set Scale...", image=image, distance=1, known=0.5, unit="um")
    copy = image.duplicate()
    fiji.run_command("Invert", image=copy, stack=True)
    assert (fiji.from_imageplus(copy) == 248).all()


def test_a_macro_called_by_a_macro_fails_both(fiji: FijiBridge, tmp_path: Path) -> None:
    """ImageJ hands "[aborted]" to the outer macro, which goes on."""
    inner = tmp_path / "inner.ijm"
    inner.write_text("x = 1;\ny = zz;\n")
    with pytest.raises(MacroError, match="Undefined variable"):
        fiji.run_macro(f'r = runMacro("{inner.as_posix()}");\nreturn "got " + r;')


def test_a_command_of_the_plugin_that_fails_ends_the_macro(fiji: FijiBridge) -> None:
    """The plugin aborts the macro without ImageJ's error flag; its sentence is the cause."""
    image = fiji.to_imageplus(np.zeros((20, 30), np.uint16))
    macro = 'x = 1;\nrun("DFL Segment...", "model=x threshold=9");\nreturn "after";'
    with pytest.raises(MacroError, match="threshold=9 is no probability") as caught:
        fiji.run_macro(macro, image=image)
    assert caught.value.line == 2
    with pytest.raises(MacroError, match="needs a display"):
        fiji.run_macro('roiManager("reset");')
    with pytest.raises(MacroError, match="threshold=9 is no probability"):
        fiji.run_command("DFL Segment...", image=image, model="x", threshold=9)


def test_imagej_is_usable_after_errors(fiji: FijiBridge) -> None:
    """An error leaves no state behind: the next macro draws, filters and measures."""
    with pytest.raises(MacroError):
        fiji.run_macro('run("Nope");')
    macro = """
        newImage("a", "8-bit ramp", 64, 64, 1);
        run("Gaussian Blur...", "sigma=2");
        run("Set Measurements...", "area mean redirect=None decimal=3");
        run("Clear Results");
        run("Measure");
        title = getTitle();
        close();
        return title + " " + getArgument();
    """
    assert fiji.run_macro(macro, "from Python") == "a from Python"
    table = fiji.results_to_dataframe()
    assert table["Area"].tolist() == [4096.0]
    assert 100 < table["Mean"][0] < 150


def test_a_macro_works_on_the_image_given_to_it(fiji: FijiBridge) -> None:
    """The image is the current one, and only while the macro runs."""
    image = fiji.to_imageplus(np.full((20, 30), 7, np.uint8), title="mine")
    fiji.run_macro('if (getTitle() != "mine") exit("wrong image"); run("Invert");', image=image)
    assert (fiji.from_imageplus(image) == 248).all()
    with pytest.raises(MacroError, match="No image is open"):
        fiji.run_macro('close("*"); run("Invert");')


def test_commands_raise_and_work_on_the_image_given(fiji: FijiBridge) -> None:
    """A command changes its image in place; an unknown one is an error."""
    pixels = np.zeros((64, 64), np.float32)
    pixels[32, 32] = 100
    image = fiji.to_imageplus(pixels)
    fiji.run_command("Gaussian Blur...", image=image, sigma=2)
    blurred = fiji.from_imageplus(image)
    assert 0 < blurred[32, 32] < 10
    assert blurred.sum() == pytest.approx(100, rel=0.01)
    with pytest.raises(MacroError, match="Unrecognized command"):
        fiji.run_command("No Such Command")
    with pytest.raises(MacroError, match="No image is open"):
        fiji.run_command("Invert")


def test_threads_take_turns(fiji: FijiBridge) -> None:
    """Macros from several threads neither mix nor lose their results."""
    answers: dict[int, str] = {}

    def run(number: int) -> None:
        macro = 'x = 0; for (i = 0; i < 2000; i++) x += i; return getArgument() + " " + x;'
        answers[number] = fiji.run_macro(macro, str(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {number: f"{number} 1999000" for number in range(6)}


def test_the_conversion_macro_runs_without_a_display(
    fiji: FijiBridge, project_root: Path, tmp_path: Path
) -> None:
    """ROI sets become label images of the size of each image, touching ROIs kept apart."""
    truth = {"b": (40, 60), "a": (50, 30)}
    expected = {}
    for folder in ("my images", "rois"):
        (tmp_path / folder).mkdir()
    for name, shape in truth.items():
        labels = np.zeros(shape, np.int32)
        labels[5:15, 5:15] = 1
        labels[5:15, 15:25] = 2
        labels[8:11, 8:11] = 0
        labels[30, 20] = 3
        expected[name] = labels
        tifffile.imwrite(tmp_path / "my images" / f"{name}.tif", np.zeros(shape, np.uint16))
        write_roi_zip(tmp_path / "rois" / f"{name}_RoiSet.zip", labels_to_rois(labels))
    options = {
        "images": tmp_path / "my images",
        "rois": tmp_path / "rois",
        "output": tmp_path / "masks",
        "expert": "anna",
    }
    macro = project_root / "macros" / "DeepFLaSH_ROIs_to_Masks.ijm"
    fiji.run_macro(macro, make_options(options))
    for name, labels in expected.items():
        drawn = tifffile.imread(tmp_path / "masks" / "anna" / f"{name}.tif")
        assert drawn.dtype == np.uint16
        pairs = {(int(a), int(b)) for a, b in zip(labels.flat, drawn.flat, strict=True)}
        assert len(pairs) == 4, "one label for each ROI, background kept"
        assert (0, 0) in pairs
    with pytest.raises(MacroError, match="output"):
        fiji.run_macro(macro, "images=somewhere")

"""``DFL Train...`` and ``DFL Model Library...``: by menu, recorded, replayed, by functions."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from tests.fiji.conftest import MODEL, await_recorded, await_that, draw_spots

if TYPE_CHECKING:
    from deepflash_service.bridge.service import Service
    from tests.fiji.desktop import Desktop

pytestmark = [pytest.mark.xvfb, pytest.mark.jvm, pytest.mark.keras]

PICTURES = Path(os.environ["DEEPFLASH_PICTURES"]) if "DEEPFLASH_PICTURES" in os.environ else None


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """Return a folder with images and the masks of two experts, one of them of the wrong size."""
    folder = tmp_path / "my data"
    for expert in ("anna", "ben"):
        (folder / "masks" / expert).mkdir(parents=True)
    (folder / "images").mkdir()
    for count in (2, 4, 6):
        image = draw_spots(shape=(144, 144), count=count)
        tifffile.imwrite(folder / "images" / f"{count}.tif", image)
        tifffile.imwrite(
            folder / "masks" / "anna" / f"{count}.tif", (image > 1000).astype(np.uint8)
        )
    tifffile.imwrite(folder / "masks" / "ben" / "2.tif", np.eye(9, dtype=np.uint8))
    tifffile.imwrite(folder / "masks" / "ben" / "4.tif", (draw_spots(count=4) > 0).astype(np.uint8))
    return folder


def test_training_starts_by_menu_and_replays(
    imagej_2: Desktop, service: Service, annotated: Path
) -> None:
    """The monitor opens by itself; the recorded line starts the same training from a macro."""
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Train...")
    said = " ".join(imagej_2.do("dialog").split())
    assert "advice: 50 or more to go on from a base, 100 from new" in said
    assert "Preset: quick takes minutes; standard and best half an hour and more without" in said
    imagej_2.do("type", "0 spots")
    imagej_2.do("choose", f"0 {MODEL}")
    imagej_2.do("type", f"1 {annotated / 'images'}")
    imagej_2.do("type", f"2 {annotated / 'masks'}")
    imagej_2.do("choose", "1 quick")
    imagej_2.do("type", "3 900")
    if PICTURES:
        imagej_2.do("shot", str(PICTURES / "train.png"))
    imagej_2.do("press", "OK")
    imagej_2.do("window", "DeepFLaSH Training spots")
    log = imagej_2.do("log")
    assert "left out. 2.tif: " in log
    found = re.search(r"training (\S+) started with 3 images of 2 experts", log)
    assert found
    assert service.job(found[1]).model == "spots"
    assert found.start() < log.index("left out. ")
    service.cancel(found[1])
    line = await_recorded(imagej_2, "DFL Train...")
    assert "preset=quick epochs=900 consensus=auto" in line
    answer = imagej_2.do("macro", f'setBatchMode(true); {line} return "on";')
    assert answer == "done on"
    newest = service.jobs()[0]
    assert newest.id != found[1]
    assert newest.kind == "training"
    service.cancel(newest)


def test_macro_trains_and_waits(
    imagej_2: Desktop, service: Service, training_home: Path, annotated: Path, tmp_path: Path
) -> None:
    """With the word wait the model is in the library when the macro goes on; each key counts."""
    options = (
        f"model=waited base={MODEL} image_folder=[{annotated / 'images'}] preset=quick epochs=2 "
        f"mask_folders=[anna={annotated / 'masks' / 'anna'}] wait output_folder=[{tmp_path}] "
        "consensus=union channel=1 pixel_size=0.4 seed=7"
    )
    answer = imagej_2.do(
        "macro",
        f'run("DFL Macro Extensions"); Ext.dflTrain("{options}", job); '
        "Ext.dflProgress(job, state, epoch, epochs, loss, jaccard); Ext.dflModels(names); "
        'return state + " " + epoch + " " + epochs + " " + indexOf(names, "waited");',
    )
    assert re.fullmatch(r"done done 2 2 \d+", answer)
    assert len(list(tmp_path.glob("waited-*-curve.csv"))) == 1
    card = json.loads((training_home / "models" / "waited" / "1" / "model.json").read_text())
    assert card["base"] == f"{MODEL}@1"
    assert (card["calibration"]["pixel_width"], card["calibration"]["unit"]) == (0.4, "µm")
    told = json.loads((training_home / "runs" / card["job"] / "job.json").read_text())["options"]
    keys = ("preset", "epochs", "consensus", "channel", "pixel_size", "seed")
    assert [told[key] for key in keys] == ["quick", 2, "union", 1, 0.4, 7]
    for wrong, sentence in (
        ("model=x", "The option image_folder is missing."),
        (options.replace("quick", "fast"), "preset=fast is not known."),
        (options.replace("/anna]", "/nobody]"), "There is no folder"),
    ):
        answer = imagej_2.do("macro", f'return call("org.deepflash.Macros.train", "{wrong}");')
        assert answer.startswith("done error: ")
        assert sentence in answer
    assert "waited" in [card.name for card in service.models()]


def test_library_by_menu_and_by_macro(imagej_2: Desktop, service: Service, tmp_path: Path) -> None:
    """Info by menu is recorded and replayed; a model travels out, in, is renamed and deleted."""
    imagej_2.do("record")
    imagej_2.do("menu", "DFL Model Library...")
    imagej_2.do("dialog")
    imagej_2.do("choose", "0 info")
    imagej_2.do("choose", f"1 {MODEL}")
    if PICTURES:
        imagej_2.do("shot", str(PICTURES / "library.png"))
    imagej_2.do("press", "OK")
    shown = imagej_2.do("window", "DeepFLaSH Model")
    assert f"Model: {MODEL}@1" in shown
    line = await_recorded(imagej_2, "DFL Model Library...")
    imagej_2.do("macro", f"setBatchMode(true); {line}")
    assert "Minimum ROI size: 10 px" in imagej_2.do("log")
    heading, *rows = imagej_2.do("rows", "DeepFLaSH Models").splitlines()
    assert heading.strip().split("\t")[:4] == ["Name", "Version", "Base", "Target"]
    assert any(row.startswith(f"{MODEL}\t1\t") for row in rows)

    def act(options: str) -> str:
        call = f'return call("org.deepflash.Macros.library", "{options}");'
        return str(imagej_2.do("macro", call)).removeprefix("done ")

    package = tmp_path / f"{MODEL}-1.deepflash.zip"
    assert str(package) in act(f"action=export model={MODEL} file=[{tmp_path}]")
    assert "exists already" in act(f"action=export model={MODEL} file=[{tmp_path}]")
    assert act(f"action=import file=[{package}] new_name=Copy") == (
        "Model Copy@1 is in the library."
    )
    assert act("action=rename model=Copy new_name=Other").endswith("is now called Other.")
    assert {"Other", MODEL} <= {card.name for card in service.models()}
    assert act("action=delete model=Other").endswith("is in the trash of the service.")
    await_that(lambda: "Other" not in [card.name for card in service.models()])
    assert act("action=info model=Other").startswith("error: ")
    assert act("action=use model=Bright").startswith("Model Bright is now the first choice")

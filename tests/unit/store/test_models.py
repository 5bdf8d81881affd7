"""The model library and its packages."""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deepflash_service.errors import ConflictError, InputError, NotFoundError
from deepflash_service.records import ModelCard
from deepflash_service.store import model_trash, models, packages
from deepflash_service.store.atomic import rename_folder
from deepflash_service.store.model_renaming import rename_model


def add_model(
    home: Path, name: str = "cells", *, weights: bytes = b"weights"
) -> models.StoredModel:
    """Add a model with one member to a library."""
    with models.stage_model(home) as folder:
        (folder / "member-1.weights.h5").write_bytes(weights)
        return models.publish_model(home, folder, card=ModelCard(name=name))


def test_versions_count_up_and_stay(tmp_path: Path) -> None:
    """Each publication is a new version; removed numbers are not given again."""
    assert add_model(tmp_path).reference == "cells@1"
    assert add_model(tmp_path).reference == "cells@2"
    assert model_trash.remove_model(tmp_path, "cells@2") == ["cells@2"]
    assert add_model(tmp_path).reference == "cells@3"
    assert [card.version for card in models.list_models(tmp_path)["cells"]] == [1, 3]
    assert any((tmp_path / "models" / ".trash").glob("cells@2*"))


def test_parallel_publications_get_their_own_number(tmp_path: Path) -> None:
    """Two trainings that end at once do not overwrite each other."""
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: add_model(tmp_path).card.version, range(6)))
    assert sorted(found) == [1, 2, 3, 4, 5, 6]


def test_a_renamed_model_keeps_numbers_and_labels(tmp_path: Path) -> None:
    """The old name can be used no more, and its numbers are not given again."""
    for content in (b"one", b"two", b"three"):
        add_model(tmp_path, weights=content)
    model_trash.remove_model(tmp_path, "cells@1")
    models.set_label(tmp_path, "cells", label="recommended", version=2)
    cards = rename_model(tmp_path, "cells", new_name="nuclei")
    assert [(card.name, card.version) for card in cards] == [("nuclei", 2), ("nuclei", 3)]
    assert models.list_labels(tmp_path, "nuclei") == {"recommended": 2}
    models.verify_weights(models.find_model(tmp_path, "nuclei@3"))
    assert list(models.list_models(tmp_path)) == ["nuclei"]
    assert add_model(tmp_path).reference == "cells@4"
    assert add_model(tmp_path, "nuclei").reference == "nuclei@4"


def test_what_is_published_during_a_renaming_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that ends meanwhile finds its version under the name that it knows."""
    add_model(tmp_path)

    def rename_late(source: Path, target: Path) -> None:
        rename_folder(source, target)
        assert add_model(tmp_path, weights=b"late").reference == "cells@2"

    monkeypatch.setattr("deepflash_service.store.model_renaming.rename_folder", rename_late)
    cards = rename_model(tmp_path, "cells", new_name="nuclei")
    assert [card.version for card in cards] == [1]
    found = models.list_models(tmp_path)
    assert {name: [card.version for card in cards] for name, cards in found.items()} == {
        "cells": [2],
        "nuclei": [1],
    }
    models.verify_weights(models.find_model(tmp_path, "cells"))


def test_a_version_is_published_though_the_last_other_one_is_removed(tmp_path: Path) -> None:
    """Just before the new version gets its number, its folder goes with the old version."""
    add_model(tmp_path)
    calls: list[int] = []

    def remove_old() -> None:
        if not calls:
            model_trash.remove_model(tmp_path, "cells")
        calls.append(1)

    with models.stage_model(tmp_path) as folder:
        (folder / "member-1.weights.h5").write_bytes(b"new")
        card = ModelCard(name="cells")
        stored = models.publish_model(tmp_path, folder, card=card, check=remove_old)
    assert stored.reference == "cells@2"
    models.verify_weights(models.find_model(tmp_path, "cells"))


def test_a_name_that_is_taken_or_no_name_changes_nothing(tmp_path: Path) -> None:
    """Neither model is touched, and no half copy stays."""
    add_model(tmp_path)
    add_model(tmp_path, "nuclei")
    with pytest.raises(ConflictError, match="'nuclei' already"):
        rename_model(tmp_path, "cells", new_name="nuclei")
    with pytest.raises(InputError):
        rename_model(tmp_path, "cells", new_name="../away")
    with pytest.raises(NotFoundError):
        rename_model(tmp_path, "unknown", new_name="away")
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"cells", "nuclei"}
    assert models.find_model(tmp_path, "nuclei").card.name == "nuclei"


def test_a_fault_publishes_nothing(tmp_path: Path) -> None:
    """A staged model that is not published leaves no trace."""
    with pytest.raises(ZeroDivisionError), models.stage_model(tmp_path) as folder:
        (folder / "member-1.weights.h5").write_bytes(bytes(1 // 0))
    assert list((tmp_path / "models").iterdir()) == []
    with pytest.raises(InputError, match=r"lacks member-1"), models.stage_model(tmp_path) as folder:
        models.publish_model(tmp_path, folder, card=ModelCard(name="cells"))


def test_references_name_version_or_label(tmp_path: Path) -> None:
    """NAME is the recommended or the newest version; labels move."""
    for _ in range(3):
        add_model(tmp_path)
    assert models.find_model(tmp_path, "cells").card.version == 3
    assert models.find_model(tmp_path, "cells@2").card.version == 2
    models.set_label(tmp_path, "cells", label="recommended", version=1)
    models.set_label(tmp_path, "cells", label="old", version=2)
    assert models.find_model(tmp_path, "cells").card.version == 1
    assert models.find_model(tmp_path, "cells@old").card.version == 2
    models.set_label(tmp_path, "cells", label="old", version=None)
    assert models.list_labels(tmp_path, "cells") == {"recommended": 1}
    model_trash.remove_model(tmp_path, "cells@1")
    assert models.find_model(tmp_path, "cells").card.version == 3
    with pytest.raises(InputError, match="looks like a version"):
        models.set_label(tmp_path, "cells", label="7", version=2)


@pytest.mark.parametrize("reference", ["cell", "cells@9", "cells@none", "../cells", "", "@1"])
def test_unknown_models_are_explained(tmp_path: Path, reference: str) -> None:
    """The answer names what is known, or what was probably meant."""
    add_model(tmp_path)
    with pytest.raises(NotFoundError) as caught:
        models.find_model(tmp_path, reference)
    assert caught.value.code == "unknown_model"
    assert "cells" in caught.value.message
    assert f"that of {tmp_path}" in caught.value.message


def test_empty_library_says_what_to_do(tmp_path: Path) -> None:
    """Without any model the remedy is to train or import one."""
    with pytest.raises(NotFoundError, match="train a model or import"):
        models.find_model(tmp_path, "x")
    assert models.list_models(tmp_path) == {}


def test_changed_weights_are_noticed(tmp_path: Path) -> None:
    """The hash in the card tells whether a weight file is the one that was published."""
    stored = add_model(tmp_path)
    models.verify_weights(stored)
    stored.weights[0].write_bytes(b"other")
    with pytest.raises(InputError) as caught:
        models.verify_weights(stored)
    assert caught.value.code == "damaged_model"


def test_packages_travel(tmp_path: Path) -> None:
    """Export and import give the same card under a new number, once."""
    stored = add_model(tmp_path / "here")
    path = packages.export_package(tmp_path / "here", "cells", output=tmp_path)
    assert path.name == "cells-1.deepflash.zip"
    there = tmp_path / "there"
    assert packages.import_package(there, path).card == stored.card
    with pytest.raises(ConflictError) as caught:
        packages.import_package(there, path.read_bytes())
    assert caught.value.code == "model_exists"
    assert packages.import_package(there, path, name="copy").reference == "copy@1"


def test_refused_tests_import_nothing(tmp_path: Path) -> None:
    """A model whose test fails does not enter the library."""
    add_model(tmp_path / "here")
    path = packages.export_package(tmp_path / "here", "cells", output=tmp_path / "p.zip")

    def refuse(model: models.StoredModel) -> None:
        raise InputError(f"{model.reference} is wrong", code="model_test_failed")

    with pytest.raises(InputError, match="is wrong"):
        packages.import_package(tmp_path / "there", path, check=refuse)
    assert models.list_models(tmp_path / "there") == {}


def make_package(**changes: bytes) -> bytes:
    """Return a package whose members are replaced or added; keys use __ for the dot."""
    card = ModelCard(name="cells", weights_sha256=["0" * 64])
    members = {"model__json": card.to_json().encode(), "member-1__weights__h5": b"w", **changes}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_package"),
        (b"PK\x03\x04 nothing", "invalid_package"),
        (make_package(), "damaged_model"),
        (make_package(evil__py=b"print()"), "invalid_package"),
        (make_package(**{"../model__json": b"{}"}), "invalid_package"),
        (make_package(**{"member-17__weights__h5": b"w"}), "invalid_package"),
        (make_package(thumbnail__png=bytes(3_000_000)), "invalid_package"),
        (make_package(model__json=b"{"), "invalid_options"),
        (make_package(model__json=json.dumps({"name": "../x"}).encode()), "invalid_options"),
        (make_package(model__json=b"[]"), "invalid_options"),
    ],
)
def test_bad_packages_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    """Foreign members, paths, bombs, wrong cards and changed weights are refused."""
    with pytest.raises(InputError) as caught:
        packages.import_package(tmp_path, data)
    assert caught.value.code == code
    assert models.list_models(tmp_path) == {}
    assert list((tmp_path / "models").iterdir()) == []

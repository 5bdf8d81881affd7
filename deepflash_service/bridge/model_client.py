"""The library of the service: cards, packages, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deepflash_service.bridge.transport import quote_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deepflash_service.bridge.transport import Transport
    from deepflash_service.records import ModelCard

_SLOW_SECONDS: Final = 600.0
_RECOMMENDED: Final = "recommended"


class ModelClient:
    """The part of :class:`~deepflash_service.bridge.service.Service` about models.

    A model is named ``NAME@VERSION``, or ``NAME``: the version labelled ``recommended``, else the
    newest, as in ``segment`` and ``evaluate``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def models(self) -> list[ModelCard]:
        """Return the cards of the library, the newest version of each model."""
        cards = self._transport.get_json("models")["models"]
        return [_read_card(card) for card in cards]

    def model(self, name: str) -> ModelCard:
        """Return the card of the version that ``segment`` would take for this name."""
        plain, _, version = name.partition("@")
        if version:
            return _read_card(self._transport.get_json("models", plain, "versions", version))
        answer = self._transport.get_json("models", plain)
        cards = {card["version"]: card for card in answer["versions"]}
        return _read_card(cards.get(answer["labels"].get(_RECOMMENDED)) or cards[max(cards)])

    def model_versions(self, name: str) -> list[ModelCard]:
        """Return the cards of all versions of a model."""
        versions = self._transport.get_json("models", name)["versions"]
        return [_read_card(card) for card in versions]

    def model_labels(self, name: str) -> dict[str, int]:
        """Return the labels of a model, each with the version that it stands for."""
        return dict(self._transport.get_json("models", name)["labels"])

    def label_model(self, name: str, label: str) -> dict[str, int]:
        """Put a label such as ``recommended`` on a version; returns all labels.

        Parameters
        ----------
        name : str
            ``NAME@VERSION``, or ``NAME`` for the newest version.
        label : str
            The label.
        """
        plain, _, version = name.partition("@")
        newest = 0 if version else max(card.version for card in self.model_versions(plain))
        number = int(version) if version.isdecimal() else newest or self.model(name).version
        path = quote_path("models", plain, "labels", label)
        answer = self._transport.request("PUT", path, json={"version": number})
        return dict(answer.json()["labels"])

    def remove_label(self, name: str, label: str) -> dict[str, int]:
        """Take a label off a model; returns the labels that are left."""
        answer = self._transport.request("DELETE", quote_path("models", name, "labels", label))
        return dict(answer.json()["labels"])

    def export_model(self, name: str) -> bytes:
        """Return a model as a package (zip) that :meth:`import_model` takes elsewhere."""
        path = quote_path(*_place(name), "package")
        return self._transport.request("GET", path, patience=_SLOW_SECONDS).content

    def import_model(self, package: bytes | Path) -> ModelCard:
        """Add a package to the library and return its card, with the version it got there.

        Raises
        ------
        InputError
            Code ``invalid_package``: no package, damaged, or its test image comes out wrong.
        """
        from deepflash_service.bridge.pixels import read_picture

        answer = self._transport.request(
            "POST",
            quote_path("models"),
            content=read_picture(package),
            headers={"Content-Type": "application/zip"},
            patience=_SLOW_SECONDS,
        )
        return _read_card(answer.json())

    def remove_model(self, name: str) -> None:
        """Move a version, or with ``NAME`` all of a model, to the trash of the home folder."""
        self._transport.request("DELETE", quote_path(*_place(name)))

    def rename_model(self, name: str, new_name: str) -> list[ModelCard]:
        """Give a model with all its versions another name, and return their cards.

        Versions keep their numbers and labels. Jobs that wait for the old name fail.

        Raises
        ------
        ConflictError
            Code ``model_exists``: the new name is taken.
        """
        answer = self._transport.request(
            "POST", quote_path("models", name, "rename"), json={"name": new_name}
        )
        return [_read_card(one) for one in answer.json()["versions"]]


def _place(name: str) -> tuple[str, ...]:
    plain, _, version = name.partition("@")
    return ("models", plain, "versions", version) if version else ("models", plain)


def _read_card(body: Mapping[str, Any]) -> ModelCard:
    from deepflash_service.records import ModelCard

    known = {key: value for key, value in body.items() if key in ModelCard.model_fields}
    return ModelCard.from_json(known)

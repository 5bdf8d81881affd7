"""Data sets of the service: images, annotations, agreement, consensus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deepflash_service.bridge.pixels import decode_tiff, read_picture
from deepflash_service.bridge.transport import quote_path

if TYPE_CHECKING:
    from deepflash_service.bridge.pixels import Picture
    from deepflash_service.bridge.transport import Transport
    from deepflash_service.records import Mask

_SLOW_SECONDS: Final = 600.0


class DatasetClient:
    """The part of :class:`~deepflash_service.bridge.service.Service` about data sets."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create_dataset(self, name: str) -> str:
        """Create an empty data set and return its id."""
        return str(self._transport.post_json("datasets", json={"name": name})["id"])

    def datasets(self) -> list[dict[str, Any]]:
        """Return id, name and time of creation of each data set."""
        return list(self._transport.get_json("datasets")["datasets"])

    def dataset(self, dataset: str) -> dict[str, Any]:
        """Return one data set: name, images, experts, pairs, warnings."""
        return self._transport.get_json("datasets", dataset)

    def remove_dataset(self, dataset: str) -> None:
        """Move a data set to the trash of the home folder."""
        self._transport.request("DELETE", quote_path("datasets", dataset))

    def put_image(self, dataset: str, name: str, image: Picture) -> dict[str, Any]:
        """Upload an image under its file name; returns name, shape and checksum."""
        return self._put(quote_path("datasets", dataset, "images", name), image)

    def put_annotation(
        self, dataset: str, name: str, annotation: Picture, *, expert: str
    ) -> dict[str, Any]:
        """Upload what one expert marked in an image (mask, label image or ROI set).

        Returns
        -------
        dict
            ``{"name", "rois"}``: how many ROIs the service found in it.
        """
        path = quote_path("datasets", dataset, "annotations", expert, name)
        return self._put(path, annotation)

    def image(self, dataset: str, name: str) -> bytes:
        """Return an image of a data set, the file as it was sent."""
        path = quote_path("datasets", dataset, "images", name)
        return self._transport.request("GET", path).content

    def annotation(self, dataset: str, name: str, *, expert: str) -> bytes:
        """Return an annotation of one expert, the file as it was sent."""
        path = quote_path("datasets", dataset, "annotations", expert, name)
        return self._transport.request("GET", path).content

    def remove_image(self, dataset: str, name: str) -> None:
        """Take an image out of a data set."""
        self._transport.request("DELETE", quote_path("datasets", dataset, "images", name))

    def remove_annotation(self, dataset: str, name: str, *, expert: str) -> None:
        """Take an annotation of one expert out of a data set."""
        path = quote_path("datasets", dataset, "annotations", expert, name)
        self._transport.request("DELETE", path)

    def pairs(self, dataset: str, *, verdicts: bool = False) -> dict[str, Any]:
        """Return which images and annotations belong together, and the warnings.

        With `verdicts` also what is to say of each image and expert, with advice, and how well
        every two experts agree (``verdicts`` and ``pairwise``), as *DFL Check Pairs* shows it.
        """
        parameters = {"verdicts": str(verdicts).lower()}
        return self._transport.get_json(
            "datasets", dataset, "pairs", params=parameters, patience=_SLOW_SECONDS
        )

    def agreement(self, dataset: str, *, min_roi_size: int = 0, iou: float = 0.5) -> dict[str, Any]:
        """Return how well the experts agree (the JSON of ``deepflash agreement``)."""
        parameters = {"min_roi_size": min_roi_size, "iou": iou}
        return self._transport.get_json(
            "datasets", dataset, "agreement", params=parameters, patience=_SLOW_SECONDS
        )

    def consensus(self, dataset: str, name: str, *, method: str = "staple") -> Mask:
        """Return the consensus mask (M, N) of all experts of one image."""
        path = quote_path("datasets", dataset, "consensus", name)
        parameters = {"method": method}
        answer = self._transport.request("GET", path, params=parameters, patience=_SLOW_SECONDS)
        mask: Mask = decode_tiff(answer.content).astype(np.float32) > 0
        return mask

    def _put(self, path: str, picture: Picture) -> dict[str, Any]:
        answer = self._transport.request("PUT", path, content=read_picture(picture))
        body: dict[str, Any] = answer.json()
        return body

"""Which device computes, by the name people know it by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepflash_service.store.computer import find_cpu_name

if TYPE_CHECKING:
    from deepflash_service.network.devices import Device


def find_device() -> Device:
    """Return the device that Keras computes on; loads TensorFlow.

    Returns
    -------
    Device
        A processor carries its full name, which Keras does not know.
    """
    from deepflash_service.network.devices import describe_device

    device = describe_device()
    return replace(device, name=find_cpu_name()) if device.kind == "cpu" else device

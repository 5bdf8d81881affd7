"""The one function that leads to a service: found, or started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deepflash_service import __version__
from deepflash_service.bridge.launch import find_service, read_address, start_service
from deepflash_service.bridge.service import Service
from deepflash_service.bridge.transport import Transport, unreachable
from deepflash_service.errors import InputError, ServiceUnreachableError
from deepflash_service.settings import find_home

if TYPE_CHECKING:
    import os

API_VERSION: Final = 1


def connect(
    *,
    home: str | os.PathLike[str] | None = None,
    url: str | None = None,
    token: str | None = None,
    start: bool = True,
    timeout: float = 30.0,
) -> Service:
    """Connect to the DeepFLaSH service of a home folder; start it if none runs.

    Parameters
    ----------
    home : path, optional
        Home folder; default is DEEPFLASH_HOME, else the user's data folder.
    url, token : str, optional
        Address (without path) and token of a service elsewhere; nothing is started then.
        The token of the home folder is used only for its own service.
    start : bool
        Whether to start a service when none answers. It goes on when this program ends,
        see :meth:`Service.shutdown_if_started`.
    timeout : float
        Seconds without an answer after which a request is given up.

    Returns
    -------
    Service
        Usable as a context manager.

    Raises
    ------
    ServiceUnreachableError
        Nothing answers, the token is refused, or the versions do not fit together
        (``version_mismatch``).
    SetupError
        Code ``service_not_started``.
    """
    folder = find_home(home)
    started_pid = None
    if url is not None:
        address = read_address(folder)
        is_same = address is not None and address.url == url.rstrip("/")
        secret = token or (address.token if address is not None and is_same else None)
        if secret is None:
            raise InputError(
                f"The service at {url} needs a token: give token=, it is in service.json of "
                "that service's home folder.",
                code="missing_token",
            )
        transport = Transport(url, secret, timeout=timeout)
    else:
        found = find_service(folder)
        if found is None:
            if not start:
                stale = read_address(folder)
                raise unreachable(stale.url if stale else f"the home folder {folder}")
            found, is_ours = start_service(folder)
            started_pid = found.pid if is_ours else None
        transport = Transport(found.url, token or found.token, timeout=timeout)
    return _shake_hands(Service(transport, started_pid=started_pid))


def _shake_hands(service: Service) -> Service:
    """Check that both sides speak the same version of the interface."""
    try:
        info: dict[str, Any] = service.info()
    except BaseException:
        service.close()
        raise
    if info.get("api") == API_VERSION:
        return service
    service.close()
    raise ServiceUnreachableError(
        f"Package {__version__} (API {API_VERSION}) and service {info.get('version')} "
        f"(API {info.get('api')}) at {service.url} do not fit together. Update the older one "
        "(`pip install -U deepflash-service`) and restart the service.",
        code="version_mismatch",
        details={"package_api": API_VERSION, "service_api": info.get("api")},
    )

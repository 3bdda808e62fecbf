"""The operator's table of other services' indexes and the local indexes that stand in for them."""

from __future__ import annotations

from collections.abc import Mapping

ANY = "*"


def local_index(table: Mapping[str, str], service: str, index: str) -> str | None:
    """The local index for an index of a service; None when the table has no entry for it.

    An entry for both names wins over `SERVICE/*`, that over `*/INDEX`, that over `*/*`. The value `*` means a local
    index of the same name.

    Args:
        table: `SERVICE/INDEX` → local index; the service is the host of an endpoint, or a name, without regard to case.
        service: Host or name; empty matches `*` only.
    """
    known = {normalised(key): local for key, local in table.items()}
    wanted = ((service.lower(), index), (service.lower(), ANY), (ANY, index), (ANY, ANY))
    local = next((known[key] for key in wanted if key in known), None)
    return index if local == ANY else local


def normalised(key: str) -> tuple[str, str]:
    """A key of the table as service and index: no scheme, no slash at the service's end, service in lower case."""
    service, _, index = key.rpartition("/")
    return service.rpartition("://")[2].rstrip("/").lower(), index

"""Names of tables and numbers of generations.

Every life of an index is a table of its own, `<encoded name>.<birth>`, and a generation is the birth followed by the
table's version. So an index that is dropped and created again shares neither files nor generations with the old
one: a reader that still has the old table open (in this process or another) cannot mistake one for the other.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from foveal.errors import InvalidRequestError
from foveal.types.chunks import Generation

_VERSION_BITS = 24
"""Sixteen million versions, some five million commits; the rest keeps a generation below 2**53 until 2042."""
_LONGEST_NAME = 200
"""File systems take 255 bytes; the birth and the engine's own ending follow the name."""
_FIRST_BIRTH = 1_735_689_600  # 2025-01-01T00:00:00Z


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVersion:
    """One generation, taken apart.

    Attributes:
        birth: Second in which the index was created, since 2025.
        version: Version of its table.
    """

    birth: int
    version: int


def generation_of(birth: int, version: int) -> Generation:
    """The generation that this version of the table born then is."""
    return Generation(birth << _VERSION_BITS | version)


def table_version(generation: Generation) -> TableVersion:
    """The opposite of `generation_of`."""
    return TableVersion(birth=generation >> _VERSION_BITS, version=generation & (1 << _VERSION_BITS) - 1)


def new_birth(after: int) -> int:
    """The present second, or the one after `after` if that is later."""
    return max(int(time.time()) - _FIRST_BIRTH, after + 1)


def table_name(index: str, birth: int) -> str:
    """The table of an index born then.

    Raises:
        InvalidRequestError: The name is too long for a folder.
    """
    encoded = _encoded(index)
    if len(encoded) > _LONGEST_NAME:
        raise InvalidRequestError(
            f"The name of the index is too long: {index[:40]!r}…", remedy="Take a shorter one; letters a-z count least."
        )
    return f"{encoded}.{birth}"


def birth_of(table: str, index: str) -> int | None:
    """When the table was born, None when it is not a table of this index."""
    encoded, _, birth = table.rpartition(".")
    return int(birth) if encoded == _encoded(index) and birth.isdecimal() else None


def _encoded(index: str) -> str:
    """Any name as one that LanceDB and every file system take: what is not a-z, 0-9 or `-` becomes `_<hex>_`."""
    return re.sub(r"[^a-z0-9-]", lambda found: f"_{ord(found.group()):x}_", index)

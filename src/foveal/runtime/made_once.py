"""Parts that are made at first use, and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from foveal.settings import Settings

T = TypeVar("T")


class Made:
    """What has such parts.

    Args:
        settings: The settings.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()


class made_once(Generic[T]):  # noqa: N801 - reads as the decorator it is
    """A property computed once an object, under the object's lock (`functools.cached_property` has none since 3.12)."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, parts: None, owner: type) -> made_once[T]: ...
    @overload
    def __get__(self, parts: Made, owner: type) -> T: ...
    def __get__(self, parts: Made | None, owner: type) -> T | made_once[T]:
        if parts is None:
            return self
        with parts.lock:
            if self._name not in parts.__dict__:
                parts.__dict__[self._name] = self._make(parts)
            made: T = parts.__dict__[self._name]
            return made

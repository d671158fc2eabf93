"""A property that is built at its first use, once per object, even if several threads use it at the same time."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)
BuildingLock = RLock
"""The lock of an object with parts: one for all parts, because building one part uses others."""


class HasParts(Protocol):
    """An object with parts."""

    @property
    def building(self) -> BuildingLock:
        """The lock that is held while a part is built."""


class Part(Generic[T_co]):
    """A property whose value is built at its first use and kept.

    `functools.cached_property` has no lock from Python 3.12 on: threads that begin at the same time would each build a part,
    and `Container.give_back` would use only one of them.
    """

    def __init__(self, build: Callable[[Any], T_co]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Called by Python when the class is made."""
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> Part[T_co]: ...
    @overload
    def __get__(self, owner: HasParts, kind: type | None = None) -> T_co: ...
    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        """Return the part. Once built it is stored in the instance, where Python finds it without calling this again."""
        if owner is None:
            return self
        with owner.building:
            if self._name not in owner.__dict__:
                owner.__dict__[self._name] = self._build(owner)
            return owner.__dict__[self._name]


part = Part
"""The decorator."""

# freemask/_mergeable.py - what statistics and calibrations have in common: parts merge to the whole, exactly.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import sys
import threading
from typing import Any, TypeVar, Union

from ._arrays import numbers
from ._layouts import words_layout
from ._library import ArgumentError, Handle, call, expect, lib
from ._threads import cores, count_of, run
from .labels import Labels

_T = TypeVar("_T", bound="Mergeable")


class Mergeable(Handle):
    """A handle of the library with words that add up. Subclasses have `labels`, `_lock` and a docstring each for what
    users see; `_calls` is what the names of their functions begin with."""

    _calls = ""
    labels: Labels
    _lock: threading.RLock

    def __init_subclass__(cls) -> None:
        cls._destroy = cls._calls + "_destroy"

    @classmethod
    def _bare(cls: type[_T], labels: Labels) -> _T:
        """An object without a handle."""
        bare = cls.__new__(cls)
        bare.labels = labels
        bare._lock = threading.RLock()
        return bare

    def _function(self, name: str) -> Any:
        # The interpreter's cache of attributes keeps names, thousands of them if each call brings a new one.
        return getattr(lib, sys.intern(f"{self._calls}_{name}"))

    def _empty(self: _T) -> _T:
        """One like this, of nothing."""
        raise NotImplementedError

    def add(self: _T, mask: Any, loss: Any, strata: Any = None) -> _T:
        raise NotImplementedError

    def _add_batch(self: _T, masks: Any, losses: Any, strata: Any) -> _T:
        """On threads; all of them or none."""
        count = count_of(masks)
        if not count:
            raise ArgumentError("the batch has no image")
        if count_of(losses) != count or (strata is not None and count_of(strata) != count):
            raise ArgumentError(f"{count} masks and {count_of(losses)} loss maps, expected as many")
        parts = [self._empty() for _ in range(min(cores(), count))]

        def add_every(first: int) -> None:
            for i in range(first, count, len(parts)):
                parts[first].add(masks[i], losses[i], None if strata is None else strata[i])

        run(add_every, len(parts))
        whole = self._empty()
        for part in parts:
            whole.merge(part)
        return self.merge(whole)

    def merge(self: _T, other: _T) -> _T:
        """Adds all of `other`; returns itself. Raises MismatchError if the label space or what is added up differs."""
        if other is self:
            other = self.copy()
        theirs = expect(other, type(self), "other")._pointer
        with self._lock:
            call(self._function("merge"), self._pointer, theirs)
        return self

    def copy(self: _T) -> _T:
        return self._empty().merge(self)

    def __iadd__(self: _T, other: _T) -> _T:
        return self.merge(other)

    def __add__(self: _T, other: _T) -> _T:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self.copy().merge(other)

    def __radd__(self: _T, other: Any) -> _T:  # sum() begins with 0
        if other != 0:
            return NotImplemented
        return self.copy()

    @property
    def state(self) -> Any:
        """All of it as int64 numbers, a copy. Assigning replaces what is held, and takes the element-wise *sum* of up to
        2^30 states: that is their merge. What is read is the same for the same statistics; a sum has carries that were not
        done yet, so compare what was assigned, not sums."""
        count = self._function("word_count")(self._pointer)
        array, where = numbers(ctypes.c_int64, count, "int64")
        with self._lock:
            call(self._function("export"), self._pointer, where, count)
        return array

    @state.setter
    def state(self, words: Any) -> None:
        layout = words_layout(words)
        fresh = self._empty()
        call(self._function("import"), fresh._pointer, ctypes.cast(layout.address, ctypes.POINTER(ctypes.c_int64)),
             layout.shape[0], None)
        with self._lock:
            self._function("clear")(self._pointer)
            call(self._function("merge"), self._pointer, fresh._pointer)

    def to_bytes(self) -> bytes:
        raise NotImplementedError

    @classmethod
    def from_bytes(cls: type[_T], labels: Union[Labels, str], blob: bytes) -> _T:
        raise NotImplementedError

    def __reduce__(self) -> Any:
        return _restored, (type(self), self.labels, self.to_bytes())


def _restored(kind: type[_T], labels: Labels, blob: bytes) -> _T:
    return kind.from_bytes(labels, blob)

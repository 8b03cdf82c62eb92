# freemask/ignore_maps.py - what a filter drops, kept beside the masks instead of in them.
# SPDX-License-Identifier: MIT
"""One file with a map for each mask, in which bit i says that filter i drops the pixel. The masks stay as they
are, and which filter counts is decided when they are read. The file is a .npz of deflated uint8 maps: a map of
512x512 pixels and four filters takes about 20 kB."""
from __future__ import annotations

import json
import os
import threading
import weakref
import zipfile
from contextlib import ExitStack, suppress
from typing import Any, Iterator, Mapping, Optional, Sequence, Union

from . import _interface as c
from ._layouts import numpy
from ._library import ArgumentError, DuplicateError, FormatError, ShapeError, UnsupportedError
from ._storage import Storage
from .filter import NoiseFilter
from .plan import id_bytes
from .stats import ClassStats

_ABOUT = "freemask.json"
_FORMAT = "freemask ignore maps 1"
_MOST_FILTERS = 8  # bits of a uint8
Path = Union[str, os.PathLike[str]]


def _numpy() -> Any:
    module = numpy()
    if module is None:
        raise UnsupportedError("ignore maps need NumPy: pip install numpy", c.FM_ERR_UNSUPPORTED)
    return module


class IgnoreMapWriter:
    """Writes the maps of a set of masks, whole or not at all:

        with IgnoreMapWriter("ignore.npz", stats) as maps:
            for id, mask, loss in synthetic:
                maps.add(id, mask, loss)

    Args:
        path: the file.
        filters: {tolerance: NoiseFilter}, up to 8, for filters of any policy, whose keys are then your own numbers;
            or the ClassStats of the real set, for the paper's filter with each of `tolerances`.
        tolerances: with ClassStats.
    """

    def __init__(self, path: Path, filters: Union[ClassStats, Mapping[float, NoiseFilter]],
                 tolerances: Sequence[float] = (1.0, 1.25, 1.5, 2.0)) -> None:
        _numpy()
        if isinstance(filters, ClassStats):
            filters = {tolerance: NoiseFilter(filters, tolerance) for tolerance in tolerances}
        if not 0 < len(filters) <= _MOST_FILTERS:
            raise ArgumentError(f"{len(filters)} filters, expected 1 to {_MOST_FILTERS}")
        self._filters = {float(key): one for key, one in filters.items()}
        first = next(iter(self._filters.values()))
        if any(one.labels != first.labels for one in self._filters.values()):
            raise ArgumentError("the filters have different label spaces, expected one")
        self._labels, self._ids = first.labels, set[str]()
        self._open = ExitStack()
        self._file = self._open.enter_context(Storage().writer(os.fspath(path)))
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        self._drop = weakref.finalize(self, _drop, self._zip, self._open, os.getpid())  # of one that nobody closes, too

    def add(self, id: str, mask: Any, loss: Any, strata: Any = None, reference: Any = None, siblings: Any = None) -> None:
        """Adds a mask [H, W]; the arguments are those of `NoiseFilter.apply`, whose errors it raises."""
        id_bytes(id)
        if id in self._ids:
            raise DuplicateError(f"'{id}' is there twice", c.FM_ERR_DUPLICATE)
        np = _numpy()
        before = _array(mask)
        bits = np.zeros(before.shape, np.uint8)
        for i, one in enumerate(self._filters.values()):
            after = one.apply(before, loss, strata=strata, reference=reference, siblings=siblings)
            bits |= (after != before).astype(np.uint8) << i
        self._ids.add(id)
        with self._zip.open(id + ".npy", "w") as entry:
            np.lib.format.write_array(entry, bits, allow_pickle=False)
        self._file.flush()  # nothing is left for a forked child to write once more

    def close(self) -> None:
        """Finishes the file, once; if that fails, there is none."""
        if not self._drop.alive:
            return
        about = {"format": _FORMAT, "filters": list(self._filters), "labels": self._labels.name,
                 "ignore_label": self._labels.ignore_label, "maps": len(self._ids)}
        try:
            self._zip.writestr(_ABOUT, json.dumps(about))
            self._zip.close()
        except BaseException:
            self._drop()
            raise
        self._drop.detach()
        self._open.close()

    def __enter__(self) -> IgnoreMapWriter:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            self._drop()


class _Unfinished(Exception):
    """Ends a Storage.writer() without a file."""


def _drop(archive: zipfile.ZipFile, file: ExitStack, owner: int) -> None:
    """Leaves nothing of a file that was not finished. It is not a forked child's to finish or remove."""
    if os.getpid() != owner:
        archive.fp = None  # or its __del__ would end the parent's file
        return
    with suppress(OSError, ValueError):
        archive.close()
    with suppress(_Unfinished, OSError):
        file.__exit__(_Unfinished, _Unfinished(), None)


def _array(mask: Any) -> Any:
    """A mask as a NumPy array [H, W]."""
    array = _numpy().asarray(mask)
    if array.ndim != 2:
        raise ShapeError(f"the mask has shape {list(array.shape)}, expected [height, width]", c.FM_ERR_SHAPE)
    return array


class IgnoreMaps:
    """Reads the file of an IgnoreMapWriter, one map at a time. Pickles; forked and spawned processes open the file
    for themselves."""

    def __init__(self, path: Path) -> None:
        _numpy()
        self.path = os.path.abspath(os.fspath(path))
        self._lock = threading.Lock()
        self._opened: Optional[zipfile.ZipFile] = None
        self._process = 0
        try:
            about = json.loads(self._file().read(_ABOUT))
            if about["format"] != _FORMAT:
                raise ValueError(about["format"])
            self._keys, self._count, self.ignore_label = tuple(about["filters"]), int(about["maps"]), int(about["ignore_label"])
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
            raise FormatError(f"{self.path} has no ignore maps ({error}), expected a file of IgnoreMapWriter",
                              c.FM_ERR_FORMAT) from None

    @property
    def tolerances(self) -> tuple[float, ...]:
        """The filters that a map knows: what `of` takes."""
        return self._keys

    def bit(self, tolerance: float) -> int:
        """The bit of a filter."""
        if tolerance not in self._keys:
            raise ArgumentError(f"{self.path} has no tolerance {tolerance}: it has {', '.join(map(str, self._keys))}")
        return 1 << self._keys.index(tolerance)

    def bits(self, id: str) -> Any:
        """The map of a mask: uint8 [H, W]."""
        np = _numpy()
        try:
            with self._file().open(id + ".npy") as entry:
                return np.lib.format.read_array(entry, allow_pickle=False)
        except KeyError:
            raise KeyError(f"{self.path} has no map of '{id}'") from None

    def of(self, id: str, tolerance: float) -> Any:
        """True where the filter drops a pixel: bool [H, W]."""
        return (self.bits(id) & self.bit(tolerance)) != 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and id + ".npy" in self._file().NameToInfo

    def __iter__(self) -> Iterator[str]:
        return (name[:-len(".npy")] for name in self._file().namelist() if name.endswith(".npy"))

    def _file(self) -> zipfile.ZipFile:
        with self._lock:
            # A forked child shares its parent's file offset: it opens its own.
            if self._opened is None or self._process != os.getpid():
                self._opened, self._process = zipfile.ZipFile(self.path), os.getpid()
            return self._opened

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<freemask.IgnoreMaps of {len(self)} masks, tolerances {', '.join(map(str, self._keys))}>"

# freemask/labels.py - what the values in a mask mean.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import os
from ctypes import byref
from typing import Any, Iterable, Optional, Union

from . import _interface as c
from ._arrays import dimensions, new, numbers, plane
from ._library import (
    ArgumentError,
    Handle,
    UnsupportedError,
    call,
    context,
    encoded,
    expect,
    integers,
    is_whole,
    lib,
    make,
    path_of,
    text,
    whole,
)
from ._short import target
from ._threads import each_image


class Labels(Handle):
    """A label space: maps labels (values in masks) to classes 0 to K - 1, names them, and says which labels
    are ignored.

    Args:
        name: a preset: one of `Labels.presets()`, such as "ade20k" or "cityscapes".

    `Labels.from_csv` reads a table of your own, `Labels.from_classes` makes one from names. Immutable: share
    it between threads. Equal label spaces compare equal, and pickle.
    """

    _destroy = "fm_labels_destroy"

    def __init__(self, name: str) -> None:
        self._create(lib.fm_labels_create_from_preset, context._pointer, text(name, "the name of a label space"))

    @classmethod
    def _of(cls, pointer: Optional[int]) -> Labels:
        labels = cls.__new__(cls)
        labels._pointer = pointer
        return labels

    @staticmethod
    def presets() -> list[str]:
        """Names of the data sets whose label spaces are built in."""
        names, i = [], 0
        while (name := lib.fm_labels_preset_name(i)) is not None:
            names.append(name.decode())
            i += 1
        return names

    @classmethod
    def from_csv(cls, path: Union[str, os.PathLike[str]]) -> Labels:
        """Reads a table with the columns label, class, name and color; `freemask labels --masks DIR` drafts one
        from your masks. Raises FormatError, which names line and column, and FileError."""
        labels = cls._of(None)
        labels._create(lib.fm_labels_read, context._pointer, path_of(path))
        return labels

    @classmethod
    def from_classes(cls, names: Union[int, Iterable[str]], ignored: Union[int, Iterable[int]] = 255,
                     name: str = "custom") -> Labels:
        """A space in which the label is the class.

        Args:
            names: the names of the classes, or their number.
            ignored: the labels without supervision; the filter writes the first that a mask's type can hold.
            name: for messages and files.
        """
        if isinstance(names, str):
            raise UnsupportedError(f"names is {names!r}, expected the names of the classes, or their number")
        listed = None if is_whole(names) else [text(one, "the name of a class") for one in names]  # type: ignore[union-attr]
        count = whole(names, "names") if listed is None else len(listed)
        ignore = integers(ctypes.c_int64, [ignored] if is_whole(ignored) else ignored, "ignored")  # type: ignore[arg-type]
        options = make(c.fm_labels_options, class_count=count, name=text(name, "name"), ignored_count=len(ignore), ignored_labels=ignore)
        if listed is not None:
            options.class_names = (ctypes.c_char_p * count)(*listed)
        labels = cls._of(None)
        labels._create(lib.fm_labels_create, context._pointer, byref(options))
        return labels

    def to_csv(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes a table that `from_csv` reads to an equal space, whole or not at all."""
        call(lib.fm_labels_write, self._pointer, path_of(path))

    # ---- What is in it --------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """The preset's, the file's without extension, or the one that was given."""
        return str(lib.fm_labels_name(self._pointer).decode())

    def __len__(self) -> int:
        """K, the number of classes."""
        return int(lib.fm_labels_class_count(self._pointer))

    @property
    def class_names(self) -> list[str]:
        """K names, in the order of the classes."""
        return [lib.fm_labels_class_name(self._pointer, k).decode() for k in range(len(self))]

    @property
    def ignore_label(self) -> int:
        """The label that the filter writes, where the mask's type can hold it."""
        return int(lib.fm_labels_ignore_label(self._pointer))

    def class_of(self, label: int) -> Optional[int]:
        """The class of a label; None if it is ignored. Raises KeyError if it is not in the space."""
        try:
            k = lib.fm_labels_class_of(self._pointer, whole(label, "label"))
        except ArgumentError:  # larger than any label
            k = c.FM_CLASS_INVALID
        if k == c.FM_CLASS_INVALID:
            raise KeyError(label)
        return None if k == c.FM_CLASS_IGNORE else int(k)

    def label_of(self, class_index: int) -> int:
        """The smallest label of a class."""
        if not 0 <= class_index < len(self):
            raise IndexError(class_index)
        return int(lib.fm_labels_label_of(self._pointer, whole(class_index, "class_index")))

    @property
    def fingerprint(self) -> int:
        """A number that equal label spaces share, on all machines."""
        return int(lib.fm_labels_fingerprint(self._pointer))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Labels) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"<freemask.Labels {self.name}: {len(self)} classes>"

    def __reduce__(self) -> Any:
        return _labels_from_bytes, (self._encode(), self.name)

    def _encode(self) -> bytes:
        return encoded(lib.fm_labels_encode, self._pointer)

    # ---- Masks ------------------------------------------------------------------------------------------
    def count(self, mask: Any) -> Any:
        """Pixels of each class in a mask: K numbers (int64)."""
        view = plane(mask)
        array, at = numbers(ctypes.c_int64, len(self), "int64")
        call(lib.fm_labels_count, self._pointer, view.at, at, None)
        return array

    def to_classes(self, mask: Any, ignored: int = 255, dtype: Any = None, out: Any = None) -> Any:
        """The class of each pixel, `ignored` where it is ignored: what most trainers want.

        Args:
            mask: [H, W], or [N, H, W], which runs on threads.
            ignored: 255, -1, -100 or any number that is no class.
            dtype: of the result, such as "int64"; None: the mask's own.
            out: where to write; may be the mask itself.
        """
        if dimensions(mask) > 2 and out is None:
            return each_image(lambda one: self.to_classes(one, ignored, dtype), mask)
        view = plane(mask)
        out = new(mask, view.shape, dtype or view.dtype) if out is None else out
        call(lib.fm_labels_to_classes, self._pointer, view.at, whole(ignored, "ignored"), target(out))
        return out


def _labels_from_bytes(data: bytes, name: str) -> Labels:
    labels = Labels._of(None)
    labels._create(lib.fm_labels_decode, context._pointer, data, len(data), text(name, "name"))
    return labels


def as_labels(labels: Union[Labels, str]) -> Labels:
    """A Labels, or the name of a preset."""
    return Labels(labels) if isinstance(labels, str) else expect(labels, Labels, "labels")

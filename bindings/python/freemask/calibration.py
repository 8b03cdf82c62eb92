# freemask/calibration.py - thresholds that keep a promise about images.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import os
import threading
from ctypes import byref
from typing import Any, Union

from . import _interface as c
from ._arrays import dimensions, numbers
from ._library import ArgumentError, call, expect, lib, make, path_of
from ._mergeable import Mergeable
from ._short import at
from .labels import Labels, as_labels
from .stats import ClassStats, extra_planes


def _promise(lose: float, confidence: float) -> Any:
    if not 0 < lose < 1 or not 0 <= confidence < 1:
        raise ArgumentError(f"lose is {lose} and confidence {confidence}, expected shares between 0 and 1")
    return make(c.fm_promise, alpha=lose, delta=1 - confidence if confidence else 0.0)


class Calibration(Mergeable):
    """Shares of *held-out* real images above each score, of which thresholds follow that keep a promise: "an image
    like these loses on average at most 5 % of its pixels of a class".

    The promise is one about images that are drawn as these were and that the segmenter has not seen in
    training; it says nothing of synthetic pixels that look unlike real ones (doc/policies.md).

    Args:
        stats: of the real set, with a histogram, and of the score that is to be compared: losses, or with `ranks` that of
            "strata" and "paired". Nothing of what they hold goes in.

    Parts merge to the very same state as the whole: `a + b`, `a.merge(b)`, or a sum of `state` over machines.
    `NoiseFilter.calibrated` makes a filter.
    """

    _calls = "fm_calibration"

    def __init__(self, stats: ClassStats) -> None:
        self.labels, self._lock = expect(stats, ClassStats, "stats").labels, threading.RLock()
        self._create(lib.fm_calibration_create, stats._pointer)

    def _empty(self) -> Calibration:
        empty = Calibration._bare(self.labels)
        empty._create(lib.fm_calibration_create, lib.fm_calibration_stats(self._pointer))
        return empty

    def add(self, mask: Any, loss: Any, strata: Any = None) -> Calibration:
        """Adds a held-out real image, or a batch [N, H, W] of them on threads; returns itself. Arguments and errors are
        those of `ClassStats.add`."""
        if dimensions(mask) > 2:
            return self._add_batch(mask, loss, strata)
        extra, keep = extra_planes(strata, None)
        with self._lock:
            call(lib.fm_calibration_add, self._pointer, at(mask), at(loss), extra)
        del keep
        return self

    # ---- Files ------------------------------------------------------------------------------------------
    def to_bytes(self) -> bytes:
        """The bytes of the tool's calibration.json."""
        parts: list[bytes] = []

        def keep(data: int, size: int, _: Any) -> int:
            parts.append(ctypes.string_at(data, size))
            return 0

        with self._lock:
            call(lib.fm_calibration_encode, self._pointer, lib.fm_calibration_encode.argtypes[1](keep), None)
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, labels: Union[Labels, str], blob: bytes) -> Calibration:
        """Raises FormatError if the bytes are damaged, MismatchError for another label space."""
        blob, calibration = bytes(memoryview(blob)), cls._bare(as_labels(labels))
        calibration._create(lib.fm_calibration_decode, calibration.labels._pointer, blob, len(blob))
        return calibration

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes a calibration.json, label space included, whole or not at all. The tool's have the names of the images
        besides, which `freemask filter` asks for."""
        with self._lock:
            call(lib.fm_calibration_write, self._pointer, path_of(path))

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> Calibration:
        """Reads a calibration.json of `save`, `freemask calibrate` or `freemask merge`."""
        calibration = cls._bare(Labels.from_csv(path))
        calibration._create(lib.fm_calibration_read, calibration.labels._pointer, path_of(path))
        return calibration

    # ---- Reading ----------------------------------------------------------------------------------------
    @property
    def images(self) -> int:
        """Images added."""
        return int(lib.fm_calibration_image_count(self._pointer, c.FM_ALL_CLASSES))

    @property
    def class_images(self) -> Any:
        """Images that have each class: K numbers (int64)."""
        array, _ = numbers(ctypes.c_int64, len(self.labels), "int64")
        for k in range(len(self.labels)):
            array[k] = lib.fm_calibration_image_count(self._pointer, k)
        return array

    def images_needed(self, lose: float = 0.05, confidence: float = 0.0) -> int:
        """How many images of a class the promise takes: of classes with fewer everything is kept."""
        out = ctypes.c_int64()
        call(lib.fm_calibration_images_needed, self._pointer, byref(_promise(lose, confidence)), byref(out))
        return out.value

    def thresholds(self, lose: float = 0.05, confidence: float = 0.0) -> Any:
        """The largest score of each class that is kept, float32, infinite where everything is.

        Args:
            lose: the share of a class's pixels that an image may lose.
            confidence: 0: on average over calibrations; else with this confidence, in all classes at once.
        """
        promise = _promise(lose, confidence)
        array, where = numbers(ctypes.c_float, len(self.labels), "float32")
        for k in range(len(self.labels)):
            out = ctypes.c_float()
            call(lib.fm_calibration_threshold, self._pointer, k, byref(promise), byref(out))
            array[k] = out.value
        return array

    def __repr__(self) -> str:
        return f"<freemask.Calibration of {self.images} images, {self.labels.name}>"

# freemask/stats.py - the class-wise mean loss over the real set, exactly.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
import os
import threading
from ctypes import byref
from typing import Any, Optional, Union

from . import _cuda
from . import _interface as c
from ._arrays import dimensions, new, numbers, plane, shape_of
from ._library import MismatchError, ShapeError, call, expect, lib, make, one_or_more, path_of, raise_error, whole
from ._mergeable import Mergeable
from ._short import at, fill, frames, taken_frame
from .labels import Labels, as_labels

_add = lib.lean("fm_class_stats_add")


class ClassStats(Mergeable):
    """Pixels and exact sums of losses for each class (and stratum) of the *real* images.

    Args:
        labels: a Labels or the name of a preset.
        strata: parts of a class in which like is compared with like, 1 to 255; the paper has one.
        histogram: bins per factor of two of the loss: 0 (none), 1, 2, 4, 8, 16 or 32. Quantiles need one, and
            so do all policies but "paper".
        ranks: statistics of the losses of the same real set, with a histogram: then these are of the score of the
            policies "strata" and "paired", made in a second pass over the set (`boundary_strata` makes
            the strata of the ranks).

    Statistics of parts of a set merge to the very same bits as those of the whole, whatever the split and the
    order: `a + b`, `a.merge(b)`, or a sum of `state` over machines (`torch.distributed.all_reduce`).
    Threads may add to one object; one for each, merged at the end, is faster.
    """

    _calls = "fm_class_stats"
    _handle: Optional[int] = None
    _on_devices: Optional[dict[int, _OnDevice]] = None
    _twins: Optional[_cuda.Twins] = None

    @property  # type: ignore[override]
    def _pointer(self) -> Optional[int]:
        """What everybody reads: what lies on devices is fetched first."""
        if self._on_devices:
            self._fetch()
        return self._handle

    @_pointer.setter
    def _pointer(self, pointer: Optional[int]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._handle = pointer

    def __del__(self) -> None:
        self._on_devices = None
        super().__del__()

    def __init__(self, labels: Union[Labels, str], strata: int = 1, histogram: int = 0,
                 ranks: Optional[ClassStats] = None) -> None:
        self.labels, self._lock = as_labels(labels), threading.RLock()
        options = make(c.fm_class_stats_options, strata=one_or_more(strata, "strata"), histogram=histogram)
        if ranks is not None:
            options.score, options.ranks = c.FM_SCORE_RANK, expect(ranks, ClassStats, "ranks")._pointer
        self._make(options)

    def _make(self, options: Any) -> None:
        self._create(lib.fm_class_stats_create, self.labels._pointer, byref(options))
        self._read_options()

    def _empty(self) -> ClassStats:
        """Statistics like these, of nothing."""
        options = make(c.fm_class_stats_options)
        call(lib.fm_class_stats_get_options, self._handle, byref(options))
        empty = ClassStats._bare(self.labels)
        empty._make(options)
        return empty

    def add(self, mask: Any, loss: Any, strata: Any = None) -> ClassStats:
        """Adds a real image, or a batch of them on threads; returns itself.

        Args:
            mask: labels [H, W], any integer type; or [N, H, W].
            loss: nats, finite and not negative where the mask has a class, float16, bfloat16, float32 or
                float64, of the mask's shape.
            strata: uint8, the stratum of each pixel; required if there are several.

        Raises LabelError and LossError, which name the first bad pixel, ShapeError and UnsupportedError; then
        nothing has been added, of a batch neither.

        Arrays on a CUDA device are added up there, if libfreemask-cuda is found, and nothing waits. What reads the
        statistics waits, and raises LabelError or LossError if one of the images had a bad pixel; those are left out.
        """
        if strata is None:
            frame = taken_frame()
            memory, mask_at, loss_at, _, error, error_at = frame
            if fill(memory, mask, loss, ...) is not None:
                with self._lock:
                    status = _add(self._handle, mask_at, loss_at, None, error_at)
                if status:
                    raise_error(error)
                frames.append(frame)
                return self
            frames.append(frame)
        device = _cuda.device_of(mask)
        if device is not None:
            return self._add_on_device(device, mask, loss, strata)
        if dimensions(mask) > 2:
            return self._add_batch(mask, loss, strata)
        extra, keep = (None, None) if strata is None else extra_planes(strata, None)
        with self._lock:
            call(lib.fm_class_stats_add, self._handle, at(mask), at(loss), extra)
        del keep
        return self

    def _add_on_device(self, device: Any, mask: Any, loss: Any, strata: Any) -> ClassStats:
        stream = _cuda.Stream(device, mask)
        masks, losses = stream.images(mask, "mask"), stream.images(loss, "loss")
        planes = device_planes(stream, mask, masks.channels, strata, None)
        with self._lock:
            parts = self._on_devices or {}
            part = parts.get(device.ordinal)
            if part is None:
                part = parts[device.ordinal] = _OnDevice(mask, int(lib.fm_class_stats_word_count(self._handle)))
            self._twins = self._twins or _cuda.Twins("stats")
            twin = self._twins.of(device, self._handle)
            size = _cuda.workspace_size("stats", twin, masks)
            space = _cuda.empty(mask, (size,), "uint8")
            status = _cuda.new_status(mask, masks.channels)
            stream.run("fm_cuda_stats_add", twin, masks, losses, planes, _cuda.pointer(stream.memory(part.words), ctypes.c_int64),
                       _cuda.pointer(stream.memory(status), c.fm_cuda_status), stream.memory(space), size)
            part.statuses.add(status, self.labels)
            self._on_devices = parts
        return self

    def _fetch(self) -> None:
        """Adds what lies on devices; waits for it, and raises what was bad."""
        with self._lock:
            parts = self._on_devices or {}
            for part in parts.values():
                words = (ctypes.c_int64 * part.count).from_buffer_copy(_cuda.host_bytes(part.words))
                fresh = self._empty()
                call(lib.fm_class_stats_import, fresh._handle, words, part.count, None)
                call(lib.fm_class_stats_merge, self._handle, fresh._handle)
            self._on_devices = None
        for part in parts.values():
            part.statuses.check()

    # ---- Files ------------------------------------------------------------------------------------------
    def to_bytes(self) -> bytes:
        """State, label space's fingerprint and a checksum, the same on all machines."""
        with self._lock:
            size = lib.fm_class_stats_blob_size(self._pointer)
            blob = ctypes.create_string_buffer(size)
            call(lib.fm_class_stats_save, self._pointer, blob, size)
        return blob.raw

    @classmethod
    def from_bytes(cls, labels: Union[Labels, str], blob: bytes) -> ClassStats:
        """Raises FormatError if the bytes are damaged, MismatchError for another label space."""
        blob, stats = bytes(memoryview(blob)), cls._bare(as_labels(labels))
        stats._create(lib.fm_class_stats_load, stats.labels._pointer, blob, len(blob))
        return stats._read_options()

    def _read_options(self) -> ClassStats:
        options = make(c.fm_class_stats_options)
        call(lib.fm_class_stats_get_options, self._pointer, byref(options))
        self.strata, self.histogram = int(options.strata), int(options.histogram)
        # How many strata a call wants: with ranks theirs, as these have one.
        ranks = lib.fm_class_stats_ranks(self._pointer)
        self.ranked = ranks is not None
        return self

    def save(self, path: Union[str, os.PathLike[str]]) -> None:
        """Writes the tool's stats.json, label space included, whole or not at all."""
        with self._lock:
            call(lib.fm_class_stats_write, self._pointer, path_of(path))

    @classmethod
    def load(cls, path: Union[str, os.PathLike[str]]) -> ClassStats:
        """Reads a stats.json of `save`, `freemask stats` or `freemask merge`."""
        stats = cls._bare(Labels.from_csv(path))
        stats._create(lib.fm_class_stats_read, stats.labels._pointer, path_of(path))
        return stats._read_options()

    # ---- Reading ----------------------------------------------------------------------------------------
    @property
    def images(self) -> int:
        """Images added."""
        return int(lib.fm_class_stats_image_count(self._pointer))

    @property
    def pixels(self) -> Any:
        """Pixels of each class: K numbers (int64)."""
        array, _ = numbers(ctypes.c_int64, len(self.labels), "int64")
        for k in range(len(self.labels)):
            array[k] = lib.fm_class_stats_pixel_count(self._pointer, k, c.FM_ALL_STRATA)
        return array

    @property
    def mean_loss(self) -> Any:
        """The class-wise mean loss in nats, h_k = sum of losses / (pixels + 1e-5): K numbers (float64), 0 for a
        class without pixels."""
        return self.mean_loss_of(c.FM_ALL_STRATA)

    def mean_loss_of(self, stratum: int) -> Any:
        """`mean_loss` in one stratum."""
        array, at = numbers(ctypes.c_double, len(self.labels), "float64")
        call(lib.fm_class_stats_means, self._pointer, whole(stratum, "stratum", ctypes.c_int32), at, len(self.labels))
        return array

    def quantile(self, class_index: int, q: float, stratum: int = c.FM_ALL_STRATA) -> float:
        """The loss below which a share `q` of the class's pixels lies; needs a histogram."""
        out = ctypes.c_double()
        call(lib.fm_class_stats_quantile, self._pointer, whole(class_index, "class_index", ctypes.c_int32),
             whole(stratum, "stratum", ctypes.c_int32), q, byref(out))
        return out.value

    @property
    def ranks(self) -> int:
        """What the score is made of, as a number; 0: the statistics are of losses."""
        layout = make(c.fm_class_stats_layout)
        call(lib.fm_class_stats_get_layout, self._pointer, byref(layout))
        return int(layout.ranks_fingerprint)

    def codes(self, mask: Any, loss: Any) -> ReferenceCodes:
        """What a real image loses, in a byte a pixel, as the reference of the synthetic images of its mask: for
        statistics of the score of "paired". Scores with codes differ from those with the losses by 0.1 at most,
        of about 12, if the statistics have no strata.

        Raises LabelError and LossError, which name the first bad pixel, ShapeError and UnsupportedError.
        """
        out = new(mask, shape_of(mask), "uint8")
        call(lib.fm_class_stats_code_map, self._pointer, at(mask), at(loss), at(out))
        return ReferenceCodes(out, self.ranks)

    def __repr__(self) -> str:
        return f"<freemask.ClassStats of {self.images} images, {self.labels.name}>"


class _OnDevice:
    """What has been added on one device, and not yet fetched."""

    def __init__(self, like: Any, count: int) -> None:
        self.words, self.count = _cuda.zeros(like, (count,), "int64"), count
        self.statuses = _cuda.Statuses()


class ReferenceCodes:
    """What a real image loses, in a byte a pixel: made by `ClassStats.codes`, taken as the reference of the
    synthetic images of its mask, where loss maps would take too much memory.

    Args:
        codes: uint8 [H, W].
        ranks: of the statistics that they were made with (`ClassStats.ranks`); no other score takes them.
    """

    def __init__(self, codes: Any, ranks: int) -> None:
        self.codes, self.ranks = codes, ranks


def extra_planes(strata: Any, reference: Any, siblings: Any = None) -> tuple[Any, Any]:
    """(what `extra` takes, what keeps it alive)."""
    others = [] if siblings is None else [plane(one) for one in siblings]
    if strata is None and reference is None and not others:
        return None, None
    extra = make(c.fm_extra_planes)
    if isinstance(reference, ReferenceCodes):
        extra.reference_ranks = reference.ranks
        reference = reference.codes
    views = [None if one is None else plane(one) for one in (strata, reference)]
    if others:
        extra.siblings = (c.fm_plane * len(others))(*[one.view for one in others])
        extra.sibling_count = len(others)
    if views[0] is not None:
        extra.strata = ctypes.pointer(views[0].view)
    if views[1] is not None:
        extra.reference = ctypes.pointer(views[1].view)
    return byref(extra), (extra, views, others)


def device_planes(stream: Any, like: Any, images: int, strata: Any, reference: Any, siblings: Any = None) -> Any:
    """The same for `images` masks on a device; None: nothing is given. Of a reference that is a list some may be None."""
    if strata is None and reference is None and siblings is None:
        return None
    extra = make(c.fm_cuda_extra)
    if strata is not None:
        extra.strata = stream.images(strata, "strata")
    if reference is not None:
        _put_reference(extra, stream, like, images, reference)
    if siblings is not None:
        extra.siblings, extra.sibling_count = stream.siblings(siblings, like, images)
    return extra


def _put_reference(extra: Any, stream: Any, like: Any, images: int, reference: Any) -> None:
    listed = list(reference) if isinstance(reference, (list, tuple)) else [reference]
    if isinstance(reference, (list, tuple)) and len(listed) != images:
        raise ShapeError(f"reference: is a list of {len(listed)}, but there are {images} masks", c.FM_ERR_SHAPE)
    given = [one for one in listed if one is not None]
    ranks = {one.ranks if isinstance(one, ReferenceCodes) else 0 for one in given}
    if len(ranks) > 1:
        raise MismatchError("reference: a batch on a device has losses alone, or codes of the same ranks", c.FM_ERR_MISMATCH)
    if not given:
        return
    planes = [one.codes if isinstance(one, ReferenceCodes) else one for one in given]
    whole = planes[0] if len(listed) == 1 else _cuda.stack(like, _spread(planes, listed), "reference")
    extra.reference, extra.reference_ranks = stream.images(whole, "reference"), ranks.pop()
    if len(given) < len(listed):
        flags = _cuda.flags(like, [one is not None for one in listed])
        extra.has_reference = _cuda.pointer(stream.memory(flags), ctypes.c_uint8)


def _spread(planes: list[Any], listed: list[Any]) -> list[Any]:
    """One for each of `listed`; where that has none, one that is not looked at."""
    left = iter(planes)
    return [planes[0] if one is None else next(left) for one in listed]

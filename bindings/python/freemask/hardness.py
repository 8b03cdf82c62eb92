# freemask/hardness.py - how hard a mask is to learn.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from ctypes import byref
from typing import Any, Iterable, Optional, Union

from . import _interface as c
from ._arrays import dimensions, numbers, plane
from ._library import ArgumentError, Handle, ShapeError, call, chosen, expect, is_whole, lib, make, one_or_more
from ._threads import count_of, run
from .labels import Labels, as_labels
from .stats import ClassStats

_MEASURES = {"mean": c.FM_MEASURE_MEAN, "worst-class": c.FM_MEASURE_WORST_CLASS, "top-share": c.FM_MEASURE_TOP_SHARE}


def _sides(size: Any) -> tuple[int, int]:
    sides = (size, size) if is_whole(size) else tuple(size) if isinstance(size, (tuple, list)) else ()
    if len(sides) != 2:
        raise ArgumentError(f"size is {size!r}, expected (width, height), one number, or None")
    return one_or_more(sides[0], "the width in size"), one_or_more(sides[1], "the height in size")


class Hardness(Handle):
    """The hardness of a *real* mask: the mean, over its valid pixels, of the mean losses of their classes
    (FreeMask), after it was resized to 512x512 by nearest: sum(n_k * mean_loss_k) / (sum(n_k) + 1e-5).

    Args:
        stats: of the real set; copied.
        size: (width, height), one number for both, or None: masks as they are.
        measure: "mean" (the paper), "worst-class" or "top-share".
        share: 0 to 1, of the other two measures; 0: their default.
    """

    _destroy = "fm_hardness_destroy"

    def __init__(self, stats: ClassStats, size: Union[int, tuple[int, int], None] = 512, measure: str = "mean",
                 share: float = 0.0) -> None:
        width, height = (c.FM_NO_RESIZE,) * 2 if size is None else _sides(size)
        self.labels = expect(stats, ClassStats, "stats").labels
        self._made_with = (stats.to_bytes(), size, measure, share)
        options = make(c.fm_hardness_options, resize_width=width, resize_height=height, measure=chosen(_MEASURES, measure, "measure"),
                       share=share)
        self._create(lib.fm_hardness_create, stats._pointer, byref(options))

    def __reduce__(self) -> Any:
        return _hardness_from, (self.labels, *self._made_with)

    def score(self, mask: Any, loss: Any = None) -> Any:
        """Hardness in nats: a float for a mask [H, W], a list for [N, H, W], which runs on threads.

        With `loss`, the mask is measured by the losses of its own real image instead of class means, as it
        is: images that are hard although their classes are not, and noise in their labels.
        """
        if dimensions(mask) > 2:
            if loss is not None and count_of(loss) != count_of(mask):
                raise ShapeError(f"{count_of(mask)} masks and {count_of(loss)} loss maps, expected as many")
            return run(lambda i: self.score(mask[i], None if loss is None else loss[i]), count_of(mask))
        view, out = plane(mask), ctypes.c_double()
        if loss is None:
            call(lib.fm_hardness_measure, self._pointer, view.at, byref(out), None)
        else:
            call(lib.fm_hardness_measure_loss, self._pointer, view.at, plane(loss).at, byref(out), None)
        return out.value

    def __repr__(self) -> str:
        return f"<freemask.Hardness of {self.labels.name}>"


def shape_complexity(labels: Union[Labels, str], mask: Any) -> Any:
    """How ragged each class of a mask is: K numbers (int64), in units of 2^-20: the sides that its pixels share with other
    classes, over 4 times the square root of their number. A square has 1, what is absent 0."""
    labels = as_labels(labels)
    array, where = numbers(ctypes.c_int64, len(labels), "int64")
    call(lib.fm_shape_measure, labels._pointer, plane(mask).at, where, len(labels))
    return array


def shape_hardness(labels: Union[Labels, str], masks: Iterable[Any]) -> list[float]:
    """Hardness of masks without any loss, for the day before there is a segmenter: the sum over a mask's classes of its
    share of how ragged the class is in all masks, so that rare classes count as much as common ones. Not the paper's."""
    labels = as_labels(labels)
    rows = [[(k, int(value)) for k, value in enumerate(shape_complexity(labels, mask)) if value] for mask in masks]
    totals, row = (ctypes.c_int64 * len(labels))(), (ctypes.c_int64 * len(labels))()
    for shape in rows:
        for k, value in shape:
            totals[k] += value
    out = []
    for shape in rows:
        for k, value in shape:
            row[k] = value
        out.append(float(lib.fm_shape_hardness(row, totals, len(labels))))
        for k, _ in shape:
            row[k] = 0
    return out


def _hardness_from(labels: Any, blob: bytes, size: Optional[Any], measure: str, share: float) -> Hardness:
    return Hardness(ClassStats.from_bytes(labels, blob), size, measure, share)

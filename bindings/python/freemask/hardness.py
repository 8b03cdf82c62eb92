# freemask/hardness.py - how hard a mask is to learn.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from ctypes import byref
from typing import Any, Optional, Union

from . import _interface as c
from ._arrays import dimensions, plane
from ._library import Handle, call, lib, make
from ._threads import run
from .stats import ClassStats

_MEASURES = {"mean": c.FM_MEASURE_MEAN, "worst-class": c.FM_MEASURE_WORST_CLASS, "top-share": c.FM_MEASURE_TOP_SHARE}


class Hardness(Handle):
    """The hardness of a *real* mask: the mean, over its valid pixels, of the mean losses of their classes
    (FreeMask), after it was resized to 512x512 by nearest.

    Args:
        stats: of the real set; copied.
        size: (width, height), one number for both, or None: masks as they are.
        measure: "mean" (the paper), "worst-class" or "top-share".
        share: 0 to 1, of the other two measures; 0: their default.
    """

    _destroy = "fm_hardness_destroy"

    def __init__(self, stats: ClassStats, size: Union[int, tuple[int, int], None] = 512, measure: str = "mean",
                 share: float = 0.0) -> None:
        if measure not in _MEASURES:
            raise ValueError(f"measure is one of {', '.join(_MEASURES)}")
        width, height = (c.FM_NO_RESIZE,) * 2 if size is None else (size, size) if isinstance(size, int) else size
        self.labels = stats.labels
        self._made_with = (stats.to_bytes(), size, measure, share)
        options = make(c.fm_hardness_options, resize_width=width, resize_height=height, measure=_MEASURES[measure], share=share)
        self._create(lib.fm_hardness_create, stats._pointer, byref(options))

    def __reduce__(self) -> Any:
        return _hardness_from, (self.labels, *self._made_with)

    def score(self, mask: Any, loss: Any = None) -> Any:
        """Hardness in nats: a float for a mask [H, W], a list for [N, H, W], which runs on threads.

        With `loss`, the mask is measured by the losses of its own real image instead of class means, as it
        is: images that are hard although their classes are not, and noise in their labels.
        """
        if dimensions(mask) > 2:
            return run(lambda i: self.score(mask[i], None if loss is None else loss[i]), len(mask))
        view, out = plane(mask), ctypes.c_double()
        if loss is None:
            call(lib.fm_hardness_measure, self._pointer, view.at, byref(out), None)
        else:
            call(lib.fm_hardness_measure_loss, self._pointer, view.at, plane(loss).at, byref(out), None)
        return out.value

    def __repr__(self) -> str:
        return f"<freemask.Hardness of {self.labels.name}>"


def _hardness_from(labels: Any, blob: bytes, size: Optional[Any], measure: str, share: float) -> Hardness:
    return Hardness(ClassStats.from_bytes(labels, blob), size, measure, share)

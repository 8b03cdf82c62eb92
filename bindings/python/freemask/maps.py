# freemask/maps.py - planes made from masks.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import ctypes
from typing import Any

from ._arrays import dimensions, new, shape_of
from ._library import call, context, lib, whole
from ._short import at, target
from ._threads import each_image


def boundary_strata(mask: Any, out: Any = None) -> Any:
    """The stratum of each pixel by its distance to another label, 0 to 7 (uint8): within 2, 3, 4, 6, 9, 14 and 20
    pixels of an image that is 240 high, in proportion to the height, or beyond. For `ClassStats(strata=8)`.

    Args:
        mask: [H, W], or [N, H, W], which runs on threads.
        out: a uint8 array to write to.
    """
    if dimensions(mask) > 2 and out is None:
        return each_image(boundary_strata, mask)
    out = new(mask, shape_of(mask), "uint8") if out is None else out
    call(lib.fm_map_boundary_strata, context._pointer, at(mask), None, target(out))
    return out


def window_mean(mask: Any, values: Any, radius: int, out: Any = None) -> Any:
    """The mean of `values` around each pixel, over the pixels with its label in a square of side 2 * radius + 1:
    float32. Values are rounded to multiples of 2^-12 and limited to +-256."""
    out = new(mask, shape_of(mask), "float32") if out is None else out
    call(lib.fm_map_window_mean, context._pointer, at(mask), at(values), whole(radius, "radius", ctypes.c_int32), target(out))
    return out

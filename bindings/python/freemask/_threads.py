# freemask/_threads.py - a batch of images, on all cores.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional, Sequence

from . import _interface as c
from ._layouts import is_torch, layout_of, numpy
from ._library import ArgumentError, ShapeError
from ._unseen import is_nested, told


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def run(work: Callable[[int], Any], count: int, threads: Optional[int] = None) -> list[Any]:
    """[work(0), ..., work(count - 1)], the calls on threads: the library does not hold the GIL. The first
    exception, in order, is raised."""
    threads = min(threads or cores(), count)
    if threads <= 1:
        return [work(i) for i in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))


def count_of(batch: Any) -> int:
    """How many images a batch has."""
    if is_nested(batch):
        layout_of(batch)  # which refuses it
    shape = tuple(told(batch, "shape") or ())
    if len(shape) == 3 and shape[2] == 1 and min(shape[:2]) > 1:
        raise ShapeError(f"the batch has shape {list(shape)}, expected [images, height, width]: it looks like one image with a last "
                         "channel, of which array[..., 0] is the plane", c.FM_ERR_SHAPE)
    try:
        return len(batch)
    except Exception as error:
        found = list(layout_of(batch).shape)  # which says what else is wrong with it
        raise ShapeError(f"the {type(batch).__name__} has shape {found}, expected [height, width], or a batch that has a length") from error


def each_image(work: Callable[..., Any], *batches: Any) -> Any:
    """Does `work` on each image of batches and stacks what it returns."""
    counts = [count_of(batch) for batch in batches]
    count = counts[0]
    if not count:
        raise ArgumentError("the batch has no image")
    if any(other != count for other in counts):
        raise ArgumentError(f"batches of {', '.join(map(str, counts))} images, expected as many of each")
    return stack(run(lambda i: work(*(batch[i] for batch in batches)), count))


def stack(images: Sequence[Any]) -> Any:
    """One array of many of the same shape: a tensor of tensors, else NumPy, else a list."""
    if not images:
        return []
    if is_torch(images[0]):
        import torch
        return torch.stack(list(images))
    module = numpy()
    return list(images) if module is None else module.stack(images)

# freemask/_threads.py - a batch of images, on all cores.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Optional, Sequence

from ._layouts import is_torch, numpy
from ._library import ArgumentError


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


def each_image(work: Callable[..., Any], *batches: Any) -> Any:
    """Does `work` on each image of batches and stacks what it returns."""
    count = len(batches[0])
    if not count:
        raise ArgumentError("the batch has no image")
    if any(len(batch) != count for batch in batches):
        raise ArgumentError(f"batches of {', '.join(str(len(batch)) for batch in batches)} images, expected as many of each")
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

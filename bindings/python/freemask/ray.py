# freemask/ray.py - jobs, statistics and filter on a cluster of Ray.
# SPDX-License-Identifier: MIT
"""`run` does a whole Job with a pool of actors, each of which holds the segmenter. `class_stats` and `filter_masks` are steps for
any ray.data.Dataset whose rows have `id`, `image` and `mask`; `dataset` makes one of a set.

A task that is lost with its worker or node is done again by Ray, and one that was done is not done twice: see freemask.job.
"""
from __future__ import annotations

from typing import Any, Callable, Optional, Union

import ray
import ray.data

from .curate import Provider
from .filter import NoiseFilter
from .job import Job, Result
from .labels import Labels, as_labels
from .network import NetworkLoss
from .sets import IMAGE, PartedSet, parts_of
from .stats import ClassStats

__all__ = ["class_stats", "dataset", "filter_masks", "run"]


def _pool(workers: Optional[int], cpus: Optional[float], gpus: float) -> dict[str, Any]:
    """How Ray is to start actors. Reading tasks need a CPU of their own, or all wait for ever: actors leave them one."""
    total = int(ray.cluster_resources().get("CPU", 1))
    workers = workers or max(total - 1, 1)
    if cpus is None:
        cpus = min(1.0, max(total - 1, 0.5) / workers)
    return {"compute": ray.data.ActorPoolStrategy(size=workers), "num_cpus": cpus, **({"num_gpus": gpus} if gpus else {})}


class _Tasks:
    """An actor: does tasks of a stage."""

    def __init__(self, job: Job, stage: str) -> None:
        self.job, self.stage = job, stage

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"number": batch["number"], "done": [self.job.work(self.stage, int(number)) for number in batch["number"]]}


def run(job: Job, workers: Optional[int] = None, cpus: Optional[float] = None, gpus: float = 0) -> Result:
    """Does a job; every worker has to reach its sets and its `out` (a shared file system, an object store).

    Args:
        workers: actors; None: one less than the cluster has CPUs.
        cpus, gpus: of each actor. None: as many CPUs, up to one, as leave one for Ray's own tasks.

    A job that was killed goes on when it is run again. Exceptions of the segmenter and of freemask are Ray's, with
    the original as `cause` and its words in the message.
    """
    for stage in job.stages:
        count = job.tasks(stage)
        pool = _pool(workers, cpus, gpus if stage != "hardness" else 0)
        tasks = ray.data.from_items([{"number": number} for number in range(count)], override_num_blocks=min(count, 1024))
        done = tasks.map_batches(_Tasks, fn_constructor_args=(job, stage), batch_size=1, **pool)
        for _ in done.iter_batches(batch_size=None):
            pass
        job.join(stage)
    return job.finish()


# ---- Steps ------------------------------------------------------------------------------------------
def dataset(samples: PartedSet, image: bool = True) -> ray.data.Dataset:
    """A Dataset of a Folder, Tars or Parquet: rows with `id`, `mask` [H, W] and `image` [H, W, 3], read part by part."""
    parts = parts_of(samples)

    def read(row: dict[str, Any]) -> Any:
        for item in parts[row["number"]].read(IMAGE if image else None):
            yield {"id": item.id, "mask": item.mask, **({"image": item.data} if image else {})}

    return ray.data.from_items([{"number": i} for i in range(len(parts))], override_num_blocks=min(len(parts), 1024)).flat_map(read)


class _Segmenter:
    """What actors of the steps share: the segmenter, and the loss maps of a batch."""

    def __init__(self, segmenter: Any, labels: Labels, kind: Optional[str], network: dict[str, Any]) -> None:
        self.provider: Provider = segmenter() if isinstance(getattr(segmenter, "func", segmenter), type) else segmenter
        self.labels, self.turn = labels, NetworkLoss(labels, kind, **network) if kind is not None else None

    def losses(self, batch: dict[str, Any]) -> list[Any]:
        results = self.provider(list(batch["image"]))
        if len(results) != len(batch["mask"]):
            raise ValueError(f"the segmenter returned {len(results)} results for {len(batch['mask'])} images")
        return [one if self.turn is None else self.turn.loss_map(one, mask) for one, mask in zip(results, batch["mask"])]


class _Stats(_Segmenter):
    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        stats = ClassStats(self.labels)
        for mask, loss in zip(batch["mask"], self.losses(batch)):
            stats.add(mask, loss)
        return {"stats": [stats.to_bytes()]}


class _Filter(_Segmenter):
    def __init__(self, segmenter: Any, noise: NoiseFilter, kind: Optional[str], network: dict[str, Any]) -> None:
        super().__init__(segmenter, noise.labels, kind, network)
        self.noise = noise

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        masks, valid, dropped = [], [], []
        for mask, loss in zip(batch["mask"], self.losses(batch)):
            masks.append(self.noise.apply(mask, loss))
            report = self.noise.report
            assert report is not None
            valid.append(report.valid)
            dropped.append(report.dropped)
        return {"id": batch["id"], "mask": masks, "valid": valid, "dropped": dropped}


Segmenter = Union[Provider, Callable[[], Provider]]


def class_stats(data: ray.data.Dataset, segmenter: Segmenter, labels: Union[Labels, str], kind: Optional[str] = None, batch: int = 16,
                workers: Optional[int] = None, cpus: Optional[float] = None, gpus: float = 0, **network: Any) -> ClassStats:
    """The statistics of a Dataset of real images, merged as sums: the same bits for any number of workers."""
    labels = as_labels(labels)
    made = data.map_batches(_Stats, fn_constructor_args=(segmenter, labels, kind, network), batch_size=batch, **_pool(workers, cpus, gpus))
    whole = ClassStats(labels)
    for row in made.iter_rows():
        whole.merge(ClassStats.from_bytes(labels, row["stats"]))
    return whole


def filter_masks(data: ray.data.Dataset, segmenter: Segmenter, noise: NoiseFilter, kind: Optional[str] = None, batch: int = 16,
                 workers: Optional[int] = None, cpus: Optional[float] = None, gpus: float = 0, **network: Any) -> ray.data.Dataset:
    """A Dataset of filtered masks: `id`, `mask`, `valid`, `dropped`, to write or to train on. It is computed when it is read."""
    return data.map_batches(_Filter, fn_constructor_args=(segmenter, noise, kind, network), batch_size=batch, **_pool(workers, cpus, gpus))

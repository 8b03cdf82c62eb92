# freemask/ray.py - jobs, statistics and filter on a cluster of Ray.
# SPDX-License-Identifier: MIT
"""`run` does a whole Job with a pool of actors, each of which holds the segmenter. `class_stats` and `filter_masks` are steps for
any ray.data.Dataset whose rows have `id`, `image` and `mask`; `dataset` makes one of a set.

A task that is lost with its worker or node is done again, and one that was done is not: see freemask.job.
"""
from __future__ import annotations

import time
from collections import deque
from typing import Any, Callable, Optional, Sequence, Union

import ray
import ray.data

from .curate import Provider, loss_of, results_of
from .filter import NoiseFilter
from .job import Job, Result
from .labels import Labels, as_labels
from .sets import IMAGE, PartedSet, parts_of
from .stats import ClassStats

__all__ = ["class_stats", "dataset", "filter_masks", "run"]


# ---- The whole job ----------------------------------------------------------------------------------
_RETRIES = 100  # of a task whose worker died: one that kills its worker each time ends the job at last
_PATIENCE = 30.0  # seconds, and three times the longest task so far, until a task is given to a second worker


class _Worker:
    """Of an actor: does tasks of a job, with a segmenter that it makes once."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def work(self, stage: str, number: int) -> bool:
        return self.job.work(stage, number)


class _Pool:
    """Workers, and the tasks that they are at. Whatever becomes of a worker, another one may do its task: a task that is done twice,
    or at the same time, makes the same files."""

    def __init__(self, workers: Sequence[Any]) -> None:
        self.workers, self.idle = workers, list(workers)
        self.calls: dict[Any, tuple[Any, str, int, float]] = {}  # of a worker each: (worker, stage, number, since when)

    def do(self, stage: str, count: int) -> None:
        waiting, left, longest = deque(range(count)), set(range(count)), 0.0
        while left:
            waiting.extend(self._overdue(stage, left, longest, len(self.idle) - len(waiting)))
            while self.idle and waiting:
                worker, number = self.idle.pop(), waiting.popleft()
                self.calls[worker.work.remote(stage, number)] = worker, stage, number, time.monotonic()
            for call in ray.wait(list(self.calls), timeout=1)[0]:
                worker, of, number, since = self.calls.pop(call)
                try:
                    ray.get(call)  # raises what the task did
                except ray.exceptions.RayActorError:
                    if of == stage and number in left:
                        raise
                    continue  # of a worker that is given up; another one has done its task
                self.idle.append(worker)
                if of == stage:
                    left.discard(number)
                    longest = max(longest, time.monotonic() - since)

    def _overdue(self, stage: str, left: set[int], longest: float, room: int) -> list[int]:
        """Tasks that are given to a second worker, as there is nothing else to do: their own may be on a node that is lost."""
        late = time.monotonic() - (3 * longest + _PATIENCE)
        given = [(number, since) for _, of, number, since in self.calls.values() if of == stage and number in left]
        once = [number for number, since in given if since < late and [one for one, _ in given].count(number) == 1]
        return once[:max(room, 0)]

    def end(self) -> None:
        for worker in self.workers:
            ray.kill(worker)


def run(job: Job, workers: Optional[int] = None, cpus: Optional[float] = None, gpus: float = 0) -> Result:
    """Does a job; every worker has to reach its sets and its `out` (a shared file system, an object store).

    Args:
        workers: actors; None: one for each CPU of the cluster.
        cpus, gpus: of each actor. None: one CPU, or less if there are more workers than CPUs.

    A worker that dies is replaced by Ray, and its task done again; where its node is lost and no other has room for it, the other
    workers do its tasks. A job that was killed goes on when it is run again. Exceptions of the segmenter and of freemask are
    Ray's, with the original as `cause` and its words in the message.
    """
    total = max(ray.cluster_resources().get("CPU", 1.0), 1.0)
    count = workers or int(total)
    cpus = min(1.0, total / count) if cpus is None else cpus
    made = ray.remote(num_cpus=cpus, num_gpus=gpus, max_restarts=-1, max_task_retries=_RETRIES)(_Worker)
    held = ray.put(job)  # for as long as workers may have to be replaced
    pool = _Pool([made.remote(held) for _ in range(count)])
    try:
        for stage in job.stages:
            pool.do(stage, job.tasks(stage))
            job.join(stage)
    finally:
        pool.end()
    return job.finish()


# ---- Steps ------------------------------------------------------------------------------------------
def _actors(workers: Optional[int], cpus: Optional[float], gpus: float) -> dict[str, Any]:
    """How Ray Data is to start actors. Reading tasks need a CPU of their own, or all wait for ever: actors leave them one."""
    total = int(ray.cluster_resources().get("CPU", 1))
    workers = workers or max(total - 1, 1)
    if cpus is None:
        cpus = min(1.0, max(total - 1, 0.5) / workers)
    return {"compute": ray.data.ActorPoolStrategy(size=workers), "num_cpus": cpus, **({"num_gpus": gpus} if gpus else {})}


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
        self.labels, self.turn = labels, loss_of(labels, kind, network)

    def losses(self, batch: dict[str, Any]) -> list[Any]:
        results = results_of(self.provider, list(batch["image"]), "segmenter")
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
    loss_of(labels, kind, network)  # what is refused is refused here
    made = data.map_batches(_Stats, fn_constructor_args=(segmenter, labels, kind, network), batch_size=batch, **_actors(workers, cpus, gpus))
    whole = ClassStats(labels)
    for row in made.iter_rows():
        whole.merge(ClassStats.from_bytes(labels, row["stats"]))
    return whole


def filter_masks(data: ray.data.Dataset, segmenter: Segmenter, noise: NoiseFilter, kind: Optional[str] = None, batch: int = 16,
                 workers: Optional[int] = None, cpus: Optional[float] = None, gpus: float = 0, **network: Any) -> ray.data.Dataset:
    """A Dataset of filtered masks: `id`, `mask`, `valid`, `dropped`, to write or to train on. It is computed when it is read."""
    loss_of(noise.labels, kind, network)
    return data.map_batches(_Filter, fn_constructor_args=(segmenter, noise, kind, network), batch_size=batch, **_actors(workers, cpus, gpus))

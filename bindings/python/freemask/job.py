# freemask/job.py - the whole method in tasks that any machine may do, in any order, again after a failure.
# SPDX-License-Identifier: MIT
"""A job has stages, and a stage has a task for each part of a set:

    stage       parts of    a task
    "stats"     real        sums the losses
    "scores"    real        only with the policies "strata" and "paired": sums the score, which is made of the summed losses;
                            with "paired" it also keeps what each image loses, in a byte a pixel, below `out`/.parts
    "hardness"  real        measures the masks
    "filter"    synthetic   filters the masks

A task writes what it found as a record below `out`/.parts, and does nothing if a valid one is there. After the tasks of a
stage `join` reads the records. So an engine has only to see to it that every task is done somewhere, at least once::

    for stage in job.stages:
        for number in range(job.tasks(stage)):
            job.work(stage, number)               # anywhere where `out` and the sets can be reached
        job.join(stage)                           # once, after all of them

`job.run()` does that in this process, `freemask.ray` on a cluster of Ray, `freemask.distributed` under torchrun.
"""
from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Union

from . import _interface as c
from ._library import ArgumentError, DuplicateError, Error, encoded, lib, one_or_more
from ._storage import Storage, join
from .curate import Provider, filter_table, hardness_table, loss_of, results_of
from .files import Path, decode_mask, encode_mask
from .filter import FilterReport, NoiseFilter, filter_options
from .hardness import Hardness
from .labels import Labels, as_labels
from .maps import boundary_strata
from .network import NetworkLoss
from .plan import Plan, id_bytes
from .plan import plan as make_plan
from .sets import IMAGE, LOSS, OUTPUT, Item, Part, PartedSet, dropped_map, parts_of
from .stats import ClassStats, ReferenceCodes

_FORMAT = "freemask part 1"
_BINS, _STRATA = 32, 8  # as `freemask stats --policy` has them
_POLICIES = ("paper", "quantile", "strata", "paired")
_OF_SCORES = ("strata", "paired")  # policies that judge by a score
_BY_CLASSES = ("repeat-factor", "rare-class")  # policies of plans that look at the classes of masks
_READERS = 16  # threads that read records
_SEED = re.compile(r"(?<=.)_seed_[0-9]+\Z", re.DOTALL)  # what the tool, too, takes off


@dataclass
class Result:
    """What a job made; it is in the files below its `out` as well."""

    stats: ClassStats  #: of the real set: the losses; with the policies "strata" and "paired" the score
    plan: Plan
    report: FilterReport  #: what the filter did to the whole synthetic set
    images: int  #: synthetic images


class Job:
    """Statistics of the real set, the filtered masks of the synthetic set, and a plan: what `freemask.curate` does, in tasks.

    Args:
        segmenter: trained on real images: takes a list of images and returns as many results; or a class (or partial
            of one) with such a `__call__`, of which each process makes one object when it first needs it. None: the sets
            have losses, or outputs if there is a `kind`.
        real, synthetic: Folder, FolderParts, Tars or Parquet.
        labels: what the masks' values mean.
        out: a folder that all workers can reach, also with a protocol: gets the filtered masks, stats.json, hardness.csv,
            filter.csv and plan.csv. The same job gives the same bytes, however it is run and whatever fails.
        kind: what results are, as for `curate`; options of NetworkLoss may follow.
        tolerance, n_max, seeds, seed: of NoiseFilter and plan.
        policy, real_share, unseen, min_kept_share, without_reference: of NoiseFilter.
        real_of: with the policy "paired": takes the id of a synthetic image and returns that of the real one whose mask it
            has; None: the same id if there is one, else the id without "_seed_" and a number at its end.
        plan: more options of `freemask.plan`: policy (but "yield"), budget, n_min, gamma, threshold, temperature.
        batch: images for each call of the segmenter, all of the same part.
        version: says which segmenter it is (a checkpoint's name). Records of another one are not believed.
        storage: options of fsspec's file system for `out`.
    """

    def __init__(self, segmenter: Union[Provider, Callable[[], Provider], None], real: PartedSet, synthetic: PartedSet,
                 labels: Union[Labels, str], out: Path, kind: Optional[str] = None, tolerance: float = 1.25, n_max: int = 20,
                 seeds: Iterable[int] = range(42, 62), seed: int = 0, batch: int = 1, version: str = "",
                 storage: Optional[Mapping[str, Any]] = None, policy: str = "paper", real_share: float = 0.0, unseen: str = "drop",
                 min_kept_share: float = 0.0, plan: Optional[Mapping[str, Any]] = None, without_reference: str = "refuse",
                 real_of: Optional[Callable[[str], str]] = None, **network: Any) -> None:
        if policy not in _POLICIES:
            raise ArgumentError(f"policy is '{policy}', and a job's is one of {', '.join(_POLICIES)}")
        if policy != "paired" and (real_of is not None or without_reference != "refuse"):
            raise ArgumentError(f"real_of and without_reference go with the policy \"paired\", but the policy is '{policy}'")
        self.labels, self.out, self.storage = as_labels(labels), os.fspath(out), Storage(storage)
        self._segmenter, self._kind, self._network, self._batch = segmenter, kind, network, one_or_more(batch, "batch")
        self._field = IMAGE if segmenter is not None else LOSS if kind is None else OUTPUT
        self._filter_options: dict[str, Any] = {"tolerance": tolerance, "policy": policy, "unseen": unseen, "min_kept_share": min_kept_share,
                                                "real_share": real_share, "without_reference": without_reference}
        self._real_of = real_of
        if plan and plan.get("policy") == "yield":
            raise ArgumentError("plans by yield need what filtering keeps: freemask.plan makes them of a finished job")
        self._plan_options: dict[str, Any] = {"n_max": n_max, "seeds": list(seeds), "seed": seed, **(plan or {})}
        # What would be refused at the end is refused now.
        loss_of(self.labels, kind, network)
        filter_options(**self._filter_options)
        budget = self._plan_options.get("budget", 0)
        make_plan(["any"], [1.0], class_pixels=[[1] * len(self.labels)] if self._needs_classes else None,
                  **{**self._plan_options, "budget": min(budget, n_max)})
        #: In the order in which they are done.
        self.stages = ("stats", "scores", "hardness", "filter") if policy in _OF_SCORES else ("stats", "hardness", "filter")
        self._parts: dict[str, list[Part]] = {"stats": parts_of(real), "filter": parts_of(synthetic)}
        self._parts["scores"] = self._parts["hardness"] = self._parts["stats"]
        self._version = version
        self._forget()

    def _forget(self) -> None:
        """What a process makes for itself."""
        self._provider: Optional[Provider] = None
        self._turn: Optional[NetworkLoss] = None
        self._joined: dict[str, ClassStats] = {}
        self._rows: list[tuple[str, int, int]] = []
        self._whole: Optional[FilterReport] = None
        self._plan: Optional[Plan] = None
        self._reference: tuple[str, Any] = ("", None)  # the last one, as images of a mask follow each other

    def __getstate__(self) -> dict[str, Any]:
        own = ("_provider", "_turn", "_joined", "_rows", "_whole", "_plan", "_reference")
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    # ---- Tasks --------------------------------------------------------------------------------------
    def tasks(self, stage: str) -> int:
        """How many tasks a stage has."""
        return len(self._parts[stage])

    def work(self, stage: str, number: int) -> bool:
        """Does a task, unless its record is there; says whether it did. Tasks may run side by side and be done twice."""
        part = self._parts[stage][number]
        stamp = self._stamp(stage, part)
        if self._record(stage, number, stamp) is not None:
            return False
        done = {"stats": self._measure, "scores": self._measure_scores, "hardness": self._score, "filter": self._filter}[stage](part)
        record = json.dumps({"format": _FORMAT, "stamp": stamp, **done}, sort_keys=True).encode()
        self.storage.write(self._path(stage, number), record)
        return True

    def _path(self, stage: str, number: int) -> str:
        return join(self.out, ".parts", f"{stage}-{number:08d}.json")

    def _stamp(self, stage: str, part: Part) -> str:
        """Whatever decides what a task's record says."""
        of = [stage, self.labels.fingerprint, part.name, part.stamp(), self._policy]
        if stage != "stats":
            of.append(hashlib.sha256(self._stats_of("stats").to_bytes()).hexdigest())
        if stage == "hardness":
            of.append(self._needs_classes)
        if stage == "filter":
            of += [hashlib.sha256(self.stats.to_bytes()).hexdigest(), sorted(self._filter_options.items()),
                   getattr(self._real_of, "__qualname__", "")]
        if stage != "hardness":
            of += [self._version, self._field, self._kind, sorted(self._network.items()), self._batch]
        return hashlib.sha256(repr(of).encode("utf-8", "surrogateescape")).hexdigest()

    def _record(self, stage: str, number: int, stamp: str) -> Optional[dict[str, Any]]:
        """A valid record; None: the task has to be done."""
        data = self.storage.read_if_there(self._path(stage, number))
        try:
            record = json.loads(data) if data is not None else {}
        except ValueError:
            return None
        good = isinstance(record, dict) and record.get("format") == _FORMAT and record.get("stamp") == stamp
        return record if good else None

    def _results(self, part: Part) -> Iterator[tuple[Item, Any]]:
        """(sample, loss map) of a part, in order."""
        samples = part.read(self._field)
        while some := list(islice(samples, self._batch)):
            results: Sequence[Any] = [item.data for item in some]
            if self._segmenter is not None:
                results = results_of(self._loaded(self._segmenter), list(results), "segmenter")
            for item, result in zip(some, results):
                with _of(part, item):
                    yield item, result if self._kind is None else self._loss(result, item.mask)

    def _loaded(self, segmenter: Any) -> Provider:
        provider = self._provider
        if provider is None:
            made = getattr(segmenter, "func", segmenter)  # of a functools.partial
            provider = self._provider = segmenter() if isinstance(made, type) else segmenter
        return provider

    def _loss(self, output: Any, mask: Any) -> Any:
        if self._turn is None:
            assert self._kind is not None
            self._turn = NetworkLoss(self.labels, self._kind, **self._network)
        return self._turn.loss_map(output, mask)

    @property
    def _policy(self) -> str:
        return str(self._filter_options["policy"])

    @property
    def _needs_classes(self) -> bool:
        return self._plan_options.get("policy") in _BY_CLASSES

    def _strata(self, mask: Any) -> Any:
        return boundary_strata(mask) if self._policy == "strata" else None

    def _empty_stats(self, stage: str) -> ClassStats:
        """Those of a stage, of no image."""
        if stage == "scores":
            return ClassStats(self.labels, histogram=_BINS, ranks=self._stats_of("stats"))
        return ClassStats(self.labels, _STRATA if self._policy == "strata" else 1, 0 if self._policy == "paper" else _BINS)

    def _measure(self, part: Part, stage: str = "stats") -> dict[str, Any]:
        stats = self._empty_stats(stage)
        for item, loss in self._results(part):
            with _of(part, item):
                stats.add(item.mask, loss, self._strata(item.mask))
                if stage == "scores" and self._policy == "paired":
                    self.storage.write(self._reference_path(item.id), encode_mask(stats.codes(item.mask, loss).codes))
        return {"stats": base64.b64encode(stats.to_bytes()).decode()}

    def _measure_scores(self, part: Part) -> dict[str, Any]:
        return self._measure(part, "scores")

    def _reference_path(self, real: str) -> str:
        """Ids of tars and tables may be any text."""
        name = hashlib.sha256(id_bytes(real)).hexdigest()
        return join(self.out, ".parts", "references", name[:2], name + ".png")

    def _reference_of(self, part: Part, item: Item) -> Optional[ReferenceCodes]:
        """With the policy "paired": what the real image of this mask loses."""
        if self._policy != "paired":
            return None
        names = [self._real_of(item.id)] if self._real_of is not None else list(dict.fromkeys((item.id, _SEED.sub("", item.id))))
        for name in names:
            if self._reference[0] != name or self._reference[1] is None:
                data = self.storage.read_if_there(self._reference_path(name))
                self._reference = name, None if data is None else ReferenceCodes(decode_mask(data), self.stats.ranks)
            if self._reference[1] is not None:
                return self._reference[1]  # type: ignore[no-any-return]
        if self._filter_options["without_reference"] == "refuse":
            raise ArgumentError(f"{part.name}: '{item.id}' has no real image, which would be '{names[-1]}'; without_reference=\"strata\" judges it "
                             f"without, real_of names it otherwise")
        return None

    def _score(self, part: Part) -> dict[str, Any]:
        hardness, rows = Hardness(self._stats_of("stats")), []
        for item in part.read(None):
            with _of(part, item):
                counts = [[int(n) for n in self.labels.count(item.mask)]] if self._needs_classes else []
                rows.append([item.id, hardness.score(item.mask).hex(), *counts])
        return {"rows": rows}

    def _filter(self, part: Part) -> dict[str, Any]:
        noise, rows = NoiseFilter(self.stats, **self._filter_options), []
        whole: Optional[FilterReport] = None
        with part.sink(self.out, self.storage) as sink:
            for item, loss in self._results(part):
                with _of(part, item):
                    mask = noise.apply(item.mask, loss, self._strata(item.mask), reference=self._reference_of(part, item))
                    report = noise.report
                    assert report is not None
                    sink.add(item, mask, dropped_map(item.mask, mask), report)
                rows.append([item.id, report.valid, report.dropped])
                whole = report if whole is None else whole + report
        classes = [] if whole is None else [[int(n) for n in whole.class_valid], [int(n) for n in whole.class_dropped]]
        return {"rows": rows, "classes": classes}

    # ---- Between stages -----------------------------------------------------------------------------
    @property
    def stats(self) -> ClassStats:
        """Of the whole real set, what the filter judges by: once the stage "stats" is joined, or "scores" if there is
        one, in any process."""
        return self._stats_of("scores" if "scores" in self.stages else "stats")

    def _stats_of(self, stage: str) -> ClassStats:
        if stage not in self._joined:
            data = self.storage.read_if_there(join(self.out, ".parts", stage))
            if data is None:
                raise RuntimeError(f"{self.out} has no statistics yet: join('{stage}') comes after the tasks of that stage")
            self._joined[stage] = ClassStats.from_bytes(self.labels, data)
        return self._joined[stage]

    def join(self, stage: str) -> None:
        """Merges what the tasks of a stage found; raises RuntimeError if one was not done."""
        with ThreadPoolExecutor(_READERS) as pool:
            records = pool.map(lambda number: self._found(stage, number), range(self.tasks(stage)))
            if stage in ("stats", "scores"):
                self.join_stats(self._sum(stage, (base64.b64decode(record["stats"]) for record in records)), stage)
            elif stage == "hardness":
                self._finish_plan([(row[0], float.fromhex(row[1]), *row[2:]) for record in records for row in record["rows"]])
            else:
                self._finish_filter(list(records))

    def join_stats(self, stats: ClassStats, stage: str = "stats") -> None:
        """Ends the stage "stats", or "scores", with statistics that the engine has merged itself."""
        if not stats.images:
            raise ArgumentError("the real set has no image")
        self.storage.write(join(self.out, ".parts", stage), stats.to_bytes())
        self.storage.write(join(self.out, "stats.json"), encoded(lib.fm_class_stats_encode, stats._pointer))
        self._joined[stage] = stats

    def part_stats(self, numbers: Iterable[int], stage: str = "stats") -> ClassStats:
        """The statistics of some tasks of the stage "stats", or "scores", that are done, for an engine that merges itself."""
        return self._sum(stage, (base64.b64decode(self._found(stage, number)["stats"]) for number in numbers))

    def _sum(self, stage: str, blobs: Iterable[bytes]) -> ClassStats:
        whole = self._empty_stats(stage)
        for blob in blobs:
            whole.merge(ClassStats.from_bytes(self.labels, blob))
        return whole

    def _found(self, stage: str, number: int) -> dict[str, Any]:
        part = self._parts[stage][number]
        record = self._record(stage, number, self._stamp(stage, part))
        if record is None:
            raise RuntimeError(f"task {number} of the stage '{stage}' ({part.name}) was not done, or its files have changed since: "
                               f"work('{stage}', {number})")
        return record

    def _finish_plan(self, rows: list[tuple[Any, ...]]) -> None:
        """`rows` of id, hardness and, for some policies, the pixels of each class."""
        rows.sort(key=lambda row: id_bytes(row[0]))
        ids = [row[0] for row in rows]
        _distinct("real", ids)
        counts = [row[2] for row in rows] if self._needs_classes else None
        plan = self._plan = make_plan(ids, [row[1] for row in rows], class_pixels=counts, **self._plan_options)
        self.storage.write(join(self.out, "hardness.csv"), hardness_table(plan))
        self.storage.write(join(self.out, "plan.csv"), encoded(lib.fm_plan_encode, plan._pointer))

    def _finish_filter(self, records: list[dict[str, Any]]) -> None:
        self._rows = [tuple(row) for record in records for row in record["rows"]]
        _distinct("synthetic", sorted(id for id, _, _ in self._rows))
        classes = [record["classes"] for record in records if record["classes"]]
        if not classes:
            raise ArgumentError("the synthetic set has no image")
        valid, dropped = ([sum(column) for column in zip(*(one[i] for one in classes))] for i in (0, 1))
        self._whole = FilterReport(sum(valid), sum(dropped), valid, dropped)
        self.storage.write(join(self.out, "filter.csv"), filter_table(self._rows))

    def finish(self) -> Result:
        """After the last stage: removes the records and what killed tasks have left; returns the result."""
        if self._whole is None or self._plan is None:
            raise RuntimeError("the stages 'hardness' and 'filter' have to be joined first, in this process")
        self.storage.remove(join(self.out, ".parts"))
        self.storage.sweep(self.out)
        return Result(self.stats, self._plan, self._whole, len(self._rows))

    def run(self) -> Result:
        """All tasks in this process, without those that another one has done."""
        for stage in self.stages:
            for number in range(self.tasks(stage)):
                self.work(stage, number)
            self.join(stage)
        return self.finish()


class _of:
    """Errors of the library name the sample."""

    def __init__(self, part: Part, item: Item) -> None:
        self.where = f"{part.name}: '{item.id}'"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Error) and not str(error).startswith(self.where):
            raise type(error)(f"{self.where}: {error}", error.code, error.host_code) from None


def _distinct(name: str, ids: Sequence[str]) -> None:
    for id, following in zip(ids, ids[1:]):
        if id == following:
            raise DuplicateError(f"the {name} set has '{id}' twice, in two of its parts", c.FM_ERR_DUPLICATE)

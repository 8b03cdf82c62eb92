# freemask/curate.py - the whole method in one call, with any Python callable as the segmenter.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import csv
import importlib
import io
import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Optional, Protocol, Sequence, Union

from ._library import ArgumentError, DuplicateError, UnsupportedError, named, one_or_more
from ._storage import Storage
from ._threads import cores
from .files import Path, decode_image, decode_mask, read_image, read_mask, write_bytes, write_mask
from .filter import FilterReport, NoiseFilter, filter_options
from .hardness import Hardness
from .labels import Labels, as_labels
from .network import NetworkLoss
from .plan import Plan, id_bytes
from .plan import plan as make_plan
from .stats import ClassStats


class Sample(NamedTuple):
    """One image of a set."""

    id: str  #: distinct in its set
    image: Any  #: whatever the provider takes
    mask: Any  #: labels [H, W]


class Samples(Protocol):
    """A data set: `len(samples)`, `samples[i]` is a Sample or (id, image, mask). It may load on demand; it is
    asked from several threads."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Any: ...


class Folder:
    """Images and masks of two folders, paired by their names without extension and suffix, read on demand:
    RGB arrays [H, W, 3] and labels [H, W].

    Args:
        images, masks: the folders; those below them count as well. With a protocol (s3://) they need fsspec.
        image_suffix, mask_suffix: what follows the common part of names, such as "_gtFine_labelIds".
        storage: options of fsspec's file system.
    """

    def __init__(self, images: Path, masks: Path, image_suffix: str = "", mask_suffix: str = "",
                 storage: Optional[Mapping[str, Any]] = None) -> None:
        self.storage, images, masks = Storage(storage), os.fspath(images), os.fspath(masks)
        found = _files(self.storage, images, image_suffix, {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})
        wanted = _files(self.storage, masks, mask_suffix, {".png", ".npy", ".npz", ".tif", ".tiff"})
        missing = sorted(set(wanted) - set(found))
        if missing or not wanted:
            what = f"no image with the stem {missing[0]!r} ({len(missing)} of {len(wanted)} masks have none)" if missing else "no masks"
            raise ArgumentError(f"{images if missing else masks}: {what}")
        #: (id, path of the image, path of the mask), sorted by the bytes of the ids
        self.pairs = [(stem, found[stem], wanted[stem]) for stem in sorted(wanted, key=os.fsencode)]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        stem, image, mask = self.pairs[index]
        if "://" in mask:
            return Sample(stem, decode_image(self.storage.read(image)), decode_mask(self.storage.read(mask)))
        return Sample(stem, read_image(image), read_mask(mask))


def _files(storage: Storage, top: str, suffix: str, kinds: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, name in storage.below(top):
        stem, kind = os.path.splitext(name)
        if name.rpartition("/")[2].startswith(".") or kind.lower() not in kinds or not stem.endswith(suffix):
            continue
        stem = stem[:len(stem) - len(suffix)]
        if stem in found:
            raise ArgumentError(f"{top}: '{stem}' is there twice")
        found[stem] = path
    return found


@dataclass
class Curated:
    """What `curate` made."""

    stats: ClassStats  #: of the real set
    filter: NoiseFilter
    hardness: dict[str, float]  #: of each real mask
    plan: Plan
    reports: dict[str, FilterReport]  #: what the filter did to each synthetic mask
    masks: Optional[dict[str, Any]]  #: the filtered masks; None if they were written to `out`

    @property
    def report(self) -> FilterReport:
        """What the filter did to the whole synthetic set."""
        whole: Optional[FilterReport] = None
        for report in self.reports.values():
            whole = report if whole is None else whole + report
        assert whole is not None
        return whole


Provider = Callable[[list[Any]], Sequence[Any]]


def curate(provider: Provider, real: Samples, synthetic: Samples, labels: Union[Labels, str],
           out: Optional[Path] = None,
           kind: Optional[str] = None, tolerance: float = 1.25, n_max: int = 20, seeds: Iterable[int] = range(42, 62),
           seed: int = 0, batch: int = 1, threads: Optional[int] = None, progress: Optional[bool] = None,
           **network: Any) -> Curated:
    """Statistics of the real set, the filtered masks of the synthetic set, and a plan for the next one.

    Args:
        provider: a segmenter trained on real images: takes a list of up to `batch` images and returns as many
            results, called on this thread. An exception in it comes out of this call.
        real, synthetic: data sets of (id, image, mask): a list, a Folder, anything with len() and indices.
        labels: what the masks' values mean.
        out: a folder that gets masks/<id>.png, stats.json, hardness.csv, filter.csv and plan.csv; None: nothing is
            written and the masks are in the result.
        kind: what the provider's results are: None: loss maps [H, W] in nats; "logits", "probs", "scores" or
            "queries": outputs of a network, as for NetworkLoss, whose other options may follow.
        tolerance, n_max, seeds, seed: of NoiseFilter and plan.
        batch: images for each call of the provider.
        threads: which load images and filter masks; None: one for each core.
        progress: a bar (of tqdm, where it is installed); None: on a terminal.

    Options that do not go together are refused before the provider is called; errors of a sample name it.
    """
    labels, seeds = as_labels(labels), list(seeds)
    turn = loss_of(labels, kind, network)
    filter_options(tolerance, "paper", "drop", 0.0, 0.0, "refuse")
    make_plan(["any"], [0.0], n_max, seeds, seed)
    work = _Work(provider, turn, one_or_more(batch, "batch"), cores() if threads is None else one_or_more(threads, "threads"), progress)
    if out is not None:
        os.makedirs(os.path.join(out, "masks"), exist_ok=True)
    with work:
        stats = ClassStats(labels)
        masks: dict[str, Any] = {}
        for _ in work.walk(real, "real", lambda sample, loss: stats.add(sample.mask, loss)):
            pass
        noise = NoiseFilter(stats, tolerance)
        measure = Hardness(stats)
        hardness = dict(work.each(real, "real", lambda sample: (sample.id, measure.score(sample.mask))))
        reports = dict(work.walk(synthetic, "synthetic", lambda sample, loss: _filter_one(noise, sample, loss, out, masks)))
    ids = sorted(hardness, key=id_bytes)
    plan = make_plan(ids, [hardness[one] for one in ids], n_max, seeds, seed)
    made = Curated(stats, noise, hardness, plan, reports, masks if out is None else None)
    if out is not None:
        _write(made, out)
    return made


def loss_of(labels: Labels, kind: Optional[str], network: Mapping[str, Any]) -> Optional[NetworkLoss]:
    """What makes losses of a provider's results; None: they are losses."""
    if kind is not None:
        return NetworkLoss(labels, kind, **network)
    if network:
        raise UnsupportedError(f"{next(iter(network))} is no option, or one of NetworkLoss, which goes with a `kind`")
    return None


def results_of(provider: Provider, images: list[Any], name: str) -> Sequence[Any]:
    """What a provider makes of images, as many results."""
    results = provider(images)
    if not hasattr(results, "__len__"):
        raise UnsupportedError(f"the {name} returned {type(results).__name__}, expected a sequence of as many results as images")
    if len(results) != len(images):
        raise ArgumentError(f"the {name} returned {len(results)} results for {len(images)} images")
    return results


def _filter_one(noise: NoiseFilter, sample: Sample, loss: Any, out: Optional[Path], masks: dict[str, Any]) -> Any:
    filtered = noise.apply(sample.mask, loss)
    if out is None:
        masks[sample.id] = filtered
    else:
        if {"", ".", ".."}.intersection(sample.id.replace(os.sep, "/").split("/")):
            raise ArgumentError("the id is no name of a file below masks/")
        path = os.path.join(out, "masks", sample.id + ".png")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_mask(path, filtered)
    return sample.id, noise.report


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _write(made: Curated, out: Path) -> None:
    made.stats.save(os.path.join(out, "stats.json"))
    made.plan.to_csv(os.path.join(out, "plan.csv"))
    write_bytes(os.path.join(out, "hardness.csv"), hardness_table(made.plan))
    write_bytes(os.path.join(out, "filter.csv"), filter_table((id, one.valid, one.dropped) for id, one in made.reports.items()))


def hardness_table(plan: Plan) -> bytes:
    """hardness.csv."""
    return _table(("mask", "hardness"), ((row.mask, repr(row.hardness)) for row in plan))


def filter_table(rows: Iterable[tuple[str, int, int]]) -> bytes:
    """filter.csv of (id, valid, dropped) in any order, to the byte as the tool writes it."""
    return _table(("stem", "valid", "dropped", "kept_share"), (
        (id, valid, dropped, _shortest((valid - dropped) / valid if valid else 0.0))
        for id, valid, dropped in sorted(rows, key=lambda row: id_bytes(row[0]))))


def _shortest(number: float) -> str:
    """The shortest digits that are read as this number; whole ones without a point."""
    return repr(number).removesuffix(".0")


def _sample(made: Any, name: str, seen: set[str]) -> Sample:
    """What a set returned, as a Sample of another id than those that were seen."""
    try:
        sample = Sample(*made)
    except TypeError:
        raise UnsupportedError(f"the {name} set has a {type(made).__name__}, expected samples (id, image, mask)") from None
    id_bytes(sample.id)
    if sample.id in seen:
        raise DuplicateError(f"the {name} set has '{sample.id}' twice")
    seen.add(sample.id)
    return sample


class _Work:
    """Loads ahead on threads, predicts on this one, and works on what comes out on threads again."""

    def __init__(self, provider: Provider, turn: Optional[NetworkLoss], batch: int, threads: int, progress: Optional[bool]) -> None:
        self.provider, self.turn, self.batch, self.threads = provider, turn, batch, threads
        self.progress = sys.stderr.isatty() if progress is None else progress
        self.pool = ThreadPoolExecutor(threads)

    def __enter__(self) -> _Work:
        return self

    def __exit__(self, *_: Any) -> None:
        self.pool.shutdown(cancel_futures=True)

    def _load(self, samples: Samples, name: str) -> Iterator[Sample]:
        """All samples in order, some loaded ahead."""
        ahead: deque[Future[Any]] = deque()
        seen: set[str] = set()
        for i in range(len(samples)):
            ahead.append(self.pool.submit(samples.__getitem__, i))
            if len(ahead) > 2 * self.threads + self.batch:
                yield _sample(ahead.popleft().result(), name, seen)
        while ahead:
            yield _sample(ahead.popleft().result(), name, seen)

    def _batches(self, samples: Samples, name: str) -> Iterator[list[Sample]]:
        some: list[Sample] = []
        for sample in self._load(samples, name):
            some.append(sample)
            if len(some) == self.batch:
                yield some
                some = []
        if some:
            yield some

    def _one(self, work: Callable[[Sample, Any], Any], sample: Sample, result: Any) -> Any:
        with named(f"'{sample.id}'"):
            return work(sample, result if self.turn is None else self.turn.loss_map(result, sample.mask))

    def walk(self, samples: Samples, name: str, work: Callable[[Sample, Any], Any]) -> Iterator[Any]:
        """What `work(sample, loss map)` returns, in order. The first exception of anyone is raised."""
        if not len(samples):
            raise ArgumentError(f"the {name} set has no image")
        waiting: deque[Future[Any]] = deque()
        bar = _bar(len(samples), name) if self.progress else None
        try:
            for some in self._batches(samples, name):
                results = results_of(self.provider, [sample.image for sample in some], "provider")
                for sample, result in zip(some, results):
                    waiting.append(self.pool.submit(self._one, work, sample, result))
                while len(waiting) > 2 * self.threads + self.batch:
                    yield waiting.popleft().result()
                if bar is not None:
                    bar.update(len(some))
            while waiting:
                yield waiting.popleft().result()
        finally:
            if bar is not None:
                bar.close()

    def each(self, samples: Samples, name: str, work: Callable[[Sample], Any]) -> Iterator[Any]:
        """What `work(sample)` returns, in order, without the provider."""
        ahead: deque[Future[Any]] = deque()

        def one(index: int) -> Any:
            sample = _sample(samples[index], name, set())
            with named(f"'{sample.id}'"):
                return work(sample)

        for i in range(len(samples)):
            ahead.append(self.pool.submit(one, i))
            if len(ahead) > 2 * self.threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


class _PlainBar:
    """What is shown where tqdm is not installed."""

    def __init__(self, total: int, name: str) -> None:
        self.total, self.name, self.done = total, name, 0

    def update(self, count: int) -> None:
        self.done += count
        print(f"\r{self.name}: {self.done} of {self.total}", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        print(file=sys.stderr)


def _bar(total: int, name: str) -> Any:
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        return _PlainBar(total, name)
    return tqdm(total=total, desc=name, unit="image")

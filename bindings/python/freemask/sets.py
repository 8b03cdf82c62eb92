# freemask/sets.py - sets of images in parts, for jobs on many machines: folders, tars, Parquet files.
# SPDX-License-Identifier: MIT
"""A set is a list of parts, the same whoever asks and however many workers there are: a tar, a Parquet file, or so many
images of a folder. A part is read as a stream, and what the filter makes of it is written as what it was read from.
Paths may have a protocol that fsspec knows, with its options as `storage`."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, NamedTuple, Optional, Protocol, Sequence, Union

from . import _interface as c
from ._library import ArgumentError, DuplicateError, FormatError, named
from ._storage import Storage, join
from .curate import Folder
from .files import Path, decode_image, decode_loss, decode_mask, decode_output, encode_mask
from .filter import FilterReport
from .shard import shard_of
from .tars import Fields, TarSample, TarWriter, read_tar

# What a step needs of a sample beside its mask.
IMAGE, LOSS, OUTPUT = "image", "loss", "output"


class Item(NamedTuple):
    """One sample of a part."""

    id: str
    mask: Any  #: labels [H, W]
    data: Any  #: the image, loss map or network's output that was asked for; None: nothing was
    source: Any  #: what the part's own writer wants to know


class Sink(Protocol):
    """Takes the filtered masks of a part, in its order."""

    def add(self, item: Item, mask: Any, dropped: Any, report: FilterReport) -> None: ...


class Part(Protocol):
    """A piece of a set. It pickles."""

    @property
    def name(self) -> str: ...

    def stamp(self) -> str:
        """Another one whenever the part has other samples or files."""
        ...

    def read(self, field: Optional[str]) -> Iterator[Item]:
        """The samples in order, with `field` of each."""
        ...

    def sink(self, out: str, storage: Storage) -> contextlib.AbstractContextManager[Sink]:
        """Writes below `out`, the same bytes at each attempt."""
        ...


def dropped_map(before: Any, after: Any) -> Any:
    """The ignore map of a filtered mask: uint8, 255 where the filter dropped the pixel, else 0."""
    import numpy
    return (numpy.asarray(before) != numpy.asarray(after)).astype(numpy.uint8) * numpy.uint8(255)


def _about(report: FilterReport) -> bytes:
    return json.dumps({"valid": report.valid, "dropped": report.dropped, "kept_share": report.kept_share}).encode()


# ---- Tars -------------------------------------------------------------------------------------------
class Tars:
    """Tars of webdataset. Of each the filter makes one with the same name and samples: the filtered mask in place of the
    mask, `ignore.png` (255 where the filter dropped the pixel), `freemask.json` (valid, dropped, kept_share).

    Args:
        paths: a pattern such as ``s3://bucket/train-{000000..000146}.tar`` or ``train-*.tar``, or several.
        fields: which member is what.
        copy: whether the new tars also get the other members, without losses and outputs.
        storage: options of fsspec's file system.
    """

    def __init__(self, paths: Union[Path, Iterable[Path]], fields: Optional[Fields] = None, copy: bool = True,
                 storage: Optional[Mapping[str, Any]] = None) -> None:
        patterns = _patterns(paths)
        files = [path for pattern in patterns for path in Storage(storage).expand(pattern)]
        if not files:
            raise ArgumentError(f"{', '.join(patterns)}: no such tar")
        fields = fields or Fields()
        self.parts: list[Part] = [_TarPart(path, name, fields, copy, dict(storage or {})) for path, name in _named(files)]


def _patterns(paths: Union[Path, Iterable[Path]]) -> list[str]:
    return [os.fspath(one) for one in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]


def _named(files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(path, file name), which are distinct."""
    seen: dict[str, str] = {}
    for path in files:
        name = path.rpartition("/")[2]
        if name in seen:
            raise DuplicateError(f"{seen[name]} and {path} have one name, which what is made of them would have: make two jobs",
                                 c.FM_ERR_DUPLICATE)
        seen[name] = path
        yield path, name


@dataclass(frozen=True)
class _TarPart:
    path: str
    name: str
    fields: Fields
    copy: bool
    storage: dict[str, Any]

    def stamp(self) -> str:
        return f"{self.path} {self.fields} {self.copy} {Storage(self.storage).stamp(self.path)}"

    def read(self, field: Optional[str]) -> Iterator[Item]:
        fields = self.fields
        # Members that nobody wants are not kept in memory; which are copied is the writer's to say.
        wanted = None if self.copy and field else [*fields.mask, *(getattr(fields, field) if field else ())]
        for sample in read_tar(self.path, wanted, self.storage):
            data = fields.decode(self.path, sample, field) if field else None
            yield Item(sample.key, fields.decode(self.path, sample, "mask"), data, sample)

    @contextlib.contextmanager
    def sink(self, out: str, storage: Storage) -> Iterator[Sink]:
        name = self.name
        while not name.endswith(".tar") and "." in name:  # .tar.gz: what is written is not compressed
            name = name.rpartition(".")[0]
        with TarWriter(join(out, name), storage.options) as tar:
            yield _TarSink(self, tar)


class _TarSink:
    def __init__(self, part: _TarPart, tar: TarWriter) -> None:
        self.part, self.tar = part, tar

    def add(self, item: Item, mask: Any, dropped: Any, report: FilterReport) -> None:
        sample: TarSample = item.source
        fields = self.part.fields
        extension = fields.extension(self.part.path, sample, "mask")
        left = {extension, *fields.loss, *fields.output}
        members = {name: data for name, data in sample.members.items() if self.part.copy and name not in left}
        members[extension.rpartition(".")[0] + ".png"] = encode_mask(mask)
        members.update({"ignore.png": encode_mask(dropped), "freemask.json": _about(report)})
        self.tar.add(sample.key, members)


# ---- Folders ----------------------------------------------------------------------------------------
class FolderParts:
    """A Folder in parts of so many images, or in shards. The filter writes masks/<id>.png.

    Args:
        folder: a Folder.
        size: images of a part.
        shards: if not 0, so many parts in place of parts of a size: each image is in the one that `shard_of` says, as with
            `--shard i/n` of the tool, so that images that are added move no other one.
    """

    def __init__(self, folder: Folder, size: int = 64, shards: int = 0) -> None:
        if size < 1 or shards < 0:
            raise ArgumentError(f"parts of {size} images, or {shards} shards, expected 1 or more")
        pairs, options = folder.pairs, folder.storage.options
        self.parts: list[Part]
        if shards:
            members: list[list[tuple[str, str, str]]] = [[] for _ in range(shards)]
            for pair in pairs:
                members[shard_of(pair[0], shards)].append(pair)
            self.parts = [_FolderPart(f"shard-{i}-of-{shards}", tuple(some), options) for i, some in enumerate(members)]
            return
        digits = len(str(max(len(pairs) - 1, 0) // size))
        self.parts = [_FolderPart(f"part-{i // size:0{digits}d}", tuple(pairs[i:i + size]), options)
                      for i in range(0, len(pairs), size)]


@dataclass(frozen=True)
class _FolderPart:
    name: str
    pairs: tuple[tuple[str, str, str], ...]  # id, image, mask
    storage: dict[str, Any]

    def stamp(self) -> str:
        storage, whole = Storage(self.storage), hashlib.sha256()
        for id, image, mask in self.pairs:
            whole.update(f"{id}\0{image}\0{storage.stamp(image)}\0{mask}\0{storage.stamp(mask)}\n".encode("utf-8", "surrogateescape"))
        return whole.hexdigest()

    def read(self, field: Optional[str]) -> Iterator[Item]:
        if field not in (None, IMAGE):
            raise FormatError(f"folders have no {field}: give the job a segmenter", c.FM_ERR_FORMAT)
        storage = Storage(self.storage)
        for id, image, mask in self.pairs:
            with named(mask):
                labels = decode_mask(storage.read(mask))
            pixels = None
            if field:
                with named(image):
                    pixels = decode_image(storage.read(image))
            yield Item(id, labels, pixels, None)

    @contextlib.contextmanager
    def sink(self, out: str, storage: Storage) -> Iterator[Sink]:
        yield _FolderSink(join(out, "masks"), storage)


class _FolderSink:
    def __init__(self, masks: str, storage: Storage) -> None:
        self.masks, self.storage = masks, storage

    def add(self, item: Item, mask: Any, dropped: Any, report: FilterReport) -> None:
        self.storage.write(join(self.masks, item.id + ".png"), encode_mask(mask))


# ---- Parquet ----------------------------------------------------------------------------------------
class Parquet:
    """Parquet files with a row for each image: id, and image, mask, loss or output as the bytes of a file (PNG, JPEG,
    NPY; a struct with `bytes`, as Hugging Face writes images, will do). Of each the filter makes one with the same
    name: id, mask, ignore (255 where the filter dropped the pixel), valid, dropped. Needs pyarrow.

    Args:
        paths: a pattern or several, as for Tars.
        id, image, mask, loss, output: names of columns.
        rows: that are read at a time.
        storage: options of fsspec's file system.
    """

    def __init__(self, paths: Union[Path, Iterable[Path]], id: str = "id", image: str = "image", mask: str = "mask", loss: str = "loss",
                 output: str = "output", rows: int = 16, storage: Optional[Mapping[str, Any]] = None) -> None:
        patterns = _patterns(paths)
        files = [path for pattern in patterns for path in Storage(storage).expand(pattern)]
        if not files:
            raise ArgumentError(f"{', '.join(patterns)}: no such file")
        columns = {"id": id, "image": image, "mask": mask, "loss": loss, "output": output}
        self.parts: list[Part] = [_ParquetPart(path, name, columns, rows, dict(storage or {})) for path, name in _named(files)]


@dataclass(frozen=True)
class _ParquetPart:
    path: str
    name: str
    columns: dict[str, str]
    rows: int
    storage: dict[str, Any]

    def stamp(self) -> str:
        return f"{self.path} {sorted(self.columns.items())} {Storage(self.storage).stamp(self.path)}"

    def read(self, field: Optional[str]) -> Iterator[Item]:
        from pyarrow import ArrowInvalid, parquet
        wanted = ["id", "mask", *([field] if field else [])]
        with Storage(self.storage).open(self.path) as file:
            try:
                table = parquet.ParquetFile(file)
            except ArrowInvalid as error:
                raise FormatError(f"{self.path}: not a Parquet file ({error})", c.FM_ERR_FORMAT) from None
            missing = [self.columns[one] for one in wanted if self.columns[one] not in table.schema_arrow.names]
            if missing:
                raise FormatError(f"{self.path} has no column '{missing[0]}'; it has {', '.join(table.schema_arrow.names)}",
                                  c.FM_ERR_FORMAT)
            for some in table.iter_batches(self.rows, columns=[self.columns[one] for one in wanted]):
                for row in some.to_pylist():
                    id = str(row[self.columns["id"]])
                    values = [self._decoded(id, one, row[self.columns[one]]) for one in wanted[1:]]
                    yield Item(id, values[0], values[1] if field else None, None)

    def _decoded(self, id: str, field: str, value: Any) -> Any:
        data = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(data, bytes):
            raise FormatError(f"{self.path}: '{id}' has no bytes in the column '{self.columns[field]}'", c.FM_ERR_FORMAT)
        with named(f"{self.path}: '{id}', {self.columns[field]}"):
            return {"mask": decode_mask, IMAGE: decode_image, LOSS: decode_loss, OUTPUT: decode_output}[field](data)

    @contextlib.contextmanager
    def sink(self, out: str, storage: Storage) -> Iterator[Sink]:
        import pyarrow
        from pyarrow import parquet
        schema = pyarrow.schema([("id", pyarrow.string()), ("mask", pyarrow.binary()), ("ignore", pyarrow.binary()),
                                 ("valid", pyarrow.int64()), ("dropped", pyarrow.int64())])
        with storage.writer(join(out, self.name)) as file, parquet.ParquetWriter(file, schema) as table:
            sink = _ParquetSink(table, schema, self.rows)
            yield sink
            sink.flush()


class _ParquetSink:
    def __init__(self, table: Any, schema: Any, rows: int) -> None:
        self.table, self.schema, self.rows = table, schema, rows
        self.waiting: list[dict[str, Any]] = []

    def add(self, item: Item, mask: Any, dropped: Any, report: FilterReport) -> None:
        self.waiting.append({"id": item.id, "mask": encode_mask(mask), "ignore": encode_mask(dropped),
                             "valid": report.valid, "dropped": report.dropped})
        if len(self.waiting) >= self.rows:
            self.flush()

    def flush(self) -> None:
        import pyarrow
        if self.waiting:
            self.table.write_table(pyarrow.Table.from_pylist(self.waiting, self.schema))
            self.waiting = []


PartedSet = Union[Tars, Parquet, FolderParts, Folder]


def parts_of(samples: PartedSet) -> list[Part]:
    return FolderParts(samples).parts if isinstance(samples, Folder) else samples.parts

# freemask/tars.py - samples in tar files (webdataset), in and out as a stream.
# SPDX-License-Identifier: MIT
"""A sample is what follows each other in a tar and has the same name up to the first dot: `000012.jpg`, `000012.seg.png`,
`000012.loss.npy`. `read_tar` reads one sample at a time and unpacks nothing, `TarWriter` writes the same bytes for the same
samples. `Fields` says which member is what. `Tars` (freemask.sets) is a set for `curate` and `Job`.

Paths with a protocol (s3://, gs://) need fsspec, the rest needs Python alone.
"""
from __future__ import annotations

import io
import os
import re
import tarfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence

from . import _interface as c
from ._library import ArgumentError, DuplicateError, FormatError, named
from ._storage import Storage
from .files import Path, decode_image, decode_loss, decode_mask, decode_output

_NAME = re.compile(r"((?:.*/)?[^/.]+)\.([^/]+)")


class TarSample(NamedTuple):
    """Members of a tar that belong together."""

    key: str  #: their name up to the first dot, folders included
    members: dict[str, bytes]  #: {what follows that dot, in small letters: the bytes}


class _Header(tarfile.TarInfo):
    """tarfile takes a damaged header for the end of the archive: here that is an error."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:  # type: ignore[override]
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise  # the end, as it should be
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error}" if str(error) != "empty header" else "it ends before its end mark") from None


def _members(path: str, tar: tarfile.TarFile) -> Iterator[tuple[str, str, tarfile.TarInfo]]:
    """(key, extension, header) of all files."""
    while True:
        header = tar.next()
        if header is None:
            return
        tar.members = []  # type: ignore[attr-defined]  # tarfile keeps all headers
        if header.isdir():
            continue
        if not header.isreg():
            raise FormatError(f"{path}: '{header.name}' is a link or a device, expected a file", c.FM_ERR_FORMAT)
        name = header.name[2:] if header.name.startswith("./") else header.name
        found = _NAME.fullmatch(name)
        if found:  # hidden files, and files without extension, belong to no sample
            yield found[1], found[2].lower(), header


def read_tar(path: Path, only: Optional[Sequence[str]] = None, storage: Optional[Mapping[str, Any]] = None) -> Iterator[TarSample]:
    """The samples of a tar (also of a .tar.gz and so on), in order. In memory is one sample, and the keys.

    Args:
        path: of this machine, or with a protocol that fsspec knows.
        only: extensions; other members are skipped.
        storage: options of fsspec's file system.

    Raises FormatError for a tar that is damaged or ends too early, with the last sample that was read, DuplicateError for a
    member or a key that is there twice, and OSError.
    """
    path = os.fspath(path)
    keys: set[str] = set()
    key, members, last = "", dict[str, bytes](), "none"
    with ExitStack() as open_files:
        stream = open_files.enter_context(Storage(storage).open(path))
        try:
            tar = open_files.enter_context(tarfile.open(fileobj=stream, mode="r|*", tarinfo=_Header, bufsize=1 << 18))
            for new_key, extension, header in _members(path, tar):
                if new_key != key:
                    if members:
                        yield TarSample(key, members)
                        last = f"'{key}'"
                    if new_key in keys:
                        raise DuplicateError(f"{path}: the sample '{new_key}' is there twice, or other samples stand between its members",
                                             c.FM_ERR_DUPLICATE)
                    keys.add(new_key)
                    key, members = new_key, {}
                if extension in members:
                    raise DuplicateError(f"{path}: '{header.name}' is there twice", c.FM_ERR_DUPLICATE)
                if only is None or extension in only:
                    file = tar.extractfile(header)
                    assert file is not None
                    members[extension] = file.read()
        except (tarfile.TarError, EOFError) as error:
            raise FormatError(f"{path}: not a whole tar ({error}); the last whole sample is {last}", c.FM_ERR_FORMAT) from None
        if members:
            yield TarSample(key, members)


class TarWriter:
    """Writes samples to a tar, whole or not at all; the same samples give the same bytes::

        with TarWriter("filtered-000000.tar") as tar:
            tar.add("000012", {"seg.png": freemask.encode_mask(mask)})

    Elsewhere than on this machine the tar is put in one piece when it is finished.
    """

    def __init__(self, path: Path, storage: Optional[Mapping[str, Any]] = None) -> None:
        self.path, self._keys = os.fspath(path), set[str]()
        self._open = ExitStack()
        file = self._open.enter_context(Storage(storage).writer(self.path))
        self._file = file
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._tar.copybufsize = 1 << 20  # type: ignore[attr-defined]

    def add(self, key: str, members: Mapping[str, bytes]) -> None:
        """Adds a sample; its members are sorted."""
        if key in self._keys:
            raise DuplicateError(f"{self.path}: the sample '{key}' is there twice", c.FM_ERR_DUPLICATE)
        self._keys.add(key)
        for extension in sorted(members):
            if not _NAME.fullmatch(f"{key}.{extension}") or "." in key.rpartition("/")[2]:
                raise ArgumentError(f"'{key}' is no key of a sample: the name of a file without a dot")
            header = tarfile.TarInfo(f"{key}.{extension}")  # no owner, no time
            header.size = len(members[extension])
            self._tar.addfile(header, io.BytesIO(members[extension]))
            self._tar.members = []  # type: ignore[attr-defined]
        self._file.flush()  # nothing is left for a forked child to write once more

    def __enter__(self) -> TarWriter:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if kind is None:
                self._tar.close()
        except BaseException as broken:
            self._open.__exit__(type(broken), broken, broken.__traceback__)
            raise
        self._open.__exit__(kind, error, trace)


@dataclass(frozen=True)
class Fields:
    """What the members of a sample are, by extension. Of each only one may be in a sample."""

    image: Sequence[str] = ("jpg", "jpeg", "png", "webp", "tif", "tiff")
    mask: Sequence[str] = ("seg.png", "mask.png", "label.png", "seg.npy", "mask.npy", "seg.tif", "mask.tif")
    loss: Sequence[str] = ("loss.npy", "loss.npz")  #: loss maps in nats: then no segmenter runs
    output: Sequence[str] = ("logits.npy", "logits.npz", "probs.npy", "probs.npz", "scores.npy", "scores.npz")  #: of a network

    def extension(self, path: str, sample: TarSample, field: str) -> str:
        """Which member is the sample's image, mask, loss or output. Raises FormatError if none is."""
        names: Sequence[str] = getattr(self, field)
        found = [name for name in names if name in sample.members]
        if len(found) > 1:
            raise DuplicateError(f"{path}: '{sample.key}' has {' and '.join(found)}: say which is the {field} (Fields)", c.FM_ERR_DUPLICATE)
        if not found:
            raise FormatError(f"{path}: '{sample.key}' has no {field} ({', '.join(names)}); it has {', '.join(sorted(sample.members))}",
                              c.FM_ERR_FORMAT)
        return found[0]

    def decode(self, path: str, sample: TarSample, field: str) -> Any:
        """The sample's image, mask, loss or output as an array."""
        extension = self.extension(path, sample, field)
        with named(f"{path}: {sample.key}.{extension}"):
            return _DECODERS[field](sample.members[extension])


_DECODERS = {"image": decode_image, "mask": decode_mask, "loss": decode_loss, "output": decode_output}

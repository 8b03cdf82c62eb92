# freemask/_storage.py - files of this machine by the standard library, those elsewhere by fsspec.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
import shutil
import tempfile
from typing import Any, BinaryIO, Iterator, Mapping, Optional

from .files import write_bytes

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MAGIC = re.compile(r"[*?\[]")


def join(folder: str, *names: str) -> str:
    return "/".join([folder.rstrip("/") if folder != "/" else "", *names])


def _local(path: str) -> Optional[str]:
    """The path on this machine; None: it is elsewhere."""
    if path.startswith("file://"):
        return path[len("file://"):]
    return None if "://" in path else path


def _raise(error: OSError) -> None:
    """Of a folder that is not there, or not to be read: os.walk() would pass it over."""
    raise error


class Storage:
    """Reads and writes files wherever they lie. A path with a protocol, such as s3://bucket/name, needs fsspec and the
    package for that protocol; `options` are what fsspec's file system takes. Pickles; each process connects itself."""

    def __init__(self, options: Optional[Mapping[str, Any]] = None) -> None:
        self.options = dict(options or {})

    def _remote(self, path: str) -> tuple[Any, str]:
        try:
            import fsspec
        except ImportError:
            raise ImportError(f"{path} is not on this machine: reading and writing it needs fsspec (pip install fsspec, and s3fs or "
                              "gcsfs for object stores)") from None
        system, inner = fsspec.core.url_to_fs(path, **self.options)
        return system, inner

    # ---- Reading ------------------------------------------------------------------------------------
    def open(self, path: str) -> BinaryIO:
        """For reading from begin to end."""
        local = _local(path)
        if local is not None:
            return open(local, "rb")  # noqa: SIM115
        system, inner = self._remote(path)
        stream: BinaryIO = system.open(inner, "rb", cache_type="readahead")
        return stream

    def read(self, path: str) -> bytes:
        local = _local(path)
        if local is not None:
            with open(local, "rb") as file:
                return file.read()
        system, inner = self._remote(path)
        return bytes(system.cat_file(inner))

    def read_if_there(self, path: str) -> Optional[bytes]:
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def stamp(self, path: str) -> str:
        """Another one whenever the file is: its size, and when it was written or the store's checksum."""
        local = _local(path)
        if local is not None:
            status = os.stat(local)
            return f"{status.st_size} {status.st_mtime_ns}"
        system, inner = self._remote(path)
        info = system.info(inner)
        return f"{info.get('size')} {info.get('ETag') or info.get('etag') or info.get('mtime') or info.get('LastModified') or ''}"

    def expand(self, pattern: str) -> list[str]:
        """The files of a pattern: {000..011}, and *, ? and [] as in a shell; sorted. Braces name files that have to be there."""
        braces = _BRACES.search(pattern)
        if braces:
            first, last = braces.groups()
            found = []
            for number in range(int(first), int(last) + 1):
                found += self.expand(f"{pattern[:braces.start()]}{number:0{len(first)}d}{pattern[braces.end():]}")
            return found
        if not _MAGIC.search(pattern):
            return [pattern]
        local = _local(pattern)
        if local is not None:
            return sorted(glob.glob(local, recursive=True), key=os.fsencode)
        system, inner = self._remote(pattern)
        system.invalidate_cache()
        return sorted(system.unstrip_protocol(one) for one in system.glob(inner))

    def below(self, top: str) -> list[tuple[str, str]]:
        """(path, the part of it below `top`) of all files there."""
        local = _local(top)
        if local is not None:
            return [(path, os.path.relpath(path, local).replace(os.sep, "/"))
                    for base, _, names in os.walk(local, onerror=_raise) for path in (os.path.join(base, name) for name in names)]
        system, inner = self._remote(top)
        system.invalidate_cache()
        return [(system.unstrip_protocol(path), path[len(inner.rstrip("/")) + 1:]) for path in system.find(inner)]

    # ---- Writing ------------------------------------------------------------------------------------
    def write(self, path: str, data: bytes) -> None:
        """A whole file or none; folders are made."""
        local = _local(path)
        if local is not None:
            os.makedirs(os.path.dirname(local) or ".", exist_ok=True)
            write_bytes(local, data)
        else:
            system, inner = self._remote(path)
            system.makedirs(system._parent(inner), exist_ok=True)
            system.pipe_file(inner, data)

    @contextlib.contextmanager
    def writer(self, path: str) -> Iterator[BinaryIO]:
        """A file that appears under its name, whole, when the block ends without an exception. Elsewhere it is put in one
        piece, from a temporary file of this machine. A forked child that ends within the block leaves it alone; what is
        not flushed when it is forked, it would write once more."""
        local = _local(path)
        if local is None:
            with tempfile.TemporaryFile() as spool:
                yield spool
                self._put(spool, path)
            return
        folder, name = os.path.split(local)
        os.makedirs(folder or ".", exist_ok=True)
        # A name of its own: a second attempt may run before the first is known to be lost.
        part, owner = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.part"), os.getpid()
        try:
            with open(part, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, local)
        except BaseException:
            if os.getpid() == owner:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part)
            raise

    def _put(self, spool: BinaryIO, path: str) -> None:
        system, inner = self._remote(path)
        system.makedirs(system._parent(inner), exist_ok=True)
        spool.flush()
        # A name for the open file; where there is none, a copy.
        name = f"/proc/self/fd/{spool.fileno()}"
        if os.path.exists(name):
            system.put_file(name, inner)
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "spool")
            spool.seek(0)
            with open(copy, "wb") as file:
                shutil.copyfileobj(spool, file)
            system.put_file(copy, inner)

    def sweep(self, folder: str) -> None:
        """Removes what killed writers have left."""
        local = _local(folder)
        for base, _, names in os.walk(local) if local is not None else ():
            for name in names:
                if re.fullmatch(r"\..*\.[0-9a-f]{8}\.part|.*\.fm-part", name):
                    os.unlink(os.path.join(base, name))

    def remove(self, folder: str) -> None:
        """Removes a folder with all that is in it, if it is there."""
        local = _local(folder)
        if local is not None:
            shutil.rmtree(local, ignore_errors=True)
        else:
            system, inner = self._remote(folder)
            with contextlib.suppress(FileNotFoundError):
                system.rm(inner, recursive=True)

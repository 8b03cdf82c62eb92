# freemask/_library.py - finds and loads the shared library, and turns its errors into exceptions.
# SPDX-License-Identifier: MIT
"""The library is the one in this package. FREEMASK_LIBRARY, the path of another one, has precedence:
for a system's own build, or one that is being worked on. Whichever it is, its ABI number has to be the
one that these declarations were made from, and its release has to be as new."""
from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import glob
import operator
import os
import threading
from ctypes import byref
from functools import cache
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Union

from . import _interface as c

__all__ = ["CallbackError", "EmptyError", "Error", "FormatError", "LabelError", "LossError", "MismatchError", "ShapeError",
           "library_path"]


class Error(Exception):
    """What the library refused, as a sentence that names pixel, value and expectation.

    Attributes:
        code: the number of the C constant, -1 and below.
        name: its name, such as "FM_ERR_LABEL".
        host_code: errno for files, the callback's value for callbacks, else 0.
    """

    _usual = 0  # the code of its kind

    def __init__(self, message: str, code: int = 0, host_code: int = 0) -> None:
        super().__init__(message)
        self.code, self.host_code = code or self._usual, host_code

    @property
    def name(self) -> str:
        """The name of the code's C constant."""
        return str(lib.fm_status_name(self.code).decode())

    def __reduce__(self) -> Any:
        return type(self), (self.args[0], self.code, self.host_code)


class ArgumentError(Error, ValueError):
    """A value out of range, or options that do not go together."""


class UnsupportedError(Error, TypeError):
    """Known, but not in this build, or not by this call: an element type, a device, an optional part."""


class ShapeError(Error, ValueError):
    """Sizes that have to agree differ."""


class LabelError(Error, ValueError):
    """A label outside the label space."""


class LossError(Error, ValueError):
    """A loss that is NaN, infinite or negative."""


class FormatError(Error, ValueError):
    """A file or saved state that is damaged or not what it should be."""


class LimitError(Error, OverflowError):
    """Larger than a limit that guards memory or counters."""


class FileError(Error, OSError):
    """The operating system refused; `errno` is its number. It is also what Python makes of that number, so that
    `except FileNotFoundError` works."""

    def __new__(cls, message: str, code: int = 0, host_code: int = 0) -> FileError:
        kind: Any = cls
        if cls is FileError:
            system: Any = type(OSError(host_code, ""))  # which knows the kind
            kind = _file_error_of(system)
        return super().__new__(kind, message)  # type: ignore[no-any-return]

    def __init__(self, message: str, code: int = 0, host_code: int = 0) -> None:
        super().__init__(message, code, host_code)
        self.errno = host_code

    def __reduce__(self) -> Any:
        return FileError, (self.args[0], self.code, self.host_code)


@cache
def _file_error_of(kind: Any) -> type[FileError]:
    """The FileError that is also of one of Python's kinds of OSError."""
    return FileError if kind is OSError else type("FileError", (FileError, kind), {"__module__": "freemask", "__doc__": FileError.__doc__})


class CallbackError(Error):
    """A callback stopped the call."""


class MismatchError(Error, ValueError):
    """Objects that do not belong together: label spaces, strata, scores, plans."""


class DuplicateError(Error, ValueError):
    """An id that occurs twice."""


class EmptyError(Error, ValueError):
    """Nothing to work on."""


class OutOfMemoryError(Error, MemoryError):
    """There was not enough memory."""


_KINDS: dict[int, type[Error]] = {
    c.FM_ERR_ARGUMENT: ArgumentError, c.FM_ERR_MEMORY: OutOfMemoryError, c.FM_ERR_UNSUPPORTED: UnsupportedError,
    c.FM_ERR_SHAPE: ShapeError, c.FM_ERR_LABEL: LabelError, c.FM_ERR_LOSS: LossError, c.FM_ERR_FORMAT: FormatError,
    c.FM_ERR_LIMIT: LimitError, c.FM_ERR_IO: FileError, c.FM_ERR_CALLBACK: CallbackError, c.FM_ERR_MISMATCH: MismatchError,
    c.FM_ERR_DUPLICATE: DuplicateError, c.FM_ERR_EMPTY: EmptyError}
Error.__module__ = "freemask"  # where users know them from
for _code, _kind in _KINDS.items():
    _kind._usual, _kind.__module__ = _code, "freemask"

_PATTERNS = ("libfreemask.so*", "libfreemask*.dylib", "*freemask*.dll")


def _candidates() -> Iterator[str]:
    chosen = os.environ.get("FREEMASK_LIBRARY")
    if chosen:
        yield chosen
        return
    # Where meson-python puts the libraries of a wheel: beside the package.
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), ".freemask.mesonpy.libs")
    for pattern in _PATTERNS:
        yield from sorted(glob.glob(os.path.join(glob.escape(beside), pattern)))
    found = ctypes.util.find_library("freemask")
    if found:
        yield found


def _load() -> tuple[ctypes.CDLL, str]:
    for path in _candidates():
        library = ctypes.CDLL(path)
        library.fm_version.restype = ctypes.c_char_p
        release, abi = library.fm_version().decode(), library.fm_abi_version()
        if abi != c.ABI_VERSION or _numbers(release) < _numbers(c.VERSION):
            raise ImportError(f"{path} is libfreemask {release} with ABI {abi}, but this package needs {c.VERSION} or newer with "
                              f"ABI {c.ABI_VERSION}; FREEMASK_LIBRARY names another file")
        return library, path
    raise ImportError("there is no libfreemask in this package and none in the system; FREEMASK_LIBRARY names one")


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


class Library:
    """The functions of the C interface with their types: `lib.fm_version()`. All of them are documented in
    the headers (`freemask.get_include()`); none of them holds the GIL."""

    def __init__(self) -> None:
        self._library, self.path = _load()

    def __getattr__(self, name: str) -> Any:
        if name not in c.FUNCTIONS:
            raise AttributeError(name)
        function = getattr(self._library, name)
        function.restype, function.argtypes = c.FUNCTIONS[name]
        setattr(self, name, function)
        return function

    def lean(self, name: str) -> Any:
        """A function of which ctypes checks the first argument alone, the handle: half a microsecond less. The others have to
        be byref(...) or None."""
        function = self._library[name]  # another object than the attribute
        arguments: Any
        function.restype, arguments = c.FUNCTIONS[name]
        function.argtypes = arguments[:1]
        return function


lib = Library()


def library_path() -> str:
    """The file of the shared library that was loaded."""
    return lib.path


class _Local(threading.local):
    def __init__(self) -> None:
        self.error = c.fm_error()
        self.at = byref(self.error)


_local = _Local()


def call(function: Callable[..., int], *arguments: Any) -> None:
    """Calls a function whose last parameter is the fm_error, and raises what it reports."""
    local = _local
    if function(*arguments, local.at):
        raise_error(local.error)


def encoded(function: Callable[..., int], *arguments: Any) -> bytes:
    """What a function hands to its fm_write_fn."""
    parts: list[bytes] = []

    def keep(data: int, size: int, _: Any) -> int:
        parts.append(ctypes.string_at(data, size))
        return 0

    call(function, *arguments, c.fm_write_fn(keep), None)
    return b"".join(parts)


@contextlib.contextmanager
def named(where: str) -> Iterator[None]:
    """Errors inside say where they are: in which file, of which sample."""
    try:
        yield
    except Error as error:
        raise type(error)(f"{where}: {error}", error.code, error.host_code) from None


def raise_error(error: Any) -> None:
    message = bytes(error.message).partition(b"\0")[0].decode()
    raise _KINDS.get(error.code, Error)(message, error.code, error.host_code)


def expect(value: Any, kind: type, name: str) -> Any:
    """The value, if it is of that class."""
    if not isinstance(value, kind):
        raise UnsupportedError(f"{name} is of the type {type(value).__name__}, expected freemask.{kind.__name__}", c.FM_ERR_UNSUPPORTED)
    return value


# ---- Values for the library -----------------------------------------------------------------------------
# ctypes cuts integers to the bits of their C type, and C ends strings at a NUL: both would be other values than were given.
@cache
def _bounds(kind: Any) -> Optional[tuple[int, int]]:
    """The least and the largest value of an integer type of C; None for other types."""
    code = getattr(kind, "_type_", None)
    if not isinstance(code, str) or code not in "bBhHiIlLqQ":
        return None
    bits = 8 * ctypes.sizeof(kind)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if code.islower() else (0, (1 << bits) - 1)


@cache
def _field_bounds(kind: Any) -> dict[str, tuple[int, int]]:
    found = {name: _bounds(of) for name, of, *_ in kind._fields_}
    return {name: bounds for name, bounds in found.items() if bounds is not None}


def make(kind: Any, /, **values: Any) -> Any:
    """A sized structure."""
    bounds = _field_bounds(kind)
    for name, value in values.items():
        if name in bounds and not bounds[name][0] <= value <= bounds[name][1]:
            raise ArgumentError(f"{kind.__name__}: {name} is {value}, expected {bounds[name][0]} to {bounds[name][1]}")
    return kind(size=ctypes.sizeof(kind), **values)


def whole(value: Any, name: str, kind: Any = ctypes.c_int64) -> int:
    """An integer of any library as Python's, if the C type holds it."""
    try:
        number = operator.index(value)
    except TypeError:
        raise UnsupportedError(f"{name} is {value!r}, expected a whole number") from None
    low, high = _bounds(kind) or (0, 0)
    if not low <= number <= high:
        raise ArgumentError(f"{name} is {number}, expected {low} to {high}")
    return number


def is_whole(value: Any) -> bool:
    """Is it one integer, of Python or another library?"""
    return hasattr(type(value), "__index__") and not getattr(value, "shape", ())


def one_or_more(value: Any, name: str) -> int:
    """A number of things, of which there has to be one: the library would take 0 for its default."""
    number = whole(value, name)
    if number < 1:
        raise ArgumentError(f"{name} is {number}, expected 1 or more")
    return number


def integers(kind: Any, values: Iterable[Any], name: str) -> Any:
    """An array of an integer type of C."""
    listed = list(values)
    low, high = _bounds(kind) or (0, 0)
    if listed and not low <= min(listed) <= max(listed) <= high:
        raise ArgumentError(f"{name} has {min(listed) if min(listed) < low else max(listed)}, expected {low} to {high}")
    return (kind * len(listed))(*listed)


def text(value: Any, name: str) -> bytes:
    """A string."""
    if not isinstance(value, str):
        raise UnsupportedError(f"{name} is of the type {type(value).__name__}, expected str")
    return _without_nul(value.encode("utf-8", "surrogateescape"), name)


def path_of(path: Union[str, bytes, os.PathLike[str]]) -> bytes:
    """The name of a file."""
    return _without_nul(os.fsencode(path), "the path")


def _without_nul(data: bytes, name: str) -> bytes:
    if b"\0" in data:
        raise ArgumentError(f"{name} is {data!r}, which has a byte 0")
    return data


def chosen(table: Mapping[str, Any], value: Any, name: str) -> Any:
    """What an option's word stands for."""
    if not isinstance(value, str) or value not in table:
        raise ArgumentError(f"{name} is {value!r}, expected one of {', '.join(table)}")
    return table[value]


class Handle:
    """Owns a handle of the library; `destroy` is the function that gives it up."""

    _destroy = ""
    _pointer: Optional[int] = None

    def _create(self, function: Callable[..., int], *arguments: Any) -> None:
        out = ctypes.c_void_p()
        call(function, *arguments, byref(out))
        self._pointer = out.value

    def __del__(self) -> None:
        pointer, self._pointer = self._pointer, None
        if pointer:
            getattr(lib, self._destroy)(pointer)

    def __reduce__(self) -> Any:
        """What pickle and copy call. The pointer must not get into another object, which would give the handle up as well."""
        raise UnsupportedError(f"a {type(self).__name__} can be neither copied nor pickled")


class Context(Handle):
    """What everything else is made from; the package has one."""

    _destroy = "fm_context_destroy"

    def __init__(self) -> None:
        self._create(lib.fm_context_create, None)

    @property
    def kernels(self) -> str:
        return str(lib.fm_context_kernels(self._pointer).decode())


context = Context()

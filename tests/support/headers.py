# support/headers.py - the public headers, taken apart: prototypes, handles, structures, numbers.
"""The headers are plain enough for patterns; what a pattern misses, the tests that compile and
link what was found show."""
import os
import re

from tap import HEADERS

CUDA = ["cuda.h"]  # of libfreemask-cuda, a library of its own


def every():
    return sorted(name for name in os.listdir(HEADERS) if name.endswith(".h"))


def names():
    """Without those of libfreemask-cuda."""
    return [name for name in every() if name not in CUDA]


def library():
    """The headers of the library: those that freemask.h includes. plugin.h is the tool's."""
    return sorted(re.findall(r"#include <freemask/([\w.]+)>", text("freemask.h")))


def text(name):
    with open(os.path.join(HEADERS, name), encoding="utf-8") as file:
        return file.read()


def code(name):
    """Without comments and preprocessor lines."""
    bare = re.sub(r"/\*.*?\*/", " ", text(name), flags=re.S)
    return re.sub(r"^\s*#(?:.*\\\n)*.*$", "", bare, flags=re.M)


def prototypes(of=None):
    """{function: header} of everything declared FM_API."""
    return {function: name for name in of or names()
            for function in re.findall(r"\bFM_API\b[^;(]*?\b(fm_\w+)\s*\(", code(name))}


def handles():
    """{opaque type: (header, the comment above it)}."""
    pattern = re.compile(r"/\*\*((?:(?!\*/).)*)\*/\s*typedef struct (fm_\w+) \2;", re.S)
    return {match.group(2): (name, match.group(1))
            for name in names() for match in pattern.finditer(text(name))}


def opaque_types():
    return {kind for name in names()
            for kind in re.findall(r"typedef struct (fm_\w+) \1;", code(name))}


def _members(body):
    """Names of a structure's members, in order."""
    for declaration in body.split(";"):
        match = re.search(r"(\w+)\s*(?:\[\w+\])?\s*$", declaration.strip())
        if match:
            yield match.group(1)


def structures(of=None):
    """{structure: its members in order}."""
    return {match.group(1): list(_members(match.group(2)))
            for name in of or names()
            for match in re.finditer(r"typedef struct (fm_\w+) \{(.*?)\} \1;", code(name), re.S)}


def numbers():
    """Every enumerator, in order of appearance."""
    return list(constants())


def constants():
    """{enumerator: its value}, in order of appearance."""
    return {name: int(value) for header in names()
            for body in re.findall(r"\benum\b(?:\s+\w+)?\s*\{(.*?)\}", code(header), re.S)
            for name, value in re.findall(r"\b(FM_\w+)\s*=\s*(-?\d+)", body)}

#!/usr/bin/env python3
# python/make_interface.py - writes freemask/_interface.py, what ctypes has to know, from the headers.
# SPDX-License-Identifier: MIT
"""make_interface.py INCLUDE OUT: reads INCLUDE/freemask/*.h, writes OUT. Constants, structures, callback
types and prototypes come from the headers' text, so there is no second list to keep. The headers are
plain enough for patterns; what a pattern does not know fails here, loudly."""
import os
import re
import sys

BASE = {"size_t": "c_size_t", "int": "c_int", "int32_t": "c_int32", "int64_t": "c_int64", "int16_t": "c_int16", "uint8_t": "c_uint8",
        "uint16_t": "c_uint16", "uint32_t": "c_uint32", "uint64_t": "c_uint64", "double": "c_double", "float": "c_float", "char": "c_char",
        "void": "None"}


def code_of(folder):
    """The headers that freemask.h includes, in that order, and cuda.h, without comments and preprocessor lines; version.h and
    cuda.h as they are."""
    def text(name):
        with open(os.path.join(folder, "freemask", name), encoding="utf-8") as file:
            return file.read()
    names = [*re.findall(r"#include <freemask/([\w.]+)>", text("freemask.h")), "cuda.h"]
    bare = (re.sub(r"/\*.*?\*/", " ", text(name), flags=re.S) for name in names)
    return text("version.h") + text("cuda.h"), "\n".join(re.sub(r"^\s*#(?:.*\\\n)*.*$", "", one, flags=re.M) for one in bare)


class Headers:
    def __init__(self, folder):
        version, code = code_of(folder)
        self.version = ".".join(re.findall(r"#define FM_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", version))
        self.abi, self.cuda_abi = (re.search(rf"#define FM_{name}ABI_VERSION (\d+)", version).group(1) for name in ("", "CUDA_"))
        self.constants = [(name, int(value)) for body in re.findall(r"\benum\b(?:\s+\w+)?\s*\{(.*?)\}", code, re.S)
                          for name, value in re.findall(r"\b(FM_\w+)\s*=\s*(-?\d+)", body)]
        self.enums = set(re.findall(r"typedef enum (fm_\w+)", code))
        self.handles = set(re.findall(r"typedef struct (fm_\w+) \1;", code))
        self.structures = re.findall(r"typedef struct (fm_\w+) \{(.*?)\} \1;", code, re.S)
        self.callbacks = {name: (kind, arguments) for kind, name, arguments in re.findall(
            r"typedef ([\w *]+?)\(\*(fm_\w+)\)\(([^;]*)\);", code)}
        self.functions = [(name, kind, arguments) for kind, name, arguments in re.findall(
            r"\bFM_API\s+([\w\s*]*?)\b(fm_\w+)\s*\(([^;]*?)\)\s*;", code)]
        if len(self.functions) != len(re.findall(r"\bFM_API\b", code)):
            raise SystemExit("make_interface.py: a declaration that the pattern does not know")

    def type(self, text):
        """A C type as an expression of ctypes."""
        words = text.replace("const", " ").replace("struct ", " ").replace("*", " * ").split()
        base, stars = words[0], words.count("*")
        if base in self.callbacks:
            return base
        if stars and (base in self.handles or base == "void"):
            kind, stars = "c_void_p", stars - 1
        elif stars and base == "char":
            kind, stars = "c_char_p", stars - 1
        elif base in self.enums:
            kind = "c_int"
        elif base in BASE:
            kind = BASE[base]
        elif base in {name for name, _ in self.structures}:
            kind = base
        else:
            raise SystemExit(f"make_interface.py: unknown type {text!r}")
        return "POINTER(" * stars + kind + ")" * stars

    def types(self, arguments):
        if arguments.strip() == "void":
            return []
        return [self.type(re.sub(r"\w+\s*$", "", one)) for one in arguments.split(",")]

    def fields(self, body):
        for declaration in filter(str.strip, body.split(";")):
            if "," in declaration:
                raise SystemExit(f"make_interface.py: several members in one declaration: {declaration.strip()!r}")
            kind, member, length = re.fullmatch(r"(.*?)(\w+)\s*(?:\[(\d+)\])?", declaration.strip(), re.S).groups()
            yield member, f"{self.type(kind)} * {length}" if length else self.type(kind)


def in_order(headers):
    """Structures and callbacks, each after what it needs by value; callbacks take structures by pointer."""
    lines, declared, waiting = [], set(), dict(headers.structures)
    known = set(waiting)
    for name in known:
        lines.append(f"class {name}(Structure):\n    pass\n")
    for name, (kind, arguments) in headers.callbacks.items():
        lines.append(f"{name} = CFUNCTYPE({', '.join([headers.type(kind), *headers.types(arguments)])})\n")
    while waiting:
        ready = [name for name, body in waiting.items()
                 if all(re.sub(r" \* \d+$", "", kind) not in waiting for _, kind in headers.fields(body))]
        if not ready:
            raise SystemExit(f"make_interface.py: structures in a circle: {sorted(waiting)}")
        for name in ready:
            fields = ", ".join(f"({member!r}, {kind})" for member, kind in headers.fields(waiting.pop(name)))
            lines.append(f"{name}._fields_ = [{fields}]\n")
            declared.add(name)
    return lines


def generate(folder):
    headers = Headers(folder)
    out = ["# freemask/_interface.py - made from the headers by make_interface.py; not edited by hand.\n",
           "# ruff: noqa\n# mypy: ignore-errors\n",
           "from ctypes import (CFUNCTYPE, POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int16, c_int32,\n"
           "                    c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p)\n\n",
           f'VERSION = "{headers.version}"\nABI_VERSION = {headers.abi}\n'
           f"CUDA_ABI_VERSION = {headers.cuda_abi}\n\n"]
    out += [f"{name} = {value}\n" for name, value in headers.constants]
    out += ["\n", *in_order(headers), "\n# {function: (what it returns, what it takes)}\n"]
    for name, of_cuda in (("FUNCTIONS", False), ("CUDA_FUNCTIONS", True)):
        out += [f"{name} = {{\n", *(f"    {function!r}: ({headers.type(kind)}, [{', '.join(headers.types(arguments))}]),\n"
                                   for function, kind, arguments in headers.functions
                                   if function.startswith("fm_cuda_") == of_cuda), "}\n"]
    return "".join(out)


def main():
    folder, path = sys.argv[1:]
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(generate(folder))


if __name__ == "__main__":
    main()

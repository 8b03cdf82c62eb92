# ctypes/freemask_ctypes.py - the interface as ctypes sees it, made from the headers.
"""Structures and prototypes come from the headers' text: no second list to keep. What the
patterns cannot read fails here, loudly."""
import ctypes
import re

import headers

BASE = {"size_t": ctypes.c_size_t, "int": ctypes.c_int, "int32_t": ctypes.c_int32,
        "int16_t": ctypes.c_int16, "uint16_t": ctypes.c_uint16, "int64_t": ctypes.c_int64, "uint8_t": ctypes.c_uint8, "uint32_t": ctypes.c_uint32,
        "uint64_t": ctypes.c_uint64, "double": ctypes.c_double, "float": ctypes.c_float,
        "char": ctypes.c_char, "void": None}


class Interface:
    """lib.fm_xyz(...), lib.FM_U8, lib.struct("fm_plane"), lib.callback("fm_source_get_fn")."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.code = "\n".join(headers.code(name) for name in headers.names())
        self.enums = set(re.findall(r"typedef enum (fm_\w+)", self.code))
        self.handles = headers.opaque_types()
        self.bodies = dict(re.findall(r"typedef struct (fm_\w+) \{(.*?)\} fm_\w+;", self.code, re.S))
        self.callbacks = {name: (kind, arguments) for kind, name, arguments in re.findall(
            r"typedef ([\w *]+?)\(\*(fm_\w+)\)\(([^;]*)\);", self.code)}
        self.structs, self.types = {}, {}
        for name, value in headers.constants().items():
            setattr(self, name, value)
        for kind, name, arguments in re.findall(
                r"\bFM_API\s+([\w\s*]*?)\b(fm_\w+)\s*\(([^;]*?)\)\s*;", self.code):
            function = getattr(self.library, name)
            function.restype = self.type(kind)
            function.argtypes = self.types_of(arguments)
            setattr(self, name, function)

    def type(self, text):
        """The ctypes type of a C type."""
        words = text.replace("const", " ").replace("struct ", " ").replace("*", " * ").split()
        base, stars = words[0], words.count("*")
        if base in self.callbacks:
            return self.callback(base)
        if stars and base in self.handles:
            kind, stars = ctypes.c_void_p, stars - 1
        elif stars and base == "char":
            kind, stars = ctypes.c_char_p, stars - 1
        elif stars and base == "void":
            kind, stars = ctypes.c_void_p, stars - 1
        elif base in self.enums:
            kind = ctypes.c_int
        else:
            kind = BASE[base] if base in BASE else self.struct(base)
        for _ in range(stars):
            kind = ctypes.POINTER(kind)
        return kind

    def types_of(self, arguments):
        if arguments.strip() == "void":
            return []
        return [self.type(re.sub(r"\w+\s*$", "", one)) for one in arguments.split(",")]

    def callback(self, name):
        if name not in self.types:
            kind, arguments = self.callbacks[name]
            self.types[name] = ctypes.CFUNCTYPE(self.type(kind), *self.types_of(arguments))
        return self.types[name]

    def dtype(self, name):
        """The fm_dtype of what NumPy calls "uint8" or "float32"."""
        kind = {"u": "U", "i": "I", "f": "F"}[name[0]]
        return getattr(self, "FM_" + kind + name.lstrip("abcdefghijklmnopqrstuvwxyz"))

    def struct(self, name):
        if name not in self.structs:
            fields = []
            for declaration in filter(str.strip, self.bodies[name].split(";")):
                kind, member, length = re.fullmatch(r"(.*?)(\w+)\s*(?:\[(\d+)\])?", declaration.strip(),
                                                    re.S).groups()
                one = self.type(kind)
                fields.append((member, one * int(length) if length else one))
            self.structs[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
        return self.structs[name]

    def make(self, name, /, **values):
        """A structure with its size set."""
        made = self.struct(name)(**values)
        if "size" in dict(made._fields_):
            made.size = ctypes.sizeof(made)
        return made

    def labels_options(self, class_count, *ignored, **values):
        """Options of a label space that ignores these labels and writes the first."""
        return self.make("fm_labels_options", class_count=class_count, ignored_count=len(ignored),
                         ignored_labels=(ctypes.c_int64 * len(ignored))(*ignored), **values)

# headers/test_includes.py - which room includes what: no include points upward.
"""The rooms of the library lean on each other in one order, and so do their public headers. The tool and
the examples are hosts: they know the installed headers and nothing else of the library."""
import os
import re

import headers
import tap

# room: the rooms that it may include, apart from itself.
BELOW = {
    "core": "",
    "dsp": "core",
    "map": "dsp core",
    "labels": "map dsp core",
    "filter": "labels map dsp core",
    "hardness": "labels map dsp core",
    "plan": "labels map dsp core",
    "network": "filter labels map dsp core",
    "provider": "network filter hardness plan labels map dsp core",
    "io": "network filter hardness plan labels map dsp core",
    "cuda": "network filter hardness labels map dsp core",
}
# public header: its room.
ROOM_OF = {"context.h": "core", "error.h": "core", "export.h": "core", "version.h": "core", "shard.h": "core", "view.h": "core",
           "labels.h": "labels", "class_stats.h": "labels", "map.h": "map", "filter.h": "filter",
           "calibration.h": "filter",
           "hardness.h": "hardness", "plan.h": "plan", "planner.h": "plan", "ranking.h": "plan",
           "schedule.h": "plan",
           "network_loss.h": "network", "cuda.h": "cuda", "provider.h": "provider", "io.h": "io", "files.h": "io"}
ALONE = {"freemask.h", "plugin.h"}  # these include the headers of any room

STANDARD = set("""assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal
stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar
wchar wctype""".split())
# Headers that are neither ours nor C's: room of the library: what its files may include.
FOREIGN = {"cuda": "dlfcn", "dsp": "immintrin cpuid arm_neon arm_sve", "core": "malloc",
           "io": "png zlib jpeglib jerror tiffio webp/decode libdeflate jansson unistd sys/stat fcntl sys/types"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.M)


def files(*folders):
    """Every C and C++ file below, relative to the source."""
    for folder in folders:
        for base, _, names in os.walk(os.path.join(tap.SOURCE, folder)):
            for name in sorted(names):
                if re.search(r"\.(c|h|cpp|hpp)$", name):
                    yield os.path.relpath(os.path.join(base, name), tap.SOURCE)


def text_of(path):
    with open(os.path.join(tap.SOURCE, path), encoding="utf-8") as file:
        return file.read()


def includes(path):
    """[(name, whether it is in quotes)]"""
    return [(match.group(1) or match.group(2), match.group(1) is not None)
            for match in INCLUDE.finditer(text_of(path))]


def may(room):
    return {room, *BELOW[room].split()}


def is_port(name):
    """Of port/ itself: for whoever talks to the system, which the library does in io alone."""
    return os.path.isfile(os.path.join(tap.SOURCE, "port", name))


def wrong_public(name, allowed):
    """What is wrong with including <freemask/...> from a place that may use these rooms; None: nothing."""
    header = name.split("/", 1)[1]
    if header not in headers.every():
        return f"<{name}> is not a public header"
    if allowed is not None and (header in ALONE or ROOM_OF[header] not in allowed):
        return f"<{name}> is above it"
    return None


def wrong_in_library(path, name, quoted):
    room = path.split("/")[1]
    if quoted and is_port(name):
        return None if room == "io" else f'"{name}" is for lib/io and the tool'
    if quoted:
        target = name.split("/")[0]
        if not os.path.isfile(os.path.join(tap.SOURCE, "lib", name)):
            return f'"{name}" is not a file of lib/'
        return None if target in may(room) else f'"{name}" is above it'
    if name.startswith("freemask/"):
        return wrong_public(name, may(room))
    if name[:-2] in STANDARD or name[:-2] in FOREIGN.get(room, "").split():
        return None
    return f"<{name}> is neither C's nor one that lib/{room} may use"


def wrong_in_header(path, name, quoted):
    header = os.path.basename(path)
    if quoted:
        return f'"{name}" is in quotes'
    if name.startswith("freemask/"):
        return wrong_public(name, None if header in ALONE else may(ROOM_OF[header]))
    return None if name in ("stddef.h", "stdint.h") else f"<{name}>: headers need <stddef.h> and <stdint.h> only"


def wrong_in_host(path, name, quoted):
    """A host's quoted headers are its own."""
    if quoted:
        own = [os.path.dirname(path), path.split("/")[0]]
        found = any(os.path.isfile(os.path.join(tap.SOURCE, folder, name)) for folder in own) or (
            path.startswith("tool/") and is_port(name))
        return None if found and ".." not in name else f'"{name}" is not its own'
    return wrong_public(name, None) if name.startswith("freemask/") else None


def wrong_in_base(path, name, quoted):
    """The tool's base knows no other room of the tool."""
    if quoted and not name.startswith("base/") and not is_port(name):
        return f'"{name}" is above it'
    return wrong_in_host(path, name, quoted)


def check(name, paths, wrong):
    paths = list(paths)
    found = [f"{path}: {what}" for path in paths for include in includes(path)
             for what in [wrong(path, *include)] if what]
    tap.ok(paths and not found, f"{name} ({len(paths)} files)", "\n".join(found) or "no files")


tap.equal(sorted(set(headers.names()) - ALONE - set(ROOM_OF)), [], "every public header has a room")
tap.equal(sorted(room for room in os.listdir(f"{tap.SOURCE}/lib")
                 if room not in BELOW and any(files(f"lib/{room}"))), [], "every folder of lib/ is a room")
for each, below in BELOW.items():
    if os.path.isdir(f"{tap.SOURCE}/lib/{each}"):
        check(f"lib/{each} includes {below or 'nothing but itself'}", files(f"lib/{each}"), wrong_in_library)
check("public headers include public headers of their own room and those below", files("include"), wrong_in_header)
check("tool/base includes itself", files("tool/base"), wrong_in_base)
check("the tool includes itself and public headers", files("tool"), wrong_in_host)
check("port/ includes the system's headers only",
      [path for path in files("port") if os.path.dirname(path) == "port"],
      lambda _, name, quoted: f'"{name}" is ours' if quoted or name.startswith("freemask/") else None)
check("examples include themselves and public headers", files("examples"), wrong_in_host)
internal = [path for path in files("tool", "examples") if re.search(r"\bfm__\w", text_of(path))]
tap.equal(internal, [], "no host uses a name that begins with fm__")
tap.done()

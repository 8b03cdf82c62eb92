# abi/test_layout.py - structures and numbers of the headers are as recorded in layout.txt.
"""`test_layout.py --record` adds what is new; what is recorded may not change within one
FM_ABI_VERSION. The numbers are those of 64-bit machines."""
import os
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "support"))
import headers  # noqa: E402
import tap  # noqa: E402

LAYOUT = os.path.join(FOLDER, "layout.txt")
SIZES = os.path.join(FOLDER, "sizes.txt")
# These never grow: they are passed by value, or live in the caller's memory without a size.
FROZEN = {"fm_cuda_status": 64, "fm_error": 512, "fm_label_color": 8, "fm_plan_part": 16, "fm_plane": 48, "fm_volume": 64}


def program():
    lines = ["#include <freemask/freemask.h>", "#include <freemask/plugin.h>", "#include <freemask/cuda.h>", "#include <stddef.h>", "#include <stdio.h>",
             "int main(void) {"]
    for structure, members in headers.structures(headers.every()).items():
        lines.append(f'printf("size {structure} %zu\\n", sizeof({structure}));')
        lines += [f'printf("at {structure}.{member} %zu\\n", offsetof({structure}, {member}));'
                  for member in members]
    lines += [f'printf("number {name} %d\\n", (int){name});' for name in headers.numbers()]
    return "\n".join(lines + ['printf("pointer %zu\\n", sizeof(void *));', "return 0;", "}"])


def measure(folder, extra=()):
    """{"at fm_plane.dtype": 8, ...} as the compiler has it."""
    source, binary = os.path.join(folder, "layout.c"), os.path.join(folder, "layout")
    with open(source, "w", encoding="utf-8") as file:
        file.write(program())
    compiler = os.environ.get("FM_CC", "cc").split()
    built = tap.run([*compiler, *extra, "-std=c11", f"-I{tap.SOURCE}/include", source, "-o", binary])
    if built.returncode:
        raise RuntimeError(built.stdout)
    return parse(tap.run([binary]).stdout)


def parse(text):
    return {" ".join(words[:-1]): int(words[-1]) for words in map(str.split, text.splitlines())
            if words and not words[0].startswith("#")}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def record(now):
    with open(LAYOUT, "w", encoding="utf-8") as file:
        file.write("# What the headers lay out, on 64-bit machines. Renewed by ./dev abi --record.\n")
        file.writelines(f"{key} {value}\n" for key, value in now.items() if key != "pointer")
    record_sizes(now)


def record_sizes(now):
    """The sizes of the release that version.h names, which is being made: those of earlier
    releases stay."""
    release = tap.run([os.path.join(tap.SOURCE, "dev"), "version"]).stdout.strip()
    lines = [line for line in read(SIZES).splitlines(True) if line.split()[:1] != [release]]
    lines += [f"{release} {name} {now['size ' + name]}\n"
              for name, members in headers.structures().items() if members[0] == "size"]
    with open(SIZES, "w", encoding="utf-8") as file:
        file.writelines(lines)


def released_sizes():
    """[(release, structure, size)]: every size that programs out there may pass."""
    rows = [line.split() for line in read(SIZES).splitlines() if line and line[0] != "#"]
    return [(release, structure, int(size)) for release, structure, size in rows]


def check(now):
    recorded = parse(read(LAYOUT))
    for key, value in recorded.items():
        kind, name = key.split()
        grows = kind == "size" and name not in FROZEN
        got = now.get(key)
        tap.ok(got is not None and (got >= value if grows else got == value), f"{key} is {value}",
               f"now {got}")
    tap.equal([key for key in now if key not in recorded and key != "pointer"], [],
              "nothing unrecorded (./dev abi --record)")
    for name, size in FROZEN.items():
        tap.equal(now.get(f"size {name}"), size, f"{name} is frozen")
    sized = {name for name, members in headers.structures().items() if members[0] == "size"}
    cuda = {"fm_cuda_status"}  # of a library of its own, which has no releases yet
    tap.equal(set(headers.structures()) - sized, set(FROZEN) - cuda, "whatever is not frozen has its size")
    released = released_sizes()
    tap.equal(sized - {row[1] for row in released}, set(), "sizes.txt knows every structure")
    for release, structure, size in released:
        tap.ok(size <= now[f"size {structure}"], f"{structure} of {release} is no longer than now")


with tempfile.TemporaryDirectory() as scratch:
    measured = measure(scratch)
    if "--record" in sys.argv:
        record(measured)
        sys.exit(0)
if measured["pointer"] != 8:
    tap.skip_all("not a 64-bit machine", excused=True)
check(measured)
tap.done()

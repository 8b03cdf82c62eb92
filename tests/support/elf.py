# support/elf.py - what binutils say about a library.
import re

import tap


def _lines(command):
    result = tap.run(command)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stdout}")
    return [line for line in result.stdout.splitlines() if line.strip()]


def exported(shared):
    if shared.endswith(".dll"):
        table = "\n".join(_lines(["x86_64-w64-mingw32-objdump", "-p", shared])).split("[Ordinal/Name Pointer] Table")
        return sorted(re.findall(r"^\t\[ *\d+\] (\S+)$", table[1], re.MULTILINE))
    return sorted(line.split()[-1].split("@")[0]
                  for line in _lines(["nm", "-D", "--defined-only", shared]))


def imported(shared):
    return sorted({line.split()[-1].split("@")[0]
                   for line in _lines(["nm", "-D", "--undefined-only", shared])})


def globals_of(archive):
    """Names that an archive defines for its user's linker."""
    return sorted({line.split()[-1] for line in _lines(["nm", "-g", "--defined-only", archive])
                   if not line.endswith(":")})


def writable(archive):
    """Variables that can change while the program runs."""
    found = []
    for line in _lines(["nm", "--format=sysv", "--defined-only", archive]):
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 7 and re.match(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)|\*COM\*", fields[6]):
            if fields[3] not in ("SECTION", "FILE"):
                found.append(fields[0])
    return found


def dynamic(shared):
    """(SONAME, [NEEDED])"""
    text = "\n".join(_lines(["readelf", "-dW", shared]))
    soname = re.search(r"\(SONAME\).*\[(.*)\]", text)
    return soname and soname.group(1), re.findall(r"\(NEEDED\).*\[(.*)\]", text)


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"

# abi/test_releases.py - the library of today runs the programs of every release.
import os
import platform
import re

import elf
import releases
import tap

tap.need_programs("readelf")
LIBRARY = os.environ["FM_SHARED"]
tap.ok(os.path.isdir(os.path.join(releases.RELEASES, releases.version())),
       f"releases/{releases.version()} is there", "./dev abi --record makes it")
soname, _ = elf.dynamic(LIBRARY)
for release in sorted(os.listdir(releases.RELEASES)):
    program = os.path.join(releases.RELEASES, release, releases.PROGRAM)
    name = f"the program of {release} runs"
    asks = [needed for needed in elf.dynamic(program)[1] if re.match("libfreemask", needed)]
    tap.equal(len(asks), 1, f"the program of {release} asks for the library by its soname")
    if asks != [soname]:
        print(f"# {release} was {asks[0]}: this library is {soname} and need not run it")
        continue
    if releases.outdated(release):
        tap.skip(name, "the interface has changed since, before the release: ./dev abi --record compiles it anew", excused=True)
        continue
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        tap.skip(name, "it was compiled for x86-64 and glibc", excused=True)
        continue
    with open(os.path.join(releases.RELEASES, release, releases.PRINTS), encoding="utf-8") as file:
        tap.equal(releases.outcome(program, LIBRARY), (0, file.read()), f"{name} and prints what it printed then")
tap.done()

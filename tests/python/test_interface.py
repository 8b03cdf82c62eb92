#!/usr/bin/env python3
# python/test_interface.py - the declarations that ctypes works with, against a C compiler's.
# SPDX-License-Identifier: MIT
import ctypes
import os
import re
import shlex
import subprocess
import sys

import kit  # noqa: F401 (finds the package)
import tap

import freemask as fm
from freemask import _interface as c

HEADERS = os.path.join(tap.SOURCE, "include") if os.path.isdir(os.path.join(tap.SOURCE, "include")) else fm.get_include()
structures = {name: kind for name, kind in vars(c).items()
              if isinstance(kind, type) and issubclass(kind, ctypes.Structure) and kind is not ctypes.Structure}
lines = ["#include <stddef.h>", "#include <stdio.h>", "#include <freemask/freemask.h>", "#include <freemask/cuda.h>", "int main(void) {"]
for name, kind in structures.items():
    lines.append(f'  printf("{name} %zu\\n", sizeof({name}));')
    lines += [f'  printf("{name}.{field[0]} %zu\\n", offsetof({name}, {field[0]}));' for field in kind._fields_]
constants = {name: value for name, value in vars(c).items() if name.startswith("FM_")}
lines += [f'  printf("{name} %d\\n", (int){name});' for name in constants]
lines += ["  return 0;", "}"]
with open(tap.path("layout.c"), "w", encoding="utf-8") as file:
    file.write("\n".join(lines))
subprocess.run([*shlex.split(os.environ.get("FM_CC", "cc")), "-std=c99", "-I", HEADERS, tap.path("layout.c"), "-o", tap.path("layout")],
               check=True)
compiled = dict(line.split() for line in subprocess.run([tap.path("layout")], capture_output=True, text=True, check=True).stdout.splitlines())
declared = {name: str(ctypes.sizeof(kind)) for name, kind in structures.items()}
declared.update({f"{name}.{field[0]}": str(getattr(kind, field[0]).offset) for name, kind in structures.items() for field in kind._fields_})
declared.update({name: str(value) for name, value in constants.items()})
tap.equal({key: (value, compiled.get(key)) for key, value in declared.items() if compiled.get(key) != value}, {},
          f"{len(structures)} structures and {len(constants)} constants are the compiler's")
code = "".join(re.sub(r"/\*.*?\*/", " ", open(os.path.join(HEADERS, "freemask", name), encoding="utf-8").read(), flags=re.S)
               for name in sorted(os.listdir(os.path.join(HEADERS, "freemask"))) if name != "plugin.h")
tap.equal(sorted([*c.FUNCTIONS, *c.CUDA_FUNCTIONS]), sorted(re.findall(r"FM_API[^;(]*?\b(fm_\w+)\s*\(", code)), "every function of the headers is declared")
tap.ok(all(getattr(fm.lib, name) for name in c.FUNCTIONS), "and the library has it")
PACKAGE = os.path.join(tap.SOURCE, "bindings", "python")
if os.path.isdir(PACKAGE):
    with open(os.path.join(PACKAGE, "meson.build"), encoding="utf-8") as file:
        installed = re.findall(r"'freemask/(\w+\.py)'", file.read())
    there = {name for name in os.listdir(os.path.join(PACKAGE, "freemask")) if name.endswith(".py")} - {"_interface.py"}
    tap.equal(sorted(installed), sorted(there), "each module is installed")
tap.ok(fm.__version__ == c.VERSION and os.path.exists(fm.library_path()), "release and file", (fm.__version__, fm.library_path()))
if os.environ.get("FREEMASK_TEST_INSTALLED"):
    # The wheel's own pkg-config file: a C program that is built by it runs.
    with open(tap.path("program.c"), "w", encoding="utf-8") as file:
        file.write('#include <freemask/freemask.h>\n#include <stdio.h>\nint main(void) { puts(fm_version()); return 0; }\n')
    folder = os.path.join(os.path.dirname(fm.get_include()), "_pkgconfig")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libfreemask"], env={**os.environ, "PKG_CONFIG_PATH": folder},
                           capture_output=True, text=True, check=True).stdout.split()
    subprocess.run(["cc", tap.path("program.c"), "-o", tap.path("program"), *flags], check=True)
    tap.equal(subprocess.run([tap.path("program")], capture_output=True, text=True).stdout.strip(), fm.__version__,
              "a C program built by the wheel's libfreemask.pc")
for path, says in (("/nowhere.so", "nowhere"), (tap.path("layout"), "")):
    ran = subprocess.run([sys.executable, "-c", "import freemask"], env={**os.environ, "FREEMASK_LIBRARY": path}, capture_output=True, text=True)
    tap.ok(ran.returncode != 0 and says in ran.stderr, f"a library that is none: {os.path.basename(path)}", ran.stderr)
with open(tap.path("other.c"), "w", encoding="utf-8") as file:
    file.write('const char *fm_version(void) { return "9.0.0"; }\nint fm_abi_version(void) { return 99; }\n')
subprocess.run([*shlex.split(os.environ.get("FM_CC", "cc")), "-shared", "-fPIC", tap.path("other.c"), "-o", tap.path("libother.so")], check=True)
ran = subprocess.run([sys.executable, "-c", "import freemask"], env={**os.environ, "FREEMASK_LIBRARY": tap.path("libother.so")},
                     capture_output=True, text=True)
tap.ok("ABI 99" in ran.stderr and "libother.so" in ran.stderr and "FREEMASK_LIBRARY" in ran.stderr, "another ABI is refused, with the file", ran.stderr)

tap.done()

# cpp/test_cpp.py - the C++ header: every C function in it, every compiler, with and without exceptions.
import os
import re
import tempfile

import headers
import tap

FOLDER = os.path.dirname(os.path.abspath(__file__))
HEADER = f"{tap.SOURCE}/bindings/cpp/freemask.hpp"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wold-style-cast", "-Werror"]
KINDS = {"exceptions": [], "results": ["-DFREEMASK_RESULTS"], "no exceptions": ["-fno-exceptions"]}
INCLUDE = [f"-I{tap.SOURCE}/include", f"-I{tap.SOURCE}/bindings/cpp"]

REPLACED = {"fm_plane_make", "fm_volume_make"}  # by view2d and view3d

# What must not compile, each with a line that must.
REFUSED = {
    "a mask of constants is not written":
        ("fm::writable_plane p = fm::view2d<uint8_t>(data, 1, 1);",
         "fm::writable_plane p = fm::view2d<const uint8_t>(data, 1, 1);"),
    "a handle is not copied":
        ("fm::context a; fm::context b = std::move(a);", "fm::context a; fm::context b = a;"),
    "pixels of bool are none":
        ("fm::view2d<uint8_t>(data, 1, 1).plane();", "fm::view2d<bool>(truth, 1, 1).plane();"),
}


def check_whole():
    with open(HEADER, encoding="utf-8") as file:
        text = file.read()
    functions = {name for header in headers.library() for name in
                 re.findall(r"FM_API[^;(]*?\b(fm_\w+)\(", headers.code(header))}
    tap.ok(len(functions) > 100, "the headers' functions are found", str(len(functions)))
    missing = sorted(name for name in functions - REPLACED if not re.search(rf"\b{name}\b", text))
    tap.equal(missing, [], "every function of the library is in the C++ header")


def check_behavior(compiler, standard, kind, folder):
    program = f"{folder}/behavior"
    name = f"{standard} with {kind} by {compiler[0]}"
    built = tap.run([*compiler, f"-std={standard}", *WARNINGS, *KINDS[kind], *INCLUDE,
                     f"{FOLDER}/behavior.cpp", "-o", program, os.environ["FM_SHARED"],
                     f"-Wl,-rpath,{os.path.dirname(os.environ['FM_SHARED'])}"])
    if not tap.ok(built.returncode == 0, f"builds as {name}", built.stdout[-3000:]):
        return
    ran = tap.run([program])
    for line in ran.stdout.splitlines():
        if line.startswith(("ok - ", "not ok - ")):
            tap.ok(line.startswith("ok"), f"{line.split(' - ', 1)[1]} ({name})")
    tap.ok(ran.returncode == 0 and len(ran.stdout.splitlines()) > 20, f"runs as {name}", ran.stdout)


def compiles(compiler, body, folder):
    path = f"{folder}/refused.cpp"
    with open(path, "w", encoding="utf-8") as file:
        file.write("#include <freemask.hpp>\nnamespace fm = freemask;\n"
                   "void f(uint8_t *data, bool *truth);\n"
                   "void f(uint8_t *data, bool *truth) { (void)data; (void)truth; %s }\n" % body)
    return tap.run([*compiler, "-std=c++17", *INCLUDE, "-fsyntax-only", path]).returncode == 0


def check_refused(compiler, folder):
    for name, (good, bad) in REFUSED.items():
        tap.equal([compiles(compiler, good, folder), compiles(compiler, bad, folder)], [True, False],
                  f"{name} by {compiler[0]}")


check_whole()
compilers = tap.compilers("c++")
if not compilers:
    tap.skip("the C++ header", "no C++ compiler")
with tempfile.TemporaryDirectory() as scratch:
    for cxx in compilers:
        for one in KINDS:
            check_behavior(cxx, "c++17", one, scratch)
        check_behavior(cxx, "c++20", "exceptions", scratch)
        check_refused(cxx, scratch)
tap.done()

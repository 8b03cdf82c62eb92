# headers/test_headers.py - each public header compiles alone, and says what has to be said.
import re
import tempfile

import headers
import tap

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef",
            "-Wstrict-prototypes", "-Werror"]
CXX_WARNINGS = [w for w in WARNINGS if w != "-Wstrict-prototypes"] + ["-Wold-style-cast",
                                                                       "-Wzero-as-null-pointer-constant"]


def compiles(compiler, standard, header, folder):
    """The header twice, then something, so that the file is not empty."""
    cxx = "++" in standard
    path = f"{folder}/one.{'cpp' if cxx else 'c'}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#include <freemask/{header}>\n#include <freemask/{header}>\n"
                   "extern int used;\nint used;\n")
    result = tap.run([*compiler, f"-std={standard}", *(CXX_WARNINGS if cxx else WARNINGS),
                      "-fsyntax-only", f"-I{tap.SOURCE}/include", path])
    tap.ok(result.returncode == 0, f"{header} as {standard} by {compiler[0]}", result.stdout)


def check_languages():
    with tempfile.TemporaryDirectory() as folder:
        for kind, standards in (("c", ["c99", "c11", "c17"]),
                                ("c++", ["c++11", "c++17", "c++20"])):
            compilers = tap.compilers(kind)
            if not compilers:
                tap.skip(f"headers as {kind}", f"no {kind} compiler")
            for compiler in compilers:
                for standard in standards:
                    for header in headers.every():
                        compiles(compiler, standard, header, folder)


def check_form(header):
    source = headers.text(header)
    tap.ok(source.startswith(f"/* freemask/{header} - "), f"{header} begins with its purpose")
    guard = "FREEMASK_" + re.sub(r"\W", "_", header).upper()
    tap.ok(f"#ifndef {guard}\n#define {guard}\n" in source, f"{header} has the guard {guard}")
    own = set(re.findall(r"#include <freemask/([\w.]+)>", source))
    tap.ok(own <= set(headers.names()), f"{header} includes public headers only")
    tap.ok(not re.search(r'#include\s+"', source), f"{header} includes by <freemask/...>")
    code = headers.code(header)
    for what, pattern in (("bit-field", r"\w+\s*:\s*\d+\s*;"), ("inline function", r"\binline\b"),
                          ("variable argument", r"\.\.\.\s*\)"),
                          ("unpinned number", r"[{,]\s*FM_[A-Z]\w+\s*[,}]")):
        tap.ok(not re.search(pattern, code), f"{header} has no {what}")


def check_words():
    handles = headers.handles()
    tap.equal(sorted(handles), sorted(headers.opaque_types()), "every handle has a comment above it")
    for handle, (header, comment) in sorted(handles.items()):
        tap.ok("Thread-safety:" in comment, f"{handle} ({header}) says Thread-safety", comment)
    tap.equal(headers.library(), sorted(set(headers.names()) - {"freemask.h", "plugin.h"}),
              "freemask.h includes all headers of the library")


def check_fallible():
    """Whatever can fail takes an fm_error last."""
    for name in headers.every():
        for kind, function, arguments in re.findall(
                r"\bFM_API\s+([\w\s*]*?)\b(fm_\w+)\s*\(([^;]*?)\)\s*;", headers.code(name)):
            last = arguments.split(",")[-1].split()
            fails = kind.strip() == "fm_status"
            tap.equal(last[0] == "fm_error", fails, f"{function}: fm_status and fm_error go together")


check_languages()
for header_name in headers.every():
    check_form(header_name)
check_words()
check_fallible()
tap.done()

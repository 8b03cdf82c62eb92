# abi/test_symbols.py - names that the libraries define, and what they need from others.
import os
import re

import elf
import headers
import symbols
import tap

SHARED, STATIC = os.environ["FM_SHARED"], os.environ["FM_STATIC"]
if not elf.is_elf(SHARED):
    tap.skip_all("not an ELF library", excused=True)

# The library has no say over the process it lives in.
FORBIDDEN = """abort exit _exit _Exit quick_exit atexit getenv secure_getenv setenv putenv signal
sigaction raise kill fork execve system popen pthread_create thrd_create setlocale srand rand random
srandom time clock printf puts putchar vprintf perror stdout stderr stdin strerror strtok localtime
gmtime __printf_chk __vprintf_chk chdir umask""".split()
# Where fprintf goes decides whether it prints; the library has no FILE at all.
FORBIDDEN += ["fprintf", "vfprintf", "__fprintf_chk", "__vfprintf_chk", "fputs", "fwrite", "fopen"]
SYSTEM = r"libc|libm|libpng\d*|libjpeg|libtiff|libwebp|libdeflate|libz|libjansson|ld-linux.*|libgcc_s"


def number_in(header, name):
    return re.search(rf"#define {name} (\d+)", headers.text(header)).group(1)




def declared(header):
    """Every function with our prefix that a program sees which includes the header: as the preprocessor
    has it, so that this does not depend on FM_API or on patterns for comments."""
    compiler = os.environ.get("FM_CC", "cc").split()
    text = tap.run([*compiler, "-E", "-P", f"-I{tap.SOURCE}/include", "-include", f"freemask/{header}",
                    "-x", "c", os.devnull]).stdout
    statements = re.sub(r"\{[^{}]*\}", "", text).split(";")
    return sorted({name for one in statements if "typedef" not in one
                   for name in re.findall(r"\b(fm_\w+)\s*\(", one)[:1]})


exported = elf.exported(SHARED)
public = sorted(headers.prototypes())
tap.equal(exported, symbols.recorded(), "the shared library exports the recorded names")
tap.equal(symbols.recorded(), sorted(symbols.recorded()), "the record is sorted")
tap.equal(public, symbols.recorded(), "the headers declare the recorded names")
tap.equal(declared("freemask.h"), exported, "freemask.h declares what the library has, and nothing else")
tap.equal(sorted(set(declared("cuda.h")) - set(exported)), symbols.recorded(symbols.CUDA_LIST),
          "cuda.h adds the recorded names of libfreemask-cuda, and nothing else")
tap.equal(declared("plugin.h"), sorted({"fm_plugin_open"} | {name for name in declared("plugin.h") if name in exported}),
          "plugin.h adds the plug-in's function, and nothing else")

in_archive = elf.globals_of(STATIC)
# 32-bit x86 has thunks of the compiler's.
in_archive = [name for name in in_archive if not name.startswith("__x86.get_pc_thunk")]
tap.equal([name for name in in_archive if not name.startswith("fm_")], [],
          "the archive defines only fm_ names")
tap.equal([name for name in in_archive if not name.startswith("fm__")], public,
          "what the archive defines beyond fm__ names is the interface")
tap.equal(elf.writable(STATIC), [], "no variable that can change")

imported = elf.imported(SHARED)
tap.equal(sorted(set(imported) & set(FORBIDDEN)), [], "never prints, ends, signals, reads the environment")
soname, needed = elf.dynamic(SHARED)
tap.equal(soname, f"libfreemask.so.{number_in('version.h', 'FM_ABI_VERSION')}", "soname")
tap.equal([name for name in needed if not re.match(rf"({SYSTEM})\.so", name)], [],
          "needs the C library and those of file formats only")
tap.equal(len(needed), len(set(needed)), "needs each once")
tap.done()

# consumer/test_consumer.py - installs into an empty prefix and builds others' programs on it.
"""Shared: linked against libfreemask.so. Static: against a copy of the installation that has
the archive only, with what `pkg-config --static` says."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import elf
import headers
import tap

C_PROGRAM, CXX_PROGRAM, VERSION, *OPTIONS = sys.argv[1:]
MESON = shutil.which("meson")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def install(folder):
    """The prefix of a fresh installation."""
    prefix, build = os.path.join(folder, "prefix"), os.path.join(folder, "build")
    for command in ([MESON, "setup", build, tap.SOURCE, f"--prefix={prefix}", "--buildtype=debug",
                     "-Dtests=disabled", "-Dexamples=false", "-Dtools=disabled", *OPTIONS],
                    [MESON, "install", "-C", build]):
        done = tap.run(command)
        if not tap.ok(done.returncode == 0, " ".join(command[:2]), done.stdout[-3000:]):
            tap.done()
    return prefix


def library_folder(prefix):
    return os.path.dirname(glob.glob(f"{prefix}/**/libfreemask.a", recursive=True)[0])


def archive_only(prefix, folder):
    """A copy without the shared library, whose .pc file names its own place."""
    copy = os.path.join(folder, "static")
    shutil.copytree(prefix, copy, symlinks=True)
    libraries = library_folder(copy)
    for path in glob.glob(f"{libraries}/libfreemask.so*"):
        os.remove(path)
    pc = f"{libraries}/pkgconfig/libfreemask.pc"
    with open(pc, encoding="utf-8") as file:
        text = file.read()
    with open(pc, "w", encoding="utf-8") as file:
        file.write(text.replace(prefix, copy))
    return copy


def pkg_config(prefix, *arguments):
    env = dict(os.environ, PKG_CONFIG_PATH=f"{library_folder(prefix)}/pkgconfig")
    result = subprocess.run(["pkg-config", *arguments, "libfreemask"], env=env, text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.stdout.split() if result.returncode == 0 else None


def build_and_run(compiler, standard, source, flags, binary, libraries):
    name = f"{os.path.basename(source)} by {compiler[0]}, {'static' if 'static' in libraries else 'shared'}"
    built = tap.run([*compiler, f"-std={standard}", *WARNINGS, f'-DEXPECTED_VERSION="{VERSION}"', source,
                     "-o", binary, *flags])
    if not tap.ok(built.returncode == 0, f"builds {name}", built.stdout):
        return
    env = dict(os.environ, LD_LIBRARY_PATH=libraries)
    ran = tap.run([binary], env=env)
    tap.ok(ran.returncode == 0 and ran.stdout == "consumer: fine\n", f"runs {name}", ran.stdout)
    _, needed = elf.dynamic(binary)
    uses = any(library.startswith("libfreemask") for library in needed)
    tap.equal(uses, "static" not in libraries, f"{name} is linked as meant")


def check_tree(prefix):
    installed = sorted(os.listdir(f"{prefix}/include/freemask"))
    tap.equal(installed, headers.names(), "installs the public headers and no other")
    tap.equal(os.listdir(f"{prefix}/include"), ["freemask"], "include has one folder")
    libraries = library_folder(prefix)
    soname, _ = elf.dynamic(f"{libraries}/libfreemask.so")
    tap.ok(os.path.islink(f"{libraries}/{soname}"), f"{soname} is a link")
    tap.equal(pkg_config(prefix, "--modversion"), [VERSION], "pkg-config knows the release")
    tap.equal(pkg_config(prefix, "--variable=prefix"), [prefix], "pkg-config knows the prefix")
    shared = [word for word in pkg_config(prefix, "--libs") if word.startswith("-l")]
    tap.equal(shared, ["-lfreemask"], "a shared link names nothing else")
    with open(f"{libraries}/pkgconfig/libfreemask.pc", encoding="utf-8") as file:
        text = file.read()
    tap.ok(not re.search(re.escape(tap.BUILD) + r"|jansson|pthread", text), "the .pc file keeps to itself", text)
    manual = glob.glob(f"{prefix}/share/man/man1/*")
    tap.equal(manual, [], "without the tool there is no manual of it")


with tempfile.TemporaryDirectory() as scratch:
    if not MESON or not shutil.which("pkg-config"):
        tap.skip_all("meson or pkg-config is not in PATH")
    shared_tree = install(scratch)
    static_tree = archive_only(shared_tree, scratch)
    check_tree(shared_tree)
    for kind, source, standards in (("c", C_PROGRAM, ("c99", "c11")), ("c++", CXX_PROGRAM, ("c++11",))):
        for compiler_command in tap.compilers(kind):
            for language in standards:
                for tree, more in ((shared_tree, []), (static_tree, ["--static"])):
                    words = pkg_config(tree, "--cflags", "--libs", *more)
                    if tap.ok(words, f"pkg-config {' '.join(more)}"):
                        build_and_run(compiler_command, language, source, words,
                                      os.path.join(scratch, "program"), library_folder(tree))
tap.done()

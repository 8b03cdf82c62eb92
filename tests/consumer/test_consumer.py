# consumer/test_consumer.py - somebody's programs find the library by pkg-config, CMake and Meson.
"""Installs into an empty prefix and builds others' programs on it: linked against libfreemask.so, and
against the archive in a copy of the tree that has nothing else. No .pc file but the library's own is
visible. Then once more with the library as a subproject."""
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

VERSION, *OPTIONS = sys.argv[1:]
WITH_CUDA = "-Dcuda=enabled" in OPTIONS
FOLDER = os.path.dirname(os.path.abspath(__file__))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


COMPILER = dict(os.environ, CC=os.environ["FM_CC"])  # the build's own, a cache in front of it included


def finished(command, name):
    """Whether a step that the rest needs succeeded."""
    done = tap.run(command, env=COMPILER if command[0] == "meson" else None)
    return tap.ok(done.returncode == 0, name, done.stdout[-3000:])


# ---- The installed tree ----------------------------------------------------------------

def install(folder):
    """The prefix of a fresh installation."""
    prefix, build = os.path.join(folder, "prefix"), os.path.join(folder, "build")
    for command in (["meson", "setup", build, tap.SOURCE, f"--prefix={prefix}", "--buildtype=debug",
                     "-Dtests=disabled", "-Dexamples=disabled", "-Dtools=disabled", *OPTIONS],
                    ["meson", "install", "-C", build]):
        if not finished(command, " ".join(command[:2])):
            tap.done()
    return prefix


def library_folder(prefix):
    return os.path.dirname(glob.glob(f"{prefix}/**/libfreemask.a", recursive=True)[0])


def archive_only(prefix, folder):
    """A copy elsewhere without the shared library. Its .pc file names the place that it was made for."""
    copy = os.path.join(folder, "static")
    shutil.copytree(prefix, copy, symlinks=True)
    libraries = library_folder(copy)
    for path in glob.glob(f"{libraries}/libfreemask*.so*"):
        os.remove(path)
    pc = f"{libraries}/pkgconfig/libfreemask.pc"
    with open(pc, encoding="utf-8") as file:
        text = file.read()
    with open(pc, "w", encoding="utf-8") as file:
        file.write(text.replace(prefix, copy))
    return copy


def check_tree(prefix):
    installed = sorted(os.listdir(f"{prefix}/include/freemask"))
    expected = headers.every() if WITH_CUDA else headers.names()
    tap.equal(installed, expected, "installs the public headers and no other")
    tap.equal(sorted(os.listdir(f"{prefix}/include")), ["freemask", "freemask.hpp"],
              "include has one folder, and the header for C++")
    libraries = library_folder(prefix)
    soname, _ = elf.dynamic(f"{libraries}/libfreemask.so")
    tap.ok(os.path.islink(f"{libraries}/{soname}"), f"{soname} is a link")
    manual = glob.glob(f"{prefix}/share/man/man1/*")
    tap.equal(manual, [], "without the tool there is no manual of it")


# ---- pkg-config ------------------------------------------------------------------------

def pkg_config(prefix, *arguments, package="libfreemask"):
    """What pkg-config prints where it sees the .pc files of the library and no other."""
    env = dict(os.environ, PKG_CONFIG_LIBDIR=f"{library_folder(prefix)}/pkgconfig", PKG_CONFIG_PATH="")
    result = subprocess.run(["pkg-config", *arguments, package], env=env, text=True, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.stdout.split() if result.returncode == 0 else None


def check_pkg_config(prefix):
    tap.equal(pkg_config(prefix, "--modversion"), [VERSION], "pkg-config knows the release")
    tap.equal(pkg_config(prefix, "--variable=prefix"), [prefix], "pkg-config knows the prefix")
    tap.equal(pkg_config(prefix, "--cflags"), [f"-I{prefix}/include"], "pkg-config --cflags needs nothing else")
    shared = [word for word in pkg_config(prefix, "--libs") or [] if word.startswith("-l")]
    tap.equal(shared, ["-lfreemask"], "a shared link names nothing else")
    with open(f"{library_folder(prefix)}/pkgconfig/libfreemask.pc", encoding="utf-8") as file:
        text = file.read()
    tap.ok(not re.search(re.escape(tap.BUILD) + r"|pthread|Requires", text), "the .pc file keeps to itself", text)


def check_run(program, name, libraries=None):
    env = dict(os.environ, LD_LIBRARY_PATH=libraries) if libraries else None
    ran = tap.run([program], env=env)
    tap.ok(ran.returncode == 0 and ran.stdout == "consumer: fine\n", f"runs {name}", ran.stdout)


def check_link(program, name, shared):
    _, needed = elf.dynamic(program)
    uses = any(library.startswith("libfreemask") for library in needed)
    tap.equal(uses, shared, f"{name} is linked {'with the shared library' if shared else 'with the archive'}")


def check_compilers(trees, folder):
    """Every compiler of this machine, C and C++, against both trees."""
    program = os.path.join(folder, "program")
    for kind, source, standards in (("c", "consumer.c", ("c99", "c11")), ("c++", "consumer.cpp", ("c++11",))):
        for compiler in tap.compilers(kind):
            for standard in standards:
                for tree, shared in trees:
                    words = pkg_config(tree, "--cflags", "--libs", *([] if shared else ["--static"]))
                    name = f"{source} as {standard} by {compiler[0]}, {'shared' if shared else 'static'}"
                    if (tap.ok(words, f"pkg-config for {name}")
                            and finished([*compiler, f"-std={standard}", *WARNINGS,
                                          f'-DEXPECTED_VERSION="{VERSION}"', f"{FOLDER}/{source}",
                                          "-o", program, *words], f"builds {name}")):
                        check_run(program, name, library_folder(tree))
                        check_link(program, name, shared)


# ---- CMake -----------------------------------------------------------------------------

def copy_host(kind, folder):
    """The sources of a host's project, in a folder of its own."""
    host = os.path.join(folder, kind)
    shutil.copytree(os.path.join(FOLDER, kind), host)
    for name in ("consumer.c", "consumer.cpp"):
        shutil.copy(os.path.join(FOLDER, name), host)
    return host


def check_programs(build, name, shared):
    for program, with_shared in (("consumer_c", shared), ("consumer_cpp", shared), ("consumer_static", False)):
        check_run(f"{build}/{program}", f"{program} of {name}")
        check_link(f"{build}/{program}", f"{program} of {name}", with_shared)


def check_cmake(trees, folder):
    host = copy_host("cmake_host", folder)
    for tree, shared in trees:
        name = f"CMake, {'shared' if shared else 'the archive alone, moved'}"
        build = f"{host}/build-{shared}"
        configure = ["cmake", "-S", host, f"-DCMAKE_PREFIX_PATH={tree}", "-DCMAKE_BUILD_TYPE=Debug"]
        if (finished([*configure, "-B", build, f"-DEXPECTED_VERSION={VERSION}"], f"configures by {name}")
                and finished(["cmake", "--build", build, "--", "VERBOSE=1"], f"builds by {name}")):
            check_programs(build, name, shared)
    # The folder names are absolute: what the moved tree gives may not come from the first.
    moved = open(f"{host}/build-False/CMakeCache.txt", encoding="utf-8").read()
    tap.ok(trees[0][0] + "/" not in moved, "a moved tree does not lead back to the first place")
    check_cmake_versions(trees[0][0], os.path.join(folder, "versions"))


def check_cmake_versions(tree, folder):
    """Without a language, which takes CMake seconds to look for."""
    os.mkdir(folder)
    with open(f"{folder}/CMakeLists.txt", "w", encoding="utf-8") as file:
        file.write("cmake_minimum_required(VERSION 3.13)\nproject(versions NONE)\n"
                   "find_package(freemask ${ASKED} REQUIRED CONFIG)\n")
    for asked, found in (("0.0", True), ("0.1", True), ("0.99", False), ("1", False)):
        done = tap.run(["cmake", "-S", folder, "-B", f"{folder}/build-{asked}",
                        f"-DASKED={asked}", f"-Dfreemask_DIR={library_folder(tree)}/cmake/freemask"])
        tap.equal(done.returncode == 0, found, f"CMake {'finds' if found else 'does not find'} {VERSION} "
                  f"when asked for {asked}")


# ---- libfreemask-cuda ------------------------------------------------------------------

CUDA_HOST = """cmake_minimum_required(VERSION 3.13)
project(consumer C)
find_package(freemask REQUIRED CONFIG)
add_executable(consumer_cuda consumer_cuda.c)
target_link_libraries(consumer_cuda PRIVATE freemask::cuda)
"""


def check_cuda(prefix, folder):
    """A program that opens a device, or says why there is none."""
    libraries, source, program = library_folder(prefix), f"{FOLDER}/consumer_cuda.c", os.path.join(folder, "consumer_cuda")
    soname, needed = elf.dynamic(f"{libraries}/libfreemask-cuda.so")
    tap.ok(os.path.islink(f"{libraries}/{soname}"), f"{soname} is a link", needed)
    words = pkg_config(prefix, "--cflags", "--libs", package="libfreemask-cuda")
    tap.equal(sorted(word for word in words or [] if word.startswith("-l")), ["-lfreemask", "-lfreemask-cuda"], "pkg-config names both")
    for compiler in tap.compilers("c"):
        if finished([*compiler, "-std=c99", *WARNINGS, source, "-o", program, *(words or [])], f"libfreemask-cuda, by {compiler[0]}"):
            check_run(program, "with libfreemask-cuda", libraries)
    if not tap.has_program("cmake"):
        return
    host = os.path.join(folder, "cuda_host")
    os.mkdir(host)
    shutil.copy(source, host)
    with open(f"{host}/CMakeLists.txt", "w", encoding="utf-8") as file:
        file.write(CUDA_HOST)
    if (finished(["cmake", "-S", host, "-B", f"{host}/build", f"-DCMAKE_PREFIX_PATH={prefix}"], "CMake finds freemask::cuda")
            and finished(["cmake", "--build", f"{host}/build"], "builds with it")):
        check_run(f"{host}/build/consumer_cuda", "with freemask::cuda")


# ---- A Meson project with the library as a subproject ----------------------------------

def check_subproject(folder):
    host = copy_host("meson_host", folder)
    os.mkdir(f"{host}/subprojects")
    os.symlink(tap.SOURCE, f"{host}/subprojects/libfreemask", target_is_directory=True)
    build = f"{host}/build"
    options = [f"-Dlibfreemask:{option[2:]}" for option in OPTIONS]
    if not (finished(["meson", "setup", build, host, "--wrap-mode=forcefallback", "--buildtype=debug",
                      f"-Dexpected_version={VERSION}", *options], "a Meson project with the library inside")
            and finished(["meson", "compile", "-C", build], "compiles")):
        return
    check_programs(build, "Meson", True)
    made = [path for room in ("tool", "examples", "tests")
            for path in glob.glob(f"{build}/subprojects/libfreemask/{room}/*")]
    tap.equal(made, [],
              "a subproject is the library alone: no tool, tests or examples")
    static = ["meson", "configure", build, "-Dlibfreemask:default_library=static"]
    if finished(static, "default_library=static") and finished(["meson", "compile", "-C", build], "compiles again"):
        check_programs(build, "Meson with default_library=static", False)


with tempfile.TemporaryDirectory() as scratch:
    tap.need_programs("meson", "pkg-config")
    shared_tree = install(scratch)
    both_trees = [(shared_tree, True), (archive_only(shared_tree, scratch), False)]
    check_tree(shared_tree)
    check_pkg_config(shared_tree)
    check_compilers(both_trees, scratch)
    if tap.has_program("cmake"):
        check_cmake(both_trees, scratch)
    if WITH_CUDA:
        check_cuda(shared_tree, scratch)
    check_subproject(scratch)
tap.done()

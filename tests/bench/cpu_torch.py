# bench/cpu_torch.py - makes PyTorch's wheel for GPUs work on a CPU alone: `cpu_torch.py TORCH_LIB`.
"""The wheel on PyPI is linked with libraries for GPUs, gigabytes that no computation on a CPU calls. For
each of them that is not installed this makes an empty one, whose functions return 0 and which finds no
GPU. The code that is measured is the wheel's own."""
import glob
import os
import re
import subprocess
import sys

FOREIGN = r"(?:__cuda|cu|nv|nccl)"
NO_DEVICE = 100  # cudaErrorNoDevice


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def missing_symbols(libraries):
    """{name: its version or ""}: what the libraries want of GPUs' and do not define themselves."""
    defined = {line.split()[2].partition("@")[0]
               for line in output("nm", "-D", "--defined-only", *libraries).splitlines() if len(line.split()) == 3}
    wanted = [line.split()[1].partition("@")
              for line in output("nm", "-D", "--undefined-only", *libraries).splitlines() if len(line.split()) == 2]
    return {name: version.lstrip("@") for name, _, version in wanted
            if re.match(FOREIGN, name) and name not in defined}


def libraries_of_versions(libraries):
    """{version: the library that has it}."""
    found = {}
    for block in re.finditer(r"File: (\S+).*\n((?:.*Name: .*\n)+)", output("readelf", "-VW", *libraries)):
        found.update((version, block.group(1)) for version in re.findall(r"Name: (\S+)", block.group(2)))
    return found


def make(path, symbols):
    """A shared library with these functions; `symbols` has their versions, one or none in a library."""
    source = "".join(f"long {name}(void) {{ return {NO_DEVICE if name == 'cudaGetDeviceCount' else 0}; }}\n"
                     for name in symbols)
    arguments = [f"-Wl,-soname,{os.path.basename(path)}"]
    versions = {version for version in symbols.values() if version}
    if versions:
        with open(f"{path}.map", "w", encoding="utf-8") as file:
            file.write(f"{versions.pop()} {{ global: {' '.join(name + ';' for name in symbols)} }};\n")
        arguments.append(f"-Wl,--version-script={path}.map")
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", path, *arguments], input=source,
                   text=True, check=True)


def main(folder):
    libraries = glob.glob(f"{folder}/*.so")
    needed = set(re.findall(r"NEEDED.*\[(lib(?:cu|nv|nccl)[^\]]*)\]", output("readelf", "-dW", *libraries)))
    symbols, owners = missing_symbols(libraries), libraries_of_versions(libraries)
    # Functions without a version may be in any library that is always loaded and has no versions;
    # that of the driver is loaded on demand only.
    spare = next(name for name in sorted(needed)
                 if name not in owners.values() and not name.startswith("libcuda."))
    for name in sorted(needed):
        mine = {symbol: version for symbol, version in symbols.items()
                if (owners.get(version) if version else spare) == name}
        make(f"{folder}/{name}", mine)


if __name__ == "__main__":
    main(sys.argv[1])

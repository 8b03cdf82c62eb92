# abi/symbols.py - the recorded names: `symbols.py LIBRARY.so` compares, `--record` renews, those of libfreemask-cuda too.
"""Every build configuration exports the same names: a program that links one build runs with all."""
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "support"))
LIST, CUDA_LIST = (os.path.join(FOLDER, name) for name in ("freemask.symbols", "freemask-cuda.symbols"))


def recorded(path=LIST):
    with open(path, encoding="utf-8") as file:
        return file.read().split()


def write(path, names):
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(names) + "\n")


def main(arguments):
    import elf
    import headers
    record = "--record" in arguments
    library = [a for a in arguments if not a.startswith("--")][0]
    now = elf.exported(library)
    if record:
        write(LIST, now)
        # That library need not have been built: the tests compare it with the header.
        write(CUDA_LIST, sorted(headers.prototypes(headers.CUDA)))
        return 0
    gone, new = sorted(set(recorded()) - set(now)), sorted(set(now) - set(recorded()))
    for name in gone:
        print(f"{library}: {name} is gone")
    for name in new:
        print(f"{library}: {name} is not recorded in tests/abi/freemask.symbols")
    return 1 if gone or new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# cuda/embed.py - `embed.py IN OUT.c`: a file as a string of C, which compiles forty times as fast as numbers do.
import sys

source, target = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
with open(target, "w", encoding="ascii") as file:
    file.write('/* Made by lib/cuda/embed.py. */\n#include "cuda/device.h"\n\n'
               '#pragma GCC diagnostic ignored "-Woverlength-strings"\n'
               "static _Alignas(64) const char image[] =\n")
    for i in range(0, len(data), 32):
        file.write('"' + "".join(f"\\{byte:03o}" for byte in data[i:i + 32]) + '"\n')
    file.write(";\nconst unsigned char *const fm__cu_image = (const unsigned char *)image;\n")

# cuda/embed.py - `embed.py IN OUT.c`: a file as an array of C.
import sys

source, target = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
with open(target, "w", encoding="ascii") as file:
    file.write('/* Made by lib/cuda/embed.py. */\n#include "cuda/device.h"\n\n')
    file.write("static _Alignas(64) const unsigned char image[] = {\n")
    for i in range(0, len(data), 32):
        file.write(",".join(map(str, data[i:i + 32])) + ",\n")
    file.write("};\nconst unsigned char *const fm__cu_image = image;\n")

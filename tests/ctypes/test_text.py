# ctypes/test_text.py - messages are one line of UTF-8 whatever bytes a name has: against Python's codec.
import ctypes
import os
import random

import tap
from freemask_ctypes import Interface

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
MOST = 503
rng = random.Random(20231215)
CONTEXT = ctypes.c_void_p()
assert LIB.fm_context_create(None, ctypes.byref(CONTEXT), ctypes.byref(ERROR())) == 0


def message_of(name):
    """The bytes of a message that names a label space."""
    labels, err = ctypes.c_void_p(), ERROR()
    options = LIB.labels_options(1, 255, name=name)
    if LIB.fm_labels_create(CONTEXT, ctypes.byref(options), ctypes.byref(labels), ctypes.byref(err)):
        raise RuntimeError(err.message)
    mask = LIB.fm_plane_make(b"\7", LIB.FM_U8, 1, 1)
    status = LIB.fm_labels_count(labels, ctypes.byref(mask), None, None, ctypes.byref(err))
    LIB.fm_labels_destroy(labels)
    assert status != 0
    return bytes(err.message)


def units(text):
    """What stands for each character, or for each byte that belongs to none."""
    at = 0
    while at < len(text):
        for length in (1, 2, 3, 4):
            try:
                character = text[at:at + length].decode("utf-8")
                break
            except UnicodeDecodeError:
                character = None
        if character is None:
            length = 1
            yield b"\\x%02X" % text[at]
        elif ord(character) < 0x20 or character == "\x7f":
            yield b"\\x%02X" % text[at]
        elif 0x80 <= ord(character) < 0xA0 or character in "\u2028\u2029":
            yield b"\\u%04X" % ord(character)
        else:
            yield text[at:at + length]
        at += length


def line_of(text):
    line = b""
    for unit in units(text):
        if len(line) + len(unit) > MOST:
            break
        line += unit
    return line


def draw():
    pieces = ["a", " ", "\\", "ä", "€", "🌳", "\n", "\r", "\x1b[0m", "\x7f", "\x85", "\x9f", "\u2028", "\u2029",
              "\ud800", "\udfff", "\U0010ffff", "\ufeff"]
    text = bytearray()
    for _ in range(rng.choice((3, 20, 150))):
        kind = rng.randrange(4)
        if kind == 0:
            text += bytes([rng.randrange(1, 256)])
        else:
            piece = rng.choice(pieces).encode("utf-8", "surrogatepass")
            text += piece if kind < 3 else piece[:rng.randint(1, len(piece))]
    return bytes(text)


before, after = message_of(b"@").split(b"@")
good = lines = True
worst = None
for _ in range(1500):
    name = draw()
    got, expected = message_of(name), line_of(before + name + after)
    if got != expected and worst is None:
        good, worst = False, (name, got, expected)
    lines = lines and len(got.decode("utf-8").splitlines()) == 1
tap.ok(good, "names as Python's codec has them", worst)
tap.ok(lines, "one line each, by Python's rules")
cuts = [message_of(b"x" * shift + "🌳".encode() * 200) for shift in range(4)]
tap.equal(cuts, [line_of(before + b"x" * shift + "🌳".encode() * 200) for shift in range(4)], "cut between characters")
LIB.fm_context_destroy(CONTEXT)
tap.done()

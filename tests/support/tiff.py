# support/tiff.py - TIFF files of any kind, by hand: no encoder writes all that a reader has to take.
"""tiff(pixels, ...) is the bytes of a file; pixels are a NumPy array [height, width]."""
import struct
import zlib

SHORT, LONG, LONG8 = 3, 4, 16
UINT, INT, FLOAT = 1, 2, 3


def _pack(rows, bits, order):
    import numpy as np
    if bits >= 8:
        return rows.astype(f"{order}{'f' if rows.dtype.kind == 'f' else rows.dtype.kind}{bits // 8}").tobytes()
    spread = ((rows[..., None].astype(np.int64) >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(spread.reshape(rows.shape[0], -1), axis=1).tobytes()


def _pieces(pixels, bits, order, rows_per_strip, tile):
    import numpy as np
    height, width = pixels.shape
    if not tile:
        step = rows_per_strip or height
        return [_pack(pixels[y:y + step], bits, order) for y in range(0, height, step)]
    out = []
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            piece = np.zeros((tile, tile), pixels.dtype)
            part = pixels[y:y + tile, x:x + tile]
            piece[:part.shape[0], :part.shape[1]] = part
            out.append(_pack(piece, bits, order))
    return out


def tiff(pixels, bits=8, order="<", big=False, deflate=False, rows_per_strip=0, tile=0, palette=None,
         tags=(), pages=1):
    """`tags`: [(number, type, [values])], which replace those that are made."""
    kind = {"u": UINT, "i": INT, "f": FLOAT}[pixels.dtype.kind]
    pieces = _pieces(pixels, bits, order, rows_per_strip, tile)
    if deflate:
        pieces = [zlib.compress(piece) for piece in pieces]
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, 0) if big else struct.pack(order + "I", 0)
    at, places, body = len(head), [], b""
    for piece in pieces:
        places.append(at + len(body))
        body += piece + b"\0" * (len(piece) & 1)
    height, width = pixels.shape
    entries = {256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [bits]),
               259: (SHORT, [8 if deflate else 1]), 262: (SHORT, [3 if palette else 1]), 277: (SHORT, [1]),
               339: (SHORT, [kind])}
    sizes = [len(piece) for piece in pieces]
    if tile:
        entries.update({322: (LONG, [tile]), 323: (LONG, [tile]), 324: (LONG, places), 325: (LONG, sizes)})
    else:
        entries.update({273: (LONG, places), 278: (LONG, [rows_per_strip or height]), 279: (LONG, sizes)})
    if palette:  # [(red, green, blue)] of 8 bits
        entries[320] = (SHORT, [257 * entry[i] for i in range(3) for entry in palette])
    for number, type_, values in tags:
        entries[number] = (type_, values)
    data, links = head + body, []
    for _ in range(pages):
        data, link = _directory(data, entries, order, big)
        links.append(link)
    first = len(head) - (8 if big else 4)
    for i, (start, _) in enumerate(links):
        place = first if i == 0 else links[i - 1][1]
        pointer = struct.pack(order + ("Q" if big else "I"), start)
        data = data[:place] + pointer + data[place + len(pointer):]
    return data


def _directory(data, entries, order, big):
    """The data with a directory behind; where it begins and where it links to the next."""
    room = 8 if big else 4
    letters = {SHORT: "H", LONG: "I", LONG8: "Q"}
    values = {}
    for number, (kind, items) in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(items)}{letters[kind]}", *items)
        if len(packed) > room:
            place = len(data)
            data += packed + b"\0" * (len(packed) & 1)
            packed = struct.pack(order + ("Q" if big else "I"), place)
        values[number] = packed.ljust(room, b"\0")
    start = len(data)
    data += struct.pack(order + ("Q" if big else "H"), len(entries))
    for number, (kind, items) in sorted(entries.items()):
        data += struct.pack(order + ("HHQ" if big else "HHI"), number, kind, len(items)) + values[number]
    link = len(data)
    return data + b"\0" * room, (start, link)

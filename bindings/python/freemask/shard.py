# freemask/shard.py - which part of a job an image belongs to.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import unicodedata

from ._library import ArgumentError, lib, text, whole


def shard_of(stem: str, count: int) -> int:
    """The shard of an image, 0 to count - 1: a hash of its stem alone, as `--shard i/n` of the tool has it, so that images
    that are added move no other one. Names that differ only in how letters are composed are the same (NFC)."""
    name, count = text(stem, "the stem").decode("utf-8", "surrogateescape"), whole(count, "count")
    if count < 1:
        raise ArgumentError(f"count is {count}, expected 1 or more")
    return int(lib.fm_shard_of(unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape"), count))

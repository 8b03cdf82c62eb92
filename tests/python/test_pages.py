#!/usr/bin/env python3
# python/test_pages.py - the Python of the documentation runs, as far as it needs no more than NumPy and Pillow.
# SPDX-License-Identifier: MIT
import kit
import tap

tap.need("numpy", "PIL")
import page_worlds
import python_blocks

assert kit
NOT_RUN = 5  # whoever adds a block that no test runs says so here


def main(modules):
    ran, left = python_blocks.run(modules, page_worlds.WORLDS)
    print(f"# {len(ran)} blocks were run, {len(left)} are left to ./dev trainers")
    marks = [block.mark for block in python_blocks.of_pages() if block.mark.startswith("not run")]
    tap.equal(len(marks), NOT_RUN, "blocks of which a mark says that they are not run")
    return ran, left


if __name__ == "__main__":
    ran, left = main(("freemask", "numpy", "PIL"))
    tap.ok(len(ran) >= 14 and {"README.md", "doc/python.md", "doc/random.md"} <= {block.where for block in ran}, "blocks are found", len(ran))
    tap.ok(all(block.where.startswith("doc/") for block in left), "what needs a trainer is in a page on trainers", [block.name for block in left])
    tap.done()

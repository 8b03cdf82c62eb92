#!/usr/bin/env python3
# cli/test_shards.py - shards, threads and orders give the same bytes.
# SPDX-License-Identifier: MIT
import json

from kit import *

space = ref.preset("cocostuff164k-raw")
rng = np.random.default_rng(11)
for i in range(23):
    mask = random_mask(rng, space, tuple(rng.integers(10, 80, 2)))
    write(tap.path(f"masks/{i % 4}/{i}.png"), png(mask))
    write(tap.path(f"losses/{i % 4}/{i}.npy"), npy(random_loss(rng, space, mask)))
INPUTS = ["--labels", space.name, "--masks", tap.path("masks"), "--losses", tap.path("losses")]


def good(name, *arguments):
    result = run(*arguments)
    return tap.ok(result.code == 0, name, result)


def stats(name, *flags):
    good(f"stats {' '.join(flags)}", "stats", *INPUTS, "-o", tap.path(name), *flags)
    return tap.path(name)


def shards(count, *flags):
    return [stats(f"{count}-{i}.json", "--shard", f"{i}/{count}", *flags) for i in range(count)]


def merge(name, files):
    good(f"merge of {len(files)}", "merge", "-o", tap.path(name), *files)
    return tap.path(name)


whole = stats("whole.json")
for count in (2, 7):
    files = shards(count)
    images = [json.loads(read(file))["images"] for file in files]
    tap.equal(sum(images), 23, f"{count} shards hold every mask once")
    tap.equal(read(merge(f"merged{count}.json", files[::-1])), read(whole),
              f"{count} shards in reverse order merge to the same bytes")
    tap.equal(read(merge(f"shuffled{count}.json", files[1:] + files[:1])), read(whole),
              f"{count} shards in another order merge to the same bytes")
many = shards(40)
tap.equal(read(merge("merged40.json", many)), read(whole), "40 shards of 23 masks merge to the same bytes")
tap.equal(read(merge("one.json", [whole])), read(whole), "a merge of one file is that file")

with_bins = stats("bins.json", "--histogram", "4")
tap.equal(read(merge("bins-merged.json", shards(3, "--histogram", "4")[::-1])), read(with_bins),
          "histograms merge to the same bytes")
tap.equal([numbers_of(c["words"])[:12] for c in json.loads(read(with_bins))["classes"]],
          [numbers_of(c["words"]) for c in json.loads(read(whole))["classes"]], "a histogram leaves the sums alone")

one, two = stats("j1.json", "-j1"), stats("j2.json", "-j", "2")
tap.equal(read(one), read(whole), "stats -j1 is stats")
tap.equal(read(two), read(whole), "stats -j2 is stats")
for threads in (1, 2, 5):
    good(f"filter -j{threads}", "filter", "--stats", whole, *INPUTS, "-o", tap.path(f"f{threads}"), f"-j{threads}")
    good(f"hardness -j{threads}", "hardness", "--stats", whole, *INPUTS[:4], "-o", tap.path(f"h{threads}"),
         f"-j{threads}")
first = tree(tap.path("f1"))
tap.ok(len(first) >= 24, "the filter wrote its files", sorted(first))
for threads in (2, 5):
    tap.equal(tree(tap.path(f"f{threads}")), first, f"filter -j{threads} is filter -j1")
    tap.equal(read(tap.path(f"h{threads}")), read(tap.path("h1")), f"hardness -j{threads} is hardness -j1")

# Shards of the filter hold every mask once, with the same bytes.
pieces = {}
for i in range(3):
    good(f"filter --shard {i}/3", "filter", "--stats", whole, *INPUTS, "-o", tap.path(f"s{i}"), "--shard", f"{i}/3")
    part = {name: data for name, data in tree(tap.path(f"s{i}")).items() if name.startswith("masks/")}
    tap.ok(not set(part) & set(pieces), f"shard {i}/3 has masks of its own")
    pieces.update(part)
tap.equal(pieces, {name: data for name, data in first.items() if name.startswith("masks/")},
          "shards of the filter are the whole")

tap.done()

#!/usr/bin/env python3
# cli/test_read_back.py - what the tool wrote and reads back, damaged member by member and field by field.
# SPDX-License-Identifier: MIT
"""JSON: each member is missing, or of another type or sign; whoever reads the file says which member of which
file it is, or does without. Journals: each field of a line is another, under a checksum that is right; the mask
is made again, and the end is as if nothing had been. Several lines at a time, and half of the wrong values for each
second member: there would be more than a thousand runs of the tool."""
import copy
import json
import shutil

from kit import *

rng = np.random.default_rng(2)
space = ref.preset("camvid")
NAMES = ("a", 'b,"c"', "sub/d")
for name in NAMES:
    mask = random_mask(rng, space, (10, 14))
    write(tap.path(f"w/rm/{name}.png"), png(mask))
    write(tap.path(f"w/rl/{name}.npy"), npy(random_loss(rng, space, mask)))
    for seed in (42, 43):
        write(tap.path(f"w/sm/{name}_seed_{seed}.png"), png(mask))
        write(tap.path(f"w/sl/{name}_seed_{seed}.npy"), npy(random_loss(rng, space, mask)))
RUN = ["run", "-l", "camvid", "--real-masks", "rm", "--real-losses", "rl", "--synthetic-masks", "sm", "--synthetic-losses", "sl",
       "--policy", "quantile", "--real-share", "0.25", "-o", "out"]
FILTER = ["filter", "-l", "camvid", "--stats", "out/stats.json", "--masks", "sm", "--losses", "sl", "-o", "made"]


def tool(*arguments):
    return run(*arguments, cwd=tap.path("w"))


def spoken_of(result, file, member):
    lines = result.err.splitlines()
    return len(lines) == 1 and file in lines[0] and any(name in lines[0] for name in member)


# ---- JSON -----------------------------------------------------------------------------------------------

WRONG = [None, -1, 1.5, "no such value", [], {}, True]


def members_of(value, above=()):
    """The way to each member, but the first element stands for all of a list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*above, key)
            yield from members_of(item, (*above, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from members_of(value[0], (*above, 0))


def damaged(root, way, value):
    root = copy.deepcopy(root)
    at = root
    for key in way[:-1]:
        at = at[key]
    if value is members_of:  # stands for: missing
        del at[way[-1]]
    else:
        at[way[-1]] = value
    return root


def damage(file, command, needed, free):
    """Every member of the file, in every way; `needed` may not be missing, and what is below `free` is nobody's."""
    path = tap.path("w", file)
    good = read(path)
    root = json.loads(good)
    problems = []
    for at, way in enumerate(members_of(root)):
        if way[0] in free:
            continue
        for value in [members_of, None, *WRONG[1 + at % 2::2]]:
            write(path, json.dumps(damaged(root, way, value)).encode())
            result = tool(*command)
            # What is empty lacks its members, and a name may break a fingerprint.
            name = [""] if value == {} or way[-1] == "name" else [key for key in way if isinstance(key, str)]
            wrong = result.code not in (0, 2, 3) or (result.code == 3 and not spoken_of(result, file, name))
            if value is members_of and way in needed and result.code != 3:
                wrong = True
            if wrong:
                problems.append(f"{way} {'missing' if value is members_of else repr(value)}: {result}")
    write(path, good)
    tap.ok(not problems, f"{command[0]}: each member of {file}, damaged", "\n".join(problems[:8]))


result = tool(*RUN)
tap.ok(result.code == 0, "a run", result)
damage("out/filter.json", ["report", "out", "-o", "page.html"],
       {(name,) for name in ("format", "version", "labels", "stats", "masks", "policy", "count", "valid", "dropped", "emptied",
                             "classes")} | {("classes", 0, name) for name in ("mean_loss", "valid", "dropped")},
       {"made_of", "names"})
damage("out/stats.json", ["report", "out", "-o", "page.html"], {("format",), ("version",), ("classes",)}, {"made_of"})
damage("out/run.json", ["report", "out", "-o", "page.html"], {("format",), ("version",)}, {"names", "made_of"})

# ---- Counts in strings ----------------------------------------------------------------------------------

made = json.loads(read(tap.path("w/out/filter.json")))
size = {"histogram": 1026, "kept_histogram": 1026, "above": len(made["losses_counted"]["stops"]), "shown": len(made["classes"]), "agreement": 6}
problems = []
for key, count in size.items():
    good_text = f"+{count}"
    for text in ("", " ", good_text + " ", " " + good_text, f"+{count - 1}", f"+{count + 1}", f"0 +{count}", f"+{count} 0", f"-1 +{count - 1}",
                 f"00 +{count - 1}", f"1.0 +{count - 1}", f"+0 {good_text}", "+", f"+ {count}", f"0  +{count - 1}", f"0\t+{count - 1}",
                 f"0,+{count - 1}", f"{2**63} +{count - 1}", f"+{2**64 + count}", f"{2**63 - 1} +{count - 1}", f"\u0661 +{count - 1}", 5, [0] * count,
                 *([] if key in ("shown", "agreement") else [None])):
        broken = copy.deepcopy(made)
        of_class = key in ("shown", "agreement")
        place = broken["classes"][1] if of_class else broken["classes"][1]["losses"]
        place[key] = text
        write(tap.path("w/out/filter.json"), json.dumps(broken).encode())
        result = tool("report", "out", "-o", "page.html")
        if result.code != 3 or not spoken_of(result, "filter.json", [f'"{key}" of class 1']):
            problems.append(f"{key} {text!r}: {result}")
tap.ok(not problems, "counts in other forms, too many or too few", "\n".join(problems[:8]))
all_of = numbers_of(made["classes"][0]["losses"]["histogram"])
for kept, says in ((text_of([0] * 1025 + [1]), "in bin 1025 than"), (text_of([all_of[0] + 1, *all_of[1:]]), '"kept_histogram" of class 0')):
    broken = copy.deepcopy(made)
    broken["classes"][0]["losses"]["kept_histogram"] = kept
    write(tap.path("w/out/filter.json"), json.dumps(broken).encode())
    result = tool("report", "out", "-o", "page.html")
    tap.ok(result.code == 3 and says in result.err, "more pixels kept than there were", result)
write(tap.path("w/out/filter.json"), json.dumps(made).encode())
result = tool("report", "out", "-o", "page.html")
tap.ok(result.code == 0, "zeros one by one, or together", result)

# ---- filter.csv -----------------------------------------------------------------------------------------

table = read(tap.path("w/out/filter.csv"))
head, first, *others = table.decode().splitlines()
stem, *numbers = first.split(",")
problems = []
for row, says in (("," + ",".join(numbers), "no name"), (",".join(["../" + stem, *numbers]), "out of its folder"),
                  (",".join(["/etc/" + stem, *numbers]), "out of its folder"), (",".join(["a\tb", *numbers]), "control character"),
                  (",".join(["a" * 5000, *numbers]), "too long"), (others[0], "twice"), (f"{stem},5,6,0", "more dropped"),
                  (f"{stem},-5,0,0", "-5"), (f"{stem},5,0", "fields"), (f"{stem},5,0,nan", "nan")):
    write(tap.path("w/out/filter.csv"), "\n".join([head, row, *others, ""]).encode())
    result = tool("report", "out", "-o", "page.html")
    if result.code != 3 or not spoken_of(result, "filter.csv", [says]):
        problems.append(f"{row[:40]!r}: {result}")
tap.ok(not problems, "rows of filter.csv that cannot be", "\n".join(problems))
write(tap.path("w/out/filter.csv"), table)

for flag in ("--resume", "--overwrite"):
    result = tool(*RUN, flag)
    tap.ok(result.code == 0, f"what was mended is good: run {flag}", result)

# ---- Journals -------------------------------------------------------------------------------------------


def checksum(line):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in line:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return b"%016x" % value


def fields_of(line):
    """(stem, the others): a stem in quotes has commas."""
    end = line.index(b'",') + 1 if line.startswith(b'"') else line.index(b",")
    return [line[:end], *line[end + 1:].split(b",")]


def odd_lines(line):
    fields = fields_of(line)
    for i in (1, 2, 3, 4, 5, 6):  # numbers, parts, two of the classes; other numbers of pixels could be right
        for odd in (b"", b"-1", b"x", b"99999999999999999999", b"m:1", b"m:1:0000000000000000", b"m:1:12", b"m:x:1d0091601f5591f1",
                    b"m:5:1d0091601f5591f1:1", b"99:1:1", b"0:1", b"0:x:1", b"0:1:x", *([b"0"] if i > 2 else [])):
            yield b",".join([*fields[:i], odd, *fields[i + 1:]])
    yield b",".join(fields[:2])
    yield fields[0]
    yield b'"' + line
    yield b'"a' + line[1:]
    yield b"no such mask," + line.split(b",", 1)[1]
    yield fields[0] + b",-,"


result = tool(*FILTER)
tap.ok(result.code == 0, "a filter", result)
made = {name: data for name, data in tree(tap.path("w/made")).items() if name != "filter.record"}
record = read(tap.path("w/made/filter.record"))
head, *lines = record.rstrip(b"\n").split(b"\n")
bodies = [line[:-16] for line in lines]
tap.ok(all(checksum(body) == line[-16:] for body, line in zip(bodies, lines)), "checksums of lines are FNV-1a of what is before")


def resumed(name, data, problems, codes=(0,)):
    """The record, or the journal of a run that has no end, is `data`."""
    shutil.rmtree(tap.path("w/made"))
    for file, content in made.items():
        if name == "filter.record" or file.startswith("masks/"):
            write(tap.path("w/made", file), content)
    write(tap.path("w/made", name), data)
    result = tool(*FILTER, "--resume")
    now = {file: content for file, content in tree(tap.path("w/made")).items() if file != "filter.record"}
    if result.code not in codes or (result.code == 0 and now != made) or len(result.err.splitlines()) > (result.code != 0):
        problems.append(f"{data[-300:]}: {result}")


odd = [list(odd_lines(body)) for body in bodies]
many, apart = len(odd[0]), len(odd[0]) // len(bodies)
tap.ok(all(len(of) == many for of in odd) and any(body.startswith(b'"') for body in bodies), "lines of one shape, one in quotes")


def all_odd(run):
    """Each line is damaged in another way; in 3 * apart runs each way has met three lines."""
    for i, of in enumerate(odd):
        body = of[(run + i * apart) % many]
        body += b"" if body.endswith(b",") else b","
        yield body + checksum(body)


for name in ("filter.record", "filter.journal"):
    problems = []
    for run_of in range(3 * apart):
        resumed(name, b"\n".join([head, *all_odd(run_of)]) + b"\n", problems)
    tap.ok(not problems, f"{name}: each field of a line, damaged", "\n".join(problems[:4]))
    problems = []
    for cut in (head[:5], head, b"freemask-filter-1 {}\n", b"freemask-filter-2 []\n", b"freemask-filter-2 {\n", b"\n",
                record[:-1], record[:-9], record.replace(b"\n" + lines[1], b"\n" + lines[1][:-1] + b"0"),
                record[:len(head) + 30] + b"\0" + record[len(head) + 31:], record + b"x\n", record + lines[0][:7]):
        resumed(name, cut, problems, (0, 2, 3))
    tap.ok(not problems, f"{name}: cut off, of another kind, with other checksums", "\n".join(problems[:4]))
tap.done()

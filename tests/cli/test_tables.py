#!/usr/bin/env python3
# cli/test_tables.py - people's own label tables: `labels`, what `check` says of them, what the filter
# writes by them and what exporters make of them.
# SPDX-License-Identifier: MIT
import csv
import io
import json

from kit import *

rng = np.random.default_rng(11)
SHAPE = (24, 32)


def tool(*arguments):
    return run(*arguments, cwd=tap.path())


def masks(folder, *planes, depth=8, palette=None):
    for i, plane in enumerate(planes):
        write(tap.path(f"{folder}/m{i}.png"), png(plane, depth, palette))


def blocks(values, count=3):
    """Masks of large pieces of the values, all of which occur in each."""
    values = np.asarray(values)
    planes = []
    for _ in range(count):
        coarse = rng.permutation(np.resize(np.arange(len(values)), 12)).reshape(3, 4)
        planes.append(values[np.kron(coarse, np.ones((8, 8), int))])
    return planes


def table(name, text):
    write(tap.path(name), text.encode())
    return name


def check(labels, folder, *more):
    return tool("check", "--labels", labels, "--masks", folder, *more)


def draft(folder, *more):
    """A table by `labels --masks`: its rows, its comments."""
    result = tool("labels", "--masks", folder, *more)
    lines = result.out.splitlines()
    notes = [line for line in lines if line.startswith("#")]
    return list(csv.DictReader(line for line in lines if not line.startswith("#"))), "\n".join(notes), result


# ---- `check`: a table that explains every value is right ------------------------------------------
OWN = {
    "binary 0 and 255": ([0, 255], "0,0,background\n255,1,building\n254,ignore,\n"),
    "binary 0 and 1, 255 ignored": ([0, 1, 255], "0,0,a\n1,1,b\n255,ignore,\n"),
    "only the background": ([0], "0,0,background\n255,1,building\n254,ignore,\n"),
    "only the foreground": ([255], "0,0,background\n255,1,building\n254,ignore,\n"),
    "sparse": ([0, 51, 102, 255], "0,0,a\n51,1,b\n102,2,c\n255,3,d\n7,ignore,\n"),
    "remapped downwards": ([1, 3, 5], "1,2,a\n3,0,b\n5,1,c\n0,ignore,\n"),
    "classes plus one, the last absent": ([0, 1, 2, 255], "0,ignore,\n1,0,a\n2,1,b\n3,2,c\n4,3,d\n255,ignore,\n"),
    "high numbers of which low ones occur": ([0, 1, 2], "0,ignore,\n1,ignore,\n2,0,a\n30,1,b\n31,2,c\n255,ignore,\n"),
    "more than half ignored": ([0, 1, 9], "0,ignore,\n1,ignore,\n9,0,a\n40,1,b\n"),
    "ignored in the middle": ([0, 1, 2, 4], "0,0,a\n1,1,b\n2,2,c\n4,ignore,\n"),
    "ranges": (range(0, 256, 5), "0:127,0,a\n128:255,1,b\n256,ignore,\n"),
    "as Cityscapes has it, other names": ([7, 8, 11], "0:6,ignore,\n7,0,a\n8,1,b\n11,2,c\n"),
}
for name, (values, rows) in OWN.items():
    folder = "own " + name
    masks(folder, *blocks(list(values)[:12]))
    result = check(table(f"{folder}.csv", "label,class,name\n" + rows), folder)
    tap.ok(result.code == 0 and "no findings" in result.out and "preset" not in result.out,
           f"check believes a table: {name}", result)

# A preset by name may be doubted, as a question with what speaks for it; a table with the same rows may not.
masks("reduced", *blocks([0, 1, 2, 149, 255]))
result = check("ade20k", "reduced")
tap.ok(result.code == 1 and "were the masks reduced by one already" in result.out, "reduced ADE20K is asked about",
       result)
write(tap.path("mine.csv"), tool("labels", "ade20k").out.encode())
tap.equal(check("mine.csv", "reduced").code, 0, "the same as a table is believed")
masks("train ids", *blocks([0, 1, 2, 5, 10]))
result = check("cityscapes-ids", "train ids")
tap.ok(result.code == 1 and "are they train ids?" in result.out, "train ids are asked about", result)
masks("few ids", *blocks([7, 8, 11, 4]))
tap.equal(check("cityscapes-ids", "few ids").code, 0, "low ids of a small set are not")
masks("binary", *blocks([0, 255]))
result = check("voc2012", "binary")
tap.ok(result.code == 1 and "masks of two classes?" in result.out, "a preset that ignores half is asked about", result)

# What a table lacks is a finding; presets are proposed where they are likely and lose no class.
bad = table("bad.csv", "label,class,name\n0,0,a\n255,1,b\n254,ignore,\n")
masks("misfit", *blocks([0, 255, 9]))
result = check(bad, "misfit")
tap.ok(result.code == 1 and "label 9 at pixel" in result.out and "voc2012" not in result.out
       and "freemask labels --masks" in result.out, "no preset that ignores a class of the table", result)
masks("camvid", *blocks(range(12)))
result = check(bad, "camvid")
tap.ok("preset" in result.out and "camvid" in result.out and "?" in result.out, "a likely preset is asked about", result)
table("camvid.csv", "label,class,name\n0,0,a\n255,1,b\n254,ignore,\n")
tap.ok("that has them all: camvid" in check("camvid.csv", "camvid").out, "also if the table has the preset's name")
tap.ok("camvid" in json.loads(check(bad, "camvid", "--json").out)["presets"], "and in JSON")

# Soft edges: two values, and few pixels of many others between.
soft = [np.where(np.arange(40) < 14, 0, np.where(np.arange(40) > 24, 255, (np.arange(40) - 14) * 25 + i))
        * np.ones((30, 1), int) for i in range(3)]
masks("soft", *[np.clip(plane, 0, 255) for plane in soft])
result = check(bad, "soft")
tap.ok(result.code == 1 and "soft edges" in result.out and "0:127 and 128:255" in result.out, "soft edges are seen",
       result)
masks("gray of colors", *blocks([86, 109, 150, 180, 81]))
result = check(table("farm.csv", "label,class,name\n" + "".join(f"{i},{i},c{i}\n" for i in range(5)) + "255,ignore,\n"),
               "gray of colors")
tap.ok(result.code == 1 and "converted to gray?" in result.out and "freemask convert" in result.out,
       "luminances are asked about", result)

# ---- One index in two colors ----------------------------------------------------------------------
first, second = bytes([0, 0, 0, 255, 0, 0, 9, 9, 9]), bytes([0, 0, 0, 0, 255, 0, 8, 8, 8])
plane = blocks([0, 1], 1)[0]
for folder, palettes in (("same palettes", [first] * 4), ("unused entries", [first, first[:6] + second[6:]] * 2),
                         ("torn palettes", [first, first, second, first])):
    for i, palette in enumerate(palettes):
        write(tap.path(f"{folder}/m{i}.png"), png(plane, 8, palette))
two = table("two.csv", "label,class,name\n0,0,a\n1,1,b\n255,ignore,\n")
tap.equal(check(two, "same palettes").code, 0, "one palette is fine")
tap.equal(check(two, "unused entries").code, 0, "entries that no pixel has do not count")
results = [check(two, "torn palettes", "-j", str(j)) for j in (1, 3)]
tap.ok(results[0].code == 1 and "index 1 is #ff0000 in m0.png and #00ff00 in m2.png" in results[0].out,
       "one index in two colors is a finding", results[0])
tap.equal(results[0].out, results[1].out, "whatever the number of threads")

# ---- Masks of equal channels ----------------------------------------------------------------------
from PIL import Image  # noqa: E402

labels = blocks([0, 1, 2, 3, 4], 1)[0].astype(np.uint8)
alpha = np.full_like(labels, 255)
for kind, stack in {"RGB": [labels] * 3, "RGBA": [labels] * 3 + [alpha], "LA": [labels, alpha]}.items():
    os.makedirs(tap.path(f"equal {kind}"), exist_ok=True)
    Image.fromarray(np.dstack(stack), kind).save(tap.path(f"equal {kind}/a.png"))
    result = check("farm.csv", f"equal {kind}")
    tap.ok(result.code == 0 and "5 of 5 classes seen" in result.out, f"{kind} of equal channels holds labels", result)
os.makedirs(tap.path("clear"))
Image.fromarray(np.dstack([labels] * 3 + [alpha - (labels == 3)]), "RGBA").save(tap.path("clear/a.png"))
result = check("farm.csv", "clear")
tap.ok(result.code == 1 and "is not opaque at pixel" in result.out, "transparent pixels are named", result)
if os.environ.get("FREEMASK_TIFF") != "false":
    os.makedirs(tap.path("equal tiff"))
    for kind, stack in {"RGB": [labels] * 3, "RGBA": [labels] * 3 + [alpha], "LA": [labels, alpha]}.items():
        Image.fromarray(np.dstack(stack), kind).save(tap.path(f"equal tiff/{kind}.tif"), compression="tiff_lzw")
    result = check("farm.csv", "equal tiff")
    tap.ok(result.code == 0 and "3 masks" in result.out, "TIFF of equal channels holds labels", result)
for kind, name in (("JPEG", "jpeg"), ("WEBP", "webp")):
    os.makedirs(tap.path(name))
    try:
        Image.fromarray(np.dstack([labels] * 3)).save(tap.path(f"{name}/a.png"), kind)
    except (KeyError, OSError):
        tap.skip(f"{kind} as a mask", "this Pillow has no " + kind, excused=True)
        continue
    result = check("farm.csv", name)
    tap.ok(result.code == 1 and "its compression changes numbers" in result.out, f"{kind} masks are refused with the reason",
           result)

# ---- `labels`: presets and files ------------------------------------------------------------------
names = [line.split()[0] for line in tool("labels", "--list").out.splitlines()[1:]]
tap.ok({"ade20k", "voc2012", "cityscapes-ids"} <= set(names), "labels --list", names)
for name in names:
    result = tool("labels", name)
    write(tap.path("again.csv"), result.out.encode())
    tap.ok(result.code == 0 and tool("labels", "--labels", "again.csv").out == result.out, f"{name} is read again", result)
    space = ref.preset(name) if name in ("ade20k", "camvid") else None
    if space:
        rows = {int(r["label"]): r["class"] for r in csv.DictReader(io.StringIO(result.out))}
        tap.equal(rows, {label: "ignore" if k < 0 else str(k) for label, k in space.table.items()}, f"{name}: the rows")
result = tool("labels", "camvid", "-o", "c.csv")
tap.ok(result.code == 0 and read(tap.path("c.csv")).startswith(b"label,class,name,color\n11,ignore,,#000000\n0,0,sky,#808080\n"),
       "labels -o", result)
tap.equal(tool("labels", "camvid", "-o", "c.csv").code, 2, "a file that is there is not replaced")
tap.equal(tool("labels", "camvid", "-o", "c.csv", "--overwrite").code, 0, "but for --overwrite")
for arguments in ([], ["camvid", "--list"], ["camvid", "--masks", "soft"], ["nothing"], ["camvid", "--labels", "ade20k"],
                  ["camvid", "loveda"]):
    tap.equal(tool("labels", *arguments).code, 2, f"labels {' '.join(arguments)}: a sentence about flags")
tap.equal(tool("labels", "--masks", "nowhere").code, 4, "labels --masks of no folder")
tap.equal(tool("labels", "--masks", "binary", "-o", "binary/x.png").code, 2, "no table among the masks")

# ---- `labels --masks`: what is drafted fits the masks ---------------------------------------------
thin = blocks(range(5), 3)
for plane in thin:
    plane[8::8, :], plane[:, 8::8] = 255, 255
masks("thin", *thin)
masks("words", *blocks([0, 1000, 1001, 65535]), depth=16)
DRAFTS = {  # folder: {label: class}, what is said
    "binary": ({"0": "0", "255": "1", "254": "ignore"}, "both values are classes"),
    "thin": ({**{str(i): str(i) for i in range(5)}, "255": "ignore"}, "255 is probably ignored"),
    "own sparse": ({"0": "0", "51": "1", "102": "2", "255": "3", "254": "ignore"}, "for the filter to write"),
    "own ignored in the middle": ({"0": "0", "1": "1", "2": "2", "4": "3", "255": "ignore"}, "4 lies apart from 0 to 2"),
    "words": ({"0": "0", "1000": "1", "1001": "2", "65535": "ignore"}, "65535 is probably ignored"),
    "camvid": ({**{str(i): str(i) for i in range(12)}, "255": "ignore"}, "presets"),
}
for folder, (truth, says) in DRAFTS.items():
    rows, notes, result = draft(folder)
    tap.equal({row["label"]: row["class"] for row in rows}, truth, f"draft of {folder}: the rows")
    tap.ok(says in notes, f"draft of {folder}: {says}", result)
    write(tap.path("drafted.csv"), result.out.encode())
    tap.equal(check("drafted.csv", folder).code, 0, f"draft of {folder}: check has no findings")
    counts = np.bincount(np.concatenate([np.asarray(Image.open(tap.path(f"{folder}/m{i}.png"))).ravel() for i in range(3)]),
                         minlength=256)
    tap.ok(all(int(r["pixels"]) == counts[int(r["label"])] and
               abs(float(r["percent"]) - 100 * counts[int(r["label"])] / counts.sum()) < 1e-3 for r in rows),
           f"draft of {folder}: pixels as NumPy counts them", rows)
rows, notes, result = draft("soft")
tap.ok(len(rows) == 3 and ":" in rows[0]["label"] and "soft edges" in notes, "soft edges become two ranges", result)
write(tap.path("drafted.csv"), result.out.encode())
tap.equal(check("drafted.csv", "soft").code, 0, "and fit")
rows, notes, result = draft("same palettes")
tap.equal([r["color"] for r in rows], ["#000000", "#ff0000", ""], "palettes give colors")
rows, notes, result = draft("torn palettes")
tap.ok("index 1 has two colors" in notes and {r["color"] for r in rows} == {"#000000", "#ff0000", "#00ff00", ""},
       "torn palettes are drafted by color", result)
os.makedirs(tap.path("signed"))
for value in (-1, -100):
    np.save(tap.path(f"signed/m{value}.npy"), np.where(labels == 3, value, labels).astype(np.int16))
rows, notes, result = draft("signed")
tap.equal({r["label"]: r["class"] for r in rows if r["class"] == "ignore"}, {"-100": "ignore", "-1": "ignore", "255": "ignore"},
          "labels below 0 are ignored, and one is there for PNG")
write(tap.path("drafted.csv"), result.out.encode())
tap.equal(check("drafted.csv", "signed").code, 0, "and fit")
about = json.loads(tool("labels", "--masks", "thin", "--json").out)
tap.ok(about["masks"] == 3 and about["rows"][0]["class"] == 0 and "label,class,name,color" in about["table"], "labels --json",
       about)
tap.equal(tool("labels", "--masks", "thin", "-j", "1").out, tool("labels", "--masks", "thin", "-j", "4").out,
          "the same with any number of threads")

# ---- The filter: which ignored label it writes ----------------------------------------------------
def filtered(name, rows, planes, kind):
    """The masks that the filter makes when every pixel of class 1 is dropped."""
    for i, plane in enumerate(planes):
        os.makedirs(tap.path(f"{name}/m"), exist_ok=True)
        if kind == "npy":
            np.save(tap.path(f"{name}/m/a{i}.npy"), plane)
        else:
            write(tap.path(f"{name}/m/a{i}.png"), png(plane))
        write(tap.path(f"{name}/l/a{i}.npy"), npy(np.ones(plane.shape, np.float32)))
        write(tap.path(f"{name}/high/a{i}.npy"), npy(np.where(plane == 1, 9, 1).astype(np.float32)))
    space = table(f"{name}/t.csv", "label,class,name\n0,0,a\n1,1,b\n2,2,c\n" + rows)
    made = tool("stats", "--labels", space, "--masks", f"{name}/m", "--losses", f"{name}/l", "-o", f"{name}/s.json")
    result = tool("filter", "--labels", space, "--stats", f"{name}/s.json", "--masks", f"{name}/m", "--losses",
                  f"{name}/high", "-o", f"{name}/out")
    if made.code or result.code:
        return result, None
    return result, [np.asarray(Image.open(tap.path(f"{name}/out/masks/a{i}.png"))) for i in range(len(planes))]


plain = blocks([0, 1, 2])
signed = [np.where(plane == 0, -1, plane).astype(np.int32) for plane in plain]
for name, rows, planes, kind, written in (
        ("first of several", "7,ignore,\n255,ignore,\n", plain, "png", 7),
        ("a wider type", "300,ignore,\n255,ignore,\n", plain, "png", 300),
        ("the first that PNG holds", "-1,ignore,\n-100,ignore,\n255,ignore,\n9,ignore,\n", plain, "png", 255),
        ("negative ones in NPY", "-1,ignore,\n255,ignore,\n", signed, "npy", 255)):
    result, got = filtered(name, rows, planes, kind)
    truth = [np.where((plane == 1) | (plane < 0), written, plane) for plane in planes]
    tap.ok(got is not None and all(np.array_equal(a, b) for a, b in zip(got, truth)), f"the filter writes: {name}", result)
result, got = filtered("none", "-1,ignore,\n", plain, "png")
tap.ok(result.code == 3 and "no PNG can hold" in result.err and "255,ignore" in result.err, "none that fits: a sentence", result)

# ---- Exports: a space is known by what it holds ---------------------------------------------------
write(tap.path("plan.csv"), b"mask,hardness,rank,count,seeds\nm0,1,1,1,42\n")
masks("real", *blocks([0, 1], 1))


def mmseg(labels, *more):
    result = tool("export", "--plan", "plan.csv", "--to", "mmseg", "--labels", labels, "--real-masks", "real",
                  "--allow-missing", "-o", "mm", *more)
    path = tap.path("mm/freemask_mmseg.py")
    return result, read(path).decode() if result.code == 0 else ""


seven = "label,class,name\n" + "".join(f"{i},{i},kind{i}\n" for i in range(7)) + "255,ignore,\n"
result, config = mmseg(table("cityscapes.csv", seven))
tap.ok("type='BaseSegDataset'" in config and "kind6" in config and "Cityscapes" not in config,
       "cityscapes.csv with classes of its own is no Cityscapes", result)
result, config = mmseg(table("my own.csv", tool("labels", "cityscapes").out))
tap.ok("type='CityscapesDataset'" in config, "Cityscapes under another name is", result)
result, config = mmseg(bad)
tap.ok(result.code == 2 and "label 255 is class 1 (b)" in result.err and "--train-ids" in result.err,
       "the true reason, not the first one", result)
result, config = mmseg(table("four.csv", "label,class,name\n0,0,a\n1,1,b\n2,2,c\n4,ignore,\n"))
tap.ok("ignore_index=4" in config, "one ignored label that is not 255", result)
result, config = mmseg(table("five.csv", "label,class,name\n0,0,a\n1,1,b\n2,2,c\n4,ignore,\n5,ignore,\n"))
tap.ok(result.code == 2 and "label 5 is ignored, besides 4" in result.err, "two of them are named", result)
result, config = mmseg(table("minus.csv", "label,class,name\n-1,ignore,\n0,0,a\n1,1,b\n255,ignore,\n"))
tap.ok("ignore_index=255" in config, "labels below 0 are not in PNG", result)
tap.done()

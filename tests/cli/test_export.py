#!/usr/bin/env python3
# cli/test_export.py - every format of export, read by something that is not ours: csv, json, ast,
# tarfile, and MMEngine's substitution as it is documented; names that hurt.
# SPDX-License-Identifier: MIT
import ast
import csv
import io
import json
import re
import subprocess
import tarfile

from export_world import *
from PIL import Image

space = ref.preset("ade20k")
ADE = "ade {{ fileDirname }} \u00e9"  # a folder with such a name is in the files, too


def tool(*arguments):
    return run(*arguments, cwd=tap.path())


make_world(tap, ADE, ".png", space)
make_world(tap, "coco", "_labelTrainIds.png", ref.preset("cocostuff164k"))


def folders(top):
    return ["--real-masks", f"{top}/real/masks", "--real-images", f"{top}/real/images",
            "--synthetic", f"{top}/syn/masks", "--images", f"{top}/syn/images"]


def export(kind, top, labels, output, *more):
    return tool("export", "--plan", f"{top}/plan.csv", "--to", kind, "--labels", labels, *folders(top), "-o", output, *more)


def good(kind, top, labels, output, *more):
    result = export(kind, top, labels, output, *more)
    return tap.ok(result.code == 0, f"{kind} of {top} {' '.join(more)}", result)


def text(*parts):
    return read(tap.path(*parts)).decode("utf-8")


def lines(*parts):
    return text(*parts).split("\n")[:-1]


def same_file(path, folder, expected):
    """Is `path`, as a reader in `folder` resolves it, that file?"""
    return os.path.exists(os.path.join(folder, path)) and os.path.samefile(os.path.join(folder, path), tap.path(expected))


def pairs_are(found, expected, folder, name, absolute):
    """Image and mask of each: the right files, and in the wanted way of writing."""
    bad = [pair for pair, want in zip(found, expected)
           if not (same_file(pair[0], folder, want[1]) and same_file(pair[1], folder, want[2])
                   and all(os.path.isabs(path) == absolute and "\n" not in path for path in pair))]
    tap.ok(len(found) == len(expected) and not bad, f"{name}: {len(expected)} pairs of files", bad[:3])


# ---- list ---------------------------------------------------------------------------------------
for way in ("absolute", "relative"):
    good("list", ADE, "ade20k", f"list-{way}", "--paths", way)
    out = f"list-{way}"
    expected = files_of("real", ADE, ".png") + files_of("synthetic", ADE, ".png")
    rows = list(csv.DictReader(io.StringIO(text(out, "train.csv"), newline="")))
    tap.equal([row["stem"] for row in rows], [stem for stem, _, _ in expected], f"train.csv, {way}: stems")
    bare = re.findall(r"(?:^|,)[=+@-][^,\n]*", text(out, "train.csv"), re.M)
    tap.equal(bare, [], f"train.csv, {way}: names like formulas are quoted")
    tap.equal([(row["set"], row["repeats"]) for row in rows],
              [("real", str(TIMES))] * len(PLAN) + [("synthetic", "1")] * len(STEMS), f"train.csv, {way}: repeats")
    pairs_are([(row["image"], row["mask"]) for row in rows], expected, tap.path(out), f"train.csv, {way}", way == "absolute")
real = sorted(PLAN, key=lambda n: n.encode())
tap.equal(lines("list-relative", "real.txt"), real, "real.txt")
tap.equal(lines("list-relative", "synthetic.txt"), STEMS, "synthetic.txt")
tap.equal(lines("list-relative", "joint.txt"), [name for name in real for _ in range(TIMES)] + STEMS,
          "joint.txt repeats the real stems")
tap.equal(json.loads(text("list-relative", "plan.json"))["times"], TIMES, "times in plan.json")

# ---- mmseg: what MMEngine makes of it -------------------------------------------------------------


def mmengine(folder, name):
    """The configuration as MMEngine reads a Python file: {{ fileDirname }} first, then Python."""
    source = re.sub(r"\{\{\s*fileDirname\s*\}\}", lambda _: folder, text(name, "freemask_mmseg.py"))
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign):
            raise AssertionError(f"not an assignment: {ast.dump(node)}")
    scope = {}
    exec(compile(source, name, "exec"), scope)  # pylint: disable=exec-used
    return scope


def mmseg_pairs(part):
    """As BaseSegDataset.load_data_list does."""
    with open(part["ann_file"], encoding="utf-8") as file:
        stems = [line.rstrip("\n\r").strip() for line in file]
    prefix = part["data_prefix"]
    return [(os.path.join(prefix["img_path"], stem + part["img_suffix"]),
             os.path.join(prefix["seg_map_path"], stem + part["seg_map_suffix"])) for stem in stems]


for top, labels, suffix, kind, reduced in ((ADE, "ade20k", ".png", "ADE20KDataset", True),
                                           ("coco", "cocostuff164k", "_labelTrainIds.png", "COCOStuffDataset", False)):
    for way in ("absolute", "relative"):
        out = f"mmseg-{labels}-{way}"
        good("mmseg", top, labels, out, "--paths", way)
        config = mmengine(tap.path(out), out)
        parts = [repeat["dataset"] for repeat in config["train_dataloader"]["dataset"]["datasets"]]
        tap.equal([repeat["times"] for repeat in config["train_dataloader"]["dataset"]["datasets"]], [TIMES, 1], f"{out}: times")
        tap.equal([(part["type"], part["reduce_zero_label"], part["ignore_index"]) for part in parts],
                  [(kind, reduced, 255)] * 2, f"{out}: how masks are read")
        pairs_are(mmseg_pairs(parts[0]), files_of("real", top, suffix), "/", f"{out}, real", True)
        pairs_are(mmseg_pairs(parts[1]), files_of("synthetic", top, suffix), "/", f"{out}, synthetic", True)

# ---- Masks as train ids ---------------------------------------------------------------------------
good("mmseg", ADE, "ade20k", "ids", "--train-ids")
config = mmengine(tap.path("ids"), "ids")
tap.ok(not config["real"]["reduce_zero_label"], "train ids need no reduction")
pairs_are(mmseg_pairs(config["synthetic"]), files_of("synthetic", ADE, ".png", "ids"), "/", "train ids", True)
wrong = 0
for kind in ("real", "synthetic"):
    for (_, _, mask), (_, _, converted) in zip(files_of(kind, ADE, ".png"), files_of(kind, ADE, ".png", "ids")):
        before = np.array(Image.open(tap.path(mask))).astype(int)
        wrong += not np.array_equal(np.array(Image.open(tap.path(converted))), np.where(np.isin(before, (0, 255)), 255, before - 1))
tap.equal(wrong, 0, "train ids are labels less one, 0 is 255")

# ---- detectron2 -----------------------------------------------------------------------------------
result = export("detectron2", ADE, "ade20k", "d2")
tap.ok(result.code == 2 and "--train-ids" in result.err and not os.path.exists(tap.path("d2")),
       "detectron2 takes no masks that are not train ids", result)
for top, labels, suffix, more in ((ADE, "ade20k", ".png", ["--train-ids"]),
                                  ("coco", "cocostuff164k", "_labelTrainIds.png", ["--paths", "relative"])):
    out = f"d2-{labels}"
    good("detectron2", top, labels, out, *more)
    expected = [row for kind in ("real", "synthetic")
                for row in files_of(kind, top, suffix, out if "--train-ids" in more else None)]
    about = json.loads(text(out, "detectron2.json"))
    tap.equal(about["repeat_factors"], [TIMES] * len(PLAN) + [1] * len(STEMS), f"{out}: repeat factors")
    tap.equal(len(about["classes"]), ref.preset(labels).classes, f"{out}: class names")
    tap.equal(len({record["image_id"] for record in about["records"]}), len(expected), f"{out}: every record its id")
    scope = {"__file__": tap.path(out, "freemask_detectron2.py")}
    exec(compile(text(out, "freemask_detectron2.py"), out, "exec"), scope)  # pylint: disable=exec-used
    pairs_are([(record["file_name"], record["sem_seg_file_name"]) for record in scope["records"]()],
              expected, "/", f"{out}: records()", True)

# ---- Hugging Face datasets --------------------------------------------------------------------------
for top, labels, suffix, reduces in ((ADE, "ade20k", ".png", True), ("coco", "cocostuff164k", "_labelTrainIds.png", False)):
    out = f"hf-{labels}"
    good("hf", top, labels, out, "--paths", "relative")
    for kind in ("real", "synthetic"):
        rows = [json.loads(line) for line in lines(out, f"{kind}.jsonl")]
        expected = files_of(kind, top, suffix)
        tap.equal([row["stem"] for row in rows], [stem for stem, _, _ in expected], f"{out}, {kind}: stems")
        pairs_are([(row["image"], row["annotation"]) for row in rows], expected, tap.path(out), f"{out}, {kind}", False)
    tap.equal(len(json.loads(text(out, "classes.json"))), ref.preset(labels).classes, f"{out}: class names")
    scope = {"__file__": tap.path(out, "freemask_hf.py")}
    exec(compile(text(out, "freemask_hf.py"), out, "exec"), scope)  # pylint: disable=exec-used
    tap.equal((scope["TIMES"], scope["REDUCE_LABELS"]), (TIMES, reduces), f"{out}: times and reduction")

# ---- webdataset -------------------------------------------------------------------------------------
good("webdataset", ADE, "ade20k", "wds", "--paths", "relative", "--shard-size", "10")
rows = [json.loads(line) for line in lines("wds", "shards.jsonl")]
expected = {(kind, stem, repeat): (image_path, mask) for kind, times in (("real", TIMES), ("synthetic", 1))
            for stem, image_path, mask in files_of(kind, ADE, ".png") for repeat in range(times)}
tap.equal(sorted((row["set"], row["stem"], row["repeat"]) for row in rows), sorted(expected), "shards: each sample once")
tap.equal([row["shard"] for row in rows], [i // 10 for i in range(len(rows))], "shards of ten")
tap.equal([row["key"] for row in rows], [f"{i:09}" for i in range(len(rows))], "keys in order")
pairs_are([(row["image"], row["mask"]) for row in rows],
          [(None, *expected[row["set"], row["stem"], row["repeat"]]) for row in rows], tap.path("wds"), "shards", False)

DOCUMENT = {}
with open(os.path.join(os.path.dirname(os.path.dirname(GOLDEN)), "doc", "random.md"), encoding="utf-8") as page:
    exec(re.search(r"```python\n(.*?)```", page.read(), re.S).group(1), DOCUMENT)  # pylint: disable=exec-used


def by_definition(seed):
    """The order that doc/random.md defines."""
    return sorted(expected, key=lambda key: DOCUMENT["Random"](seed, "/".join(map(str, key)).encode()).next())


tap.equal([(row["set"], row["stem"], row["repeat"]) for row in rows], by_definition(0), "the order of doc/random.md")
good("webdataset", ADE, "ade20k", "wds7", "--seed", "7")
tap.equal([(row["set"], row["stem"], row["repeat"]) for row in map(json.loads, lines("wds7", "shards.jsonl"))],
          by_definition(7), "another seed, another order")
packed = subprocess.run([sys.executable, tap.path("wds/freemask_pack.py"), tap.path("tars")], capture_output=True, text=True)
tap.ok(packed.returncode == 0, "freemask_pack.py packs", packed)
found = {}
for name in sorted(os.listdir(tap.path("tars"))):
    with tarfile.open(tap.path("tars", name)) as tar:
        for member in tar:
            found.setdefault(member.name.split(".")[0], {})[member.name.split(".", 1)[1]] = tar.extractfile(member).read()
tap.equal(sorted(os.listdir(tap.path("tars"))), [f"freemask-{i:06}.tar" for i in range((len(rows) + 9) // 10)], "a tar for each shard")
tap.ok(all(found.get(row["key"], {}).get("jpg") == read(tap.path("wds", row["image"]))
           and found[row["key"]]["seg.png"] == read(tap.path("wds", row["mask"]))
           and json.loads(found[row["key"]]["json"])["stem"] == row["stem"] for row in rows), "tars hold the files")
before = tree(tap.path("tars"))
subprocess.run([sys.executable, tap.path("wds/freemask_pack.py"), tap.path("tars"), "1"], check=True)
tap.ok(tree(tap.path("tars")) == before, "packing one shard again gives the same bytes")

# ---- PaddleSeg: as its Dataset reads lists ------------------------------------------------------------
for way in ("absolute", "relative"):
    out = f"paddle-{way}"
    good("paddleseg", "coco", "cocostuff164k", out, "--paths", way)
    config = text(out, "freemask_paddleseg.yml")
    value = {key: json.loads(re.search(rf"^  {key}: (.*)$", config, re.M).group(1))
             for key in ("dataset_root", "train_path", "separator", "num_classes")}
    items = []
    with open(value["train_path"], encoding="utf-8") as file:
        for line in file:
            items.append(line.strip().split(value["separator"]))
    tap.ok(all(len(item) == 2 for item in items) and value["num_classes"] == 171, f"{out}: two paths a line")
    expected = ([row for row in files_of("real", "coco", "_labelTrainIds.png") for _ in range(TIMES)]
                + files_of("synthetic", "coco", "_labelTrainIds.png"))
    pairs_are(items, expected, value["dataset_root"], out, way == "absolute")

# ---- What cannot be said is refused -------------------------------------------------------------------
write(tap.path("bad/plan.csv"), plan_csv({"new\nline": [42]}))
for kind, more in (("list", []), ("jsonl", ["--real-masks", f"{ADE}/real/masks"])):
    result = tool("export", "--plan", "bad/plan.csv", "--to", kind, *more, "-o", "bad/out")
    tap.ok(result.code == 3 and not os.path.exists(tap.path("bad/out")) and result.err.count("\n") == 1,
           f"{kind}: a name with a line break is refused", result)
for name, why in ((" blank", "blank"), ("blank\u3000", "blank"), ("blank\u2028", "blank")):
    write(tap.path("bad/plan.csv"), plan_csv({name: [42]}))
    result = tool("export", "--plan", "bad/plan.csv", "--to", "list", "-o", "bad/out")
    tap.ok(result.code == 3 and why in result.err and not os.path.exists(tap.path("bad/out")),
           f"list: {name!r} is refused", result)
write(tap.path("bad/plan.csv"), plan_csv({"x": [42]}).replace(b"\nx,", b"\n\xffx,"))
result = tool("export", "--plan", "bad/plan.csv", "--to", "list", "-o", "bad/out")
tap.ok(result.code == 3 and "UTF-8" in result.err, "a name that is not UTF-8 is refused", result)
latin = os.fsencode(tap.path()) + b"/bad/\xff"
os.makedirs(latin)
result = run("export", "--plan", tap.path("coco/plan.csv"), "--to", "paddleseg", "--labels", "cocostuff164k",
             *[tap.path(flag) if "/" in flag else flag for flag in folders("coco")], "-o", "out", cwd=latin)
tap.ok(result.code == 3 and "UTF-8" in result.err and os.listdir(latin) == [], "an output folder that is not UTF-8 is refused", result)
for missing in ("--real-images", "--images", "--synthetic", "--real-masks"):
    flags = folders("coco")
    at = flags.index(missing)
    result = tool("export", "--plan", "coco/plan.csv", "--to", "hf", "--labels", "cocostuff164k",
                  *flags[:at], *flags[at + 2:], "-o", "bad/out")
    tap.ok(result.code == 2 and missing in result.err, f"hf needs {missing}", result)
write(tap.path("npy/real/masks/a.npy"), npy(np.zeros((12, 16), np.uint8)))
write(tap.path("npy/syn/masks/a_seed_42.npy"), npy(np.full((12, 16), 7, np.int32)))
write(tap.path("npy/real/images/a.jpg"), image(1))
write(tap.path("npy/syn/images/a_seed_42.jpg"), image(2))
write(tap.path("npy/plan.csv"), plan_csv({"a": [42]}))
result = export("hf", "npy", "voc2012", "npy/out")
tap.ok(result.code == 3 and "PNG" in result.err, "masks as NPY are no use to trainers", result)
good("hf", "npy", "voc2012", "npy/out", "--train-ids")
tap.ok((np.array(Image.open(tap.path("npy/out/train_ids/synthetic/a_seed_42.png"))) == 7).all(), "but --train-ids converts them")
write(tap.path("npy/syn/masks/a_seed_42.npy"), npy(np.full((12, 16), 70, np.int32)))
result = export("hf", "npy", "voc2012", "npy/out2", "--train-ids")
tap.ok(result.code == 3 and "70" in result.err and not os.path.exists(tap.path("npy/out2")),
       "a label outside the space leaves nothing behind", result)

tap.done()

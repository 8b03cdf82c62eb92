#!/usr/bin/env python3
# cli/test_convert.py - `convert` against NumPy and Pillow: tables, VOC, Replicator, COCO panoptic.
# SPDX-License-Identifier: MIT
import json

from kit import *
from PIL import Image

rng = np.random.default_rng(7)
COLORS = np.array([[110, 80, 50], [40, 160, 40], [150, 200, 30], [170, 170, 170], [200, 30, 30]], np.uint8)


def tool(*arguments):
    return run(*arguments, cwd=tap.path())


def image(path, array, mode=None):
    os.makedirs(os.path.dirname(tap.path(path)), exist_ok=True)
    Image.fromarray(array, mode).save(tap.path(path))


def mask(path):
    with Image.open(tap.path(path)) as opened:
        assert opened.mode in ("L", "I;16", "I"), opened.mode
        return np.asarray(opened).astype(int)


def converts(name, truth, *arguments, out=None):
    """`convert` makes just these masks: {file: labels}."""
    out = out or name.replace(" ", "_")
    result = tool("convert", *arguments, "-o", out)
    made = {path for path in tree(tap.path(out)) if path.endswith(".png")} if result.code == 0 else set()
    good = made == set(truth) and all(np.array_equal(mask(f"{out}/{path}"), labels) for path, labels in truth.items())
    tap.ok(result.code == 0 and good, name, result)
    return result


def refuses(name, code, says, *arguments, out="refused"):
    result = tool("convert", *arguments, "-o", out)
    problems = [text for text in says if text not in result.err]
    lines = [line for line in result.err.splitlines() if not line.startswith("freemask: note: ")]
    tap.ok(result.code == code and not problems and len(lines) == 1 and
           not os.path.exists(tap.path("refused")), name, f"misses {problems}\n{result}")
    return result


def hexes(colors):
    return ["#%02x%02x%02x" % tuple(c) for c in colors]


HEAD = "label,class,name,color\n"
FARM = HEAD + "".join(f"{i},{i},kind {i},{c}\n" for i, c in enumerate(hexes(COLORS))) + "255,ignore,,\n"
write(tap.path("farm.csv"), FARM.encode())
TRUTH = {f"{name}.png": rng.integers(0, 5, (20 + i, 30)) for i, name in enumerate(("a", "sub/b", "c d"))}
for name, labels in TRUTH.items():
    image(f"rgb/{name}", COLORS[labels])
    image(f"rgba/{name}", np.dstack([COLORS[labels], np.full(labels.shape, 255, np.uint8)]))
BASE = ["--labels", "farm.csv", "--masks", "rgb"]

# ---- By the table -----------------------------------------------------------------------------------
before = tree(tap.path("rgb"))
converts("colors of a table", TRUTH, *BASE)
tap.equal(tree(tap.path("rgb")), before, "inputs are as they were")
converts("with opacity", TRUTH, "--labels", "farm.csv", "--masks", "rgba")
converts("one thread", TRUTH, *BASE, "-j", "1")
for name, labels in TRUTH.items():  # as per-image quantization numbers them: in the order of their first pixel
    order = list(dict.fromkeys(labels.ravel()))
    made = Image.fromarray(np.argsort(order)[labels].astype(np.uint8), "P")
    made.putpalette(COLORS[order].tobytes())
    os.makedirs(tap.path(f"palette/{os.path.dirname(name)}"), exist_ok=True)
    made.save(tap.path(f"palette/{name}"))
converts("palettes that differ", TRUTH, "--labels", "farm.csv", "--masks", "palette")
high = "label,class,name,color\n" + "".join(f"{300 + i},{i},k,{c}\n" for i, c in enumerate(hexes(COLORS))) + "9,ignore,,\n"
write(tap.path("high.csv"), high.encode())
converts("labels above 255", {n: t + 300 for n, t in TRUTH.items()}, "--labels", "high.csv", "--masks", "rgb")
merged = HEAD + "".join(f"{i},{i // 2},,{c}\n" for i, c in enumerate(hexes(COLORS))) + "255,ignore,,\n"
write(tap.path("merged.csv"), merged.encode())
converts("several colors of one class", TRUTH, "--labels", "merged.csv", "--masks", "rgb")
converts("train ids of them", {n: t // 2 for n, t in TRUTH.items()}, "--labels", "merged.csv", "--masks", "rgb", "--to",
         "train-ids")
write(tap.path("other.csv"), b"label,class,name\n7,4,\n8,3,\n9,2,\n10,1,\n11,0,\n0,ignore,\n")
converts("labels of another space", {n: 11 - t for n, t in TRUTH.items()}, *BASE, "--to", "other.csv")
cvat = "# label:color_rgb:parts:actions\n" + "".join(f"kind {i}:{c[0]},{c[1]},{c[2]}::\n" for i, c in enumerate(COLORS))
write(tap.path("labelmap.txt"), cvat.encode())
converts("CVAT's labelmap", TRUTH, "--labels", "labelmap.txt", "--masks", "rgb")
write(tap.path("class_dict.csv"), ("name,r,g,b\n" + "".join(f"k{i},{c[0]},{c[1]},{c[2]}\n" for i, c in enumerate(COLORS)))
      .encode())
converts("a list of names, r, g, b", TRUTH, "--labels", "class_dict.csv", "--masks", "rgb")
black = HEAD + "0,0,a,#000000\n1,1,b,#ffffff\n255,ignore,,\n"
write(tap.path("black.csv"), black.encode())
if os.environ.get("FREEMASK_TIFF") != "false":
    for name, labels in TRUTH.items():
        os.makedirs(tap.path(f"tiff/{os.path.dirname(name)}"), exist_ok=True)
        Image.fromarray(COLORS[labels]).save(tap.path(f"tiff/{name[:-4]}.tif"))
    converts("TIFF", TRUTH, "--labels", "farm.csv", "--masks", "tiff")
two = rng.integers(0, 2, (9, 9))
image("black/a.png", (two * 255).astype(np.uint8))
converts("gray is a color, too", {"a.png": two}, "--labels", "black.csv", "--masks", "black")
about = json.loads(converts("once more", TRUTH, *BASE, "--json", out="json").out)
counts = np.bincount(np.concatenate([t.ravel() for t in TRUTH.values()]), minlength=5)
tap.equal([c["pixels"] for c in about["classes"]], counts.tolist(), "--json counts pixels of classes")
write(tap.path("drafted.csv"), tool("labels", "--masks", "rgb").out.encode())
result = tool("convert", "--labels", "drafted.csv", "--masks", "rgb", "-o", "drafted")
order = np.argsort(-counts, kind="stable")
tap.ok(result.code == 0 and np.array_equal(mask("drafted/a.png"), np.argsort(order)[TRUTH["a.png"]]),
       "a draft of colors converts as it is", result)
result = tool("check", "--labels", "farm.csv", "--masks", "colors_of_a_table")
tap.equal(result.code, 0, "check has no findings then")

# ---- Pascal VOC's color map -----------------------------------------------------------------------
def voc(number):
    """As the development kit's VOClabelcolormap has it."""
    color = [0, 0, 0]
    for bit in range(8):
        for part in range(3):
            color[part] |= (number >> part & 1) << 7 - bit
        number >>= 3
    return color


VOC = np.array([voc(i) for i in range(256)], np.uint8)
tap.equal(VOC[[1, 15, 20, 255]].tolist(), [[128, 0, 0], [192, 128, 128], [0, 64, 128], [224, 224, 192]], "VOC's colors")
ids = np.append(rng.integers(0, 21, 199), 255).reshape(10, 20)
image("voc/a.png", VOC[ids])
converts("voc2012", {"a.png": ids}, "--labels", "voc2012", "--masks", "voc")
write(tap.path("plain.csv"), b"label,class,name\n0:100,0,a\n101:200,1,b\n255,ignore,\n")
ids = np.append(rng.integers(0, 201, 199), 255).reshape(10, 20)
image("voc100/a.png", VOC[ids])
converts("--voc-colors for any table", {"a.png": ids}, "--labels", "plain.csv", "--masks", "voc100", "--voc-colors")

# ---- Colors without a place -----------------------------------------------------------------------
edges = COLORS[TRUTH["a.png"]].copy()
edges[3, 4] = [110, 80, 53]
edges[5, 6] = edges[5, 7] = [1, 2, 3]
image("edges/a.png", edges)
EDGES = ["--labels", "farm.csv", "--masks", "edges"]
refuses("unknown colors are named", 3, ["2 colors", "#010203 in a.png at pixel (x 6, y 5), 2 pixels in 1 mask",
                                        "#6e5035 in a.png at pixel (x 4, y 3), 1 pixel",
                                        "nearest #6e5032 (kind 0) at distance 3.0", "--nearest", "--unknown"], *EDGES)
refuses("also beyond the distance", 3, ["1 color", "#010203"], *EDGES, "--nearest", "3")
refuses("and just below it", 3, ["2 colors"], *EDGES, "--nearest", "2.9")
truth = TRUTH["a.png"].copy()
truth[3, 4], truth[5, 6], truth[5, 7] = 0, 255, 255
result = converts("--nearest and --unknown", {"a.png": truth}, *EDGES, "--nearest", "3", "--unknown", "ignore")
tap.ok("nearest color was taken for 1 (" in result.out and "label 255 was taken for 2 (" in result.out, "and says so", result)
truth[3, 4] = truth[5, 6] = truth[5, 7] = 4
converts("--unknown LABEL", {"a.png": truth}, *EDGES, "--unknown", "4")
blurred = np.asarray(Image.fromarray(COLORS[TRUTH["a.png"]]).resize((90, 60), Image.BILINEAR))
image("blurred/a.png", blurred)
distance = ((blurred[:, :, None].astype(int) - COLORS.astype(int)) ** 2).sum(-1)
key = COLORS.astype(int) @ (1, 256, 65536)  # ties go to the color that is first in this order
order = np.argsort(key)
converts("soft edges by the nearest color", {"a.png": order[np.argmin(distance[:, :, order], -1)]}, "--labels", "farm.csv",
         "--masks", "blurred", "--nearest", "500")
refuses("many unknown colors", 3, ["and ", " more"], "--labels", "farm.csv", "--masks", "blurred")

# ---- Replicator -----------------------------------------------------------------------------------
REP = {}
for i in range(4):
    shown = rng.permutation(200)[:3]
    colors = np.array([[0, 0, 0, 0], [0, 0, 0, 255], *[[c, 255 - c, c // 2 + 1, 255] for c in shown]], np.uint8)
    t = rng.integers(0, 5, (11, 13))
    image(f"rep/semantic_segmentation_{i:04}.png", colors[t], "RGBA")
    image(f"rep/rgb_{i:04}.png", np.zeros((11, 13, 3), np.uint8))
    names = ["BACKGROUND", "UNLABELLED", "cube", "Sphere", "cone"]
    about = {str(tuple(map(int, c))): {"class": n} for c, n in zip(colors, names)}
    write(tap.path(f"rep/semantic_segmentation_labels_{i:04}.json"), json.dumps(about).encode())
    REP[f"semantic_segmentation_{i:04}.png"] = t
MADE = {n: np.array([255, 255, 2, 0, 1])[t] for n, t in REP.items()}  # Sphere, cone, cube in the order of their bytes
result = converts("Replicator without a table", MADE, "--masks", "rep")
tap.ok("4 files without" in result.err, "what has no file next to it is said to be passed over", result)
tap.equal(read(tap.path("Replicator_without_a_table/labels.csv")),
          b"label,class,name\n255,ignore,\n0,0,Sphere\n1,1,cone\n2,2,cube\n", "and the space is there")
write(tap.path("rep.csv"), b"label,class,name\n1,0,background\n2,1,cube\n3,2,sphere\n4,3,CONE\n0,ignore,\n")
converts("Replicator by a table", {n: np.array([1, 0, 2, 3, 4])[t] for n, t in REP.items()}, "--masks", "rep", "--labels",
         "rep.csv")
write(tap.path("rep2.csv"), b"label,class,name\n2,1,cube\n3,0,sphere\n0,ignore,\n")
refuses("a class that the table lacks", 3, ["class 'cone' is not in label space rep2 (sphere, cube)", ".json"], "--masks", "rep",
        "--labels", "rep2.csv")
converts("--unknown for it", {n: np.array([0, 0, 2, 3, 0])[t] for n, t in REP.items()}, "--masks", "rep", "--labels",
         "rep2.csv", "--unknown", "ignore")
numbers = rng.integers(0, 3, (6, 7))
image("rep numbers/semantic_segmentation_0000.png", numbers.astype(np.uint8))
write(tap.path("rep numbers/semantic_segmentation_labels_0000.json"),
      json.dumps({"0": {"class": "BACKGROUND"}, "1": {"class": "cube"}, "2": {"class": "sphere,ball"}}).encode())
converts("Replicator's numbers", {"semantic_segmentation_0000.png": np.array([0, 2, 3])[numbers]}, "--masks", "rep numbers",
         "--labels", "rep2.csv")
for name, content, says in (("no JSON", b"{", "line 1"), ("a list", b"[]", "expected an object"),
                            ("no color", b'{"red": {"class": "cube"}}', "key 'red'"),
                            ("no class", b'{"(1, 2, 3, 255)": {"type": "cube"}}', 'no "class"'),
                            ("a color of 256", b'{"(1, 2, 256, 255)": {"class": "cube"}}', "key '(1, 2, 256, 255)'")):
    write(tap.path("rep numbers/semantic_segmentation_labels_0000.json"), content)
    refuses(f"Replicator: {name}", 3, [says, "semantic_segmentation_labels_0000.json"], "--masks", "rep numbers", "--labels",
            "rep2.csv")
refuses("Replicator without its files", 3, ["no mask has a JSON file"], *BASE, "--from", "replicator")

# ---- COCO panoptic --------------------------------------------------------------------------------
PAN, annotations = {}, []
for i in range(3):
    ids = np.array([0, 70000 + i, 300, 16777215])
    t = rng.integers(0, 4, (9, 12))
    image(f"pan/{i:012}.png", np.stack([ids[t] % 256, ids[t] // 256 % 256, ids[t] // 65536], -1).astype(np.uint8))
    annotations.append({"file_name": f"{i:012}.png", "image_id": i, "segments_info": [
        {"id": int(d), "category_id": c} for d, c in zip(ids[1:], (1, 92, 1))]})
    PAN[f"{i:012}.png"] = t
categories = [{"id": 92, "name": "banner", "color": [1, 2, 3]}, {"id": 1, "name": "person", "color": [220, 20, 60]}]
write(tap.path("pan.json"), json.dumps({"annotations": annotations, "categories": categories}).encode())
PANOPTIC = ["--masks", "pan", "--panoptic", "pan.json"]
converts("panoptic without a table", {n: np.array([0, 1, 92, 1])[t] for n, t in PAN.items()}, *PANOPTIC)
tap.equal(read(tap.path("panoptic_without_a_table/labels.csv")),
          b"label,class,name,color\n0,ignore,,\n1,0,person,#dc143c\n92,1,banner,#010203\n", "and the space is there")
converts("panoptic as train ids", {n: np.array([255, 0, 1, 0])[t] for n, t in PAN.items()}, *PANOPTIC, "--to", "train-ids")
write(tap.path("pan.csv"), b"label,class,name\n5,0,Person\n92,1,something else\n255,ignore,\n")
converts("panoptic by name, else by number", {n: np.array([255, 5, 92, 5])[t] for n, t in PAN.items()}, *PANOPTIC, "--labels",
         "pan.csv")
write(tap.path("pan2.csv"), b"label,class,name\n5,0,person\n255,ignore,\n")
refuses("a category that the table lacks", 3, ["category 92 'banner' is not in label space pan2"], *PANOPTIC, "--labels",
        "pan2.csv")
image("pan/000000000009.png", np.zeros((3, 3, 3), np.uint8))
refuses("a mask that the file lacks", 3, ["pan.json has no annotation of mask pan/000000000009.png"], *PANOPTIC)
os.unlink(tap.path("pan/000000000009.png"))
image("pan2/000000000000.png", np.full((3, 3, 3), 7, np.uint8))
refuses("a segment that the file lacks", 3, ["segment 460551 in 000000000000.png at pixel (x 0, y 0), 9 pixels"], "--masks",
        "pan2", "--panoptic", "pan.json")
for name, content in (("no JSON", b"{"), ("no categories", b"{}"), ("a category without id", b'{"categories": [{"name": "a"}]}')):
    write(tap.path("broken.json"), content)
    refuses(f"panoptic: {name}", 3, ["broken.json"], "--masks", "pan", "--panoptic", "broken.json")
refuses("panoptic: no file", 4, ["nothing.json"], "--masks", "pan", "--panoptic", "nothing.json")

# ---- Labels in other numbers ------------------------------------------------------------------------
write(tap.path("from.csv"), b"label,class,name\n-1,ignore,\n255,ignore,\n10,0,a\n20,1,b\n30,1,b\n")
write(tap.path("into.csv"), b"label,class,name\n0,ignore,\n1,0,a\n2,1,b\n")
t = rng.integers(0, 4, (8, 9))
os.makedirs(tap.path("numbers"))
np.save(tap.path("numbers/a.npy"), np.array([-1, 10, 20, 30], np.int16)[t])
converts("labels to labels", {"a.png": np.array([0, 1, 2, 2])[t]}, "--labels", "from.csv", "--masks", "numbers", "--to",
         "into.csv")
converts("labels to train ids", {"a.png": np.array([255, 0, 1, 1])[t]}, "--labels", "from.csv", "--masks", "numbers", "--to",
         "train-ids")
refuses("spaces of other classes", 3, ["has 2 classes", "has 5"], "--labels", "from.csv", "--masks", "numbers", "--to",
        "other.csv")
np.save(tap.path("numbers/b.npy"), np.full((2, 2), 9, np.int16))
refuses("a label that the space lacks", 3, ["numbers/b.npy", "label 9 at pixel"], "--labels", "from.csv", "--masks", "numbers",
        "--to", "into.csv")

# ---- What is there already ----------------------------------------------------------------------------
out = "colors_of_a_table"
made = tree(tap.path(out))
refuses("masks that are there", 2, ["is already there", "--resume"], *BASE, out=out)
result = converts("--resume finds them", TRUTH, *BASE, "--resume", out=out)
tap.ok("0 masks converted, 3 were there" in result.out, "and says so", result)
os.unlink(tap.path(f"{out}/a.png"))
write(tap.path(f"{out}/c d.png"), made["c d.png"][:40])
result = converts("--resume makes what is missing or damaged", TRUTH, *BASE, "--resume", out=out)
tap.ok("2 masks converted, 1 were there" in result.out, "and only that", result)
image(f"{out}/sub/b.png", np.zeros((21, 30), np.uint8))
now = tree(tap.path(out))
refuses("--resume names a difference", 3, ["sub/b.png holds other labels", "--overwrite"], *BASE, "--resume", out=out)
tap.equal(tree(tap.path(out)), now, "and leaves it")
converts("--overwrite replaces it", TRUTH, *BASE, "--overwrite", out=out)

# ---- Flags and files that make no sense -----------------------------------------------------------------
write(tap.path("twice.csv"), (HEAD + "0,0,a,#010101\n1,1,b,#010101\n255,ignore,,\n").encode())
refuses("two classes of one color", 3, ["labels 0 and 1 have the same color #010101"], "--labels", "twice.csv", "--masks", "rgb")
refuses("a space without colors", 2, ["has no colors", "--voc-colors"], "--labels", "plain.csv", "--masks", "rgb")
refuses("no table", 2, ["--labels L is missing", "freemask labels --masks rgb"], "--masks", "rgb")
refuses("an output among the inputs", 2, ["overlap"], *BASE, out="rgb/out")
refuses("--resume with --overwrite", 2, ["expected one"], *BASE, "--resume", "--overwrite")
refuses("--from panoptic alone", 2, ["--panoptic"], *BASE, "--from", "panoptic")
refuses("--from labels alone", 2, ["needs --to"], *BASE, "--from", "labels")
refuses("--unknown of no label", 2, ["--unknown is '77'"], *BASE, "--unknown", "77")
refuses("--unknown of a word", 2, ["--unknown is 'void'"], *BASE, "--unknown", "void")
refuses("--nearest 0", 2, ["--nearest is '0'"], *BASE, "--nearest", "0")
refuses("no folder", 4, ["nowhere"], "--labels", "farm.csv", "--masks", "nowhere")
os.makedirs(tap.path("lossy"))
Image.fromarray(COLORS[TRUTH["a.png"]]).save(tap.path("lossy/a.png"), "JPEG")
refuses("JPEG", 3, ["lossy/a.png", "JPEG", "its compression changes numbers"], "--labels", "farm.csv", "--masks", "lossy")
write(tap.path("cut/a.png"), read(tap.path("rgb/a.png"))[:200])
refuses("a damaged mask", 3, ["cut/a.png", "damaged"], "--labels", "farm.csv", "--masks", "cut")
write(tap.path("same/a.png"), read(tap.path("rgb/a.png")))
write(tap.path("same/A.npy"), npy(np.zeros((2, 2), np.uint8)))
refuses("NPY is not in color", 3, ["same/A.npy"], "--labels", "farm.csv", "--masks", "same")
tap.done()

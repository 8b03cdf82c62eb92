#!/usr/bin/env python3
# cli/test_export_folders.py - exports to trainers that read folders of images and masks, by the rules
# that these trainers document: Ultralytics and lightly-train.
# SPDX-License-Identifier: MIT
import json
import re
from collections import Counter

from export_world import *
from PIL import Image

IGNORED = 255


def tool(*arguments):
    return run(*arguments, cwd=tap.path())


# Labels that are not the classes: an own table, and one folder that is called as the rule's own.
LABELS = {10: 0, 0: 1, 20: 2, 30: None}  # label: class, None is ignored
write(tap.path("own.csv"), b"label,class,name\n10,0,road\n0,1,\"sky: blue\"\n20,2,car\n30,ignore,\n")
VALUES = np.array(sorted(LABELS), np.uint8)


def own_mask():
    return png(VALUES[rng.integers(0, len(VALUES), (12, 16))].astype(int))


def make(top, names, suffix=".png"):
    for i, name in enumerate(names):
        write(tap.path(top, "masks", name + suffix), own_mask())
        write(tap.path(top, "images", name + (".jpg" if i % 2 else ".jpeg")), image(i))


NAMES = [*NASTY, "images/deep/images/x", "line\u2028end", "trailing "]
OWN = {name: [42, 43] if i % 2 else [43] for i, name in enumerate(NAMES)}
MADE = sorted(f"{name}_seed_{seed}" for name, seeds in OWN.items() for seed in seeds)
VALIDATION = ["val/a", "val b", "real_1"]
REPEATS = ref.times(len(MADE), len(OWN))
write(tap.path("plan.csv"), plan_csv(OWN))
make("real", NAMES)
make("syn", MADE)
make("check", VALIDATION)
FOLDERS = ["--real-masks", "real/masks", "--real-images", "real/images", "--synthetic", "syn/masks", "--images", "syn/images"]
CHECK = ["--val-masks", "check/masks", "--val-images", "check/images"]


def export(kind, output, *more, plan="plan.csv", labels="own.csv"):
    return tool("export", "--plan", plan, "--to", kind, "--labels", labels, *FOLDERS, "-o", output, *more)


def sources(top, names):
    """{real path of an image: path of its mask}."""
    found = {}
    for i, name in enumerate(names):
        path = tap.path(top, "images", name + (".jpg" if i % 2 else ".jpeg"))
        found[os.path.realpath(path)] = tap.path(top, "masks", name + ".png")
    return found


TRAIN = {**sources("real", NAMES), **sources("syn", MADE)}
HELD_OUT = sources("check", VALIDATION)
EPOCH = Counter({path: REPEATS if "/real/" in path else 1 for path in TRAIN})


def classes_of(path):
    """A source mask as classes, 255 where it is ignored: by the table above, not by the tool."""
    lut = np.full(256, -1)
    for label, k in LABELS.items():
        lut[label] = IGNORED if k is None else k
    return lut[np.array(Image.open(path))]


def tiny_yaml(path):
    """The YAML that these exports write: strings are JSON's, maps are one level deep."""
    root, inner = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.lstrip().startswith("#"):
                continue
            indented, key, value = re.fullmatch(r"( *)(\w+):(?: (.*))?", line).groups()
            key = int(key) if key.isdigit() else key
            if value is None:
                inner = root[key] = {}
            else:
                try:
                    value = json.loads(value)
                except ValueError:
                    pass
                (inner if indented else root)[key] = value
    return root


# ---- Ultralytics: the last /images/ of a path becomes /MASKS_DIR/, its last type .png -------------------


def ultralytics(folder):
    """(data, {split: [(image, mask)]}) as its loader makes them."""
    data, pairs = tiny_yaml(os.path.join(folder, "freemask_ultralytics.yaml")), {}
    for split in ("train", "val"):
        with open(os.path.join(folder, data[split]), encoding="utf-8-sig") as file:
            listed = file.read().strip().splitlines()
        images = [line.replace("./", folder + "/", 1) if line.startswith("./") else line for line in listed]
        pairs[split] = [(path, f"/{data['masks_dir']}/".join(path.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".png")
                        for path in images]
    return data, pairs


def mapped(mask, mapping):
    lut = np.arange(256)
    for label, k in mapping.items():
        lut[label] = k
    return lut[np.array(Image.open(mask))]


for out, more in (("ul", CHECK), ("ul-relative", [*CHECK, "--paths", "relative"]), ("ul-ids", [*CHECK, "--train-ids"])):
    result = export("ultralytics", out, *more)
    tap.ok(result.code == 0 and "validates" not in result.out, f"{out}: exported", result)
    data, pairs = ultralytics(tap.path(out))
    tap.equal(data["names"], {0: "road", 1: "sky: blue", 2: "car"}, f"{out}: names of classes")
    tap.equal(Counter(os.path.realpath(image_path) for image_path, _ in pairs["train"]), EPOCH, f"{out}: what an epoch shows")
    tap.equal(Counter(os.path.realpath(image_path) for image_path, _ in pairs["val"]), Counter(HELD_OUT.keys()), f"{out}: validation")
    everything = {**TRAIN, **HELD_OUT}
    wrong = [image_path for image_path, mask in pairs["train"] + pairs["val"]
             if not np.array_equal(mapped(mask, data.get("label_mapping", {})), classes_of(everything[os.path.realpath(image_path)]))]
    tap.equal(wrong[:3], [], f"{out}: each image its mask, mapped to the classes")
    tap.equal("label_mapping" in data, "--train-ids" not in more, f"{out}: a mapping where one is needed")
absolute = {os.path.isabs(os.readlink(os.path.join(folder, name))) for folder, _, names in os.walk(tap.path("ul-relative/images"))
            for name in names}
tap.equal(absolute, {False}, "--paths relative makes relative links")
os.rename(tap.path("ul-relative"), tap.path("ul moved"))
os.makedirs(tap.path("elsewhere"))
_, pairs = ultralytics(tap.path("ul moved"))
tap.ok(all(os.path.exists(path) for pair in pairs["train"] for path in pair), "a folder that was moved beside its data still works")

result = export("ultralytics", "ul-alone")
data, pairs = ultralytics(tap.path("ul-alone"))
tap.ok(result.code == 0 and "validates on the real training images" in result.out, "without validation images: it is said", result)
tap.equal(Counter(os.path.realpath(image_path) for image_path, _ in pairs["val"]), Counter(sources("real", NAMES).keys()),
          "and the real ones are taken, each once")
with open(tap.path("ul-alone/freemask_ultralytics.yaml"), encoding="utf-8") as file:
    tap.ok("TRAINING" in file.read(), "and the file says so")

# ---- lightly-train: every image below a folder, its mask at the same place below another one --------------


def lightly(folder):
    data, pairs = tiny_yaml(os.path.join(folder, "freemask_lightly.yaml")), {}
    for split in ("train", "val"):
        images, masks = (os.path.join(folder, data[split][kind]) for kind in ("images", "masks"))
        pairs[split] = [(os.path.join(base, name), os.path.splitext(os.path.join(masks, os.path.relpath(os.path.join(base, name), images)))[0] + ".png")
                        for base, _, names in os.walk(images, followlinks=True) for name in names]
    return data, pairs


for out, more in (("lt", CHECK), ("lt-relative", [*CHECK, "--paths", "relative"])):
    result = export("lightly", out, *more)
    tap.ok(result.code == 0, f"{out}: exported", result)
    data, pairs = lightly(tap.path(out))
    tap.equal((data["classes"], data["ignore_classes"]), ({0: "road", 1: "sky: blue", 2: "car", 255: "ignored"}, [255]),
              f"{out}: classes, 255 among them and ignored")
    tap.equal(Counter(os.path.realpath(image_path) for image_path, _ in pairs["train"]), EPOCH, f"{out}: what an epoch shows")
    tap.equal(Counter(os.path.realpath(image_path) for image_path, _ in pairs["val"]), Counter(HELD_OUT.keys()), f"{out}: validation")
    wrong = [image_path for image_path, mask in pairs["train"] + pairs["val"]
             if not np.array_equal(np.array(Image.open(mask)), classes_of({**TRAIN, **HELD_OUT}[os.path.realpath(image_path)]))]
    tap.equal(wrong[:3], [], f"{out}: masks are the classes")
few = {name: OWN[name][:1] for name in NAMES[:3]}
write(tap.path("few.csv"), plan_csv(few))
result = export("lightly", "lt", *CHECK, plan="few.csv")
data, pairs = lightly(tap.path("lt"))
wanted = {path for path in TRAIN if any(path.endswith((f"/real/images/{name}.jpg", f"/real/images/{name}.jpeg",
                                                       f"/{name}_seed_{few[name][0]}.jpg", f"/{name}_seed_{few[name][0]}.jpeg"))
                                        for name in few)}
tap.equal({os.path.realpath(image_path) for image_path, _ in pairs["train"]}, wanted,
          "an export of a smaller plan to the same folder leaves no image of the larger one")

# ---- What cannot be said is refused ----------------------------------------------------------------------
write(tap.path("wide.csv"), b"label,class,name\n10,0,a\n300,1,b\n0,1,\n20,1,\n30,ignore,\n")
write(tap.path("one.csv"), b"label,class,name\n10,0,a\n0,0,\n20,0,\n30,ignore,\n")
for labels, says in (("wide.csv", "--train-ids"), ("one.csv", "second class")):
    result = export("ultralytics", "refused", labels=labels)
    tap.ok(result.code == 2 and says in result.err and not os.path.exists(tap.path("refused")), f"ultralytics refuses {labels}", result)
result = export("ultralytics", "refused", "--val-masks", "check/masks")
tap.ok(result.code == 2 and "--val-images" in result.err, "validation masks need their images", result)
result = export("mmseg", "refused", *CHECK)
tap.ok(result.code == 2 and "--val-masks" in result.err, "a format without validation does not take any", result)
os.unlink(tap.path("check/images/val b.jpg"))
result = export("lightly", "refused", *CHECK)
tap.ok(result.code == 3 and "val b" in result.err and not os.path.exists(tap.path("refused")),
       "a validation mask without an image is named", result)

tap.done()

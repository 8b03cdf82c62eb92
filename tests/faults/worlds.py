# faults/worlds.py - what the walk runs: a command, what is there before it, and how it is repeated.
# SPDX-License-Identifier: MIT
"""make_all(FOLDER) writes a folder for each scenario, as it is before the command: inputs, and what an
earlier command left. Everything is tiny, so that thousands of runs take minutes."""
import io

from kit import *
from PIL import Image

SPACE = ref.preset("camvid")
MASKS = ("a", "sub/b", "c")
SEEDS = (1, 2)
LABELS = ["--labels", "camvid"]
SETS = ["--real-masks", "real/masks", "--synthetic-masks", "syn/masks"]
LOSSES = ["--real-losses", "real/losses", "--synthetic-losses", "syn/losses"]
IMAGES = ["--real-images", "real/images", "--synthetic-images", "syn/images"]
PLAN = ["--seeds", "1:3", "--n-max", "2"]
RUN = ["run", *LABELS, *SETS, *LOSSES, *PLAN, "-o", "out"]
FILTER = ["filter", "--stats", "stats.json", *LABELS, "--masks", "syn/masks", "--losses", "syn/losses", "-o", "out"]
PICTURES = ["--synthetic", "syn/masks", "--images", "syn/images", "--real-masks", "real/masks",
            "--real-images", "real/images", "--allow-missing"]
FORMATS = {"list": [], "mmseg": PICTURES, "detectron2": [*PICTURES, "--train-ids"], "hf": [*PICTURES, "--train-ids"], "webdataset": PICTURES,
           "paddleseg": [*PICTURES, "--train-ids"], "ultralytics": PICTURES, "lightly": [*PICTURES, "--train-ids"],
           **{name: ["--real-masks", "real/masks"] for name in ("freestylenet", "place", "oasis", "controlnet", "cosmos", "jsonl")}}
KNOW_FEW_LABELS = ("freestylenet", "place", "oasis")


class Scenario:
    """`arguments` are walked over in a copy of `template`, after `setup` has been run there; each of `repeats`
    has to end as they do undisturbed. `killed`: the setup is, before it renames its file of that number."""

    def __init__(self, name, arguments, repeats=None, template=None, setup=(), killed=0, threads=1):
        self.name, self.arguments, self.threads = name, with_threads(arguments, threads), threads
        self.repeats = [with_threads(repeat, threads) for repeat in repeats or [arguments]]
        self.template, self.setup, self.killed = template or name, [with_threads(step, threads) for step in setup], killed


def with_threads(arguments, threads):
    return [*arguments, *(() if arguments[0] in ("merge", "report") else ("-j", str(threads)))]


def picture(rng, shape):
    data = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (*shape, 3)).astype(np.uint8)).save(data, "JPEG")
    return data.getvalue()


def make_sets(folder):
    """Two sets with losses and images; a synthetic image is made of a real mask."""
    rng, masks = np.random.default_rng(77), {}
    real = {name: (12, 16) for name in MASKS}
    synthetic = {f"{name}_seed_{seed}": (12, 16) for name in MASKS for seed in SEEDS}
    for part, stems in (("real", real), ("syn", synthetic)):
        for stem, shape in stems.items():
            mask = masks.setdefault(stem.split("_seed_")[0], random_mask(rng, SPACE, shape))
            write(f"{folder}/{part}/masks/{stem}.png", png(mask))
            write(f"{folder}/{part}/losses/{stem}.npy", npy(random_loss(rng, SPACE, mask)))
            write(f"{folder}/{part}/images/{stem}.jpg", picture(rng, shape))


def must(folder, *arguments):
    result = run(*arguments, cwd=folder)
    if result.code:
        raise RuntimeError(f"{arguments}: {result}")


class Maker:
    """Copies of folders, each with something more."""

    def __init__(self, top):
        self.top = top

    def __call__(self, name, base, *keep):
        """A new folder with some of what is in another."""
        for part in keep:
            source, target = f"{self.top}/{base}/{part}", f"{self.top}/{name}/{part}"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, target)
        os.makedirs(f"{self.top}/{name}", exist_ok=True)
        return f"{self.top}/{name}"


def make_all(top):
    """All scenarios; `top` gets their folders."""
    make = Maker(top)
    base = f"{top}/base"
    make_sets(base)
    must(base, "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "-o", "stats.json")
    for i in range(2):
        must(base, "stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "--shard", f"{i}/2",
             "-o", f"s{i}.json")
    must(base, "hardness", *LABELS, "--stats", "stats.json", "--masks", "real/masks", "-o", "hardness.csv")
    must(base, "plan", "--hardness", "hardness.csv", *PLAN, "-o", "plan.csv")
    found = [*small_ones(make), *filters(make), *policies(make), *runs(make), *exports(make), *collects(make), *converts(make)]
    return {scenario.name: scenario for scenario in found}


def small_ones(make):
    real = ("real/masks", "real/losses")
    make("stats", "base", *real)
    yield Scenario("stats", ["stats", *LABELS, "--masks", "real/masks", "--losses", "real/losses", "-o", "new.json"])
    make("baseline", "base", "real/masks", "real/images")
    yield Scenario("baseline", ["stats", *LABELS, "--masks", "real/masks", "--images", "real/images", "--provider",
                                "baseline", "-o", "new.json"])
    make("check", "base", *real)
    yield Scenario("check", ["check", *LABELS, "--masks", "real/masks", "--losses", "real/losses"])
    make("merge", "base", "s0.json", "s1.json")
    yield Scenario("merge", ["merge", "-o", "new.json", "s0.json", "s1.json"])
    make("hardness", "base", *real, "stats.json")
    yield Scenario("hardness", ["hardness", *LABELS, "--stats", "stats.json", "--masks", "real/masks", "-o", "new.csv"])
    shards = [["hardness", *LABELS, "--stats", "stats.json", "--masks", "real/masks", "--shard", f"{i}/2", "-o", f"h{i}.csv"]
              for i in range(2)]
    yield Scenario("merge-hardness", ["merge", "h0.csv", "h1.csv", "-o", "new.csv"], template="hardness", setup=shards)
    make("plan", "base", "hardness.csv", "real/masks")
    yield Scenario("plan", ["plan", "--hardness", "hardness.csv", *PLAN, "-o", "new.csv"])
    yield Scenario("plan-rare", ["plan", "--hardness", "hardness.csv", "--policy", "rare-class", *LABELS, "--masks",
                                 "real/masks", *PLAN, "-o", "new.csv"], template="plan")


def filters(make):
    parts = ("syn/masks", "syn/losses", "stats.json")
    repeats = [[*FILTER, "--resume"], [*FILTER, "--overwrite"]]
    make("filter", "base", *parts)
    yield Scenario("filter", FILTER, repeats)
    yield Scenario("filter-resume", repeats[0], repeats, "filter", [FILTER], killed=4)
    yield Scenario("filter-threads", FILTER, repeats, "filter", threads=3)
    yield Scenario("filter-overwrite", repeats[1], repeats[1:], "filter", [[*FILTER, "--tolerance", "1.1"]])
    shards = [[*FILTER[:-1], f"p{i}", "--shard", f"{i}/2"] for i in range(2)]
    for name, how in (("merge-filter", []), ("merge-filter-links", ["--link"])):
        merge = ["merge", *how, "p0", "p1", "-o", "out"]
        yield Scenario(name, merge, [[*merge, "--overwrite"]], "filter", shards)


def policies(make):
    """Statistics with ranks, scores of boundary and neighbourhood, shards of them, and pairs."""
    losses = ["--masks", "real/masks", "--losses", "real/losses"]
    base = f"{make.top}/base"
    for policy in ("quantile", "strata", "paired"):
        make(f"stats-{policy}", "base", "real/masks", "real/losses")
        yield Scenario(f"stats-{policy}", ["stats", *LABELS, *losses, "--policy", policy, "-o", "new.json"])
        must(base, "stats", *LABELS, *losses, "--policy", policy, "-o", f"{policy}.json")
        make(f"filter-{policy}", "base", "real/masks", "real/losses", "syn/masks", "syn/losses", f"{policy}.json")
        pairs = ["--real-masks", "real/masks", "--real-losses", "real/losses"] if policy == "paired" else []
        command = [*FILTER[:2], f"{policy}.json", *FILTER[3:], *pairs]
        yield Scenario(f"filter-{policy}", command, [[*command, "--resume"], [*command, "--overwrite"]])
    siblings = [*command, "--siblings"]
    yield Scenario("filter-siblings", siblings, [[*siblings, "--resume"], [*siblings, "--overwrite"]], "filter-paired")
    codes = ["stats", *LABELS, *losses, "--policy", "paired", "--references", "codes", "-o", "new.json"]
    yield Scenario("references", codes, template="stats-paired")
    refer = [*FILTER[:2], "new.json", *FILTER[3:], "--references", "codes"]
    yield Scenario("filter-references", refer, [[*refer, "--resume"], [*refer, "--overwrite"]], "filter-paired", [codes])
    for part in ("0", "1"):
        must(base, "stats", *LABELS, *losses, "--policy", "strata", "--shard", f"{part}/2", "-o", f"r{part}.json")
    must(base, "merge", "-o", "ranks.json", "r0.json", "r1.json")
    make("stats-ranks", "base", "real/masks", "real/losses", "ranks.json")
    yield Scenario("stats-ranks", ["stats", *LABELS, *losses, "--policy", "strata", "--ranks", "ranks.json", "--shard", "0/2",
                                   "-o", "new.json"])
    part, shards = ["stats", *LABELS, *losses, "--policy", "paired"], ("0/2", "1/2")
    whole = [*([*part, "--shard", shard, "-o", f"p{shard[0]}.json"] for shard in shards), ["merge", "-o", "pairs.json", "p0.json", "p1.json"]]
    part += ["--ranks", "pairs.json", "--references", "codes", "--shard"]
    yield Scenario("references-shard", [*part, "0/2", "-o", "new.json"], template="stats-paired",
                   setup=[*whole, [*part, "1/2", "-o", "other.json"]])


def runs(make):
    parts = ("real/masks", "real/losses", "syn/masks", "syn/losses")
    repeats = [[*RUN, "--resume"], [*RUN, "--overwrite"]]
    make("run", "base", *parts)
    yield Scenario("run", RUN, repeats)
    images = [*RUN, *IMAGES]
    make("run-images", "base", *parts, "real/images", "syn/images")
    yield Scenario("run-images", images, [[*images, "--resume"]])
    yield Scenario("run-threads", RUN, repeats, "run", threads=3)
    paired = [*RUN, "--policy", "paired", "--plan-policy", "rare-class"]
    yield Scenario("run-paired", paired, [[*paired, "--resume"], [*paired, "--overwrite"]], "run")
    yield Scenario("run-resume", repeats[0], repeats, "run", [RUN], killed=5)
    yield Scenario("run-overwrite", repeats[1], repeats[1:], "run", [[*RUN, "--tolerance", "1.1"]])
    shards = [[*RUN[:-1], f"p{i}", "--shard", f"{i}/2"] for i in range(2)]
    merge = ["merge", "--link", "p0", "p1", "-o", "out"]
    shards += [["merge", "p0/stats.json", "p1/stats.json", "-o", "all.json"]] + [[*one, "--stats", "all.json", "--resume"] for one in shards]
    yield Scenario("run-shard", shards[-1], [shards[-1]], "run", shards[:3])
    yield Scenario("merge-runs", merge, [[*merge, "--overwrite"]], "run", shards)
    yield Scenario("report", ["report", "out", "-o", "new.html"], template="run-images", setup=[images])
    yield Scenario("report-two", ["report", "out", "out", "-o", "new.html"], template="run-images", setup=[images])


def exports(make):
    parts = ("real/masks", "real/images", "syn/masks", "syn/images", "plan.csv", "other.csv")
    must(f"{make.top}/base", "plan", "--hardness", "hardness.csv", "--seeds", "1:2", "--n-max", "1", "-o", "other.csv")
    make("export", "base", *parts)
    for name, flags in FORMATS.items():
        labels = ["--labels", "ade20k"] if name in KNOW_FEW_LABELS else LABELS
        arguments = ["export", "--plan", "plan.csv", "--to", name, *labels, *flags, "-o", "out"]
        yield Scenario(f"export-{name}", arguments, template="export")
        # Over an earlier one, of another plan.
        earlier = [*arguments[:2], "other.csv", *arguments[3:]]
        yield Scenario(f"again-{name}", arguments, template="export", setup=[earlier])


def panoptic(folder):
    """Two masks of COCO's panoptic kind: colors are numbers of segments."""
    import json
    number = np.arange(12 * 16).reshape(12, 16) // 64 + 256
    pixels = np.stack([number % 256, number // 256, number * 0], -1).astype(np.uint8)
    segments = [{"id": int(n), "category_id": int(n) % 2 + 1} for n in np.unique(number)]
    for name in ("a", "b"):
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "PNG")
        write(f"{folder}/coded/{name}.png", data.getvalue())
    write(f"{folder}/p.json", json.dumps({
        "annotations": [{"file_name": f"{name}.png", "segments_info": segments} for name in ("a", "b")],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}).encode())


def converts(make):
    make("labels", "base", "real/masks")
    yield Scenario("labels-over", ["labels", "camvid", "-o", "new.csv", "--overwrite"], template="labels",
                   setup=[["labels", "ade20k", "-o", "new.csv"]])
    yield Scenario("labels", ["labels", "camvid", "-o", "new.csv"])
    yield Scenario("labels-draft", ["labels", "--masks", "real/masks", "-o", "new.csv"], template="labels")
    convert = ["convert", *LABELS, "--masks", "real/masks", "--from", "labels", "--to", "train-ids", "-o", "out"]
    repeats = [[*convert, "--resume"], [*convert, "--overwrite"]]
    yield Scenario("convert", convert, repeats, "labels")
    yield Scenario("convert-resume", repeats[0], repeats, "labels", [convert], killed=2)
    yield Scenario("convert-overwrite", repeats[1], repeats[1:], "labels", [[*convert[:-3], "camvid", "-o", "out"]])
    folder = make("colors", "base", "real/masks/a.png")
    for name in MASKS:
        pixels = np.random.default_rng(len(name)).integers(0, 2, (12, 16, 1)).astype(np.uint8)
        data = io.BytesIO()
        Image.fromarray(np.where(pixels, [128, 0, 0], [128, 128, 128]).astype(np.uint8)).save(data, "PNG")
        write(f"{folder}/colors/{name}.png", data.getvalue())
    colors = ["convert", *LABELS, "--masks", "colors", "--from", "colors", "-o", "out"]
    yield Scenario("convert-colors", colors, [[*colors, "--resume"], [*colors, "--overwrite"]], "colors")
    panoptic(make("panoptic", "base"))
    coded = ["convert", "--masks", "coded", "--panoptic", "p.json", "-o", "out"]
    yield Scenario("convert-panoptic", coded, [[*coded, "--resume"], [*coded, "--overwrite"]], "panoptic")


def collects(make):
    folder = make("jobs", "base", "real/masks", "plan.csv")
    must(folder, "export", "--plan", "plan.csv", "--to", "jsonl", *LABELS, "--real-masks", "real/masks", "--paths",
         "relative", "-o", "jobs")
    import json
    rng = np.random.default_rng(5)
    with open(f"{folder}/jobs/jobs.jsonl", encoding="utf-8") as jobs:
        for line in jobs:
            image = json.loads(line).get("image") or json.loads(line)["output"]
            shape = (12, 16)
            data = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (*shape, 3)).astype(np.uint8)).save(
                data, "PNG" if image.endswith(".png") else "JPEG")
            write(os.path.normpath(f"{folder}/jobs/{image}"), data.getvalue())
    for way in ("copy", "link", "move"):
        yield Scenario(f"collect-{way}", ["collect", "--jobs", "jobs", "--by", way, "-o", "out"], template="jobs")

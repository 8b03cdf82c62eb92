#!/usr/bin/env python3
# exports/test_frameworks.py - exports in the frameworks that they are for. Run by ./dev exports.
# SPDX-License-Identifier: MIT
"""Every framework loads every image and mask of both sets; what it makes of a mask is compared with
the label space's own table. The snippets are those of doc/exports.md. FREEMASK_TOOL names the tool;
what is not installed is a failure, as requirements.txt has it."""
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import *  # noqa: E402


def pytorch():
    import torch
    export("list", "ade20k", "lists")
    loader = snippet("torch")["loader"]
    files, times = expected("ade20k")
    tap.equal(counted(row["image"] for row in loader.dataset.rows), times, f"PyTorch {torch.__version__}: repeats")
    seen = sum(len(batch) for batch in loader)
    good = all(np.array_equal(np.array(mask), np.array(Image.open(files[os.path.realpath(row["image"])])))
               for row, (_, mask) in ((loader.dataset.rows[i], loader.dataset[i]) for i in range(len(loader.dataset))))
    tap.ok(seen == sum(times.values()) and good, "PyTorch: the loader shows every pair")


MODEL = """
train_dataloader = dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                        dataset=dict(type='BaseDataset', ann_file='replaced'))
"""


def mmseg_dataset(labels, dataset, config, name):
    files, times = expected(labels)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    tap.equal(counted(info["img_path"] for info in infos), times, f"{name}: repeats")
    from mmcv.transforms import Compose
    load = Compose([dict(type="LoadImageFromFile"), dict(type="LoadAnnotations", reduce_zero_label=None)])
    bad = [info["seg_map_path"] for info in infos
           if not np.array_equal(load(dict(info))["gt_seg_map"], classes(labels, files[os.path.realpath(info["img_path"])]))]
    tap.equal(bad[:2], [], f"{name}: masks are the classes, 255 where ignored")
    item = dataset[len(dataset) - 1]
    image_shape, mask_shape = tuple(item["inputs"].shape), tuple(item["data_samples"].gt_sem_seg.data.shape)
    tap.ok(image_shape[0] == 3 and image_shape[1:] == mask_shape[1:] and 12 < max(image_shape) <= 512,
           f"{name}: through the whole pipeline", (image_shape, mask_shape))
    tap.equal(len(dataset.metainfo["classes"]), ref.preset(labels).classes, f"{name}: classes")
    from mmengine.runner import Runner
    batch = next(iter(Runner.build_dataloader(config.train_dataloader, seed=0)))
    tap.equal(len(batch["inputs"]), 2, f"{name}: batches of an infinite sampler")


def mmsegmentation():
    import mmcv_kernels  # noqa: F401 (in the place of MMCV's)
    import mmseg.datasets  # noqa: F401 (registers the data sets)
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmseg.registry import DATASETS
    init_default_scope("mmseg")
    says = version("mmengine", "mmsegmentation", "mmcv-lite")
    for labels in WORLDS:
        for more in ((), ("--paths", "relative"), ("--train-ids",)):
            out = "mmseg" if (labels, more) == ("ade20k", ()) else f"mmseg-{labels}{''.join(more)}"
            export("mmseg", labels, out, *more)
            write(tap.path(out, "model.py"), MODEL.encode())
            config = Config.fromfile(tap.path(out, "freemask_mmseg.py"))
            dataset = DATASETS.build(config.train_dataloader.dataset)
            mmseg_dataset(labels, dataset, config, f"{says}: {labels} {' '.join(more)}")
    tap.equal(len(snippet("mmseg")["dataset"]), sum(expected("ade20k")[1].values()), "MMSegmentation: the page's snippet")


def small_world(top, labels):
    """Three real images and a synthetic one of each, named as the data set does it."""
    space = ref.preset(labels)
    names, suffix = [f"n{i}" for i in range(3)], {"cocostuff164k": "_labelTrainIds", "cityscapes": "_gtFine_labelTrainIds",
                                                  "cityscapes-ids": "_gtFine_labelIds", "cocostuff10k": "_labelTrainIds",
                                                  "isaid": "_instance_color_RGB"}.get(labels, "")
    for kind, stems in (("real", names), ("syn", [name + "_seed_42" for name in names])):
        for stem in stems:
            write(tap.path(top, kind, "masks", f"{stem}{suffix}.png"), png(random_mask(rng, space, (20, 30), largest=255)))
            ending = "_leftImg8bit" if labels.startswith("cityscapes") else ""
            write(tap.path(top, kind, "images", f"{stem}{ending}.png"), png(np.zeros((20, 30), int)))
    write(tap.path(top, "plan.csv"), plan_csv({name: [42] for name in names}))
    return suffix


def mmseg_every_label_space():
    """Each preset that MMSegmentation has a class for, and one that it has none for."""
    from mmcv.transforms import Compose
    from mmengine.config import Config
    from mmseg.registry import DATASETS
    for labels in ("cocostuff164k-raw", "cocostuff10k", "cityscapes", "cityscapes-ids", "voc2012", "pascal-context",
                   "pascal-context-59", "mapillary-v2", "loveda", "isaid", "camvid"):
        top, out = f"small-{labels}", f"small-{labels}/mmseg"
        suffix = small_world(top, labels)
        flags = ["export", "--plan", f"{top}/plan.csv", "--to", "mmseg", "--labels", labels, "--real-masks", f"{top}/real/masks",
                 "--real-images", f"{top}/real/images", "--synthetic", f"{top}/syn/masks", "--images", f"{top}/syn/images", "-o", out]
        convert = labels in ("cocostuff164k-raw", "cityscapes-ids")
        refused = run(*flags)
        tap.equal(refused.code, 2 if convert else 0, f"mmseg, {labels}: as they are, or refused")
        result = run(*flags, "--train-ids") if convert else refused
        write(tap.path(out, "model.py"), MODEL.encode())
        config = Config.fromfile(tap.path(out, "freemask_mmseg.py"))
        dataset = DATASETS.build(config.train_dataloader.dataset)
        load, bad = Compose([dict(type="LoadAnnotations", reduce_zero_label=None)]), []
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            stem = os.path.basename(info["img_path"])[:-4].replace("_leftImg8bit", "")
            mask = tap.path(top, "syn" if "_seed_" in stem else "real", "masks", f"{stem}{suffix}.png")
            want = classes(labels, mask)
            want = np.where(want == 255, config.real.ignore_index, want)
            if not np.array_equal(load(dict(info))["gt_seg_map"], want):
                bad.append(stem)
        tap.ok(result.code == 0 and len(dataset) == 6 and not bad, f"mmseg, {labels}: {type(dataset.datasets[0].dataset).__name__}",
               f"{result}\n{bad}")
        tap.equal(len(dataset.metainfo["classes"]), ref.preset(labels).classes, f"mmseg, {labels}: as many classes")


def datasets():
    export("hf", "ade20k", "hf")
    import datasets as hf
    hf.disable_progress_bars()
    scope = snippet("datasets")
    module, joint = scope["freemask_hf"], scope["freemask_hf"].joint()
    _, times = expected("ade20k")
    tap.equal(len(scope["dataset"]), sum(times.values()), f"{version('datasets')}: the shuffled joint set")
    tap.equal(collections.Counter(joint["stem"]),
              collections.Counter({**{name: TIMES for name in PLAN}, **dict.fromkeys(STEMS, 1)}), "datasets: repeats")
    top, suffix = WORLDS["ade20k"]
    by_stem = {stem: (image_path, mask) for kind in ("real", "synthetic") for stem, image_path, mask in files_of(kind, top, suffix)}
    bad = [row["stem"] for row in joint
           if not (np.array_equal(np.array(row["annotation"]), np.array(Image.open(tap.path(by_stem[row["stem"]][1]))))
                   and np.array_equal(np.array(row["image"]), np.array(Image.open(tap.path(by_stem[row["stem"]][0])))))]
    tap.equal(bad, [], "datasets: image and annotation of each stem, decoded")
    tap.equal(len(module.labels()), 150, "datasets: id2label")


def web():
    export("webdataset", "ade20k", "wds", "--shard-size", "1000")
    subprocess.run([sys.executable, "wds/freemask_pack.py", "shards"], check=True)
    dataset = snippet("webdataset")["dataset"]
    with open("wds/shards.jsonl", encoding="utf-8", newline="\n") as file:
        rows = [json.loads(line) for line in file]
    found = list(dataset)
    tap.equal([about["stem"] for _, _, about in found], [row["stem"] for row in rows], f"{version('webdataset')}: samples in order")
    tap.ok(all(np.array_equal(np.array(mask)[..., 0] if np.array(mask).ndim == 3 else np.array(mask),
                              np.array(Image.open(row["mask"]))) for (_, mask, _), row in zip(found, rows)), "webdataset: masks")
    export("webdataset", "ade20k", "wds10", "--shard-size", "10")
    subprocess.run([sys.executable, "wds10/freemask_pack.py", "shards10"], check=True)
    import webdataset
    many = webdataset.WebDataset(f"shards10/freemask-{{000000..{(len(rows) - 1) // 10:06d}}}.tar", shardshuffle=False)
    tap.equal([sample["__key__"] for sample in many], [row["key"] for row in rows], "webdataset: the same over many shards")


def detectron2():
    """Not on PyPI. Where it is installed, it has to agree; else its samplers' arithmetic, with PyTorch."""
    export("detectron2", "ade20k", "d2", "--train-ids")
    sys.path.insert(0, tap.path("d2"))
    import freemask_detectron2
    import torch
    records, factors = freemask_detectron2.records(), torch.tensor(freemask_detectron2.repeat_factors(), dtype=torch.float32)
    files, times = expected("ade20k")
    tap.ok(torch.equal(torch.trunc(factors), factors), "detectron2: repeat factors without a fraction")
    epoch = [record["file_name"] for record, factor in zip(records, factors) for _ in range(int(factor.item()))]
    tap.equal(counted(epoch), times, "detectron2: repeats")
    bad = [record["image_id"] for record in records
           if not np.array_equal(np.array(Image.open(record["sem_seg_file_name"])), classes("ade20k", files[os.path.realpath(record["file_name"])]))]
    tap.equal(bad[:2], [], "detectron2: masks are the classes, 255 where ignored")
    try:
        import detectron2.data.samplers  # noqa: F401
    except ImportError:
        print("# detectron2 is not installed (it is not on PyPI): DatasetCatalog and the sampler were not tried")
        return
    import itertools

    from detectron2.data import DatasetCatalog, MetadataCatalog
    freemask_detectron2.register("freemask_train")
    tap.equal(DatasetCatalog.get("freemask_train"), records, "detectron2: registered")
    tap.equal(len(MetadataCatalog.get("freemask_train").stuff_classes), 150, "detectron2: metadata")
    order = itertools.islice(iter(freemask_detectron2.sampler(seed=0)), sum(times.values()))
    tap.equal(counted(records[i]["file_name"] for i in order), times, "detectron2: an epoch of its sampler")


for test in (pytorch, mmsegmentation, mmseg_every_label_space, datasets, web, detectron2):
    section(test)
os.chdir("/")
tap.done()

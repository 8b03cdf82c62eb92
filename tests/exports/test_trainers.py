#!/usr/bin/env python3
# exports/test_trainers.py - exports in trainers that read folders. Run by ./dev exports.
# SPDX-License-Identifier: MIT
"""The trainers' own classes load every image and mask; what they make of a mask is compared with the label
space's own table. The snippets are those of doc/exports.md. No model is built: its weights would have to
come from the network."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import *  # noqa: E402

os.environ.update(YOLO_CONFIG_DIR=tap.path("yolo"), YOLO_OFFLINE="true", YOLO_VERBOSE="false")
IGNORED = 255


def ultralytics():
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset
    from ultralytics.data.dataset import SemanticDataset
    from ultralytics.data.utils import check_det_dataset
    for labels, more in (("ade20k", ()), ("cocostuff164k", ("--paths", "relative")), ("ade20k", ("--train-ids",))):
        out = "ultralytics" if (labels, more) == ("ade20k", ()) else f"ul-{labels}{''.join(more)}"
        export("ultralytics", labels, out, *more)
        says = f"{version('ultralytics')}: {labels} {' '.join(more)}"
        files, times = expected(labels)
        data = check_det_dataset(f"{out}/freemask_ultralytics.yaml", autodownload=False)
        tap.equal(len(data["names"]), ref.preset(labels).classes, f"{says}: classes")
        config = get_cfg(overrides={"task": "semantic", "imgsz": 64, "cache": False})
        dataset = build_yolo_dataset(config, data["train"], 2, data, mode="train", rect=False, stride=32)
        tap.ok(isinstance(dataset, SemanticDataset), f"{says}: read as masks", type(dataset))
        tap.equal(counted(label["im_file"] for label in dataset.labels), times, f"{says}: repeats, and no image is left out")
        bad = [label["im_file"] for i, label in enumerate(dataset.labels)
               if not np.array_equal(dataset.load_mask(i), classes(labels, files[os.path.realpath(label["im_file"])]))]
        tap.equal(bad[:2], [], f"{says}: masks are the classes, 255 where ignored")
        item = dataset[len(dataset) - 1]
        tap.ok(item["img"].shape[-2:] == item["semantic_mask"].shape[-2:], f"{says}: through the whole pipeline",
               {key: getattr(value, "shape", value) for key, value in item.items()})
    tap.equal(snippet("ultralytics")["data"]["nc"], 150, "Ultralytics: the page's snippet")


def lightly():
    import numpy
    from lightly_train._commands.train_task import SemanticSegmentationTrainTaskConfig
    from lightly_train._data.mask_semantic_segmentation_dataset import MaskSemanticSegmentationDataset
    from PIL import Image
    for labels, more in (("ade20k", ()), ("cocostuff164k", ("--paths", "relative"))):
        out = "lightly" if labels == "ade20k" else f"lt-{labels}"
        export("lightly", labels, out, *more)
        says = f"{version('lightly-train')}: {labels} {' '.join(more)}"
        files, times = expected(labels)
        config = SemanticSegmentationTrainTaskConfig(out="never", model="dinov2/vits14-eomt", data=f"{out}/freemask_lightly.yaml")
        config.data.resolve_data_paths(base_dir=Path(os.path.abspath(out)))
        tap.equal(len(config.data.included_classes), ref.preset(labels).classes, f"{says}: classes that are trained")
        args = config.data.get_train_args()
        rows = list(args.list_image_info())
        tap.equal(counted(row["image_filepaths"] for row in rows), times, f"{says}: repeats, and no image is left out")
        dataset = MaskSemanticSegmentationDataset(args, rows)
        bad = []
        for row in rows:
            mask = dataset.map_mask_labels_to_class_ids(numpy.array(Image.open(row["mask_filepaths"])))
            internal = dataset.map_class_id_to_internal_class_id(torch.from_numpy(mask)).numpy()
            want = classes(labels, files[os.path.realpath(row["image_filepaths"])])
            if not numpy.array_equal(internal, numpy.where(want == IGNORED, dataset.ignore_index, want)):
                bad.append(row["mask_filepaths"])
        tap.equal(bad[:2], [], f"{says}: masks are the classes, ignored where 255")
    tap.equal(snippet("lightly")["data"], "lightly/freemask_lightly.yaml", "lightly-train: the page's snippet")


if __name__ == "__main__":
    from pathlib import Path

    import torch
    for test in (ultralytics, lightly):
        section(test)
    os.chdir("/")
    tap.done()

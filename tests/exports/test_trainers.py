#!/usr/bin/env python3
# exports/test_trainers.py - exports in trainers that read folders. Run by ./dev exports.
# SPDX-License-Identifier: MIT
"""The trainers' own classes load every image and mask; what they make of a mask is compared with the label
space's own table. The snippets are those of doc/exports.md. No model is built: its weights would have to
come from the network."""
import json
import os
import subprocess
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


def tiny_pipeline(folder):
    """A Stable Diffusion with a ControlNet, of random weights, as folders that diffusers loads."""
    from diffusers import (
        AutoencoderKL,
        ControlNetModel,
        DDIMScheduler,
        StableDiffusionControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
    torch.manual_seed(0)
    letters = [chr(c) for c in range(33, 127)]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    write(os.path.join(folder, "vocab.json"), json.dumps({word: i for i, word in enumerate(words)}).encode())
    write(os.path.join(folder, "merges.txt"), b"#version: 0.2\n")
    blocks = {"block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 32}
    attention = {"cross_attention_dim": 32, "attention_head_dim": 8, "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D")}
    unet = UNet2DConditionModel(sample_size=8, in_channels=4, out_channels=4, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
                                **attention, **blocks)
    net = ControlNetModel(in_channels=4, conditioning_embedding_out_channels=(16, 16, 16, 16), **attention, **blocks)
    # Zero convolutions ignore the condition; an untrained network should not.
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    vae = AutoencoderKL(in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(32, 32, 32, 32), norm_num_groups=32,
                        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    text = CLIPTextModel(CLIPTextConfig(hidden_size=32, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2,
                                        vocab_size=len(words), bos_token_id=len(words) - 2, eos_token_id=len(words) - 1,
                                        pad_token_id=len(words) - 1))
    tokenizer = CLIPTokenizer(os.path.join(folder, "vocab.json"), os.path.join(folder, "merges.txt"), model_max_length=77)
    net.save_pretrained(os.path.join(folder, "net"))
    StableDiffusionControlNetPipeline(vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, controlnet=net,
                                      scheduler=DDIMScheduler(), safety_checker=None, feature_extractor=None,
                                      requires_safety_checker=False).save_pretrained(os.path.join(folder, "model"))


def controlnet():
    top = WORLDS["ade20k"][0]
    plan = {name: PLAN[name][:1] for name in list(PLAN)[:3]}
    write(tap.path("three.csv"), plan_csv(plan))
    result = run("export", "--plan", "three.csv", "--to", "controlnet", "--labels", "ade20k", "--real-masks", f"{top}/real/masks",
                 "--size", "64x64", "-o", "cn")
    tap.ok(result.code == 0, "export to controlnet", result)
    tiny_pipeline(tap.path("tiny"))
    command = [sys.executable, "cn/generate.py", "--model", "tiny/model", "--controlnet", "tiny/net", "--steps", "2"]
    ran = subprocess.run(command, capture_output=True, text=True)
    tap.ok(ran.returncode == 0 and "3 images made" in ran.stdout, f"{version('diffusers')}: generate.py", ran.stderr[-1500:])
    result = run("collect", "--jobs", "cn", "-o", "cn-set", "--json")
    tap.ok(result.code == 0 and json.loads(result.out)["collected"] == 3, "diffusers: collected", result)
    before = tree(tap.path("cn/results"))
    shutil.rmtree(tap.path("cn/results"))
    subprocess.run(command, check=True, capture_output=True)
    tap.ok(tree(tap.path("cn/results")) == before, "diffusers: a seed makes the same image again")
    shutil.rmtree(tap.path("cn/results"))
    subprocess.run([*command, "--condition", "edges"], check=True, capture_output=True)
    tap.ok(tree(tap.path("cn/results")) != before, "diffusers: another condition makes another image")


if __name__ == "__main__":
    from pathlib import Path

    import torch
    for test in (ultralytics, lightly, controlnet):
        section(test)
    os.chdir("/")
    tap.done()

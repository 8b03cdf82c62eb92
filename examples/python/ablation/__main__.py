# ablation/__main__.py - `python examples/python/ablation`: the method in small, from images to a table.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

import freemask
import measure
import network
import numpy as np
import results
import supply
import targets
import teacher
import torch
import worlds
from settings import SETTINGS, Setting


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ablation", formatter_class=argparse.ArgumentDefaultsHelpFormatter, description=(
        "Trains a small network on real images, on synthetic ones and on both, filtered and re-sampled in several ways, with "
        "equal iterations, and prints how well each segments real images that none has seen."))
    add = parser.add_argument
    add("--out", default="ablation-results", help="tables, chart and everything that an interrupted run goes on from")
    add("--seeds", default="1", help="runs, such as 1,2,3: other networks and orders; of the demo also other worlds")
    add("--settings", default="core", help="core, all, or names separated by commas: " + ", ".join(s.name for s in SETTINGS))
    add("--steps", type=int, default=500, help="iterations of every training")
    add("--batch", type=int, default=8, help="images of an iteration")
    add("--size", default="160x120", help="all images are made this size, WxH")
    add("--crop", type=int, default=96, help="what a step sees of an image, pixels")
    add("--width", type=int, default=8, help="channels of the network at its widest image")
    add("--network", default="unet", choices=["unet", "mask2former", "mask2former-ignoring"], help=(
        "what is trained and tested: a U-Net; transformers' Mask2Former, for which ignored pixels are background of all masks; the "
        "same with freemask.transformers.true_ignore. Teachers are U-Nets"))
    add("--n-max", type=int, default=0, help="the most synthetic images of a mask; 0: all that there are")
    add("--threads", type=int, default=1, help="of PyTorch")
    add("--quick", action="store_true", help="a minute: shows that everything runs; the numbers mean nothing")
    demo = parser.add_argument_group("the demo's world (without --real-images)")
    demo.add_argument("--tool", help="the freemask tool; default: the one of this Python package")
    demo.add_argument("--scenes", type=int, default=24, help="real images to train on")
    demo.add_argument("--test-scenes", type=int, default=40, help="real images to test with")
    demo.add_argument("--per-mask", type=int, default=6, help="synthetic images of a mask")
    demo.add_argument("--style", type=float, default=0.65, help="how unlike photographs synthetic images look; 0: as the demo has it")
    own = parser.add_argument_group("a world of your own", "In the names of folders {seed} is the number of the run.")
    own.add_argument("--labels", help="a preset or a table, as for the tool")
    for name in ("real", "synthetic", "test"):
        own.add_argument(f"--{name}-images")
        own.add_argument(f"--{name}-masks")
    own.add_argument("--test-count", type=int, default=0, help="without --test-images: real images at the end that are kept for it; 0: a third")
    own.add_argument("--truth", help="masks <synthetic image>.png, above 0 where the image does not show what the mask says")
    options = parser.parse_args()
    if options.quick:
        options.steps, options.scenes, options.test_scenes, options.per_mask = 40, 4, 3, 2
        options.size, options.crop, options.batch = "80x60", 48, 4
    if options.test_images and not options.test_masks:
        parser.error("--test-images needs --test-masks, too")
    if options.real_images and not (options.real_masks and options.synthetic_images and options.synthetic_masks and options.labels):
        parser.error("--real-images needs --real-masks, --synthetic-images, --synthetic-masks and --labels, too")
    return options


def chosen(names: str) -> list[Setting]:
    if names in ("core", "all"):
        return [s for s in SETTINGS if s.core or names == "all"]
    known = {s.name: s for s in SETTINGS}
    missing = [name for name in names.split(",") if name not in known]
    if missing:
        sys.exit(f"ablation: no setting '{missing[0]}': there are {', '.join(known)}")
    return [known[name] for name in names.split(",")]


def world_of(options: argparse.Namespace, seed: int) -> worlds.World:
    width, height = (int(one) for one in options.size.split("x"))
    if not options.real_images:
        folder = os.path.join(options.out, f"seed-{seed}", "demo")
        return worlds.demo(folder, options.tool, seed, options.scenes, options.test_scenes, options.per_mask, options.style,
                           (width, height))
    labels = freemask.Labels.from_csv(options.labels) if os.path.exists(options.labels) else freemask.Labels(options.labels)

    def folder_of(name: str) -> freemask.Folder:
        return freemask.Folder(*(getattr(options, f"{name}_{kind}").replace("{seed}", str(seed)) for kind in ("images", "masks")))

    real = folder_of("real")
    test = folder_of("test") if options.test_images else options.test_count or max(1, len(real) // 3)
    truth = options.truth and options.truth.replace("{seed}", str(seed))
    return worlds.from_folders(labels, real, folder_of("synthetic"), test, truth, (width, height))


def network_of(options: argparse.Namespace, classes: int) -> network.Network:
    if options.network == "unet":
        return network.unet(classes, options.width)
    import mask2former
    return mask2former.Net(classes, options.width, options.network.endswith("-ignoring"))


def train_and_test(setting: Setting, world: worlds.World, judged: teacher.Judged, plan: freemask.Plan, seed: int,
                   options: argparse.Namespace, folder: str) -> dict[str, Any]:
    """One row of one seed: what was trained on, and how good it was. Predictions are kept, so that anyone can check."""
    begin = time.process_time()
    goal = targets.MADE[setting.made](world, judged)
    source = supply.Supply(setting, world, plan, goal, options.steps, options.batch, seed)
    net = network.train(source.draw, lambda: network_of(options, len(world.labels)), options.steps, seed, options.crop)
    predictions = np.concatenate([network.logits_of(net, world.test_images[i:i + 16]).argmax(1).astype(np.uint8)
                                  for i in range(0, len(world.test_images), 16)])
    matrix = measure.confusion(targets.classes_of(world, world.test_masks), predictions, len(world.labels))
    np.savez_compressed(os.path.join(folder, f"{setting.name}.npz"), predictions=predictions)
    valid = targets.classes_of(world, world.made_masks) != network.IGNORED
    return {"setting": setting.name, "seed": seed, "miou": measure.mean_iou(matrix),
            "class_iou": [None if np.isnan(one) else float(one) for one in measure.class_iou(matrix)],
            "real_drawn": source.real, "synthetic_drawn": source.synthetic, "synthetic_images": len(source.drawn),
            "dropped_share": float(((goal.classes == network.IGNORED) & valid).sum() / valid.sum()),
            "ignored_share_drawn": source.ignored / max(source.pixels, 1), "seconds": time.process_time() - begin}


def run_seed(options: argparse.Namespace, seed: int) -> None:
    """All settings of a seed; those that an earlier run finished are not repeated."""
    folder = os.path.join(options.out, f"seed-{seed}")
    os.makedirs(folder, exist_ok=True)
    world = world_of(options, seed)
    judged = teacher.judge_once(os.path.join(folder, "losses.npz"), world, options.steps, seed, options.width, options.crop,
                                options.batch)
    plans = supply.plans(world, judged, options.n_max or len(world.seeds), seed)
    for setting in chosen(options.settings):
        path = os.path.join(folder, f"{setting.name}.json")
        unknown = setting.truth and world.wrong is None
        if os.path.exists(path) or unknown or (setting.weighted and options.network != "unet"):
            continue
        row = train_and_test(setting, world, judged, plans[setting.plan], seed, options, folder)
        results.write_json(path, row)
        print(f"seed {seed}, {setting.title}: mIoU {100 * row['miou']:.1f}", flush=True)


def same_options(options: argparse.Namespace) -> None:
    """Results of different options do not go into one table."""
    path = os.path.join(options.out, "options.json")
    free = ("seeds", "settings", "out", "threads", "tool")
    now = {name: value for name, value in vars(options).items() if name not in free}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = json.load(file)
        for name in now:
            if before.get(name) != now[name]:
                sys.exit(f"ablation: {options.out} was begun with --{name.replace('_', '-')} {before.get(name)}, now it is {now[name]}: "
                         "choose another folder with --out")
    results.write_json(path, now)


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    os.makedirs(options.out, exist_ok=True)
    same_options(options)
    for seed in options.seeds.split(","):
        run_seed(options, int(seed))
        results.write(options.out)
    print(results.markdown(results.table(options.out)))


main()

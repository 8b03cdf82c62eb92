#!/usr/bin/env python3
# trainers/test_examples.py - examples/python/trainers: each runs, and prints what its trainer has to make of the method.
# SPDX-License-Identifier: MIT
import os
import re
import sys

import kit
import tap

tap.need("numpy", "torch", "transformers", "segmentation_models_pytorch", "pytorch_lightning")
import torch  # noqa: E402

assert kit
FOLDER = os.path.join(tap.SOURCE, "examples", "python", "trainers")
NUMBER = r"(\d+(?:\.\d+)?)"


def numbers(name, *arguments, lines):
    """What an example prints, as numbers: its whole output has to be `lines`."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error::DeprecationWarning:freemask"}
    env.pop("FREEMASK_TEST_INSTALLED", None)
    ran = tap.run([sys.executable, os.path.join(FOLDER, name), *map(str, arguments)], env=env, cwd=tap.path(), timeout=900)
    says = " ".join((name, *map(str, arguments)))
    # PyTorch's own remarks, such as one on the network's address, are not the example's.
    printed = [line for line in ran.stdout.splitlines() if re.match(r"epoch |seed |masks |dropped |as |with |[\d.]+% ", line)]
    found = [re.fullmatch(pattern.replace("#", NUMBER), line) for pattern, line in zip(lines, printed)]
    good = ran.returncode == 0 and len(printed) == len(lines) and all(found)
    tap.ok(good, f"{says}: runs", ran.stdout[-2000:])
    return [tuple(map(float, match.groups())) for match in found] if good else None


def test_pytorch():
    made = numbers("pytorch.py", 2, lines=["dropped #% of the synthetic pixels; loss # after 2 epochs"])
    tap.ok(made and 1 < made[0][0] < 50, "pytorch.py: some pixels are dropped", made)


def test_segmentation_models():
    made = numbers("smp_unet.py", 4, lines=["seed 0: dropped #% of the wrong pixels, #% of the right ones",
                                            r"masks as they are: mean IoU # \(each seed: #\)", r"masks filtered: mean IoU # \(each seed: #\)"])
    tap.ok(made and made[0][0] > 2 * made[0][1], "smp_unet.py: it drops wrong pixels rather than right ones", made)
    tap.ok(made and all(0 < iou == one < 1 for iou, one in made[1:]), "smp_unet.py: both networks are judged", made)


def test_lightning():
    lines = ["epoch 0: tolerance 1.0, #% of the pixels are ignored", "epoch 1: tolerance 1.25, #% of the pixels are ignored",
             "#% of the pixels of other images are right"]
    alone, two = numbers("lightning_joint.py", 2, lines=lines), numbers("lightning_joint.py", 2, 2, lines=lines)
    for processes, made in ((1, alone), (2, two)):
        tap.ok(made and made[0][0] > made[1][0] > 0, f"lightning_joint.py, {processes} processes: a larger tolerance counts from its epoch on", made)
        tap.ok(made and made[2][0] > 50, f"lightning_joint.py, {processes} processes: the network has learned", made)


def test_transformers():
    lines = [rf"{name}: #% of the pixels are right \(each seed: #%\); the best mask at a pixel is #" for name in
             ("as transformers trains", "with true_ignore")]
    made = numbers("transformers_mask2former.py", 20, lines=lines)
    tap.ok(made and made[0][2] < made[1][2], "transformers_mask2former.py: masks are surer where what is ignored is ignored", made)


def test_ablation():
    """examples/python/ablation with Mask2Former; tests/python/test_ablation.py has the rest of it."""
    folder = os.path.join(os.path.dirname(FOLDER), "ablation")
    sys.path.insert(0, folder)
    import mask2former
    draw = torch.Generator().manual_seed(1)
    images, targets = torch.randn(2, 3, 64, 64, generator=draw), torch.randint(4, (2, 4, 4), generator=draw)
    targets = targets.repeat_interleave(16, 1).repeat_interleave(16, 2)
    losses = []
    for masks in (targets, torch.where(torch.rand(targets.shape, generator=draw) < 0.4, 255, targets)):
        for ignoring in (False, True):
            torch.manual_seed(2)
            net = mask2former.Net(4, 4, ignoring)
            losses.append(float(net.loss(images, masks, torch.ones(masks.shape)).detach()))
    tap.ok(losses[0] == losses[1] and losses[2] != losses[3], "ablation: --network mask2former-ignoring differs where pixels are ignored", losses)
    tap.equal(tuple(net(images).shape), (2, 4, 16, 16), "ablation: scores of each class")
    out = tap.path("ablation")
    ran = tap.run([sys.executable, folder, "--quick", "--network", "mask2former-ignoring", "--out", out, "--tool", os.environ["FREEMASK_TOOL"],
                   "--settings", "synthetic-filtered,joint-weights"], timeout=900)
    tap.ok(ran.returncode == 0 and "synthetic, filtered" in ran.stdout and "weights" not in ran.stdout,
           "ablation: it runs, without what weighs pixels", ran.stdout[-2000:])


def test_all():
    tested = {name for name in os.listdir(FOLDER) if name.endswith(".py")}
    with open(os.path.abspath(__file__), encoding="utf-8") as file:
        tap.equal(tested - set(re.findall(r"\w+\.py", file.read())), set(), "every example is in this test")


if __name__ == "__main__":
    for test in (test_pytorch, test_segmentation_models, test_lightning, test_transformers, test_ablation, test_all):
        test()
    tap.done()

# policies/planted.py - worlds with planted truth: the demo's streets, and CamVid's.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
from anew import painted_anew
from PIL import Image

# One generator of CamVid's world serves this and the ablation.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "python", "ablation"))
import camvid_world as camvid  # noqa: E402
from restyle import restyled  # noqa: E402

CLASSES, IGNORED, SIZE = camvid.CLASSES, camvid.IGNORED, (240, 180)


@dataclass
class World:
    """Real images and masks by name; of each synthetic image the real one's name, itself, and where it is wrong. `titles`
    are the rows' of the benchmark."""

    real: dict[str, np.ndarray] = field(default_factory=dict)
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    made: list[tuple[str, np.ndarray, np.ndarray]] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """What is planted, and how far the generator's style is from the photographs'."""

    title: str
    source: str  # "demo", "camvid" or "fields"
    style: float  # fields: by what share clean synthetic losses are higher
    errors: float = 1.0  # times the usual number
    shared: bool = False  # all images of a mask go wrong alike
    whole: tuple[float, float] | None = None  # plant_whole's: CamVid only
    anew: bool = False  # textures are other images': synthetic images are not hard where the real ones are
    together: float | None = None  # fields: the correlation of clean losses at a place, real and synthetic


KINDS = [
    Kind("demo, its own style", "demo", 0.0),
    Kind("demo, other style", "demo", 0.3),
    Kind("demo, other style, shared errors", "demo", 0.3, shared=True),
    Kind("demo, other style, half the errors", "demo", 0.3, errors=0.5),
    Kind("demo, other style, no errors", "demo", 0.3, errors=0.0),
    Kind("demo, painted anew", "demo", 0.0, anew=True),
    Kind("demo, painted anew, no errors", "demo", 0.0, errors=0.0, anew=True),
    Kind("CamVid, few errors", "camvid", 1.0, errors=0.8),
    Kind("CamVid", "camvid", 1.0, errors=1.8),
    Kind("CamVid, many errors", "camvid", 1.0, errors=2.8),
    Kind("CamVid, shared errors", "camvid", 1.0, errors=1.8, shared=True),
    Kind("CamVid, whole classes and images wrong", "camvid", 1.0, whole=(1.2, 0.1)),
    Kind("CamVid, no errors", "camvid", 1.0, errors=0.0),
    Kind("CamVid, far style, no errors", "camvid", 1.6, errors=0.0),  # clean pixels lose 1.6 times as much
    Kind("CamVid, painted anew", "camvid", 0.0, errors=1.8, anew=True),
    Kind("CamVid, painted anew, no errors", "camvid", 0.0, errors=0.0, anew=True),
    *(Kind(f"loss fields, together by {together}", "fields", 0.6, together=together) for together in (0.6, 0.4, 0.2, 0.0)),
]


def demo_world(kind: Kind, folder: str, seed: int, scenes: int, per_mask: int) -> World:
    flags = ["--surplus"] + (["--shared-errors"] if kind.shared else [])
    subprocess.run([os.environ["FREEMASK_TOOL"], "demo", folder, "--seed", str(seed), "--size", f"{SIZE[0]}x{SIZE[1]}",
                    "--scenes", str(scenes), "--per-mask", str(per_mask), "--errors", str(kind.errors), "--overwrite", "-q",
                    *flags], check=True, stdout=subprocess.DEVNULL)
    files = {os.path.splitext(os.path.relpath(os.path.join(base, name), folder))[0]: os.path.join(base, name)
             for base, _, names in os.walk(folder) for name in names}

    def load(stem: str) -> np.ndarray:
        return np.asarray(Image.open(files[stem]))
    world, rng = World(), np.random.default_rng(1000 + seed)
    for scene in range(1, scenes + 1):
        name = f"scene_{scene:04d}"
        world.real[name], world.masks[name] = load(f"real/images/{name}"), load(f"real/masks/{name}")
        for made in range(42, 42 + per_mask):
            image = load(f"synthetic/images/{name}_seed_{made}")
            world.made.append((name, restyled(image, kind.style, rng) if kind.style else image,
                               load(f"truth/{name}_seed_{made}") > 0))
    if kind.anew:
        world.made = [(name, repainted(world, at, rng), wrong) for at, (name, _, wrong) in enumerate(world.made)]
    return world


def repainted(world: World, at: int, rng: np.random.Generator) -> np.ndarray:
    """A synthetic image whose clean pixels are those of other scenes' synthetic images."""
    name, image, wrong = world.made[at]
    others = [(other, np.where(off, IGNORED, world.masks[scene])) for scene, other, off in world.made if scene != name]
    return np.where(wrong[..., None], image, painted_anew(image, world.masks[name], others, CLASSES, rng))


def camvid_world(kind: Kind, data: str, seed: int, scenes: int, per_mask: int) -> World:
    rng = np.random.default_rng(2000 + seed)
    files = camvid.pairs(data, "train") + camvid.pairs(data, "val")
    picked = rng.choice(len(files), min(scenes, len(files)), replace=False)
    seen = [camvid.load(*files[i], size=SIZE) for i in picked]
    world = World()
    for name, image, mask in seen:
        world.real[name], world.masks[name] = image, mask
        seeds = rng.integers(1 << 30, size=per_mask)
        for each in seeds:
            own = np.random.default_rng(seeds[0] if kind.shared else each)
            scene = image
            if kind.anew:
                scene = painted_anew(image, mask, [each[1:] for each in seen if each[0] != name], CLASSES, own)
            made, wrong = camvid.generate(scene, mask, seen, own, camvid.ERRORS * kind.errors, kind.whole)
            world.made.append((name, restyled(made, kind.style, np.random.default_rng(each + 1)), wrong))
    return world


def make(kind: Kind, folder: str, data: str | None, seed: int, scenes: int, per_mask: int) -> World:
    """`folder` is for files; `data` has camvid/."""
    if kind.source == "demo":
        return demo_world(kind, folder, seed, scenes, per_mask)
    assert data is not None, "CamVid's world needs CamVid"
    return camvid_world(kind, os.path.join(data, "camvid"), seed, scenes, per_mask)

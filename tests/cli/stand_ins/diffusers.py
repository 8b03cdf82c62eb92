# cli/stand_ins/diffusers.py - stands in for the package `diffusers` where a script imports it: classes and calls that
# `generate.py` uses, with the originals' complaints. It draws noise of the seed and the condition.
# SPDX-License-Identifier: MIT
import json
import os
import types

import numpy as np
from PIL import Image


class ControlNetModel:
    @classmethod
    def from_pretrained(cls, name, torch_dtype=None):
        network = cls()
        network.name, network.dtype = name, torch_dtype
        return network


class StableDiffusionControlNetPipeline:
    """Logs each call as a line of JSON in STAND_IN_LOG; STAND_IN_CRASH=n: the n-th call raises."""
    calls = 0

    @classmethod
    def from_pretrained(cls, name, controlnet, torch_dtype=None):
        if controlnet.dtype != torch_dtype:
            raise ValueError("expected scalar types to match")
        return cls()

    def set_progress_bar_config(self, **_):
        pass

    def to(self, device):
        self.device = device
        return self

    def __call__(self, prompt, image, height, width, num_inference_steps, generator, negative_prompt=None):
        if height % 8 or width % 8:
            raise ValueError(f"`height` and `width` have to be divisible by 8 but are {height} and {width}.")
        if not isinstance(image, Image.Image) or image.mode != "RGB" or image.size != (width, height):
            raise TypeError("image must be an RGB picture of the same size")
        StableDiffusionControlNetPipeline.calls += 1
        if self.calls == int(os.environ.get("STAND_IN_CRASH", "0")):
            raise RuntimeError("out of memory")
        pixels = np.array(image)
        with open(os.environ["STAND_IN_LOG"], "a", encoding="utf-8") as file:
            colors = np.unique(pixels.reshape(-1, 3), axis=0).tolist()
            file.write(json.dumps({"prompt": prompt, "seed": generator.seed, "steps": num_inference_steps, "colors": colors}) + "\n")
        noise = np.random.default_rng([abs(generator.seed), int(pixels.sum())]).integers(0, 256, (height, width, 3))
        return types.SimpleNamespace(images=[Image.fromarray(noise.astype(np.uint8))])

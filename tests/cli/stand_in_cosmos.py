# cli/stand_in_cosmos.py - has the manners of Cosmos-Transfer2.5's examples/inference.py, and draws noise.
# SPDX-License-Identifier: MIT
"""Members that it does not know, samples of one name, and files that are not there are errors; paths begin
at the file of specifications; lines end wherever str.splitlines ends them; images are read by the end of
their name; one frame becomes NAME.jpg, in the size of the input with even sides. STAND_IN_CRASH=n: dies while
it writes the n-th image."""
import argparse
import json
import os
import zlib

import numpy as np
from PIL import Image

KNOWN = {"name", "prompt", "prompt_path", "negative_prompt", "seed", "guidance", "video_path", "image_context_path", "resolution",
         "sigma_max", "num_conditional_frames", "num_video_frames_per_chunk", "max_frames", "num_steps", "show_control_condition",
         "show_input", "not_keep_input_resolution", "edge", "depth", "vis", "seg"}
CONTROL = {"control_path", "mask_path", "control_weight", "mask_prompt", "control_prompt"}

parser = argparse.ArgumentParser()
parser.add_argument("-i", "--input-files", required=True)
parser.add_argument("-o", "--output-dir", required=True)
opt = parser.parse_args()
crash_at = int(os.environ.get("STAND_IN_CRASH", "0"))
folder = os.path.dirname(os.path.abspath(opt.input_files))
with open(opt.input_files, encoding="utf-8") as file:
    samples = [json.loads(line) for line in file.read().splitlines()]
assert len({sample["name"] for sample in samples}) == len(samples), "names are not unique"
for sample in samples:
    assert not set(sample) - KNOWN and not set(sample["seg"]) - CONTROL, "extra inputs are not permitted"
    assert isinstance(sample["seed"], int) and 0 <= sample["seed"] < 2**32 and isinstance(sample["prompt"], str), sample
    assert sample["max_frames"] == sample["num_video_frames_per_chunk"] == 1 and sample["num_conditional_frames"] in (0, 1, 2)
    for path in (sample["video_path"], sample["seg"]["control_path"]):
        assert os.path.exists(os.path.join(folder, path)) and path.endswith((".png", ".jpg", ".jpeg")), path
os.makedirs(opt.output_dir, exist_ok=True)
for done, sample in enumerate(samples, 1):
    frame = np.array(Image.open(os.path.join(folder, sample["video_path"])))
    control = np.array(Image.open(os.path.join(folder, sample["seg"]["control_path"])))
    assert frame.ndim == control.ndim == 3 and frame.shape[-1] == control.shape[-1] == 3, "not RGB"
    path = os.path.join(opt.output_dir, sample["name"])
    with open(path + ".json", "w", encoding="utf-8") as file:
        json.dump(sample, file)
    height, width = (side - side % 2 for side in frame.shape[:2])
    rng = np.random.default_rng([sample["seed"], zlib.crc32(control.tobytes())])
    Image.fromarray(rng.integers(0, 256, (height, width, 3)).astype(np.uint8)).save(path + ".jpg")
    if done == crash_at:
        os.truncate(path + ".jpg", os.path.getsize(path + ".jpg") // 2)
        os._exit(9)

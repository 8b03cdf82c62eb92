# bench/bench_files.py - one mask from file to file, and the steps of that.
import atexit
import ctypes
import shutil
import tempfile

import numpy as np
from bench_data import SPACES, camvid, camvid_masks, class_means, world
from bench_filter import class_loop
from bench_kit import Entry, Goal, Work
from bench_maps import paired_filter

TITLE = "From file to file"

MASKS = 16


class Files:
    """A folder of masks and losses. `step`: what of the way from file to file is measured."""

    def __init__(self, step="all", real=False, paired=False):
        self.step, self.real, self.paired = step, real, paired

    def images(self):
        """Masks and losses, and their label space."""
        if not self.real:
            masks, losses = world("many", MASKS)
            return masks, losses, "many"
        return *camvid(MASKS), "few"

    def __call__(self, kit, threads):
        from PIL import Image
        folder = tempfile.mkdtemp(prefix="freemask-bench-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        masks, losses, space = self.images()
        for i, (mask, loss) in enumerate(zip(masks, losses)):
            Image.fromarray(mask).save(f"{folder}/{i}.png")
            np.save(f"{folder}/{i}.npy", loss)
        labels = kit.handle("fm_labels_create_from_preset", kit.context, SPACES[space][0].encode())
        means, _ = class_means(kit, labels)
        noise_filter = kit.handle("fm_filter_create_from_means", labels, kit.mean_table(means), None)
        if self.paired:
            return self.beside_paper(kit, folder, noise_filter,
                                     paired_filter(kit, space, masks, losses), len(masks), threads)
        jobs, keep = self.jobs(kit, folder, len(masks), noise_filter)
        edges = [len(jobs) * i // threads for i in range(threads + 1)]
        shares = [jobs[a:b] for a, b in zip(edges, edges[1:])]
        name = {"all": "bench_filter_files", "mask": "bench_read_mask",
                "losses": "bench_read_losses"}[self.step]
        bound = kit.c_way("bench_copy_files", shares, len(jobs)) if self.step == "all" else None
        released = None
        if kit.torch is not None:
            steps = [lambda a=a, b=b: self.released(kit, folder, range(a, b), SPACES[space][2])
                     for a, b in zip(edges, edges[1:])]
            released = kit.torch_way(steps, len(jobs))
        return Work(kit.c_way(name, shares, len(jobs)), bound, torch=released,
                    keep=(labels, means, keep))

    def beside_paper(self, kit, folder, paper, paired, count, threads):
        """The bound is the paper's filter; the reference is the loss map of another mask."""
        shares = []
        for made in (self.jobs(kit, folder, count, paired, True), self.jobs(kit, folder, count, paper)):
            edges = [count * i // threads for i in range(threads + 1)]
            shares.append([made[0][a:b] for a, b in zip(edges, edges[1:])])
        return Work(kit.c_way("bench_filter_files", shares[0], count),
                    kit.c_way("bench_filter_files", shares[1], count), keep=shares)

    def jobs(self, kit, folder, count, noise_filter, paired=False):
        """Arguments of the helper's calls, one tuple for each mask."""
        kind = type("bench_files", (ctypes.Structure,), {"_fields_": [
            ("context", ctypes.c_void_p), ("filter", ctypes.c_void_p), ("mask", ctypes.c_char_p),
            ("losses", ctypes.c_char_p), ("filtered", ctypes.c_char_p),
            ("reference", ctypes.c_char_p)]})
        made = [kind(kit.context, noise_filter, f"{folder}/{i}.png".encode(),
                     f"{folder}/{i}.npy".encode(), f"{folder}/{i}.out.png".encode(),
                     f"{folder}/{(i + 1) % count}.npy".encode() if paired else None)
                for i in range(count)]
        return [(one,) for one in made], made

    def released(self, kit, folder, which, ignored):
        """The steps of the released script, its network left out: the losses come from files."""
        from PIL import Image
        torch = kit.torch
        for i in which:
            if self.step != "losses":
                mask = torch.from_numpy(np.array(Image.open(f"{folder}/{i}.png"))).long()[None]
            if self.step != "mask":
                loss = torch.from_numpy(np.load(f"{folder}/{i}.npy"))[None]
            if self.step == "all":
                filtered = class_loop(torch, mask, loss, ignored)
                filtered = filtered.cpu().numpy().astype(np.uint8)
                Image.fromarray(filtered[0]).save(f"{folder}/{i}.theirs.png")


ENTRIES = [
    Entry("end_to_end", Files(), "ms", Goal(torch=8, speedup=1.7)),
    Entry("end_to_end_paired", Files(paired=True), "ms", Goal(bound=1 / 2.5)),
    Entry("read_mask", Files("mask"), "ms"),
    Entry("read_losses", Files("losses"), "ms"),
]
if camvid_masks():
    ENTRIES.append(Entry("end_to_end_camvid", Files(real=True), "ms", Goal(torch=8, speedup=1.7)))

# bench/bench_network.py - losses from a network's outputs, compared with what PyTorch does with them.
import ctypes

import numpy as np
from bench_kit import Entry, Goal, Work
from bench_stats import read_bound

TITLE = "Losses from the outputs of networks, and queries"

LOGITS, SCORES = 1, 3
CLASSES, INNER, OUTER, QUERIES = 150, 128, 512, 100
IGNORED = 255


def volume(kit, array):
    channels, height, width = array.shape
    made = kit.lib.make("fm_volume", data=array.ctypes.data, dtype=kit.lib.FM_F32, channels=channels,
                        height=height, width=width)
    made.channel_stride, made.row_stride, made.col_stride = array.strides
    return made


def output_of(kit, values, class_logits=None):
    made = kit.lib.make("fm_network_output", values=volume(kit, values))
    if class_logits is not None:
        made.class_logits = kit.plane(class_logits)
    return made


def model_of(kit, context, kind):
    options = kit.lib.labels_options(CLASSES, IGNORED)
    labels = kit.handle("fm_labels_create", context, ctypes.byref(options))
    options = kit.lib.make("fm_network_loss_options", kind=kind)
    model = kit.handle("fm_network_loss_create", labels, ctypes.byref(options))
    kit.lib.fm_labels_destroy(labels)  # lives on in the model
    return model


def scene(size, seed):
    """Regions of 18 of the classes, a few pixels ignored: what the network sees and what the
    mask says; they differ in a tenth of the regions."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(CLASSES, 18, replace=False)
    coarse = chosen[rng.integers(0, 18, (OUTER // 32, OUTER // 32))]
    seen = np.where(rng.random(coarse.shape) < 0.1, rng.choice(CLASSES), coarse)
    mask = np.kron(coarse, np.ones((32, 32), int)).astype(np.uint8)
    mask[rng.random(mask.shape) < 0.01] = IGNORED
    factor = size * 32 // OUTER
    return rng, np.kron(seen, np.ones((factor, factor), int)), mask


def logits(size, seed):
    """As a trained network's: noise, and the class that it sees well above it."""
    rng, seen, mask = scene(size, seed)
    z = rng.standard_normal((CLASSES, size, size), np.float32) * 2
    np.put_along_axis(z, seen[None], 8 + rng.standard_normal((1, size, size), np.float32), 0)
    return z, mask


class Output:
    """Logits of `size`, on masks of OUTER."""

    def __init__(self, size):
        self.size = size

    def torch_loss(self, torch, z, mask):
        functional = torch.nn.functional
        z, target = torch.from_numpy(z)[None], torch.from_numpy(mask.astype(np.int64))[None]
        size = (OUTER, OUTER)

        def run():
            full = z if self.size == OUTER else functional.interpolate(
                z, size, mode="bilinear", align_corners=False)
            return functional.cross_entropy(full, target, ignore_index=IGNORED, reduction="none")
        return run

    def __call__(self, kit, threads):
        inputs = [logits(self.size, seed) for seed in range(threads)]
        model = model_of(kit, kit.context, LOGITS)
        losses = [np.empty((OUTER, OUTER), np.float32) for _ in inputs]
        calls = [[(model, output_of(kit, z), kit.plane(mask), kit.plane(loss), None)]
                 for (z, mask), loss in zip(inputs, losses)]
        torch = kit.torch and kit.torch_way(
            [self.torch_loss(kit.torch, z, mask) for z, mask in inputs], threads)

        def one(context, reset):
            other = model_of(kit, context, LOGITS)
            reset()
            kit.call("fm_network_loss_map", other, *[ctypes.byref(a) for a in calls[0][0][1:4]])
            kit.lib.fm_network_loss_destroy(other)
        return Work(kit.c_way("fm_network_loss_map", calls, threads),
                    read_bound(kit, [[z] for z, _ in inputs], threads) if self.size == OUTER
                    else None, torch=torch,
                    memory=kit.peak_memory(one), keep=(inputs, losses, model))


class Queries:
    """Mask2Former's: QUERIES masks of INNER, each with a class."""

    def torch_loss(self, torch, classes, masks, mask):
        functional = torch.nn.functional
        classes, masks = torch.from_numpy(classes), torch.from_numpy(masks)[None]
        target = torch.from_numpy(mask.astype(np.int64))[None]

        def run():
            resized = functional.interpolate(masks, (OUTER, OUTER), mode="bilinear",
                                             align_corners=False)[0]
            scores = torch.einsum("qc,qhw->chw", classes.softmax(-1)[..., :-1], resized.sigmoid())
            return functional.cross_entropy(scores.log()[None], target, ignore_index=IGNORED,
                                            reduction="none")
        return run

    def output(self, seed):
        rng, seen, mask = scene(INNER, seed)
        classes = rng.standard_normal((QUERIES, CLASSES + 1), np.float32)
        masks = rng.standard_normal((QUERIES, INNER, INNER), np.float32) - 5
        for query, label in enumerate(np.unique(seen)):
            classes[query, label] += 8
            masks[query][seen == label] += 12
        classes[len(np.unique(seen)):, CLASSES] += 8  # no object
        return classes, masks, mask

    def __call__(self, kit, threads):
        inputs = [self.output(seed) for seed in range(threads)]
        model = model_of(kit, kit.context, SCORES)
        losses = [np.empty((OUTER, OUTER), np.float32) for _ in inputs]
        calls = [[(model, output_of(kit, masks, classes), kit.plane(mask), kit.plane(loss), None)]
                 for (classes, masks, mask), loss in zip(inputs, losses)]
        torch = kit.torch and kit.torch_way(
            [self.torch_loss(kit.torch, *each) for each in inputs], threads)

        def one(context, reset):
            other = model_of(kit, context, SCORES)
            reset()
            kit.call("fm_network_loss_map", other, *[ctypes.byref(a) for a in calls[0][0][1:4]])
            kit.lib.fm_network_loss_destroy(other)
        return Work(kit.c_way("fm_network_loss_map", calls, threads), torch=torch,
                    memory=kit.peak_memory(one), keep=(inputs, losses, model))


ENTRIES = [
    Entry("loss_up4_c150", Output(INNER), "ms", Goal(torch=37)),
    Entry("loss_full_c150", Output(OUTER), "ms", Goal(bound=0.6, torch=15)),
    Entry("queries_100", Queries(), "ms", Goal(torch=10)),
]

# python/page_worlds.py - what the pages' blocks take as given: images, masks, losses and networks of the reader.
# SPDX-License-Identifier: MIT
import os
import sys
import types

import freemask
import numpy as np
import tap

SHAPE, CLASSES = (32, 64), 19
rng = np.random.default_rng(7)


def mask(classes=CLASSES):
    """5 % of the pixels are ignored."""
    found = rng.integers(0, classes, SHAPE).astype(np.uint8)
    found[rng.random(SHAPE) < 0.05] = 255
    return found


def ade():
    """0 is ignored, 1 to 150 are classes."""
    return rng.integers(0, 151, SHAPE).astype(np.uint8)


def loss():
    return rng.gamma(1.5, 0.7, SHAPE).astype(np.float32)


def normal(*shape):
    return rng.normal(size=shape).astype(np.float32)


def folders():
    from PIL import Image
    for part in ("real", "synthetic"):
        for kind in ("images", "masks"):
            os.makedirs(f"{part}/{kind}")
        for i in range(5):
            Image.fromarray(mask()).save(f"{part}/masks/{i}.png")
            Image.fromarray(rng.integers(0, 256, (*SHAPE, 3)).astype(np.uint8)).save(f"{part}/images/{i}.png")


# ---- With NumPy --------------------------------------------------------------------------------------
def nothing(scope):
    pass


def method(scope):
    scope.update(freemask=freemask, real=[(mask(), loss()) for _ in range(6)], synthetic_mask=mask(), synthetic_loss=loss())


def python(scope):
    method(scope)
    folders()
    scope.update(ids=["a", "b", "c"], real_masks=[mask() for _ in range(3)], mask=mask(), loss_of_the_real_image=loss(), logits=normal(150, 8, 16),
                 class_logits=normal(10, CLASSES + 1), mask_logits=normal(10, 8, 16), validation=[(mask(), loss()) for _ in range(40)],
                 model=lambda images: normal(len(images), CLASSES, 8, 16), to_tensor=lambda images: images)


def job(scope):
    folders()
    scope["job"] = freemask.Job(lambda images: normal(len(images), CLASSES, 8, 16), freemask.Folder("real/images", "real/masks"),
                                freemask.Folder("synthetic/images", "synthetic/masks"), "cityscapes", "out", kind="logits")


def engines(scope):
    folders()
    scope["load_network"] = lambda: lambda image: normal(CLASSES, 8, 16)


def tars(scope):
    scope.update(freemask=freemask, TarWriter=freemask.TarWriter, mask=mask())


def benchmarks(scope):
    sys.path.append(os.path.join(tap.SOURCE, "tests", "bench"))
    import bench_data
    import bench_kit
    import bench_stats
    scope.update(np=np, world=bench_data.world, read_bound=bench_stats.read_bound, Entry=bench_kit.Entry, Goal=bench_kit.Goal, Work=bench_kit.Work)


def mmseg(scope):
    scope.update(inputs=None, model=lambda inputs, mode: normal(2, 150, 8, 16), masks=np.stack([ade(), ade()]))


# ---- With PyTorch and trainers -----------------------------------------------------------------------
def data_set(masks):
    import torch
    made = torch.utils.data.TensorDataset(torch.rand(len(masks), 3, *SHAPE), torch.from_numpy(np.stack(masks)))
    made.stems = [str(i) for i in range(len(made))]
    return made


def planned():
    """A plan of four masks, and how many synthetic images it has."""
    plan = freemask.plan([f"r{i}" for i in range(4)], [0.1, 0.2, 0.3, 0.4], n_max=3, seeds=range(42, 45))
    return plan, sum(row.count for row in plan)


def tutorial(scope):
    import torch
    for name in ("losses", "logits", "queries"):
        os.makedirs(f"{name}/real")

    def model(image=None, **inputs):
        if image is None:
            return types.SimpleNamespace(class_queries_logits=torch.randn(1, 10, 20), masks_queries_logits=torch.randn(1, 10, 8, 16))
        return torch.randn(len(image), CLASSES, 8, 16)

    scope.update(model=model, image=torch.rand(1, 3, *SHAPE), inputs={}, stem="a", mask=torch.randint(CLASSES, (1, *SHAPE)))


def pytorch(scope):
    import torch
    plan, count = planned()
    plan.to_csv("plan.csv")
    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d((8, 16)), torch.nn.Conv2d(3, 150, 1))
    real, synthetic = data_set([ade() for _ in range(4)]), data_set([ade() for _ in range(count)])
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo", init_method=f"file://{os.path.abspath('store')}", rank=0, world_size=1)
    scope.update(model=net, device="cpu", real_set=real, real_loader=torch.utils.data.DataLoader(real, batch_size=2),
                 synthetic=[(str(i), synthetic[i][1], torch.from_numpy(loss())) for i in range(count)], synthetic_set=synthetic,
                 augment=None, epochs=2)


def loops(scope):
    import pytorch_lightning as pl
    import torch
    plan, count = planned()
    real, synthetic = data_set([mask() for _ in range(4)]), data_set([mask() for _ in range(count)])
    stats = freemask.ClassStats("cityscapes").add(real.tensors[1], torch.rand(4, *SHAPE))
    with freemask.IgnoreMapWriter("ignore.npz", stats) as maps:
        for i in range(count):
            maps.add(str(i), synthetic[i][1], loss())

    class Model(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Conv2d(3, CLASSES, 1)

        def training_step(self, batch, _):
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1].long(), ignore_index=255)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    images, masks = real.tensors
    scope.update(stats=stats, images=images, masks=masks, real=real, synthetic=synthetic, plan=plan, epochs=2, net=Model(),
                 mask_and_loss=lambda i: (real[i][1], loss()))


def transformers(scope):
    import torch
    import transformers as hf
    small = hf.SegformerConfig(num_encoder_blocks=4, depths=[1] * 4, hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1] * 4,
                               decoder_hidden_size=16, num_labels=150)
    swin = hf.SwinConfig(image_size=32, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=2,
                         out_features=["stage1", "stage2", "stage3", "stage4"])
    config = hf.Mask2FormerConfig(backbone_config=swin, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=16,
                                  encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=16, num_queries=8,
                                  num_labels=150, train_num_points=200)
    masks = [ade() for _ in range(2)]
    scope.update(model=hf.SegformerForSemanticSegmentation(small), config=config, masks=torch.from_numpy(np.stack(masks)),
                 samples=[(torch.rand(3, *SHAPE), one) for one in masks])


PACKAGE = "bindings/python/freemask"
WORLDS = {"README.md": method, "doc/benchmarks.md": benchmarks, "doc/engines.md": engines, "doc/python.md": python, "doc/random.md": nothing, "doc/tutorial.md": tutorial,
          "doc/trainers/loops.md": loops, "doc/trainers/mmseg.md": mmseg, "doc/trainers/pytorch.md": pytorch,
          "doc/trainers/transformers.md": transformers, f"{PACKAGE}/__init__.py": method, f"{PACKAGE}/job.py": job, f"{PACKAGE}/tars.py": tars}

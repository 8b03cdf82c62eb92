# torch/test_torch.py - the TorchScript plug-in against PyTorch itself, pixel by pixel and as a whole.
"""test_torch.py TOOL PLUGIN. The plug-in is called through ctypes, so that outputs and loss maps can be
looked at, and by the tool on a small world, with a network that is trained for some seconds."""
import ctypes
import json
import os
import re
import sys
import tempfile

import tap

if len(sys.argv) < 3:
    tap.skip_all("built without libtorch (./dev torch installs it)")
tap.need("numpy", "PIL", "torch")
import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

TOOL, PLUGIN = map(os.path.abspath, sys.argv[1:3])
sys.path += [os.path.join(tap.SOURCE, "tests", "ctypes"), os.path.join(tap.SOURCE, "examples", "plugin_torchscript")]
import train_small  # noqa: E402
from freemask_ctypes import Interface  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
K, IGNORED = 11, 11  # camvid
FOLDER = tempfile.TemporaryDirectory()
rng = np.random.default_rng(3)
torch.manual_seed(3)


def path(name):
    return os.path.join(FOLDER.name, name)


# ---- The plug-in, as a host sees it ----------------------------------------------------------------

class Failure(Exception):
    def __init__(self, code, err):
        super().__init__(err.message.decode("utf-8", "replace"))
        self.code = code


def call(function, *arguments):
    err = LIB.struct("fm_error")()
    code = function(*arguments, ctypes.byref(err))
    if code:
        raise Failure(code, err)


def make(function, *arguments):
    handle = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(handle))
    return handle


CONTEXT = make(LIB.fm_context_create, None)
LABELS = make(LIB.fm_labels_create_from_preset, CONTEXT, b"camvid")


def strings(values):
    return (ctypes.c_char_p * len(values))(*[value.encode() for value in values])


def array_of(volume, shape):
    """What a packed view shows."""
    dtype = {LIB.FM_F32: np.float32, LIB.FM_F16: np.float16, LIB.FM_BF16: np.uint16}[volume.dtype]
    raw = ctypes.string_at(volume.data, int(np.prod(shape)) * np.dtype(dtype).itemsize)
    return np.frombuffer(raw, dtype).reshape(shape)


class Plugin:
    """Opened with keys and values; `predict` returns (outputs, class logits or None, loss map) per image."""

    def __init__(self, labels=LABELS, **options):
        self.labels = labels
        space = LIB.make("fm_labels_options")
        call(LIB.fm_labels_get_options, labels, ctypes.byref(space))
        setup = LIB.make("fm_plugin_setup", abi=1, threads=2, option_count=len(options), keys=strings(list(options)),
                         values=strings([str(v) for v in options.values()]), labels=ctypes.pointer(space))
        self.plugin = LIB.make("fm_plugin")
        opener = ctypes.CDLL(PLUGIN).fm_plugin_open
        call(opener, ctypes.byref(setup), ctypes.byref(self.plugin))
        self.identity = self.plugin.identity.decode()
        self.network = make(LIB.fm_network_loss_create, labels, self.plugin.network)

    def predict(self, images, masks):
        samples, kept = [], []
        for image, mask in zip(images, masks):
            height, width = mask.shape
            sample = LIB.make("fm_sample", id=b"some image")
            sample.mask = LIB.fm_plane_make(mask.ctypes.data, LIB.FM_U8, height, width)
            sample.image = LIB.fm_volume_make(image.ctypes.data, LIB.FM_U8, 3, height, width)
            sample.image.channel_stride, sample.image.col_stride, sample.image.row_stride = 1, 3, 3 * width
            samples.append(sample)
        outputs = [LIB.make("fm_network_output") for _ in images]
        predictions = [LIB.make("fm_prediction", output=ctypes.pointer(output)) for output in outputs]
        call(self.plugin.predict, pointers(samples, "fm_sample"), pointers(predictions, "fm_prediction"),
             len(images), self.plugin.user)
        for sample, one, mask in zip(samples, predictions, masks):
            kept.append(self.conclude(sample, one, mask))
            self.plugin.release(ctypes.byref(one), self.plugin.user)
        return kept

    def conclude(self, sample, one, mask):
        out, rows = one.output.contents.values, None
        loss = np.full(mask.shape, np.nan, np.float32)
        plane = LIB.fm_plane_make(loss.ctypes.data, LIB.FM_F32, *mask.shape)
        output = array_of(out, (out.channels, out.height, out.width))
        logits = one.output.contents.class_logits
        if logits.data:
            rows = array_of(logits, (logits.height, logits.width))
        call(LIB.fm_network_loss_map, self.network, one.output, ctypes.byref(sample.mask), ctypes.byref(plane))
        return output, rows, loss

    def close(self):
        LIB.fm_network_loss_destroy(self.network)
        self.plugin.close(self.plugin.user)


def pointers(items, kind):
    pointer = ctypes.POINTER(LIB.struct(kind))
    return (pointer * len(items))(*[ctypes.pointer(item) for item in items])


# ---- Networks ---------------------------------------------------------------------------------------

class Wrapped(nn.Module):
    """Small with its output as some framework would have it. Weights are random but its logits are of a
    trained network's size."""

    def __init__(self, channels=K):
        super().__init__()
        self.net = train_small.Small(channels)
        for part in self.net.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.weight.data.mul_(1.5)
                part.running_var.mul_(0.3)
        self.net.head.weight.data.mul_(6)


class Plain(Wrapped):
    def forward(self, x):
        return self.net(x)


class Full(Wrapped):
    def forward(self, x):
        return nn.functional.interpolate(self.net(x), size=x.shape[2:], mode="bilinear", align_corners=False)


class Named(Wrapped):
    def forward(self, x):
        z = self.net(x)
        return {"out": z, "aux": z * 0.5}


class Tuple(Wrapped):
    def forward(self, x):
        z = self.net(x)
        return z * 0.5, z


class Soft(Wrapped):
    def forward(self, x):
        return self.net(x).softmax(1)


class Scores(Wrapped):
    def forward(self, x):
        return self.net(x).sigmoid()


class Half(Wrapped):
    def forward(self, x):
        return self.net(x).half()


class Double(Wrapped):
    def forward(self, x):
        return self.net(x).double()


class Flat(Wrapped):
    def forward(self, x):
        return self.net(x)[:, 0]


class FlatProbs(Wrapped):
    def forward(self, x):
        return self.net(x)[:, 0].sigmoid()


class QueriesNamed(nn.Module):
    """Twelve-class rows for nine queries, as transformers names them."""

    def __init__(self):
        super().__init__()
        self.net = Plain(9)
        self.rows = nn.Parameter(torch.randn(9, K + 1) * 3)

    def forward(self, x):
        z = self.net(x)
        return {"masks_queries_logits": z, "class_queries_logits": self.rows.expand(z.shape[0], -1, -1)}


class QueriesTuple(QueriesNamed):
    def forward(self, x):
        z = self.net(x)
        return self.rows.expand(z.shape[0], -1, -1), z


class Broken(nn.Module):
    def forward(self, x):
        assert x.shape[1] == 4, "this network wants four channels"
        return x


def save(net, name):
    torch.jit.script(net.eval()).save(path(name))
    return path(name)


# ---- Truth --------------------------------------------------------------------------------------------

def own(values, mask):
    """values[mask], 0 where ignored; [C, H, W] and [H, W]."""
    picked = values.gather(0, torch.from_numpy(np.where(mask == IGNORED, 0, mask).astype(np.int64))[None])[0]
    return torch.where(torch.from_numpy(mask == IGNORED), torch.zeros_like(picked), picked)


def resized(x, mask, corners):
    return F.interpolate(x.double()[None], mask.shape, mode="bilinear", align_corners=corners)[0]


def loss_of_logits(x, mask, corners=False):
    z = resized(x, mask, corners)
    target = torch.from_numpy(mask.astype(np.int64))
    return F.cross_entropy(z[None], target[None], ignore_index=IGNORED, reduction="none")[0]


def loss_of_channels(x, mask):
    """Channel 0 is a background that the mask does not have."""
    target = torch.from_numpy(np.where(mask == IGNORED, 255, mask + 1).astype(np.int64))
    return F.cross_entropy(resized(x, mask, False)[None], target[None], ignore_index=255, reduction="none")[0]


def loss_of_probs(x, mask):
    return own(-resized(x, mask, False).clamp(min=1e-7).log(), mask)


def loss_of_scores(x, mask):
    s = resized(x, mask, False)
    return own(-(s / s.sum(0)).clamp(min=1e-7).log(), mask)


def loss_of_queries(rows, x, mask):
    s = torch.einsum("qc,qhw->chw", rows.double().softmax(1)[:, :-1], resized(x, mask, False).sigmoid())
    return own(-(s / s.sum(0)).clamp(min=1e-7).log(), mask)


# ---- Pixel by pixel -------------------------------------------------------------------------------------

def scene(height, width):
    """An image with some structure and a mask with ignored pixels."""
    coarse = rng.integers(0, 256, (height // 16 + 2, width // 16 + 2, 3)).astype(np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BILINEAR)).astype(np.int64)
    image = np.clip(image + rng.integers(-20, 21, image.shape), 0, 255).astype(np.uint8)
    mask = np.kron(rng.integers(0, K + 1, (height // 8 + 1, width // 8 + 1)), np.ones((8, 8), int))
    return np.ascontiguousarray(image), np.ascontiguousarray(mask[:height, :width].astype(np.uint8))


SCENES = [scene(64, 80), scene(64, 80), scene(97, 131), scene(64, 80), scene(40, 48)]


def tensor_of(image, scale=255, mean=(0,), std=(1,), bgr=False, size=None):
    x = torch.from_numpy(image[..., ::-1].copy() if bgr else image).permute(2, 0, 1).float()
    x = ((x / scale - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1))[None]
    return x if size is None else F.interpolate(x, size, mode="bilinear", align_corners=False)


def same_loss(name, loss, expected, mask):
    expected = expected.numpy()
    error = np.abs(loss - expected)
    bound = np.where(expected < 20, 5e-6, 1e-5 * expected)
    at = (error / bound).argmax()
    tap.ok((error <= bound).all() and (loss[mask == IGNORED] == 0).all(),
           f"{name}: the loss map is PyTorch's within 5e-6 nats",
           f"largest error {error.flat[at]} at a loss of {expected.flat[at]}")


def near(a, b):
    """The same but for the order of sums, and for what rounds them."""
    return np.abs(a.astype(np.float64) - b).max() <= (2e-3 if a.dtype == np.float16 else 2e-5) * max(1.0, np.abs(b).max())


def check_net(name, net, truth, picture=None, pick=lambda value: value, **options):
    """Outputs are those of Python's PyTorch; losses are cross_entropy's of the plug-in's outputs."""
    model = save(net, name + ".pt")
    plugin = Plugin(model=model, **options)
    images, masks = zip(*SCENES)
    answers = plugin.predict(images, masks)
    again = plugin.predict(images[2:3], masks[2:3])[0]
    plugin.close()
    with torch.no_grad():
        expected = [pick(net(tensor_of(image, **(picture or {})))) for image in images]
    good = all(near(got[0], want[0].double().numpy()) for got, want in zip(answers, expected))
    tap.ok(good, f"{name}: outputs are PyTorch's",
           [np.abs(got[0] - want[0].double().numpy()).max() for got, want in zip(answers, expected)]
           if all(got[0].shape == want[0].shape for got, want in zip(answers, expected)) else
           [(got[0].shape, want[0].shape) for got, want in zip(answers, expected)])
    tap.ok(near(again[0], answers[2][0]), f"{name}: alone as in a batch")
    for i in (0, 2, 4):
        output = torch.from_numpy(answers[i][0].astype(np.float64))
        wanted = (truth(torch.from_numpy(answers[i][1].copy()), output, masks[i]) if answers[i][1] is not None
                  else truth(output, masks[i]))
        same_loss(f"{name} {masks[i].shape}", answers[i][2], wanted, masks[i])


def check_pixels():
    with torch.no_grad():
        check_net("quarter", Plain(), loss_of_logits)
        check_net("full", Full(), loss_of_logits, kind="logits")
        check_net("corners", Plain(), lambda x, m: loss_of_logits(x, m, True), align_corners=1)
        check_net("named", Named(), loss_of_logits, pick=lambda v: v["out"])
        check_net("named aux", Named(), loss_of_logits, pick=lambda v: v["aux"], output="aux")
        check_net("tuple", Tuple(), loss_of_logits, pick=lambda v: v[0])
        check_net("tuple 1", Tuple(), loss_of_logits, pick=lambda v: v[1], output="1")
        check_net("half", Half(), loss_of_logits)
        check_net("double", Double(), loss_of_logits)
        check_net("background", Plain(K + 1), loss_of_channels, channels="1:12", channel_count=12)
        check_net("probs", Soft(), loss_of_probs, kind="probs")
        check_net("scores", Scores(), loss_of_scores, kind="scores")
        check_net("normalised", Plain(), loss_of_logits, mean="0.485:0.456:0.406", std="0.229:0.224:0.225",
                  picture={"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)})
        check_net("as in mmseg", Plain(), loss_of_logits, scale=1, mean="123.675:116.28:103.53",
                  std="58.395:57.12:57.375", order="bgr",
                  picture={"scale": 1, "mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375), "bgr": True})
        check_net("sized", Plain(), loss_of_logits, size="96x64", picture={"size": (64, 96)})
        check_net("queries", QueriesTuple(), loss_of_queries, kind="queries", pick=lambda v: v[1])
        check_net("queries named", QueriesNamed(), loss_of_queries, kind="queries",
                  pick=lambda v: v["masks_queries_logits"])
        check_net("queries turned", QueriesNamed(), loss_of_queries, kind="queries",
                  output="class_queries_logits:masks_queries_logits", pick=lambda v: v["masks_queries_logits"])


def check_binary():
    two = LIB.labels_options(2, 2)
    labels = make(LIB.fm_labels_create, CONTEXT, ctypes.byref(two))
    image, mask = SCENES[0]
    mask = np.ascontiguousarray(np.where(mask == IGNORED, 2, mask % 2).astype(np.uint8))
    with torch.no_grad():
        for name, net, kind in (("binary", Flat(), "binary"), ("binary-probs", FlatProbs(), "binary-probs")):
            plugin = Plugin(labels, model=save(net, name + ".pt"), kind=kind)
            output, _, loss = plugin.predict([image], [mask])[0]
            plugin.close()
            v = resized(torch.from_numpy(output.copy()), mask, False)[0].numpy()
            v = np.logaddexp(0, np.where(mask == 1, -v, v)) if kind == "binary" else -np.log(
                np.maximum(np.where(mask == 1, v, 1 - v), 1e-7))
            error = np.abs(loss - np.where(mask == 2, 0, v))
            tap.ok(error.max() <= 5e-6, f"{name}: the loss map", error.max())


def check_identity():
    one, other = path("quarter.pt"), path("full.pt")
    names = []
    for options in ({"model": one}, {"model": one, "batch": 2, "threads": 1}, {"model": one, "mean": 0.5},
                    {"model": other}):
        plugin = Plugin(**options)
        names.append(plugin.identity)
        plugin.close()
    tap.ok(names[0] == names[1] and len(set(names)) == 3, "the identity is the model's and that of what matters", names)


def check_device():
    if not torch.cuda.is_available():
        tap.skip("the same on a GPU", "no GPU", excused=True)
        return
    images, masks = zip(*SCENES)
    losses = []
    for device in ("cpu", "cuda:0"):
        plugin = Plugin(model=path("quarter.pt"), device=device)
        losses.append([loss for _, _, loss in plugin.predict(images, masks)])
        plugin.close()
    worst = max(np.abs(a - b).max() for a, b in zip(*losses))
    tap.ok(worst < 1e-3, "the same on a GPU", worst)


# ---- Through the tool ---------------------------------------------------------------------------------

def tool(*arguments):
    return tap.run([TOOL, *map(str, arguments)], cwd=FOLDER.name)


def check_whole():
    result = tool("demo", "--quiet", "--scenes", 24, "--per-mask", 2, "--size", "192x144", "world")
    if not tap.ok(result.returncode == 0, "a world", result.stdout):
        return
    script = os.path.join(tap.SOURCE, "examples", "plugin_torchscript", "train_small.py")
    result = tap.run([sys.executable, script, "world/real", "small.pt", "--steps", "80"], cwd=FOLDER.name)
    if not tap.ok(result.returncode == 0, "train_small.py", result.stdout):
        return
    provider = f"plugin:{PLUGIN},model=small.pt,batch=5"
    job = ["run", "--labels", "camvid", "--real-masks", "world/real/masks", "--real-images", "world/real/images",
           "--synthetic-masks", "world/synthetic/masks", "--synthetic-images", "world/synthetic/images",
           "--seeds", "42:44", "--n-max", "2", "--provider", provider]
    result = tool(*job, "-o", "out")
    if not tap.ok(result.returncode == 0, "freemask run --provider plugin:...", result.stdout):
        return
    compare_with_torch()
    score_it()
    result = tool(*job, "-j", "1", "-o", "again")
    same = all(open(path(f"out/{n}"), "rb").read() == open(path(f"again/{n}"), "rb").read()
               for n in ("stats.json", "filter.csv", "plan.csv"))
    tap.ok(result.returncode == 0 and same, "one worker or several, the same files")


def compare_with_torch():
    net = torch.jit.load(path("small.pt")).eval()
    sums, pixels = np.zeros(K), np.zeros(K)
    with torch.no_grad():
        for image, mask in train_small.read_set(path("world/real")):
            loss = loss_of_logits(net(image.float()[None] / 255)[0], mask.numpy()).numpy()
            mask = mask.numpy()
            sums += np.bincount(mask[mask < K], loss[mask < K], K)
            pixels += np.bincount(mask[mask < K], None, K)
    with open(path("out/stats.json"), encoding="utf-8") as file:
        stats = json.load(file)
    error = max(abs(c["mean_loss"] - h) for c, h in zip(stats["classes"], sums / (pixels + 1e-5)))
    tap.ok(error < 1e-5, "class means are PyTorch's", error)
    tap.equal(stats["provider"]["plugin"], "torchscript", "stats.json names the plug-in")


def score_it():
    valid = dropped = wrong = caught = 0
    for name in os.listdir(path("world/synthetic/masks")):
        before, after, truth = (np.asarray(Image.open(path(f"{part}/{name}")))
                                for part in ("world/synthetic/masks", "out/masks", "world/truth"))
        error = (truth != 0) & (before != IGNORED)
        valid, dropped = valid + (before != IGNORED).sum(), dropped + (before != after).sum()
        wrong, caught = wrong + error.sum(), caught + (error & (before != after)).sum()
    tap.ok(caught / dropped > 1.5 * wrong / valid and caught / wrong > 1.5 * dropped / valid,
           f"the filter is better than chance: precision {caught / dropped:.3f} (chance {wrong / valid:.3f}), "
           f"recall {caught / wrong:.3f} (chance {dropped / valid:.3f})")


def check_broken():
    save(Broken(), "broken.pt")
    save(Plain(K + 1), "twelve.pt")
    with open(path("text.pt"), "w", encoding="utf-8") as file:
        file.write("no model\n")
    cases = [("no model", "batch=2", 2, "model=FILE.pt"), ("a model that is not there", "model=no.pt", 4, "no.pt"),
             ("a model that is none", "model=text.pt", 3, "text.pt is no TorchScript file"),
             ("an unknown key", "model=small.pt,colour=1", 2, "unknown key 'colour'"),
             ("a device that is none", "model=small.pt,device=abacus", 2, "abacus"),
             ("a size that is none", "model=small.pt,size=12", 2, "size is '12'"),
             ("a batch of 0", "model=small.pt,batch=0", 2, "batch is '0'"),
             ("a standard deviation of 0", "model=small.pt,std=0", 2, "std is '0'"),
             ("two means", "model=small.pt,mean=1:2", 2, "mean is '1:2'"),
             ("a kind that is none", "model=small.pt,kind=loss", 2, "kind is 'loss'"),
             ("a network that fails", "model=broken.pt", 3, "this network wants four channels"),
             ("a channel too many", "model=twelve.pt", 3, "12 channels"),
             ("an output that is not there", "model=named.pt,output=logits", 3, "'logits'"),
             ("a tuple that is too short", "model=tuple.pt,output=2", 3, "no tensor 2"),
             ("queries of a plain network", "model=small.pt,kind=queries", 3, "no tensor"),
             ("probabilities as logits", "model=probs.pt", 2, "softmax")]
    if not torch.cuda.is_available():
        cases.append(("a GPU that is not there", "model=small.pt,device=cuda:0", 3, "no GPU"))
    for name, options, code, says in cases:
        result = tool("stats", "--labels", "camvid", "--masks", "world/real/masks", "--images", "world/real/images",
                      "--provider", f"plugin:{PLUGIN},{options}", "-o", "bad.json")
        lines = result.stdout.splitlines()
        tap.ok(result.returncode == code and says in result.stdout and len(lines) == 1 and
               re.match("freemask: ", lines[0]), f"{name}: one sentence, exit {code}",
               f"exit {result.returncode}\n{result.stdout}")


check_pixels()
check_binary()
check_identity()
check_device()
check_whole()
check_broken()
tap.done()

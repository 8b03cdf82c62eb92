# cuda/torch_rival.py - what people write in PyTorch today for the same jobs; the benchmark's rivals.
"""Masks are uint8 [N, H, W] with 255 ignored, losses float32 [N, H, W], logits [N, C, h, w]. `limits` are the thresholds of
the labels 0 to 255, infinite where nothing is dropped."""
import torch
from torch.nn import functional


def device_array(array):
    return torch.from_numpy(array).cuda()


def _counts(mask, flags):
    """[N, 256] pixels of each label that have a flag."""
    n = mask.shape[0]
    index = (mask.long() + 256 * torch.arange(n, device=mask.device)[:, None, None]).flatten()
    zeros = torch.zeros(256 * n, dtype=torch.int64, device=mask.device)
    return zeros.scatter_add_(0, index, flags.long().flatten()).view(n, 256)


def filter_losses(mask, loss, limits):
    dropped = loss > limits[mask.long()]
    return torch.where(dropped, 255, mask), _counts(mask, torch.ones_like(dropped)), _counts(mask, dropped)


def add_losses(mask, loss):
    """Sums of doubles in any order, which is less than the library gives: its sums are exact."""
    index = mask.long().flatten()
    sums = torch.zeros(256, dtype=torch.float64, device=mask.device).scatter_add_(0, index, loss.double().flatten())
    return sums, _counts(mask, torch.ones_like(mask))


def losses_of(logits, mask):
    size = tuple(mask.shape[1:])
    if tuple(logits.shape[2:]) != size:
        logits = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
    return functional.cross_entropy(logits.float(), mask.long(), ignore_index=255, reduction="none")


def filter_logits(logits, mask, limits):
    """In one expression after another, for a compiler."""
    return filter_losses(mask, losses_of(logits, mask), limits)


def filter_logits_by_class(logits, mask, limits):
    """A loop over the classes, as trainers do it."""
    loss, out = losses_of(logits, mask), mask.clone()
    valid, dropped = [], []
    for k in range(logits.shape[1]):
        of_class = mask == k
        noisy = of_class & (loss > limits[k])
        out.masked_fill_(noisy, 255)
        valid.append(of_class.sum((1, 2)))
        dropped.append(noisy.sum((1, 2)))
    return out, torch.stack(valid, 1), torch.stack(dropped, 1)


def filter_queries(class_logits, mask_logits, mask, limits):
    """As Mask2Former composes scores, of all classes at each pixel."""
    shown = functional.interpolate(mask_logits, mask.shape[1:], mode="bilinear", align_corners=False).sigmoid()
    scores = torch.einsum("nqc,nqyx->ncyx", class_logits.softmax(-1)[..., :-1], shown)
    known = mask != 255
    own = scores.gather(1, torch.where(known, mask.long(), 0)[:, None])[:, 0]
    losses = -torch.log((own / scores.sum(1)).clamp(min=1e-7))
    return filter_losses(mask, torch.where(known, losses, 0), limits)


def add_logits(logits, mask):
    return add_losses(mask, losses_of(logits, mask))

# doc/test_schedule.py - doc/schedule.md: its sampler gives what Python works out, and feeds a DataLoader.
import os
import re
import sys

import tap

sys.path.insert(0, os.path.join(tap.SOURCE, "tests", "golden"))
from make_schedule_golden import JOINT, RATIO, Schedule  # noqa: E402

tap.need("numpy")  # for the page's sampler
try:
    import torch.utils.data as torch_data
except ImportError:
    torch_data = None


def page():
    with open(os.path.join(tap.SOURCE, "doc", "schedule.md"), encoding="utf-8") as file:
        code = re.search(r"```python\n(.*?)```", file.read(), re.S).group(1)
    names = {}
    exec(code.replace("libfreemask.so.1", os.environ["FM_SHARED"]), names)  # pylint: disable=exec-used
    return names["Sampler"]


def check_orders(sampler_of):
    for rank in range(3):
        sampler = sampler_of(real_count=7, synthetic_count=20, seed=5, rank=rank, world=3)
        truth = Schedule(JOINT, 7, 20, seed=5, rank=rank, world=3)
        for epoch in range(3):
            sampler.set_epoch(epoch)
            length = -(-(7 * 3 + 20) // 3)
            tap.equal(len(sampler), length, f"rank {rank}, epoch {epoch}: length")
            expected = [truth.at(epoch * length + i)[0] for i in range(length)]
            tap.equal(list(sampler), expected, f"rank {rank}, epoch {epoch}: order")
            sampler.set_epoch(epoch, skip=4)
            tap.equal(list(sampler), expected[4:], f"rank {rank}, epoch {epoch}: from the middle")


def check_loader(sampler_of):
    if torch_data is None:
        tap.skip("in a DataLoader", "no PyTorch")
        return
    data = torch_data.ConcatDataset([[("real", i) for i in range(5)], [("synthetic", i) for i in range(9)]])
    sampler = sampler_of(mix=3, real_count=5, synthetic_count=9, real_share=1, synthetic_share=3)
    truth = Schedule(RATIO, 5, 9, shares=(1, 3))
    expected = [data[truth.at(i)[0]] for i in range(12)]
    batches = list(torch_data.DataLoader(data, sampler=sampler, batch_size=4, collate_fn=list))
    tap.equal([len(batch) for batch in batches], [4, 4, 4], "a DataLoader makes its batches")
    tap.equal([item for batch in batches for item in batch], expected, "of the schedule's images")
    padded = torch_data.DistributedSampler(data, num_replicas=4, rank=3, shuffle=False)
    ours = sampler_of(mix=0, real_repeats=1, real_count=5, synthetic_count=9, in_order=1, rank=3, world=4)
    tap.equal(list(ours), list(padded), "padded as DistributedSampler does")
    padded = torch_data.DistributedSampler(data, num_replicas=4, rank=3, shuffle=False, drop_last=True)
    ours = sampler_of(mix=0, real_repeats=1, tail=1, real_count=5, synthetic_count=9, in_order=1, rank=3, world=4)
    tap.equal(list(ours), list(padded), "truncated as drop_last does")


def main():
    sampler_of = page()
    check_orders(sampler_of)
    check_loader(sampler_of)
    try:
        sampler_of(real_count=7)
        tap.ok(False, "no synthetic image")
    except ValueError as error:
        tap.ok("synthetic_count is 0" in str(error), "what is wrong is said", error)
    tap.done()


main()

# trainers/ranks.py - what each process does in the test of torch.distributed.
# SPDX-License-Identifier: MIT
import freemask as fm
import freemask.torch as fmt
import numpy as np
import torch.distributed

torch.distributed.init_process_group("gloo")
rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
parts = np.load("parts.npz")
labels = fm.Labels.from_csv("whole.json")
stats = fm.ClassStats(labels)
# Parts of different sizes; one rank has nothing.
for i, (mask, loss) in enumerate(zip(parts["masks"], parts["losses"])):
    if min(i % world, 2) == rank:
        stats.add(mask, loss)
fmt.all_reduce(stats)
with open(f"merged-{rank}", "wb") as out:
    out.write(stats.state.tobytes())
try:
    fmt.all_reduce(fm.ClassStats(labels, histogram=8 if rank == 2 else 0))
except fm.MismatchError:
    open(f"refused-{rank}", "w").close()
sampler = fmt.DistributedScheduleSampler(range(50), real=20, synthetic=30)
assert (sampler.rank, sampler.num_replicas) == (rank, world)
numbers = [None] * world
torch.distributed.all_gather_object(numbers, list(sampler))
assert [one for row in zip(*numbers) for one in row][:50] == list(fm.Schedule(real=20, synthetic=30).epoch(0))[:50]
torch.distributed.destroy_process_group()

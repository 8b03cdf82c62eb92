# freemask/distributed.py - jobs in the process group of torchrun.
# SPDX-License-Identifier: MIT
"""`run` does a whole Job with all processes of torch.distributed: with gloo, with NCCL, under torchrun or another launcher."""
from __future__ import annotations

from typing import Any, Optional

import torch.distributed

from .job import Job, Result
from .torch import all_reduce

__all__ = ["run"]


def run(job: Job, group: Any = None) -> Optional[Result]:
    """Does a job; every process of the group has to call it, with the same job. Rank r of w does the tasks r, r + w, ... of
    each stage; statistics are merged by `all_reduce`. Returns the result on rank 0 (plan.csv and stats.json are for the
    others), None elsewhere.

    If a rank is killed, the others fail or are ended by torchrun; started again (`torchrun --max-restarts`), the job goes
    on with the tasks that were not done. Ranks wait for the slowest one after each stage: init_process_group's `timeout`
    has to be longer than that.
    """
    rank, world = torch.distributed.get_rank(group), torch.distributed.get_world_size(group)
    for stage in job.stages:
        own = range(rank, job.tasks(stage), world)
        for number in own:
            job.work(stage, number)
        summed = stage in ("stats", "scores")
        if summed:
            stats = all_reduce(job.part_stats(own, stage), group)
            if rank == 0:
                job.join_stats(stats, stage)
        torch.distributed.barrier(group)
        if rank == 0 and not summed:
            job.join(stage)
    result = job.finish() if rank == 0 else None
    torch.distributed.barrier(group)
    return result

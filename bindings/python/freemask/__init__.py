# freemask/__init__.py - FreeMask for Python: filter and plan synthetic training images for segmentation.
# SPDX-License-Identifier: MIT
"""The whole of libfreemask by ctypes: no compiled extension, no dependency. NumPy arrays, PyTorch tensors and
everything with DLPack are used without copies; calls do not hold the GIL::

    stats = freemask.ClassStats("cityscapes")
    for mask, loss in real:  # losses of a segmenter that was trained on real images
        stats.add(mask, loss)
    noise = freemask.NoiseFilter(stats)
    clean = noise.apply(synthetic_mask, synthetic_loss)  # noisy pixels get the ignore label

`curate` does it all with any callable as the segmenter; `freemask.torch` is for PyTorch. `freemask.lib` has every function of
the C interface.
"""
from __future__ import annotations

import os

from . import _interface
from ._arrays import Plane, plane
from ._cuda import check
from ._library import (
    ArgumentError,
    CallbackError,
    DuplicateError,
    EmptyError,
    Error,
    FileError,
    FormatError,
    LabelError,
    LimitError,
    LossError,
    MismatchError,
    OutOfMemoryError,
    ShapeError,
    UnsupportedError,
    context,
    lib,
    library_path,
)
from .calibration import Calibration
from .curate import Curated, Folder, Sample, curate
from .files import (
    decode_image,
    decode_loss,
    decode_mask,
    decode_output,
    encode_mask,
    read_image,
    read_loss,
    read_mask,
    write_array,
    write_mask,
)
from .filter import FilterReport, NoiseFilter
from .hardness import Hardness, shape_complexity, shape_hardness
from .ignore_maps import IgnoreMaps, IgnoreMapWriter
from .job import Job, Result
from .labels import Labels
from .maps import boundary_strata, window_mean
from .network import NetworkLoss, loss_map
from .plan import Plan, PlanRow, plan
from .ranking import Ranking, rank_parts
from .schedule import Schedule, ScheduleEntry
from .sets import FolderParts, Parquet, Tars
from .shard import shard_of
from .stats import ClassStats, ReferenceCodes
from .tars import Fields, TarSample, TarWriter, read_tar

__version__: str = lib.fm_version().decode()


def get_include() -> str:
    """The folder of the C headers: `-I` for a compiler."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "_include")


def kernels() -> str:
    """The pixel kernels in use: "c", "sse4.1", "avx2", "avx512" or "neon"."""
    return context.kernels


__all__ = [
    "ArgumentError", "Calibration", "CallbackError", "ClassStats", "Curated", "DuplicateError", "EmptyError", "Error", "FileError",
    "Fields", "FilterReport", "Folder", "FolderParts", "FormatError", "Hardness", "IgnoreMapWriter", "IgnoreMaps", "Job", "LabelError", "Labels",
    "LimitError", "LossError", "MismatchError",
    "NetworkLoss", "NoiseFilter", "OutOfMemoryError", "Parquet", "Plan", "PlanRow", "Plane", "Ranking",
    "ReferenceCodes", "Result", "Sample", "Schedule", "ScheduleEntry",
    "ShapeError", "TarSample", "TarWriter", "Tars", "UnsupportedError", "boundary_strata", "check", "curate", "decode_image", "decode_loss", "decode_mask",
    "decode_output", "encode_mask", "get_include", "kernels", "lib", "library_path", "loss_map", "plan", "plane",
    "rank_parts", "read_image", "read_loss", "read_mask", "read_tar", "shape_complexity", "shape_hardness", "shard_of", "window_mean",
    "write_array", "write_mask",
]
del _interface

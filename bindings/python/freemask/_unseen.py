# freemask/_unseen.py - arrays whose pixels cannot be seen: why, and what to do.
# SPDX-License-Identifier: MIT
"""Other libraries say of such arrays what is wrong inside of them; what a user needs is the next step. Their own words
stay with the error as its cause."""
from __future__ import annotations

from typing import Any

from . import _interface as c
from ._library import Error, UnsupportedError

OTHER_WAYS = "numpy.asarray() or torch.as_tensor() may make one that can be seen"


def unseen(says: str) -> UnsupportedError:
    return UnsupportedError(says, c.FM_ERR_UNSUPPORTED)


def words_of(error: Exception) -> str:
    """What an exception of another library says, in one line."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".: ") if lines else type(error).__name__


def told(array: Any, name: str) -> Any:
    """An attribute of an array; None where it has none, or raises, as the shape of a nested tensor does."""
    try:
        return getattr(array, name, None)
    except Exception:
        return None


def refuse_masked(array: Any) -> None:
    """Raises for an array of numpy.ma that hides some of its pixels: what lies under the cover is any number."""
    if hasattr(array, "filled") and array.mask.any():
        raise unseen(f"the array is masked, and {int(array.mask.sum())} of its pixels are hidden: expected one without, as .filled(value) "
                     "makes it, of a mask with a label that is ignored")


# ---- Tensors ------------------------------------------------------------------------------------------
def is_nested(array: Any) -> bool:
    return told(array, "is_nested") is True


def _kind_of(torch: Any, tensor: Any) -> str:
    """What keeps a tensor from being numbers in memory, but for the device; "" if nothing does."""
    if is_nested(tensor):
        return ("the tensor is nested, images of several sizes in one: expected one image at a time, which .unbind() gives, "
                "or all of one size, as .to_padded_tensor(value) makes them")
    if tensor.layout is not torch.strided:
        return f"the tensor is {tensor.layout}, expected a dense one: .to_dense()"
    if tensor.device.type == "meta":
        return ("the tensor is on the device meta, where tensors have a shape and no values: expected one that was computed, or loaded, on "
                "a device that has memory")
    if tensor.is_quantized:
        return f"the tensor is quantized ({tensor.dtype}): .dequantize() gives its values"
    return ""


def refuse_tensor(torch: Any, tensor: Any) -> None:
    """Raises for tensors that are not numbers in memory, on whatever device."""
    try:
        why = _kind_of(torch, tensor)
    except Exception as error:
        raise unseen(f"PyTorch does not tell what this {type(tensor).__name__} holds: {words_of(error)}; expected a plain tensor") from error
    if why:
        raise unseen(why)


def address_of_tensor(tensor: Any) -> int:
    """Where a tensor's pixels are; subclasses may have none, and those inside of torch.func's transforms do not tell."""
    kind = type(tensor).__name__
    try:
        address = int(tensor.data_ptr())
    except Exception as error:
        raise unseen(f"PyTorch does not tell where the pixels of this {kind} are: {words_of(error)}; expected a plain tensor, outside of "
                     "vmap and the like") from error
    if not address and tensor.numel():
        way = next((f": .{name} makes one" for name in ("full_tensor()", "to_tensor(value)") if hasattr(tensor, name.partition("(")[0])), "")
        raise unseen(f"the {kind} has no memory of its own, expected a plain tensor{way}")
    return address


# ---- What other libraries export ------------------------------------------------------------------------
def refuse_export(array: Any, way: str, error: Exception) -> Error:
    """For an exception that came out of an array's `way` to show itself; one for lack of memory stays what it is."""
    if isinstance(error, (Error, MemoryError)):
        raise error
    return unseen(f"{type(array).__name__}: its {way} fails ({words_of(error)}): {OTHER_WAYS}")

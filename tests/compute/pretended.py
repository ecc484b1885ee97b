"""A device that is not there: tensors say that they lie on it, are computed on the CPU, and refuse to meet CPU tensors.

Code that forgets to bring a tensor to the device of the others, or a result back, fails here as it would on a GPU,
and what it computes can be compared with the CPU's. It takes the one place that PyTorch has for such a device, so
what uses it runs in a process of its own.
"""

import contextlib
import sys

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("pretended")
torch.__future__.set_overwrite_module_params_on_conversion(True)  # else a module's parameters stay plain tensors

DEVICE = torch.device("pretended:0")
# CUDA, too, copies between devices and takes an index from the CPU
MIXED = {"aten::copy_", "aten::index.Tensor", "aten::index_put_", "aten::index_put", "aten::_index_put_impl_"}


class Away(torch.Tensor):
    """A tensor on the device; ``here`` is what it holds."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]
    is_cuda = property(lambda self: True)  # so that code for GPUs is what runs

    @staticmethod
    def __new__(cls, here):
        about = {"strides": here.stride(), "storage_offset": here.storage_offset(), "dtype": here.dtype}
        return cls._make_wrapper_subclass(cls, here.size(), device=DEVICE, requires_grad=here.requires_grad, **about)

    def __init__(self, here):
        self.here = here

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):  # type: ignore[override]
        raise AssertionError(f"{func} outside on_device()")

    def tolist(self):
        return self.here.tolist()

    def numpy(self, *, force=False):
        if not force:
            raise TypeError("can't convert a tensor of the device to numpy")
        return self.here.detach().numpy()


class _Computer(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, name = dict(kwargs or {}), func.name()
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        away = any(isinstance(tensor, Away) for tensor in tensors)
        if away and name not in MIXED and any(tensor.dim() and not isinstance(tensor, Away) for tensor in tensors):
            raise RuntimeError(f"{name} of tensors on {DEVICE} and on the CPU")
        if name == "aten::index.Tensor" and away and not isinstance(args[0], Away):
            raise RuntimeError(f"{name} of a tensor on the CPU by indices on {DEVICE}")
        if name == "aten::copy_":
            away = isinstance(args[0], Away)
        if kwargs.get("device") is not None:
            away = torch.device(kwargs["device"]).type == DEVICE.type
            kwargs["device"] = torch.device("cpu")
        bare_args, bare_kwargs = tree_map(lambda leaf: leaf.here if isinstance(leaf, Away) else leaf, (args, kwargs))
        found = func(*bare_args, **bare_kwargs)
        for tensor in tensors:  # what was changed in place is the very same tensor
            if isinstance(tensor, Away) and tensor.here is found:
                return tensor
        return tree_map(lambda leaf: Away(leaf) if away and isinstance(leaf, torch.Tensor) else leaf, found)


@contextlib.contextmanager
def on_device(monkeypatch):
    """Inside, tensors may be made on and brought to ``DEVICE``."""
    make = torch.tensor

    def tensor(data, *, device=None, **options):
        made = make(data, **options)
        return made if device is None else made.to(device)

    monkeypatch.setattr(torch, "tensor", tensor)
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)  # whose tensors cannot be wrapped
    for name, module in list(sys.modules.items()):
        if name.startswith("closerlook.") and hasattr(module, "map_in_threads"):  # the mode is this thread's
            monkeypatch.setattr(module, "map_in_threads", lambda work, items, workers: map(work, items))
    with _Computer():
        yield
    monkeypatch.undo()

"""The operator library: it defines schemas, registers kernels and reports on them.

Every operator lives in the namespace ``torch.ops.graphlab``. Its schema is defined here, in
Python, once. The pure-torch definition of :mod:`graphlab.ops.reference` serves every device;
the compiled distribution ``graphlab-cuda-ops`` only adds faster implementations for CPU and CUDA
to the same operators, which the dispatcher then prefers. Nothing else in the package knows which
of the two is running.
"""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from graphlab._autograd import refuse_transforms
from graphlab._repr import short_repr

__all__ = ["OPERATORS", "SCHEMA_VERSION", "LibraryStatus", "status"]

#: Raised whenever a schema changes; compiled kernels of another version are refused.
SCHEMA_VERSION = 5

#: Names of all operators, in the order of their definition.
OPERATORS: list[str] = []

#: What the compiled kernels say where Ctrl-C ends them.
_INTERRUPTED = "graphlab: interrupted by a signal"

_LIBRARY = torch.library.Library("graphlab", "DEF")


@short_repr
@dataclass(frozen=True)
class LibraryStatus:
    """Active kernels, and why these.

    Attributes:
        compiled (bool): Whether compiled CPU kernels are loaded.
        reason (str): One sentence for people: what was loaded, or why not.
        cpu_library (str, optional): Path of the loaded CPU library.
        cuda_library (str, optional): Path of the loaded CUDA library.
        schema_version (int): Version of the operator schemas of this installation.
    """

    compiled: bool
    reason: str
    cpu_library: str | None = None
    cuda_library: str | None = None
    schema_version: int = SCHEMA_VERSION


def define(
    schema: str,
    reference: Callable[..., Any],
    fake: Callable[..., Any],
    *,
    setup_context: Callable[..., None] | None = None,
    backward: Callable[..., Any] | None = None,
) -> None:
    """Define one operator: schema, pure-torch kernel, fake kernel, autograd and autocast.

    An operator without ``backward`` is itself a backward; asking for its derivative raises
    ``NotImplementedError`` instead of silently returning no gradient.

    Args:
        schema: Schema without namespace, such as ``"cluster_sum(Tensor x, ...) -> Tensor"``.
        reference: Pure-torch implementation for every device.
        fake: Shape function for ``torch.compile``, meta and fake tensors.
        setup_context: ``(ctx, inputs, output)`` of the autograd formula.
        backward: ``(ctx, *grads)`` of the autograd formula.
    """
    name = schema.split("(", 1)[0]
    qualified = f"graphlab::{name}"
    _LIBRARY.define(schema, tags=(torch.Tag.pt2_compliant_tag,))
    _LIBRARY.impl(name, reference, "CompositeExplicitAutograd")
    torch.library.register_fake(qualified, fake, lib=_LIBRARY)
    if backward is None:
        backward, setup_context = _no_second_derivative(name), None
    torch.library.register_autograd(qualified, backward, setup_context=setup_context, lib=_LIBRARY)
    for device_type in ("cpu", "cuda"):
        # Half precision is read as float32 and accumulated in float32.
        torch.library.register_autocast(qualified, device_type, torch.float32, lib=_LIBRARY)
    OPERATORS.append(name)


def call(name: str, *args: Any) -> Any:
    """Call an operator so that Ctrl-C ends it within a fraction of a second.

    A compiled kernel asks now and then whether a signal handler has raised, and then ends with a
    RuntimeError, the only kind of error that it can raise. The handler's own exception waits in the
    interpreter until Python code runs again.

    Args:
        name: Name of the operator.
        *args: Its arguments.

    Raises:
        KeyboardInterrupt: Or whatever else the handler of a signal has raised.
    """
    refuse_transforms(name)
    operator = getattr(torch.ops.graphlab, name)
    if torch.compiler.is_compiling():
        return operator(*args)
    try:
        return operator(*args)
    except RuntimeError as error:
        if _INTERRUPTED not in str(error):
            raise
    for _ in range(1000):  # the interpreter looks for what waits whenever a loop begins again
        pass
    raise KeyboardInterrupt


def _no_second_derivative(name: str) -> Callable[..., Any]:
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError(f"graphlab::{name} has no derivative: use create_graph=False")

    return backward


def status() -> LibraryStatus:
    """Report which kernels are active and why."""
    return _STATUS


def _load() -> LibraryStatus:
    """Load the compiled kernels if they are wanted, present and of this schema version."""
    if os.environ.get("GRAPHLAB_DISABLE_KERNELS", "0") not in ("", "0"):
        return LibraryStatus(False, "pure torch, because GRAPHLAB_DISABLE_KERNELS is set")
    try:
        return _load_compiled()
    except (ImportError, OSError, RuntimeError) as error:
        reason = f"pure torch, because the compiled kernels could not be loaded: {error}"
    warnings.warn(
        f"graphlab runs without compiled kernels and will be slower ({reason}). "
        "Install graphlab-cuda-ops, or set GRAPHLAB_DISABLE_KERNELS=1 to silence this warning.",
        RuntimeWarning,
        stacklevel=2,
    )
    return LibraryStatus(False, reason)


def _load_compiled() -> LibraryStatus:
    kernels = importlib.import_module("graphlab_cuda_ops")
    if kernels.SCHEMA_VERSION != SCHEMA_VERSION:
        raise ImportError(
            f"graphlab-cuda-ops implements schema version {kernels.SCHEMA_VERSION}, "
            f"this graphlab needs {SCHEMA_VERSION}; reinstall both"
        )
    cpu = kernels.cpu_library()
    if cpu is None:
        raise ImportError("graphlab-cuda-ops is installed without its CPU library")
    torch.ops.load_library(str(cpu))
    if not torch.cuda.is_available():
        return LibraryStatus(True, "compiled CPU kernels; no CUDA device", str(cpu))
    cuda = kernels.cuda_library()
    if cuda is None:
        reason = "compiled CPU kernels; CUDA runs pure torch (built without nvcc)"
        return LibraryStatus(True, reason, str(cpu))
    torch.ops.load_library(str(cuda))
    return LibraryStatus(True, "compiled CPU and CUDA kernels", str(cpu), str(cuda))


def active_kernel(name: str, device_type: str) -> str:
    """Kernel of an operator, ``"compiled"`` or ``"pure"``, on ``"cpu"`` or ``"cuda"``."""
    key = {"cpu": "CPU", "cuda": "CUDA"}[device_type]
    compiled = torch._C._dispatch_has_kernel_for_dispatch_key(f"graphlab::{name}", key)
    return "compiled" if compiled else "pure"


def needs_grad(ctx: Any, positions: Sequence[int]) -> tuple[bool, ...]:
    """Read which inputs of an autograd formula want a gradient."""
    return tuple(bool(ctx.needs_input_grad[p]) for p in positions)


_STATUS = _load()

"""Triton's interpreter, which runs its kernels on the CPU with numpy."""

from __future__ import annotations

from typing import Any


def prepare() -> None:
    """Mend what the interpreter lacks."""
    read_loop_bounds()
    multiply_bfloat16()


def read_loop_bounds() -> None:
    """Let a number that a kernel has computed, an array of one element, bound a loop."""
    from triton.runtime import interpreter

    patch = interpreter._patch_lang_tensor

    def patched(tensor: Any, scope: Any) -> None:
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._patch_lang_tensor = patched


def multiply_bfloat16() -> None:
    """Multiply what bits of bfloat16 stand for, which numpy does not know, and not the bits."""
    import numpy as np
    import triton.language as tl
    from triton.runtime import interpreter

    dot = interpreter.InterpreterBuilder.create_dot

    def widened(handle: Any) -> Any:
        if handle.dtype.scalar != tl.bfloat16:
            return handle
        bits = handle.data.view(np.uint16).astype(np.uint32) << 16
        return interpreter.TensorHandle(bits.view(np.float32), tl.float32)

    def create_dot(self: Any, a: Any, b: Any, *rest: Any) -> Any:
        return dot(self, widened(a), widened(b), *rest)

    interpreter.InterpreterBuilder.create_dot = create_dot

"""Steps of an encoder, read off a run of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch_geometric.nn import GINConv, MessagePassing

from graphlab._user_module import refuse_caches
from graphlab.contrastive.pot.layers import (
    CONVOLUTIONS,
    DROPOUTS,
    FUNCTIONS,
    NORMS,
    SILENT,
    Emit,
    emit_of,
    functional_emit,
    gin_emit,
    is_container,
    refusal,
    refuse_unsupported,
)
from graphlab.contrastive.pot.steps import Step

__all__ = ["EncoderReader"]


class EncoderReader:
    """Steps of an encoder, which is watched once; its parameters are read anew at every call.

    Layers count in the order in which they are called, whatever the names; functional activations
    are seen too. The steps are then replayed on the same input, and an encoder whose output they
    do not give (because of a skip connection, say) is refused: a bound of something else would be
    none. So is one that computes with a parameter outside of these layers, where a training could
    change what is bounded. A change between training and evaluation mode has it watched again.

    Args:
        encoder (nn.Module or sequence): Called as ``encoder(x, edge_index)``; or its layers in
            order.

    Raises:
        NotImplementedError: If a layer has no bound; the message names it.
        ValueError: If a convolution is cached or transposed.
    """

    def __init__(self, encoder: nn.Module | Sequence[nn.Module]) -> None:
        if not isinstance(encoder, nn.Module):
            layers = list(encoder) if isinstance(encoder, (list, tuple)) else [encoder]
            for layer in layers:
                if not isinstance(layer, nn.Module):
                    raise TypeError(
                        "encoder must be a torch.nn.Module or a sequence of layers, got "
                        f"{type(layer).__name__}"
                    )
            encoder = _Chain(encoder)
        refuse_unsupported(encoder)
        refuse_caches(encoder)
        self.encoder = encoder
        self._emits: list[Emit] | None = None
        self._modes: list[bool] = []

    @property
    def watched(self) -> bool:
        """True once the layers are known, in the modes that they are in."""
        return self._emits is not None and self._modes == self._training()

    def _training(self) -> list[bool]:
        return [layer.training for layer in self.encoder.modules()]

    def __getstate__(self) -> dict[str, Any]:
        # What was noted reads the layers of this encoder: a copy has to watch its own.
        return self.__dict__ | {"_emits": None}

    def watch(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Run the encoder once, remember its layers in order and return its output."""
        watch = _Watch(self._parameter_names())
        handles = []
        for name, layer in self.encoder.named_modules():
            if layer is self.encoder and not isinstance(layer, (*CONVOLUTIONS, nn.Linear)):
                continue
            handles += [
                layer.register_forward_pre_hook(watch.enter(name)),
                layer.register_forward_hook(watch.leave(name)),
            ]
        try:
            with torch.no_grad(), watch:
                out = self.encoder(x, edge_index)
        finally:
            for handle in handles:
                handle.remove()
        self._emits, self._modes = watch.emits, self._training()
        return cast(Tensor, out)

    def check_replay(self, output: Tensor, replayed: Tensor) -> None:
        """Refuse an encoder whose output is not that of its layers, one after the other.

        Raises:
            NotImplementedError: If the two differ.
        """
        scale = float(output.abs().max()) if output.numel() else 0.0
        tolerance = 1e-3 if output.dtype == torch.float32 else 1e-9
        limit = tolerance * max(scale, 1e-6)  # relative to the largest output, which may be zero
        if output.shape == replayed.shape and float((output - replayed).abs().max()) <= limit:
            return
        raise NotImplementedError(
            "POT cannot bound this encoder: its layers, one after the other, do not give its "
            "output (a skip connection, a pooled layer, dropout or an operation that is no module?)"
        )

    def refuse_live_statistics(self) -> None:
        """Refuse normalisation over the present nodes.

        Raises:
            NotImplementedError: If a layer is in training mode; the message names it.
        """
        for name, layer in self.encoder.named_modules():
            if isinstance(layer, nn.BatchNorm1d) and layer.training:
                raise NotImplementedError(
                    f"POT cannot bound layer {name!r}, a BatchNorm1d in training mode: its "
                    "statistics depend on all nodes; call eval() on it"
                )

    def _parameter_names(self) -> dict[int, str]:
        """Names of the parameters that only layers may compute with, by identity."""
        own = {id(layer.eps) for layer in self.encoder.modules() if isinstance(layer, GINConv)}
        names = {id(value): name for name, value in self.encoder.named_parameters()}
        return {key: name for key, name in names.items() if key not in own}

    def steps(self) -> list[Step]:
        """The steps with the present parameters."""
        steps: list[Step] = []
        for emit in self._emits or []:
            emit(steps)
        return steps


class _Chain(nn.Module):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Call them in order; only convolutions see the edges."""
        for layer in self.layers:
            x = layer(x, edge_index) if isinstance(layer, MessagePassing) else layer(x)
        return x


class _Watch(TorchFunctionMode):
    """Notes layers and functional activations that are called outside of other layers."""

    def __init__(self, parameters: dict[int, str]) -> None:
        super().__init__()
        self.emits: list[Emit] = []
        self._parameters = parameters
        self._depth = 0

    def enter(self, name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
            if self._depth == 0 and isinstance(layer, GINConv):
                self.emits.append(gin_emit(layer))
            elif self._depth == 0 and not is_container(layer):
                self._note(name, layer)
            self._depth += _opaque(layer)

        return hook

    def leave(self, name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self._depth -= _opaque(layer)

        return hook

    def _note(self, name: str, layer: nn.Module) -> None:
        if isinstance(layer, SILENT):
            return
        if isinstance(layer, DROPOUTS):
            if layer.training and layer.p > 0:
                raise refusal(name, layer, "in training mode; set p=0 or call eval()")
            return
        if isinstance(layer, NORMS) and (layer.training or layer.running_mean is None):
            raise refusal(name, layer, "with the statistics of the batch; call eval() on it")
        emit = emit_of(layer)
        if emit is None:
            raise refusal(name, layer)
        self.emits.append(emit)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        # Inside of a known layer its own activations are part of it.
        if self._depth == 0 and func in FUNCTIONS:
            self.emits.append(functional_emit(FUNCTIONS[func], args, kwargs))
            self._depth += 1
            try:
                return func(*args, **kwargs)
            finally:
                self._depth -= 1
        out = func(*args, **kwargs)
        if self._depth == 0 and isinstance(out, Tensor):
            self._refuse_parameters([*args, *kwargs.values()])
        return out

    def _refuse_parameters(self, values: list[Any]) -> None:
        for value in values:
            if isinstance(value, (list, tuple)):
                self._refuse_parameters(list(value))
            elif id(value) in self._parameters:
                raise NotImplementedError(
                    f"POT cannot bound an encoder that computes with its parameter "
                    f"{self._parameters[id(value)]!r} outside of the layers that POT knows"
                )


def _opaque(layer: nn.Module) -> int:
    """One for layers whose inside is not looked at."""
    return 0 if is_container(layer) or isinstance(layer, GINConv) else 1

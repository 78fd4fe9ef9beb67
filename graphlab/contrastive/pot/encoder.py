"""Reading the steps of an encoder off a run of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch_geometric.nn import APPNP, GCNConv, GINConv, MessagePassing, SAGEConv, SGConv
from torch_geometric.nn import Linear as PyGLinear
from torch_geometric.nn import norm as pyg_norm
from torch_geometric.nn.aggr import Aggregation, MeanAggregation, SumAggregation

from graphlab.contrastive.pot.steps import Activation, Affine, Hop, Step

__all__ = ["EncoderReader", "refuse_unsupported"]

#: Reads the current parameters of a layer and appends its steps.
_Emit = Callable[[list[Step]], None]

_CONVOLUTIONS = (GCNConv, SAGEConv, GINConv, SGConv, APPNP)
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.Tanh)
_NORMS = (nn.BatchNorm1d,)
_SILENT = (nn.Identity, Aggregation)
_DROPOUTS = (nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)
#: Layers of which every kind is refused by name, already where the encoder is handed in.
_REFUSED = (
    MessagePassing,
    *(getattr(pyg_norm, name) for name in pyg_norm.__all__ if name != "BatchNorm"),
    nn.LayerNorm,
    nn.GroupNorm,
    nn.InstanceNorm1d,
    nn.RReLU,
    nn.MultiheadAttention,
    nn.Sigmoid,
    nn.GELU,
    nn.SiLU,
    nn.Softmax,
)


def _refuse(name: str, layer: object, reason: str = "") -> NotImplementedError:
    why = f" ({reason})" if reason else ""
    return NotImplementedError(
        f"POT cannot bound layer {name!r}, a {type(layer).__name__}{why}; it knows GCNConv, "
        "SAGEConv (mean), GINConv (sum), SGConv, APPNP, Linear, BatchNorm in eval mode, ReLU, "
        "LeakyReLU, PReLU, ELU and Tanh"
    )


def refuse_unsupported(encoder: nn.Module) -> None:
    """Raise for layers that no bound exists for, wherever they are in the encoder."""
    for name, layer in encoder.named_modules():
        if isinstance(layer, _REFUSED) and not isinstance(layer, _CONVOLUTIONS):
            raise _refuse(name, layer)
        if isinstance(layer, _CONVOLUTIONS):
            _check_convolution(name, layer)


def _check_convolution(name: str, layer: nn.Module) -> None:
    if getattr(layer, "flow", "source_to_target") != "source_to_target":
        raise ValueError(f"layer {name!r} must have flow='source_to_target', got {layer.flow!r}")
    if getattr(layer, "cached", False):
        raise ValueError(f"layer {name!r} must not be cached: it would ignore the views")
    if isinstance(layer, (GCNConv, SGConv)):
        if not getattr(layer, "add_self_loops", True):
            raise _refuse(name, layer, "add_self_loops=False")
        if getattr(layer, "improved", False) or not getattr(layer, "normalize", True):
            raise _refuse(name, layer, "improved=True or normalize=False")
    elif isinstance(layer, APPNP):
        if not layer.add_self_loops or not layer.normalize:
            raise _refuse(name, layer, "add_self_loops=False or normalize=False")
    elif isinstance(layer, SAGEConv):
        if not isinstance(layer.aggr_module, MeanAggregation):
            raise _refuse(name, layer, f"aggr={layer.aggr!r}")
        if layer.normalize or layer.project:
            raise _refuse(name, layer, "normalize=True or project=True")
    elif isinstance(layer, GINConv) and not isinstance(layer.aggr_module, SumAggregation):
        raise _refuse(name, layer, f"aggr={layer.aggr!r}")


class EncoderReader:
    """The steps of an encoder, found by watching it once and read anew at every call.

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
            encoder = _Chain(encoder)
        refuse_unsupported(encoder)
        self.encoder = encoder
        self._emits: list[_Emit] | None = None
        self._modes: list[bool] = []

    @property
    def watched(self) -> bool:
        """Whether the layers are known, in the modes that they are in."""
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
            if layer is self.encoder and not isinstance(layer, (*_CONVOLUTIONS, nn.Linear)):
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

    def _parameter_names(self) -> dict[int, str]:
        """Names of the parameters that only layers may compute with, by identity."""
        own = {id(layer.eps) for layer in self.encoder.modules() if isinstance(layer, GINConv)}
        found = {id(value): name for name, value in self.encoder.named_parameters()}
        return {key: name for key, name in found.items() if key not in own}

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
        self.emits: list[_Emit] = []
        self._parameters = parameters
        self._depth = 0

    def enter(self, name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
            if self._depth == 0 and isinstance(layer, GINConv):
                self.emits.append(_gin(layer))
            elif self._depth == 0 and not _is_container(layer):
                self._note(name, layer)
            self._depth += _opaque(layer)

        return hook

    def leave(self, name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self._depth -= _opaque(layer)

        return hook

    def _note(self, name: str, layer: nn.Module) -> None:
        if isinstance(layer, _SILENT):
            return
        if isinstance(layer, _DROPOUTS):
            if layer.training and layer.p > 0:
                raise _refuse(name, layer, "in training mode; set p=0 or call eval()")
            return
        if isinstance(layer, _NORMS) and (layer.training or layer.running_mean is None):
            raise _refuse(name, layer, "with the statistics of the batch; call eval() on it")
        emit = _emit_of(layer)
        if emit is None:
            raise _refuse(name, layer)
        self.emits.append(emit)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._depth == 0 and func in _FUNCTIONS:
            self.emits.append(_functional(_FUNCTIONS[func], args, kwargs))
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


def _is_container(layer: nn.Module) -> bool:
    """Whether what counts is called inside: not a layer by itself."""
    known = (*_CONVOLUTIONS, *_ACTIVATIONS, *_NORMS, *_DROPOUTS, nn.Linear, PyGLinear)
    return any(True for _ in layer.children()) and not isinstance(layer, known)


def _opaque(layer: nn.Module) -> int:
    """One for layers whose inside is not looked at."""
    return 0 if _is_container(layer) or isinstance(layer, GINConv) else 1


_FUNCTIONS: dict[Any, str] = {
    functional.relu: "relu",
    torch.relu: "relu",
    Tensor.relu: "relu",
    torch.relu_: "relu",
    Tensor.relu_: "relu",
    functional.leaky_relu: "leaky_relu",
    functional.prelu: "prelu",
    torch.prelu: "prelu",
    functional.elu: "elu",
    torch.tanh: "tanh",
    Tensor.tanh: "tanh",
}


def _functional(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Emit:
    # Only the second argument is kept: the first is a state of all nodes.
    key, default = _SECOND.get(name, ("", 0.0))
    second = args[1] if key and len(args) > 1 else kwargs.get(key, default)

    def emit(steps: list[Step]) -> None:
        if name == "tanh":
            steps.append(Activation("tanh"))
        elif name == "elu":
            steps.append(Activation("elu", second))
        else:
            steps.append(Activation("leaky_relu", _slope(second)))

    return emit


#: Name and default of the argument that shapes a functional activation.
_SECOND: dict[str, tuple[str, Any]] = {
    "elu": ("alpha", 1.0),
    "prelu": ("weight", None),
    "leaky_relu": ("negative_slope", 0.01),
}


def _slope(value: Any) -> float | Tensor:
    if isinstance(value, Tensor):
        return value.reshape(()) if value.numel() == 1 else value
    return float(value)


def _emit_of(layer: nn.Module) -> _Emit | None:
    """How to read a layer, or None for one that is not known."""
    if isinstance(layer, (nn.Linear, PyGLinear)):
        return lambda steps: steps.append(Affine(layer.weight, layer.bias))
    if isinstance(layer, _NORMS):
        return _batch_norm(layer)
    if isinstance(layer, _ACTIVATIONS):
        return _activation(layer)
    if isinstance(layer, GCNConv):
        return _gcn(layer)
    if isinstance(layer, SGConv):
        return _sgc(layer)
    if isinstance(layer, SAGEConv):
        return _sage(layer)
    return _appnp(layer) if isinstance(layer, APPNP) else None


def _activation(layer: nn.Module) -> _Emit:
    def emit(steps: list[Step]) -> None:
        if isinstance(layer, nn.Tanh):
            steps.append(Activation("tanh"))
        elif isinstance(layer, nn.ELU):
            steps.append(Activation("elu", layer.alpha))
        elif isinstance(layer, nn.PReLU):
            steps.append(Activation("leaky_relu", _slope(layer.weight)))
        else:
            steps.append(Activation("leaky_relu", getattr(layer, "negative_slope", 0.0)))

    return emit


def _batch_norm(layer: Any) -> _Emit:
    def emit(steps: list[Step]) -> None:
        scale = (layer.running_var + layer.eps).rsqrt()
        scale = scale if layer.weight is None else scale * layer.weight
        shift = -layer.running_mean * scale
        steps.append(Affine(scale, shift if layer.bias is None else shift + layer.bias))

    return emit


def _bias(steps: list[Step], bias: Tensor | None) -> None:
    if bias is not None:
        steps.append(Affine(None, bias))


def _gcn(layer: GCNConv) -> _Emit:
    def emit(steps: list[Step]) -> None:
        steps.extend([Affine(layer.lin.weight), Hop("gcn")])
        _bias(steps, layer.bias)

    return emit


def _sgc(layer: SGConv) -> _Emit:
    def emit(steps: list[Step]) -> None:
        # The linear map commutes with the hops: first, it makes the states narrow.
        steps.append(Affine(layer.lin.weight))
        steps.extend(Hop("gcn") for _ in range(layer.K))
        _bias(steps, layer.lin.bias)

    return emit


def _appnp(layer: APPNP) -> _Emit:
    def emit(steps: list[Step]) -> None:
        start = len(steps)
        steps.extend(
            Hop("gcn", 1 - layer.alpha, start if layer.alpha else None, layer.alpha)
            for _ in range(layer.K)
        )

    return emit


def _sage(layer: SAGEConv) -> _Emit:
    def emit(steps: list[Step]) -> None:
        start = len(steps)
        steps.append(Affine(layer.lin_l.weight))
        if layer.root_weight:
            steps.append(Hop("mean", 1.0, start, layer.lin_r.weight))
        else:
            steps.append(Hop("mean"))
        _bias(steps, layer.lin_l.bias)

    return emit


def _gin(layer: GINConv) -> _Emit:
    def emit(steps: list[Step]) -> None:
        steps.append(Hop("sum", 1.0, len(steps), 1.0 + layer.eps))

    return emit

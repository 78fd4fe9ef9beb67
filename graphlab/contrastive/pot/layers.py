"""Layers that a bound exists for, and the steps of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import APPNP, GCNConv, GINConv, MessagePassing, SAGEConv, SGConv
from torch_geometric.nn import Linear as PyGLinear
from torch_geometric.nn import norm as pyg_norm
from torch_geometric.nn.aggr import Aggregation, MeanAggregation, SumAggregation

from graphlab.contrastive.pot.steps import Activation, Affine, Hop, Step

__all__ = [
    "CONVOLUTIONS",
    "DROPOUTS",
    "FUNCTIONS",
    "NORMS",
    "SILENT",
    "Emit",
    "emit_of",
    "functional_emit",
    "gin_emit",
    "is_container",
    "refusal",
    "refuse_unsupported",
]

#: Reads the current parameters of a layer and appends its steps.
Emit = Callable[[list[Step]], None]

CONVOLUTIONS = (GCNConv, SAGEConv, GINConv, SGConv, APPNP)
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.Tanh)
NORMS = (nn.BatchNorm1d,)
SILENT = (nn.Identity, Aggregation)
DROPOUTS = (nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout)
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


def refusal(name: str, layer: object, reason: str = "") -> NotImplementedError:
    """Error for a layer that no bound exists for."""
    why = f" ({reason})" if reason else ""
    return NotImplementedError(
        f"POT cannot bound layer {name!r}, a {type(layer).__name__}{why}; it knows GCNConv, "
        "SAGEConv (mean), GINConv (sum), SGConv, APPNP, Linear, BatchNorm in eval mode, ReLU, "
        "LeakyReLU, PReLU, ELU and Tanh"
    )


def refuse_unsupported(encoder: nn.Module) -> None:
    """Raise for layers that no bound exists for, wherever they are in the encoder."""
    for name, layer in encoder.named_modules():
        if isinstance(layer, _REFUSED) and not isinstance(layer, CONVOLUTIONS):
            raise refusal(name, layer)
        if isinstance(layer, CONVOLUTIONS):
            _check_convolution(name, layer)


def _check_convolution(name: str, layer: nn.Module) -> None:
    if getattr(layer, "flow", "source_to_target") != "source_to_target":
        raise ValueError(f"layer {name!r} must have flow='source_to_target', got {layer.flow!r}")
    if isinstance(layer, (GCNConv, SGConv)):
        if not getattr(layer, "add_self_loops", True):
            raise refusal(name, layer, "add_self_loops=False")
        if getattr(layer, "improved", False) or not getattr(layer, "normalize", True):
            raise refusal(name, layer, "improved=True or normalize=False")
    elif isinstance(layer, APPNP):
        if not layer.add_self_loops or not layer.normalize:
            raise refusal(name, layer, "add_self_loops=False or normalize=False")
    elif isinstance(layer, SAGEConv):
        if not isinstance(layer.aggr_module, MeanAggregation):
            raise refusal(name, layer, f"aggr={layer.aggr!r}")
        if layer.normalize or layer.project:
            raise refusal(name, layer, "normalize=True or project=True")
    elif isinstance(layer, GINConv) and not isinstance(layer.aggr_module, SumAggregation):
        raise refusal(name, layer, f"aggr={layer.aggr!r}")


def is_container(layer: nn.Module) -> bool:
    """Test for a module whose inside is read, rather than the module itself."""
    known = (*CONVOLUTIONS, *_ACTIVATIONS, *NORMS, *DROPOUTS, nn.Linear, PyGLinear)
    return any(True for _ in layer.children()) and not isinstance(layer, known)


FUNCTIONS: dict[Any, str] = {
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


def functional_emit(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Emit:
    """Reader of a functional activation, from the arguments of its call."""
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


def emit_of(layer: nn.Module) -> Emit | None:
    """Reader of a layer, or None for one that is not known."""
    if isinstance(layer, (nn.Linear, PyGLinear)):
        return lambda steps: steps.append(Affine(layer.weight, layer.bias))
    if isinstance(layer, NORMS):
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


def _activation(layer: nn.Module) -> Emit:
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


def _batch_norm(layer: Any) -> Emit:
    def emit(steps: list[Step]) -> None:
        scale = (layer.running_var + layer.eps).rsqrt()
        scale = scale if layer.weight is None else scale * layer.weight
        shift = -layer.running_mean * scale
        steps.append(Affine(scale, shift if layer.bias is None else shift + layer.bias))

    return emit


def _bias(steps: list[Step], bias: Tensor | None) -> None:
    if bias is not None:
        steps.append(Affine(None, bias))


def _gcn(layer: GCNConv) -> Emit:
    def emit(steps: list[Step]) -> None:
        steps.extend([Affine(layer.lin.weight), Hop("gcn")])
        _bias(steps, layer.bias)

    return emit


def _sgc(layer: SGConv) -> Emit:
    def emit(steps: list[Step]) -> None:
        # The linear map commutes with the hops: first, it makes the states narrow.
        steps.append(Affine(layer.lin.weight))
        steps.extend(Hop("gcn") for _ in range(layer.K))
        _bias(steps, layer.lin.bias)

    return emit


def _appnp(layer: APPNP) -> Emit:
    def emit(steps: list[Step]) -> None:
        start = len(steps)
        steps.extend(
            Hop("gcn", 1 - layer.alpha, start if layer.alpha else None, layer.alpha)
            for _ in range(layer.K)
        )

    return emit


def _sage(layer: SAGEConv) -> Emit:
    def emit(steps: list[Step]) -> None:
        start = len(steps)
        steps.append(Affine(layer.lin_l.weight))
        if layer.root_weight:
            steps.append(Hop("mean", 1.0, start, layer.lin_r.weight))
        else:
            steps.append(Hop("mean"))
        _bias(steps, layer.lin_l.bias)

    return emit


def gin_emit(layer: GINConv) -> Emit:
    """Reader of the aggregation of a GIN layer; its network is read by itself."""

    def emit(steps: list[Step]) -> None:
        steps.append(Hop("sum", 1.0, len(steps), 1.0 + layer.eps))

    return emit

"""Every method of hosts, losses and POT names the argument that is wrong."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from graphlab import contrastive as room
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, encoder, graph
from tests.contrastive.hosts.test_contract import MODELS

X, EDGES, _ = graph()
Z1, Z2 = torch.randn(2, NODES, WIDTH, generator=torch.Generator().manual_seed(0)).unbind()
CLUSTER = torch.arange(NODES) % 4
WEIGHT = torch.ones(EDGES.size(1))
IDS = torch.arange(NODES)
RATES = {"drop_edge": (0.2, 0.3), "mask_features": (0.0, 0.0)}

WRONG: dict[str, Any] = {
    "a number": 3,
    "a negative number": -1,
    "not a number": float("nan"),
    "nothing": None,
    "a text": "a",
    "a list": [1.0],
    "a tuple": (1, 2, 3),
    "a scalar": torch.tensor(1.0),
    "a vector": torch.ones(3, dtype=torch.long),
    "a float matrix": torch.tensor([[0.0, 1.0], [1.0, 0.0]]),
    "ids out of range": torch.tensor([[0, 999], [1, 0]]),
}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


Call = tuple[Callable[..., Any], dict[str, Any]]


def host_calls(model: Any) -> dict[str, Call]:
    """Public methods of a host that take a graph or embeddings."""
    step = {"x": X, "edge_index": EDGES, "generator": generator(), "step": 0}
    values = {
        **{"z1": Z1, "z2": Z2, "y1": Z1, "y2": Z2, "z": Z1, "corrupted": Z2},
        **{"x": X, "edge_index": EDGES, "generator": generator(), "epoch": 0},
    }
    found: dict[str, Call] = {
        "training_loss": (model.training_loss, step),
        "embed": (model.embed, {"x": X, "edge_index": EDGES}),
        "after_step": (model.after_step, {"step": 0, "total": 3}),
    }
    if hasattr(model, "loss"):
        names = inspect.signature(model.loss).parameters
        found["loss"] = (model.loss, {n: values[n] for n in names if n in values})
    if hasattr(model, "views"):
        second = {**step, "second": (X, EDGES)}
        found["host_step"] = (model.host_step, second)
        del second["step"]
        found["views"] = (model.views, {**second})
        found["host_step"] = (model.host_step, {**step, "second": (X, EDGES)})
    return found


def calls() -> dict[str, Call]:
    found: dict[str, Call] = {}
    for name, make in MODELS.items():
        found |= {f"{name}.{method}": call for method, call in host_calls(make()).items()}
    for kind in ("meta", "meta2", "exact", "sampled"):
        loss = room.PamCLoss(0.5, kind)  # type: ignore[arg-type]
        graph = {"z": Z1, "edge_index": EDGES, "cluster": CLUSTER, "edge_weight": WEIGHT}
        found[f"PamCLoss {kind}"] = (loss.forward, {**graph, "num_clusters": 4})
        found[f"PamCLoss.negative {kind}"] = (loss.negative, {"z": Z1, "cluster": CLUSTER})
        found[f"PamCLoss.diagnose {kind}"] = (
            loss.diagnose,
            {"z": Z1, "cluster": CLUSTER, "anchors": 8, "generator": generator()},
        )
    meta = room.PamCLoss()
    statistics = meta.collect(Z1, CLUSTER, 4)
    shared = {"z": Z1, "edge_index": EDGES, "cluster": CLUSTER, "statistics": statistics}
    fitted = room.ProGCLLoss(0.5, "mix", num_mixed=5).fit(Z1, Z2, generator=generator())
    bgrl, graphcl, s2gae = (MODELS[name]() for name in ("BGRL", "GraphCL", "S2GAE"))
    pair = {"z1": Z1, "z2": Z2}
    found |= {
        "PamCLoss(...)": (
            room.PamCLoss,
            {"tau": 1.0, "negatives": "meta", "eps": 1e-9, "generator": generator()},
        ),
        "PamCLoss.share": (meta.share, shared),
        "PamCLoss.collect": (meta.collect, {"z": Z1, "cluster": CLUSTER}),
        "ClusterStatistics.carry": (statistics.carry, {"part": statistics}),
        "info_nce": (room.info_nce, {**pair, "temperature": 0.5, "chunk_size": 7}),
        "BarlowTwinsLoss": (room.BarlowTwinsLoss().forward, pair),
        "BarlowTwinsLoss(...)": (room.BarlowTwinsLoss, {"weight": 0.1, "eps": 0.0, "floor": 0.1}),
        "bgrl_loss": (room.bgrl_loss, {"q1": Z1, "y2": Z2, "q2": Z1, "y1": Z2}),
        "scaled_cosine_error": (
            room.scaled_cosine_error,
            {"prediction": Z1, "target": Z2, "alpha": 2.0},
        ),
        "supcon_loss": (
            room.supcon_loss,
            {"features": Z1.view(30, 2, -1), "labels": IDS[:30] % 3, "temperature": 0.5},
        ),
        "clip_loss": (
            room.clip_loss,
            {
                **{"graph_emb": Z1, "text_emb": Z2, "logit_scale": torch.tensor(1.0)},
                **{"chunk_size": 7, "logit_bias": torch.tensor(0.0), "text_id": IDS},
            },
        ),
        "CLIPLoss(...)": (
            room.CLIPLoss,
            {"loss": "siglip", "init_scale": 1.0, "init_bias": 1.0, "max_scale": 100.0},
        ),
        "GraphCLLoss(...)": (room.GraphCLLoss, {"channels": 4}),
        "ProGCLLoss.fit": (fitted.fit, {**pair, "generator": generator()}),
        "ProGCLLoss": (fitted.forward, {**pair, "generator": generator()}),
        "BGRL.target": (bgrl.target, {"x": X, "edge_index": EDGES}),
        "BGRL.update_target": (bgrl.update_target, {"momentum": 0.5}),
        "GraphCL.corrupt": (graphcl.corrupt, {"x": X, "generator": generator()}),
        "S2GAE.mask": (s2gae.mask, {"edge_index": EDGES, "generator": generator()}),
        "S2GAE.score": (s2gae.score, {"levels": [Z1], "pairs": EDGES}),
        "GRACE(...)": (
            room.GRACE,
            {"encoder": encoder(), "out_channels": WIDTH, "proj_channels": 4, **RATES},
        ),
        "BGRL(...)": (room.BGRL, {"encoder": encoder(), "out_channels": WIDTH, **RATES}),
        "GraphMAE(...)": (
            room.GraphMAE,
            {
                **{"encoder": encoder(), "in_channels": FEATURES, "out_channels": WIDTH},
                **{"decoder": nn.Linear(2, 2), "mask_rate": 0.5, "alpha": 2.0},
            },
        ),
        "S2GAE(...)": (
            room.S2GAE,
            {"encoder": encoder(), "out_channels": WIDTH, "num_levels": 1, "mask_rate": 0.4},
        ),
    }
    for mode in ("reference", "sound"):
        layers = encoder()
        pot = room.POT(layers, EDGES, (0.3, 0.2), mode=mode)  # type: ignore[arg-type]
        step = room.GRACE(layers, WIDTH).host_step(X, EDGES, generator=generator())
        given = {**pair, "x": X, "views": (EDGES, EDGES)}
        found[f"POT {mode}"] = (pot.__call__, {"host_loss": torch.tensor(1.0), **given})
        found[f"POT.regularise {mode}"] = (pot.regularise, {"step": step, "x": X})
        found[f"POT.compactness {mode}"] = (pot.compactness, {**given, "nodes": IDS[:5]})
        found[f"POT(...) {mode}"] = (
            room.POT,
            {
                **{"encoder": layers, "edge_index": EDGES, "drop_rate": (0.3, 0.2)},
                **{"kappa": 0.5, "mode": mode, "budget": "expected", "seed": 0},
            },
        )
    return found


CALLS = calls()


@pytest.mark.parametrize("name", CALLS)
def test_errors_name_an_argument(name: str) -> None:
    call, right = CALLS[name]
    unclear = []
    for argument in right:
        for kind, wrong in WRONG.items():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    call(**{**right, argument: wrong})
            except (TypeError, ValueError, IndexError) as error:
                # Two arguments that do not fit together may be called by either's name.
                if not any(known in str(error) for known in [*right, "z1"]):
                    unclear.append(f"{argument}={kind}: {type(error).__name__}: {error}")
            except RuntimeError as error:
                # Numbers of columns are the encoder's to judge.
                if argument != "x":
                    unclear.append(f"{argument}={kind}: {type(error).__name__}: {error}")
            except Exception as error:
                unclear.append(f"{argument}={kind}: {type(error).__name__}: {error}")
    assert unclear == []

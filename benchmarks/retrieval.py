"""The retriever at three sizes, and personalised PageRank beside scipy and networkx.

python -m benchmarks.retrieval                       both parts; writes results/retrieval.json
python -m benchmarks.retrieval --only documents      one part
python -m benchmarks.retrieval --sizes 1000 3000     other sizes

Times of the retriever are CPU seconds of this process: it runs on one thread, and a busy neighbour
does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from benchmarks._harness.graphs import rmat
from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from graphlab.embed import PPR
from graphlab.tag import Document, GraphRetriever

SEED = 0
WORDS, NAMES = 90, 8  # of a document
WIDTH = 384


def synthetic_documents(count: int) -> list[Document]:
    """Texts of 90 words with a Zipf law, in which pairs of names occur."""
    draw = np.random.default_rng(SEED)
    vocabulary = np.array([f"w{i:x}" for i in range(50_000)])
    words = vocabulary[draw.choice(vocabulary.size, size=(count, WORDS), p=_zipf(50_000, 1.05))]
    names = np.array([f"N{i:x}" for i in range(max(count // 2, 2))])
    chosen = draw.choice(names.size, size=(count, NAMES), p=_zipf(names.size, 0.8))
    documents = []
    for number in range(count):
        text = list(words[number])
        for pair in range(NAMES // 2):
            text[10 + 20 * pair] = " ".join(names[chosen[number, 2 * pair : 2 * pair + 2]])
        documents.append(Document(number, " ".join(text), f"Title{number}"))
    return documents


def _zipf(size: int, exponent: float) -> NDArray[np.float64]:
    weight = 1 / np.arange(1, size + 1) ** exponent
    return weight / weight.sum()  # type: ignore[no-any-return]


class RandomEncoder:
    """Random rows: the time of a language model is not what is measured."""

    identity = "random"

    def encode(self, texts: list[str]) -> torch.Tensor:
        """One row a text."""
        return torch.randn(len(texts), WIDTH, generator=torch.Generator().manual_seed(SEED))


def documents(sizes: list[int], repeats: int) -> list[Row]:
    """Index, change and question corpora of several sizes."""
    return [_corpus(size, repeats) for size in sizes]


def _corpus(size: int, repeats: int) -> Row:
    everything = synthetic_documents(size + 200)
    corpus, more = everything[:size], everything[size:]
    questions = [document.text[200:260] for document in corpus[:64]]
    retriever = GraphRetriever(RandomEncoder())
    peak = peak_memory(lambda: retriever.index(corpus)).cpu_bytes
    begin = time.process_time()
    retriever = GraphRetriever(RandomEncoder()).index(corpus)
    seconds = time.process_time() - begin
    snapshot = _cpu(lambda: retriever.query(questions[0], k=10), 1)
    one = _cpu(lambda: retriever.query(questions[0], k=10), repeats)
    many = _cpu(lambda: retriever.query_many(questions, k=10), min(repeats, 3))
    add = _cpu(lambda: [retriever.add([document]) for document in more], 1) / len(more)
    remove = _cpu(lambda: [retriever.remove([d.id]) for d in more], 1) / len(more)
    return {
        "case": f"{size:,} documents",
        "name": "GraphRetriever",
        "documents": size,
        "documents_per_s": size / seconds,
        "bytes_per_document": peak / size,
        "first_query_s": snapshot,
        "query_s": one,
        "query_64_s": many,
        "add_s": add,
        "remove_s": remove,
    }


def _cpu(function: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return float(np.median(times))


def pagerank(sizes: list[int], repeats: int) -> list[Row]:
    """1, 16 and 64 queries on an R-MAT graph; scipy multiplies all columns at once too."""
    edges = rmat(16, 8, SEED)
    count = 2**16
    model = PPR(tol=1e-6).fit(edges, count)
    adjacency = sp.csr_array(
        (np.ones(edges.size(1)), (edges[0].numpy(), edges[1].numpy())), shape=(count, count)
    )
    adjacency.data[:] = 1
    degree = np.maximum(adjacency.sum(axis=1), 1)
    transposed = sp.csr_array((sp.diags_array(1 / degree) @ adjacency).T).astype(np.float32)
    rows: list[Row] = []
    for number in (1, 16, 64):
        nodes = torch.arange(number)
        start = np.zeros((count, number), dtype=np.float32)
        start[np.arange(number), np.arange(number)] = 1
        runs: dict[str, Callable[[], object]] = {
            "graphlab": partial(model.query, nodes),
            "scipy": partial(_power, transposed, start, 0.15, 86),
        }
        case = f"PageRank, {count:,} nodes, {edges.size(1):,} entries, {number} queries"
        rows += compared(case, runs, repeats=repeats, warmup=1)
    return rows


def _power(
    matrix: sp.csr_array, start: NDArray[np.float32], teleport: float, steps: int
) -> NDArray[np.float32]:
    found = start
    for _ in range(steps):
        found = np.float32(1 - teleport) * (matrix @ found) + np.float32(teleport) * start
    return found


PARTS = {"documents": documents, "pagerank": pagerank}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS, 1, repeats=7)
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[3_000, 30_000, 100_000], help="documents"
    )
    options = parser.parse_args()
    run_parts("retrieval", PARTS, options, options.sizes, options.repeats, seeds=[SEED])


if __name__ == "__main__":
    main()

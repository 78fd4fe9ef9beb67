"""A training step and the ranks of a knowledge graph, beside eager torch, PyG and PyKEEN.

python -m benchmarks.kge                       all parts; writes results/kge.json
python -m benchmarks.kge --only ranks          one part

Times are CPU seconds of this process on one thread: a busy neighbour does not count. Sizes are
those of FB15k-237 (14,541 entities, 237 relations); tables are drawn, and for the ranks the triples
are those of the set itself (``--source`` names the folder that holds FB15k-237.tar.gz).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row
from graphlab.datasets import TripleDataset
from graphlab.embed import KGEmbedding

SEED = 0
NODES, RELATIONS = 14_541, 237
BATCH = 1_024
TESTED = 1_000  # triples for what takes milliseconds each

Runs = dict[str, Callable[[], object]]


def measured(case: str, runs: Runs, repeats: int) -> list[Row]:
    """CPU time, the median of some rounds in turn, and the rise of peak memory."""
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(cpu_seconds(run))
    return [
        {
            "case": case,
            "name": name,
            "cpu_s": float(np.median(times[name])),
            "peak_extra_bytes": peak_memory(run).cpu_bytes,
        }
        for name, run in runs.items()
    ]


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU time of one call."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def model_of(channels: int) -> KGEmbedding:
    """ComplEx of the size of FB15k-237, rows long enough that scores differ."""
    return KGEmbedding(NODES, RELATIONS, channels, gamma=1.0, init_scale=0.5, seed=SEED)


def batch_of(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Triples at random."""
    generator = torch.Generator().manual_seed(SEED)
    head, tail = torch.randint(NODES, (2, count), generator=generator)
    return head, torch.randint(2 * RELATIONS, (count,), generator=generator), tail


def steps(repeats: int, source: Path) -> list[Row]:
    """Forward and backward of both losses over all entities."""
    rows = []
    for channels in (32, 64):
        model, (head, kind, tail) = model_of(channels), batch_of(BATCH)

        def ours(loss: str, model: KGEmbedding = model, *batch: Tensor) -> None:
            model.zero_grad()
            model.loss(*batch, kind=loss).backward()  # type: ignore[arg-type,no-untyped-call]

        def eager(loss: str, model: KGEmbedding = model, *batch: Tensor) -> None:
            model.zero_grad()
            head, kind, tail = batch
            score = model.query(head, kind) @ model.entities().t()
            if loss == "softmax":
                value = torch.nn.functional.cross_entropy(score, tail)
            else:
                wanted = score.gather(1, tail.unsqueeze(1)).squeeze(1)
                value = (softplus(score).sum(1) - wanted).mean()
            value.backward()  # type: ignore[no-untyped-call]

        for loss in ("softmax", "bce"):
            runs: Runs = {
                name: partial(step, loss, model, head, kind, tail)
                for name, step in (("graphlab", ours), ("eager torch", eager))
            }
            case = f"step, {loss}, {BATCH:,} triples, {2 * channels} numbers an entity"
            rows += measured(case, runs, repeats)
    return rows


def ranks(repeats: int, source: Path) -> list[Row]:
    """All filtered ranks of the FB15k-237 test triples, both directions; PyKEEN if installed."""
    splits = fb15k237(source)
    known = answers_of(splits)
    rows = []
    for channels in (32, 128):
        model, (edges, kinds) = model_of(channels), splits[2]
        case = f"ranks, FB15k-237 test, both sides, {2 * channels} numbers an entity"
        rows += measured(case, {"graphlab": partial(model.rank, edges, kinds, known=splits)}, 3)
        by_chunks(model, (edges[:, :512], kinds[:512]), known, 512)  # a chunk to warm up
        chunked = partial(by_chunks, model, (edges, kinds), known, 512)
        rows.append(once(case, "chunked torch", chunked))
    return rows + pykeen_ranks(splits)


def pykeen_ranks(splits: list[tuple[Tensor, Tensor]]) -> list[Row]:
    """Some and all test triples by PyKEEN, where it is installed; a few to warm up.

    With ``MALLOC_MMAP_THRESHOLD_=1000000`` in the environment PyKEEN's memory stays small; without
    it, the heap of the C library passes 7 GB on the way through all of them.
    """
    if find_spec("pykeen") is None:
        return []
    rows = []
    for count in (TESTED, splits[2][1].numel()):
        edges, kinds = splits[2][0][:, :count], splits[2][1][:count]
        model = model_of(32)
        runs: Runs = {
            "graphlab": partial(model.rank, edges, kinds, known=splits),
            "PyKEEN RankBasedEvaluator": pykeen_evaluation(splits, count, 32),
        }
        pykeen_evaluation(splits, 32, 32)()
        model.rank(edges[:, :32], kinds[:32], known=splits)
        case = f"ranks, {count:,} triples of that test, both sides, 64 numbers an entity"
        rows += [once(case, name, run) for name, run in runs.items()]
    return rows


def once(case: str, name: str, run: Callable[[], object]) -> Row:
    """CPU time and rise of peak memory of one call."""
    spent: list[float] = []
    peak = peak_memory(lambda: spent.append(cpu_seconds(run)))
    return {"case": case, "name": name, "cpu_s": spent[0], "peak_extra_bytes": peak.cpu_bytes}


def fb15k237(source: Path) -> list[tuple[Tensor, Tensor]]:
    """Training, validation and test triples."""
    with tempfile.TemporaryDirectory() as folder:
        data = TripleDataset(folder, "fb15k237", source=source)
        return [data.triples(name) for name in ("train", "valid", "test")]  # type: ignore[arg-type]


def answers_of(splits: list[tuple[Tensor, Tensor]]) -> dict[tuple[int, int], list[int]]:
    """Known answers of every query, in either direction."""
    known: dict[tuple[int, int], list[int]] = {}
    for (heads, tails), kinds in splits:
        for head, kind, tail in zip(heads.tolist(), kinds.tolist(), tails.tolist(), strict=True):
            known.setdefault((head, kind), []).append(tail)
            known.setdefault((tail, kind + RELATIONS), []).append(head)
    return known


@torch.no_grad()
def by_chunks(
    model: KGEmbedding,
    test: tuple[Tensor, Tensor],
    known: dict[tuple[int, int], list[int]],
    size: int,
) -> Tensor:
    """Ranks as most programs have them: a chunk of scores, known ones masked, a comparison."""
    (head, tail), kind = test
    head, tail = torch.cat([head, tail]), torch.cat([tail, head])
    kind = torch.cat([kind, kind + RELATIONS])
    entity, found = model.entities(), []
    for start in range(0, head.numel(), size):
        part = slice(start, start + size)
        score = model.query(head[part], kind[part]) @ entity.t()
        own = score.gather(1, tail[part].unsqueeze(1))
        queries = zip(head[part].tolist(), kind[part].tolist(), strict=True)
        lists = [known[query] for query in queries]
        row = torch.repeat_interleave(torch.tensor([len(entry) for entry in lists]))
        score[row, torch.tensor([t for entry in lists for t in entry])] = -torch.inf
        found.append((score >= own).sum(1) + 1)
    return torch.cat(found)


def peers(repeats: int, source: Path) -> list[Row]:
    """Evaluation of 1,000 triples by PyG: tails, unfiltered."""
    from torch_geometric.nn import ComplEx

    model, channels = model_of(32), 32
    head, kind, tail = batch_of(TESTED)
    kind = kind % RELATIONS
    theirs = ComplEx(NODES, RELATIONS, channels)
    edges = torch.stack([head, tail])
    runs: Runs = {
        "graphlab": partial(model.rank, edges, kind, known=(), side="tail"),
        "PyG KGEModel.test": partial(theirs.test, head, kind, tail, batch_size=20_000, log=False),
    }
    return measured(f"tails of {TESTED:,} triples, unfiltered, 64 numbers an entity", runs, 1)


def pykeen_evaluation(
    splits: list[tuple[Tensor, Tensor]], count: int, channels: int
) -> Callable[[], object]:
    """Filtered ranks of the first test triples by PyKEEN's evaluator, of a model with reverses.

    Batch and slice sizes are those that PyKEEN chooses on a CPU by itself.
    """
    from pykeen.evaluation import RankBasedEvaluator
    from pykeen.models import ComplEx
    from pykeen.triples import CoreTriplesFactory

    train, valid, test = (torch.stack([edges[0], kind, edges[1]], dim=1) for edges, kind in splits)
    sizes: dict[str, Any] = {"num_entities": NODES, "num_relations": RELATIONS}
    factory = CoreTriplesFactory(train, **sizes, create_inverse_triples=True)
    model = ComplEx(triples_factory=factory, embedding_dim=channels, random_seed=SEED)
    evaluator = RankBasedEvaluator(filtered=True)
    options: dict[str, Any] = {"use_tqdm": False}
    options["additional_filter_triples"] = [train, valid, test]
    return lambda: evaluator.evaluate(model, test[:count], **options)


PARTS = {"steps": steps, "ranks": ranks, "peers": peers}


def main() -> None:
    """Run the chosen parts and write their rows."""
    options = part_parser(__doc__, PARTS, 1, repeats=5, source="../shared/data/kge").parse_args()
    run_parts("kge", PARTS, options, options.repeats, options.source, seeds=[SEED])


if __name__ == "__main__":
    main()

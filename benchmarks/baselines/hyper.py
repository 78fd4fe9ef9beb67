"""Supervised hypergraph reconstruction as published, the yardstick of the speed figures.

Re-expressed stage by stage from the description of the method with Python sets and networkx,
sharing no code with ``graphlab``. The released program itself took 81.6 s of CPU on P.School (one
thread): rho 38.2, training 30.7, features 6.9, children 2.0, support 2.0, cliques .6.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np

Clique = tuple[int, ...]
Cell = tuple[int, int]


def project(hyperedges: list[Clique], num_nodes: int) -> nx.Graph:
    """The projected graph."""
    graph = nx.Graph()
    graph.add_nodes_from(range(num_nodes))
    for edge in hyperedges:
        graph.add_edges_from(combinations(edge, 2))
    return graph


def cliques(graph: nx.Graph) -> list[Clique]:
    """Maximal cliques in lexicographic order."""
    return sorted(tuple(sorted(clique)) for clique in nx.find_cliques(graph))


def hyperedges_inside(hyperedges: list[Clique], maximal: list[Clique]) -> dict[Cell, set[Clique]]:
    """For every pair of sizes, the hyperedges inside a maximal clique: all pairs are compared."""
    by_n: dict[int, list[frozenset[int]]] = defaultdict(list)
    by_k: dict[int, list[tuple[Clique, frozenset[int]]]] = defaultdict(list)
    for clique in maximal:
        by_n[len(clique)].append(frozenset(clique))
    for edge in hyperedges:
        by_k[len(edge)].append((edge, frozenset(edge)))
    inside: dict[Cell, set[Clique]] = {}
    for n, larger in by_n.items():
        for k, smaller in by_k.items():
            if k <= n:
                held = [e for clique in larger for e, members in smaller if not members - clique]
                if held:
                    inside[n, k] = set(held)
    return inside


def pick(inside: dict[Cell, set[Clique]], maximal: list[Clique], beta: int) -> dict[Cell, float]:
    """Greedy choice of cells."""
    number: dict[int, int] = defaultdict(int)
    for clique in maximal:
        number[len(clique)] += 1
    cost = {cell: number[cell[0]] * math.comb(*cell) for cell in inside}
    chosen: dict[Cell, float] = {}
    covered: set[Clique] = set()
    left = float(beta)
    while left > 0 and len(chosen) < len(inside):
        gain = {c: len(inside[c] - covered) / cost[c] for c in inside if c not in chosen}
        best = max(gain, key=lambda cell: (gain[cell], cell[1], -cell[0]))
        if gain[best] == 0:
            break
        chosen[best] = min(1.0, left / cost[best])
        left -= cost[best] * chosen[best]
        covered |= inside[best]
    return chosen


def candidates(maximal: list[Clique], chosen: dict[Cell, float]) -> dict[Clique, int]:
    """Drawn subsets, and how often each was drawn; maximal cliques come first."""
    by_n: dict[int, list[Clique]] = defaultdict(list)
    for clique in maximal:
        by_n[len(clique)].append(clique)
    count: dict[Clique, int] = dict.fromkeys(maximal, 0)
    for (n, k), ratio in chosen.items():
        for clique in by_n[n][: int(ratio * len(by_n[n]))]:
            for part in combinations(clique, k):
                count[part] = count.get(part, 0) + 1
    return count


def count_features(drawn: dict[Clique, int], maximal: list[Clique], graph: nx.Graph) -> Any:
    """The nine counts, candidate by candidate."""
    degree = dict(graph.degree)
    around = {v: float(np.mean([degree[u] for u in graph[v]])) if degree[v] else 0.0 for v in graph}
    clustering = nx.clustering(graph)
    at_node: dict[int, int] = defaultdict(int)
    at_edge: dict[Clique, int] = defaultdict(int)
    for clique in maximal:
        for v in clique:
            at_node[v] += 1
        for pair in combinations(clique, 2):
            at_edge[pair] += 1
    rows = []
    for number, (clique, times) in enumerate(drawn.items()):
        size = len(clique)
        held = [at_edge[pair] for pair in combinations(clique, 2)]
        rows.append(
            [
                float(number >= len(maximal)),
                size,
                float(bool(held) and min(held) > 1),
                sum(held) / max(1, len(held)),
                sum(degree[v] for v in clique) / size,
                sum(around[v] for v in clique) / size,
                sum(at_node[v] for v in clique) / size,
                sum(clustering[v] for v in clique) / size,
                times,
            ]
        )
    return np.array(rows, dtype=np.float64)


def motif_features(drawn: list[Clique], maximal: list[Clique], graph: nx.Graph) -> Any:
    """The 54 motif columns, recomputed for every candidate."""
    at: dict[int, list[set[int]]] = defaultdict(list)
    for clique in maximal:
        members = set(clique)
        for v in clique:
            at[v].append(members)
    return np.array([_motif_row(c, at, graph) for c in drawn])


def _motif_row(candidate: Clique, at: dict[int, list[set[int]]], graph: nx.Graph) -> list[float]:
    nodes = []
    for v in candidate:
        joined = sum(len(a & b) > 1 for a, b in combinations(at[v], 2))
        count = len(at[v])
        nodes.append([count, count * (count - 1) // 2 - joined, joined])
    pairs = [_motif_pair(u, v, at) for u, v in combinations(candidate, 2)] or [[0] * 10]
    values = [*np.array(nodes, dtype=float).T, *np.array(pairs, dtype=float).T]
    mean_degree = float(np.mean([graph.degree[v] for v in candidate]))
    row = [float(len(candidate)), mean_degree]
    for column in values:
        row += [column.min(), column.max(), column.mean(), column.std()]
    return row


def _motif_pair(u: int, v: int, at: dict[int, list[set[int]]]) -> list[int]:
    near = at[u] + [clique for clique in at[v] if u not in clique]
    both = sum(u in clique and v in clique for clique in near)
    out = [both, len(near) - both, *[0] * 8]
    for a, b in combinations(near, 2):
        meet = len(a & b) > (u in a and u in b) + (v in a and v in b)
        hold = (u in a) + (v in a) + (u in b) + (v in b)
        if hold == 2:
            column = (6 if meet else 3) if (u in a) == (u in b) else (4 if meet else 2)
        elif hold == 3:
            column = 8 if meet else 5
        else:
            column = 9 if meet else 7
        out[column] += 1
    return out


def train_and_predict(x: Any, y: Any, cut: int, fresh: Any, fresh_cut: int, seed: int) -> Any:
    """Two multilayer perceptrons, for maximal cliques and for the others."""
    from sklearn.neural_network import MLPClassifier

    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-8)
    fresh = (fresh - fresh.mean(axis=0)) / (fresh.std(axis=0) + 1e-8)
    parts = []
    for mine, others in (
        (slice(cut), slice(fresh_cut)),
        (slice(cut, None), slice(fresh_cut, None)),
    ):
        model = MLPClassifier(random_state=seed, max_iter=2000).fit(x[mine], y[mine])
        parts.append(model.predict(fresh[others]))
    return np.concatenate(parts)

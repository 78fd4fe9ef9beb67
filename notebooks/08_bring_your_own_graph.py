# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
# ---

# %% [markdown]
# # Bring your own graph
#
# **Question.** My graph is in networkx, in a scipy matrix, in a CSV file. How does it get in, and
# how do I notice when it got in wrong?
#
# There is no graph class to convert to. Methods take `edge_index`, a `(2, E)` tensor of integers,
# or a PyG `Data`; hypergraphs are an incidence of two rows. Texts have one class, `TextGraph`,
# and it is a `Data`.

# %%
import tempfile
import warnings
from pathlib import Path

import networkx as nx
import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.utils import from_networkx, from_scipy_sparse_matrix

from graphlab import viz
from graphlab.contrastive import SCGC
from graphlab.embed import FastRP, topological_concentration
from graphlab.evaluate import clustering_scores, linear_probe, random_split
from graphlab.hyper import from_networkx_bipartite, project, projection_loss
from graphlab.tag import HashingEncoder, TextEncoder, TextGraph, encode_nodes
from graphlab.tag.text_graph import check_text_alignment

# %% [markdown]
# ## From networkx
#
# `from_networkx` numbers the nodes in the order of the graph. Keep that order: it is the only
# link between row 7 of a result and a name.

# %%
characters = nx.les_miserables_graph()
names = list(characters)
data = from_networkx(characters)
z = FastRP(dim=32, weight=None).fit_transform(data)

unit = torch.nn.functional.normalize(z)
closest = (unit @ unit[names.index("Valjean")]).topk(6).indices
print("closest to Valjean:", [names[i] for i in closest.tolist()[1:]])

# %%
groups = nx.community.greedy_modularity_communities(characters)
group_of = {name: f"group {i}" for i, group in enumerate(groups) for name in group}
ax = viz.embedding_map(z, [group_of[name] for name in names], method="tsne")

# %% [markdown]
# Edges of this graph have weights (how often two characters meet). PyG stores them under the name
# of the attribute, here `weight`; FastRP reads `edge_weight`, and warns of a single attribute that
# looks like weights under another name. `weight=None` above said that none are wanted; now they
# are:

# %%
weighted = FastRP(dim=32, weight="weight").fit_transform(data)
print("largest change of a row by the weights:", round(float((weighted - z).norm(dim=1).max()), 2))

# %% [markdown]
# ## From scipy
#
# A square sparse matrix goes into FastRP as it is. Elsewhere PyG's converter gives edges and
# weights.

# %%
adjacency = nx.to_scipy_sparse_array(characters, format="csr", weight="weight")
same = FastRP(dim=32).fit_transform(adjacency)
print("the same embedding:", torch.equal(same, weighted))

edge_index, edge_weight = from_scipy_sparse_matrix(adjacency)
concentration = topological_concentration(edge_index, num_nodes=len(names))
top = concentration.topk(3).indices.tolist()
print("whose friends all know each other, for example:", [names[i] for i in top])

# %% [markdown]
# ## From an edge list
#
# A table of names, one edge per line. Number the names yourself and keep the list. Undirected
# methods want both directions.

# %%
folder = Path(tempfile.mkdtemp())
table = folder / "friends.csv"
table.write_text("who,whom\nann,bob\nbob,cat\ncat,ann\ncat,dan\n", encoding="utf-8")

rows = np.genfromtxt(table, delimiter=",", skip_header=1, dtype=str)
people, number = np.unique(rows, return_inverse=True)
pairs = torch.from_numpy(number.reshape(-1, 2).T.copy())
edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
print(people.tolist())
print(edge_index.tolist())
print(FastRP(dim=4, weights=(1.0,)).fit_transform(edge_index, num_nodes=len(people)).shape)

# %% [markdown]
# ## From tables with texts
#
# A folder with `nodes.csv` and `edges.csv`. Edges name nodes by id, so the order of rows does not
# matter. Labels and a `split` column are optional.

# %%
TOPICS = {
    "cats": ["cat", "purr", "whiskers", "kitten", "mouse", "fur"],
    "ships": ["ship", "sail", "harbour", "anchor", "captain", "deck"],
}
random = np.random.default_rng(0)
lines, topic_of = ["id,text,label"], {}
for i in range(60):
    topic = list(TOPICS)[i % 2]
    topic_of[f"n{i}"] = topic
    lines.append(f"n{i},{' '.join(random.choice(TOPICS[topic], 5))},{topic}")
(folder / "nodes.csv").write_text("\n".join(lines), encoding="utf-8")

ids = list(topic_of)
friends = {name: [i for i in ids if topic_of[i] == topic_of[name]] for name in ids}
ends = [(name, random.choice(friends[name])) for name in ids for _ in range(3)]
lines = ["src,dst"] + [f"{a},{b}" for a, b in ends]
(folder / "edges.csv").write_text("\n".join(lines), encoding="utf-8")

graph = TextGraph.from_csv(folder)
print(graph.num_nodes, graph.num_edges, graph.label_names, graph.node_id[:3])

# %% [markdown]
# Published texts, labels and features are often rows without names, in the order of some other
# version of the graph. Nothing crashes then; the model is just bad. `check_text_alignment`
# compares the words of neighbours with those in random orders of the nodes:

# %%
report = check_text_alignment(graph)
print(report)

# %% [markdown]
# Features, and a model of your choice:

# %%
graph = encode_nodes(graph, TextEncoder(HashingEncoder(16).fit(graph.text)))
split = random_split(graph.num_nodes, 0.3, 0.2, seed=0)
print("test accuracy:", linear_probe(graph.x, graph.y, split).accuracy)
found = SCGC(num_clusters=2).fit_predict(graph)
print("in the right group, without labels:", round(clustering_scores(graph.y, found)["acc"], 2))

# %% [markdown]
# (Two topics that share no word are an easy case.)
#
# ## Hypergraphs
#
# From a bipartite networkx graph, one side the nodes, the other the hyperedges; HIF, simplices
# and xgi have readers, too.

# %%
women = from_networkx_bipartite(nx.davis_southern_women_graph())
print(women.edge_index[:, :4].tolist(), women.node_id[:2], women.hyperedge_id[:2])
print("missed by maximal cliques:", projection_loss(women)["missed"], "of", women.num_hyperedges)

# %% [markdown]
# ## Typical mistakes, and what they say
#
# Errors name the argument, what was expected and what was found. You will meet these:


# %%
def attempt(what, mistake):
    """Run a mistake and print what it says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mistake()
    except (ValueError, TypeError, IndexError, UserWarning) as error:
        message = str(error).replace(str(folder), "my_graph")
        print(f"{what}\n    {type(error).__name__}: {message}\n")
    else:
        print(f"{what}\n    passes\n")


edges, x = graph.edge_index, graph.x

# %%
attempt("Edges as pairs, not as two rows", lambda: FastRP().fit(edges.t(), num_nodes=60))
attempt("Edges as floats", lambda: FastRP().fit(edges.float(), num_nodes=60))
attempt("Numbered from one", lambda: FastRP().fit(edges + 1, num_nodes=60))
attempt("A numpy array", lambda: FastRP().fit(edges.numpy(), num_nodes=60))

# %% [markdown]
# One is not caught, because nothing is wrong with it: without `num_nodes`, the largest number in
# the edges counts, and nodes without edges at the end are missing from the result. Give
# `num_nodes`.

# %%
print(FastRP(dim=4).fit_transform(torch.tensor([[0, 1], [1, 0]])).shape, "though there were 60")

# %%
attempt("One direction where both are needed", lambda: topological_concentration(pairs, 4))
attempt("Features of another graph", lambda: SCGC(2, epochs=0).fit(x[:50], edges))
attempt("Integer features", lambda: SCGC(2, epochs=0).fit(x.long(), edges))
broken = x.clone()
broken[3, 5] = float("nan")
attempt("A missing value", lambda: SCGC(2, epochs=0).fit(broken, edges))

# %%
attempt("A self-loop", lambda: topological_concentration(torch.tensor([[0, 0, 1], [0, 1, 0]]), 2))
weights = -torch.ones(edges.size(1))
attempt("Negative weights", lambda: FastRP().fit(edges, 60, weights))
attempt("A hyperedge number as node", lambda: project(women.edge_index, 10))

# %% [markdown]
# Texts and tables:

# %%
plain = Data(edge_index=edges, num_nodes=60)
attempt("A text too few", lambda: TextGraph.from_data(plain, graph.text[:-1]))
attempt("An empty text", lambda: TextGraph.from_data(plain, [*graph.text[:-1], ""]))
named = dict(zip(graph.node_id, graph.text, strict=True))
attempt("Texts by name", lambda: TextGraph.from_data(plain, named, node_id=graph.node_id))
theirs = graph.y.roll(1)
labelled = Data(edge_index=edges, y=graph.y, num_nodes=60)
attempt(
    "Labels that came with the texts differ",
    lambda: TextGraph.from_data(labelled, graph.text, labels=theirs),
)

# %%
with (folder / "edges.csv").open("a", encoding="utf-8") as file:
    file.write("\nn1,n99")
attempt("An edge to a node that is not in the table", lambda: TextGraph.from_csv(folder))

# %%
order = torch.randperm(60, generator=torch.Generator().manual_seed(0)).tolist()
shuffled = TextGraph.from_data(plain, [graph.text[i] for i in order])
attempt("Texts in another order", lambda: check_text_alignment(shuffled))

# %% [markdown]
# ## Read on
#
# * [Run it on your own text graph](../docs/text_graphs.md): tables, the order of nodes, encoders.
# * [Add your own dataset, encoder or language model](../docs/extend.md).
# * Then one of the other notebooks, with your graph in place of theirs.

"""The eight parts of the demo, in order."""

from __future__ import annotations

from dataclasses import replace

from experiments.demo import graphclip as demo_graphclip
from experiments.demo import hypergraph as demo_hypergraph
from experiments.demo import links as demo_links
from experiments.demo import pot as demo_pot
from experiments.demo.part import NO_LLM, Part
from experiments.gaugllm import presets as gaugllm_presets
from experiments.gaugllm import run as gaugllm
from experiments.hypergraph import presets as hypergraph_presets
from experiments.pamc import presets as pamc_presets
from experiments.pamc import run as pamc
from experiments.tape import presets as tape_presets
from experiments.tape import run as tape

_LINKS = demo_links.Config()
_STDLIB = "Python's standard library"

PAMC = Part(
    "pamc",
    "PamC",
    "digits, kNN graph",
    "Groups 1797 images of digits without labels: an autoencoder, then a contrastive loss whose "
    "negatives are cluster centres, so that a step costs time linear in the nodes. SCGC* is the "
    "same host with all pairs as negatives, meta2 our corrected linear-time estimate of it. Rows "
    "without brackets are scored after the last epoch, the others where their brackets say.",
    pamc.run,
    replace(pamc_presets.PRESETS["digits"], epochs=60),
    replace(
        pamc_presets.PRESETS["digits"],
        epochs=2,
        pretrain_epochs=1,
        hidden_channels=(16,),
        n_init=1,
    ),
    "PamC",
    "k-means on features",
    "acc",
    "accuracy of the clusters",
    {
        "the preset's 200 epochs, ten seeds": "the committed table has them: docs/pamc.md",
        "ACM, DBLP, Citeseer, USPS": "not embedded; python -m experiments.pamc --preset acm",
    },
)
POT = Part(
    "pot",
    "POT",
    "karate club, GRACE",
    "Trains GRACE alone and with each form of POT from the same start, then certifies every node: "
    "a positive bound proves that no edge drops within the budget make the node look more like the "
    "average other one than like itself. The reference is the published score, the others are "
    "sound bounds.",
    demo_pot.run,
    demo_pot.Config(),
    demo_pot.Config(
        training=replace(demo_pot.Config().training, epochs=2, out_channels=4, proj_channels=4),
        methods=("none", "interval"),
    ),
    "GRACE + POT interval",
    "GRACE",
    "certified",
    "share of nodes certified",
    {"Cora and seven other graphs": "not embedded; python -m experiments.pot --preset cora"},
)
FASTRP = Part(
    "fastrp",
    "FastRP",
    "les miserables",
    "Embeds the characters by sparse random projection, without training, and finds hidden "
    "acquaintances among nearest neighbours.",
    demo_links.fastrp,
    _LINKS,
    replace(_LINKS, splits=2, dim=8),
    "FastRP",
    "common neighbours",
    "recall@10",
    "recall@10 of hidden edges",
    {"BlogCatalog, Wikipedia-POS": "not embedded; python -m experiments.fastrp"},
)
CONCENTRATION = Part(
    "concentration",
    "Topological concentration",
    "les miserables",
    "Asks which characters the predictors above serve well: correlation over characters of recall "
    "with concentration on known edges, beside plain degree. Concentration on hidden edges knows "
    "the answer and is an oracle.",
    demo_links.concentration,
    _LINKS,
    replace(_LINKS, splits=2, dim=8),
    "TC on known edges",
    "degree in known edges",
    "r(recall, FastRP)",
    "correlation with FastRP's recall",
    {
        "GCN and SAGE with re-weighted messages": "need larger graphs, which are not embedded; "
        "python -m experiments.link_prediction",
    },
)
HYPERGRAPH = Part(
    "hypergraph",
    "Hypergraph reconstruction",
    "Davis women",
    "Learns from seven events who met in them, sees for the other seven only who met whom, and "
    "says which events there were. Seven events are few to learn from: differences between rows "
    "are smaller than their spread. docs/hypergraph.md has larger sets.",
    demo_hypergraph.run,
    hypergraph_presets.PRESETS["davis"],
    replace(
        hypergraph_presets.PRESETS["davis"],
        features=("count",),
        classifiers=("hgb",),
        marioh=False,
    ),
    "ours, count, hgb",
    "maximal cliques",
    "jaccard",
    "Jaccard index of hyperedges",
    {"crime, enron and six other sets": "not embedded; python -m experiments.hypergraph"},
    seeds=3,
)
GRAPHCLIP = Part(
    "graphclip",
    "GraphCLIP",
    _STDLIB,
    "Pretrains a tiny graph tower to match subgraphs with summaries by template, without labels, "
    "then names every module's chapter by the nearest chapter title. Texts are embedded by hashed "
    "words, so the frozen text rows are weak, too; titles share few words with docstrings.",
    demo_graphclip.run,
    demo_graphclip.Config(),
    replace(
        demo_graphclip.Config(), dim=16, channels=16, layers=1, heads=2, epochs=1,
        subgraphs_per_node=1,
    ),
    "graphclip",
    "own text",
    "acc",
    "zero-shot accuracy",
    {
        "summaries by a language model": NO_LLM,
        "a graph not seen in pretraining": "takes longer than a demo; "
        "python -m experiments.graphclip.pretrain",
    },
)  # fmt: skip
TAPE = Part(
    "tape",
    "TAPE",
    _STDLIB,
    "Trains the member TA, which reads the modules' own texts, and the same networks on a bag of "
    "words (BoW) beside it.",
    tape.run,
    tape_presets.PRESETS["stdlib"],
    replace(tape_presets.PRESETS["smoke"], dim=16, words=50, epochs=2),
    "GCN TA",
    "GCN BoW",
    "accuracy",
    "test accuracy",
    {
        "member E (explanations)": f"needs an endpoint: {NO_LLM}",
        "member P (ranked predictions)": f"needs an endpoint: {NO_LLM}",
    },
)
GAUGLLM = Part(
    "gaugllm",
    "GAugLLM",
    _STDLIB,
    "Runs the stages that need no model: the second view reads summaries by template, and edges "
    "are voted on by similarity of texts. The ablation shows what either adds to BGRL.",
    gaugllm.run,
    gaugllm_presets.PRESETS["stdlib"],
    replace(gaugllm_presets.PRESETS["smoke"], dim=16, epochs=1, out_channels=4),
    "BGRL, both (templates)",
    "BGRL, no LLM",
    "accuracy",
    "test accuracy",
    {
        "experts IDR, SAS and SAR": f"their texts need an endpoint: {NO_LLM}",
        "edge votes of a language model": NO_LLM,
    },
)

PARTS = (PAMC, POT, FASTRP, CONCENTRATION, HYPERGRAPH, GRAPHCLIP, TAPE, GAUGLLM)

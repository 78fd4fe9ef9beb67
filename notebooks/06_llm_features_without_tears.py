# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
# ---

# %% [markdown]
# # LLM features without tears
#
# **Question.** A language model shall read every node of my graph. What will it cost, what
# happens when it breaks half-way, and do the features help?
#
# TAPE asks once per node for a ranked list of classes and for the reasons. GAugLLM asks it to
# rewrite texts and to judge edges. Both go through one client, and this notebook is mostly about
# that client. There is no key and no network here. In place of a model answers a **stand-in**
# that counts words, on this machine. So the protocol is real, and the *answers are not those of a
# language model*: read no result below as one.
#
# ## The texts

# %%
import json
import re
import tempfile
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch

from graphlab import viz
from graphlab.datasets import python_stdlib
from graphlab.tag import (
    TAPE,
    ExplanationGenerator,
    ExplanationPrompt,
    GAugLLM,
    HashingEncoder,
    Limits,
    LLMClient,
    Price,
    PromptExperts,
    TextEncoder,
    TextGraph,
)
from graphlab.tag.gaugllm import CandidateVote, LLMEdgeModifier, propose_edge_candidates
from graphlab.tag.tape import tape_split

torch.set_num_threads(1)
data = python_stdlib()
graph = TextGraph.from_data(data, data.text)
print(f"{graph.num_nodes} modules with docstrings, {graph.num_label_names} chapters")

prompt = ExplanationPrompt(
    graph.label_names,
    k=3,
    task="Decide which chapter of the library reference describes this module.",
    max_chars=1000,
)
print(prompt.render(graph.text[data.name.index("math")])[1]["content"][:130], "...")

# %% [markdown]
# ## Before anything is sent: what would it cost?
#
# A dry run counts calls and tokens. Nothing leaves the machine, and no key is read. Put the
# prices of your provider in the place of these.

# %%
folder = tempfile.TemporaryDirectory()
cache = Path(folder.name, "replies.db")
price = Price(prompt=0.15, completion=0.60)  # per million tokens
options = {"price": price, "max_tokens": 300, "cache": cache}

client = LLMClient("some-model", base_url="http://localhost:9/v1", **options)
estimate = ExplanationGenerator(client, prompt).estimate(graph.text)
client.close()
print(f"{estimate.calls} calls, {estimate.prompt_tokens:,} tokens to send")
print(f"at most {estimate.completion_tokens:,} come back; at most {estimate.cost:.2f} in all")

# %% [markdown]
# ## The stand-in
#
# A server on this machine that speaks the protocol of OpenAI, vLLM and Ollama. It names the
# chapters whose titles share most words with the document. It sees what a model would see: the
# prompt, and no label. With a real model, leave this cell out and give its address.


# %%
class StandIn(BaseHTTPRequestHandler):
    """Answers chat completions by counting words."""

    protocol_version, wbufsize = "HTTP/1.1", -1  # connections stay open; one packet per answer
    calls = 0

    def do_POST(self):
        """Answer one call."""
        StandIn.calls += 1
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = body["messages"][-1]["content"]
        words = set(re.findall(r"[a-z]{4,}", asked.split("Task:")[0].lower()))
        known = {name: set(re.findall(r"[a-z]{4,}", name.lower())) for name in graph.label_names}
        ranked = sorted(known, key=lambda name: -len(known[name] & words))[:3]
        shared = ", ".join(sorted(known[ranked[0]] & words)) or "nothing"
        answer = {"labels": ranked, "explanation": f"The document shares the words: {shared}."}
        message = {"role": "assistant", "content": json.dumps(answer)}
        usage = {"prompt_tokens": len(asked) // 4, "completion_tokens": 40, "total_tokens": 0}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        reply = json.dumps({"id": "0", "object": "chat.completion", "created": 0,
                            "model": "stand-in", "choices": [choice], "usage": usage})  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply.encode())

    def log_message(self, *arguments):
        """Keep quiet."""


server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1"

# %% [markdown]
# ## A budget that holds
#
# Give the client a fifth of the money. Every call is counted at its worst before it is made (a
# token per byte of the prompt, all 300 tokens of answer), so the limit holds, and calls that no
# longer fit are not made. Their rows say so; nothing shifts.

# %%
budget = round(estimate.cost / 5, 3)
client = LLMClient("some-model", base_url=address, limits=Limits(budget=budget), **options)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    table = ExplanationGenerator(client, prompt).run(graph.text, ids=data.name)
client.close()
print(table.counts())
print(f"spent {client.spent:.3f} of {budget:.3f}")
print("warning:", told[0].message)

# %% [markdown]
# ## Go on where it stopped
#
# Answers are committed to the cache before they are handed out. The budget is spent, the process
# is killed, the notebook restarts: only missing calls are made. A new client is a new budget.

# %%
asked_before = StandIn.calls
client = LLMClient("some-model", base_url=address, **options)
generator = ExplanationGenerator(client, prompt)
print(f"{generator.estimate(graph.text).cached} of {graph.num_nodes} are in the cache")
table = generator.run(graph.text, ids=data.name)
print(table.counts(), "after", StandIn.calls - asked_before, "more calls")

asked_before = StandIn.calls
generator.run(graph.text, ids=data.name)
print("once more:", StandIn.calls - asked_before, "calls")
client.close()

# %%
row = table[data.name.index("math")]
print("node:", row.node)
print("ranked:", [table.classes[label] for label in row.ranked])
print("because:", row.explanation)

# %% [markdown]
# ## TAPE: one network per feature
#
# `TA` is the embedding of the node's own text, `E` that of the model's answer, `P` the ranked
# classes through a trained table. One small network per feature, and the average of their logits.
# Splits are 60/20/20, the epoch of each network is chosen on validation nodes, and three seeds
# tell the spread.

# %%
encoder = TextEncoder(HashingEncoder(128).fit(graph.text))
graph.TA = encoder.encode(graph.text)
graph.E = encoder.encode(table.texts(fallback=graph.text))
graph.P = table.ranked_predictions()

first = graph.P[:, 0] - 1
scores = {"most frequent chapter": [], "stand-in's first choice": []}
for seed in range(3):
    split = tape_split(graph.num_nodes, seed)
    test = split["test"]
    common = torch.bincount(graph.y[split["train"]]).argmax()
    scores["most frequent chapter"].append((graph.y[test] == common).double().mean())
    scores["stand-in's first choice"].append((graph.y[test] == first[test]).double().mean())
    model = TAPE("gcn", ("TA", "E", "P"), epochs=100, num_layers=2, seed=seed).fit(graph, split)
    logits = model.member_logits()
    logits["all three"] = sum(logits.values())
    for name, value in logits.items():
        hits = value.argmax(1)[test] == graph.y[test]
        scores.setdefault(f"GCN on {name}", []).append(hits.double().mean())

table = {name: torch.stack(values) for name, values in scores.items()}
_ = viz.bars(
    list(table),
    {"accuracy": [float(values.mean()) for values in table.values()]},
    {"accuracy": [float(values.std()) for values in table.values()]},
    ylabel="test accuracy",
    value_format=".2f",
)

# %% [markdown]
# ## What the numbers mean
#
# The only fair question is: does `all three` beat `TA`, which needs no model at all? With a
# stand-in that counts words it should not by much, as `TA` counts words, too. With a real one it
# may: see the tables of [TAPE](../docs/tape.md), where networks *without* edges gain clearly and
# a GCN on a bag of words is as good as TAPE's to within the spread. Ask this of your own graph
# with a few hundred nodes, before you pay for a million.
#
# ## GAugLLM: what runs without a model
#
# Experts rewrite the texts of the second view. Without a client the raw text is left, and the
# rest is listed, not faked:

# %%
experts = PromptExperts(None, ("raw", "idr", "sas", "sar"), label_names=graph.label_names)
texts = experts.run(graph.text, graph.edge_index)
print("there:", texts.names, " left out:", texts.left_out)
client = LLMClient("some-model", base_url=address, price=price, max_tokens=300)
for name in texts.left_out:
    cost = client.estimate(experts.prompts(name, graph.text, graph.edge_index))
    print(f"{name}: {cost.calls} calls, at most {cost.cost:.2f}")
client.close()

# %% [markdown]
# Edges are the second half. Candidates are the least similar neighbours and the most similar
# strangers of a node. A model votes on them; stored similarities can vote, too:

# %%
candidates = propose_edge_candidates(graph.TA, graph.edge_index, 5, 5)
similarity = (graph.TA[candidates.src] * graph.TA[candidates.dst]).sum(1).clamp(0, 1)
votes = CandidateVote.from_scores(candidates.src, candidates.dst, similarity, threshold=0.3)
modifier = LLMEdgeModifier(candidates, votes, p_add=0.5, p_del=0.5, seed=0)

graph.x = graph.TA
augmented = GAugLLM("bgrl", edge_modifier=modifier, out_channels=64, epochs=20, seed=0)
z = augmented.fit_transform(graph)
print("votes:", votes.counts())
print("embedding:", tuple(z.shape), " changed in the last step:", modifier.changes)

# %% [markdown]
# ## With a real model
#
# Three lines change, and the answers:
#
# ```python
# client = LLMClient("llama3", base_url="http://localhost:11434/v1", cache="replies.db")
# encoder = TextEncoder("all-MiniLM-L6-v2", cache_dir="cache")
# table = ExplanationGenerator(client, prompt).run(graph.text, out="explanations.jsonl")
# ```
#
# ## Read on
#
# * [Run it on your own text graph](../docs/text_graphs.md): the client under load, with faults
#   and with kills; batch services; keys.
# * [TAPE](../docs/tape.md) and [GAugLLM](../docs/gaugllm.md), with answers of real models, and
#   what was gained.

# %%
server.shutdown()
server.server_close()
folder.cleanup()

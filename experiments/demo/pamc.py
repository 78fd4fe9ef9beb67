"""The demo's clustering: the script on drawn documents, a third of which has no link."""

from __future__ import annotations

from dataclasses import replace

from ..pamc.presets import PRESETS
from ..pamc.run import run
from .part import Means, Part, points


def meaning(rows: Means) -> str:
    """What training adds, and what its negatives cost."""
    ours, all_pairs = rows["PamC"], rows["SCGC*"]
    gain = points(ours["acc"], rows["no training, 2 hops"]["acc"])
    return (
        f"{gain} over averages of neighbours, which say nothing of documents without a link; an "
        f"epoch takes {1e3 * ours['seconds_per_epoch']:.0f} ms, with all pairs as negatives "
        f"{1e3 * all_pairs['seconds_per_epoch']:.0f} ms"
    )


PART = Part(
    name="pamc",
    title="PamC",
    data="drawn documents",
    description=(
        "Groups 4000 documents without labels. They are drawn: words and links both tell the "
        "group, and a third has no link, as in a graph of authors. The encoder learns to give the "
        "averages over the links from the words alone, then refines them by a contrastive loss "
        "whose negatives are cluster centres, so that a step costs time linear in the nodes. SCGC* "
        "is the same host with all pairs as negatives. Rows without brackets are scored where too "
        "few documents move. An encoder of this size knows 4000 documents by heart; of 100,000 it "
        "does not, and no training is ahead there (docs/pamc.md)."
    ),
    run=run,
    config=replace(
        PRESETS["planted"], methods=("pamc", "scgc_exact"), epochs=30, n_init=5, baseline_hops=(2,)
    ),
    toy=replace(
        PRESETS["planted"], methods=("pamc", "scgc_exact"), num_nodes=200, epochs=2,
        pretrain_epochs=1, hidden_channels=(16,), n_init=1, baseline_hops=(2,),
    ),
    ours="PamC",
    baseline="no training, 2 hops",
    metric="acc",
    measure="accuracy of the clusters",
    meaning=meaning,
    left_out={
        "ACM, DBLP, Citeseer, USPS, digits": "their tables, ten seeds each, stand in docs/pamc.md; "
        "python -m experiments.pamc --preset acm",
    },
)  # fmt: skip

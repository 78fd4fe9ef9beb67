"""Zero-shot classification: classes as sentences, the nearest of which wins."""

from graphlab._namespace import listing
from graphlab.tag.graphclip.zeroshot.class_sentences import LABEL_TEMPLATES, class_probabilities
from graphlab.tag.graphclip.zeroshot.classifier import ZeroShotClassifier
from graphlab.tag.graphclip.zeroshot.nodes import ZeroShotNodes

__all__ = ["LABEL_TEMPLATES", "ZeroShotClassifier", "ZeroShotNodes", "class_probabilities"]

__dir__ = listing(__all__)

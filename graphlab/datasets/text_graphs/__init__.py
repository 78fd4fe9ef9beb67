"""The text graphs that papers compare on, from the files that were published."""

from graphlab._namespace import listing
from graphlab.datasets.text_graphs.dataset import TextGraphDataset
from graphlab.datasets.text_graphs.label_prompt import LabelPrompt, label_prompt

__all__ = ["LabelPrompt", "TextGraphDataset", "label_prompt"]

__dir__ = listing(__all__)

"""Fine-tuning of language models on the labels of training nodes."""

from graphlab._namespace import listing
from graphlab.tag.fine_tune.config import FineTuneConfig
from graphlab.tag.fine_tune.features import TextFeatures, TunedTextEncoder
from graphlab.tag.fine_tune.fine_tune import fine_tune_text_encoder

__all__ = ["FineTuneConfig", "TextFeatures", "TunedTextEncoder", "fine_tune_text_encoder"]

__dir__ = listing(__all__)

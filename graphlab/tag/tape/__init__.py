"""TAPE: features of nodes from the explanations and predictions of a language model."""

from graphlab._namespace import listing
from graphlab.evaluate import tape_split
from graphlab.tag.tape.adjacency import SharedAdjacency
from graphlab.tag.tape.early_stopping import EarlyStopping
from graphlab.tag.tape.ensemble import ensemble_logits
from graphlab.tag.tape.explanations import ExplanationGenerator
from graphlab.tag.tape.gnn import MemberNetwork
from graphlab.tag.tape.member import MemberResult
from graphlab.tag.tape.prompt import ExplanationPrompt, RankedPrediction
from graphlab.tag.tape.ranked import read_ranked_predictions, write_ranked_predictions
from graphlab.tag.tape.ranked_encoder import RankedPredictionEncoder
from graphlab.tag.tape.responses import read_tape_responses
from graphlab.tag.tape.revgat import RevGAT
from graphlab.tag.tape.table import Explanation, ExplanationTable
from graphlab.tag.tape.tape import TAPE

__all__ = [
    "TAPE",
    "EarlyStopping",
    "Explanation",
    "ExplanationGenerator",
    "ExplanationPrompt",
    "ExplanationTable",
    "MemberNetwork",
    "MemberResult",
    "RankedPrediction",
    "RankedPredictionEncoder",
    "RevGAT",
    "SharedAdjacency",
    "ensemble_logits",
    "read_ranked_predictions",
    "read_tape_responses",
    "tape_split",
    "write_ranked_predictions",
]

__dir__ = listing(__all__)

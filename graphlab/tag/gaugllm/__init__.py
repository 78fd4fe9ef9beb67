"""GAugLLM: views of texts and edges that a language model had a say in."""

from graphlab._namespace import listing
from graphlab.evaluate import labels_per_class_split
from graphlab.tag.gaugllm.all_votes import apply_all_votes
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.changes import EdgeChanges, edge_changes
from graphlab.tag.gaugllm.degree_groups import degree_groups
from graphlab.tag.gaugllm.edge_modifier import LLMEdgeModifier
from graphlab.tag.gaugllm.gaugllm import GAugLLM
from graphlab.tag.gaugllm.llm_votes import collect_votes, vote_edges
from graphlab.tag.gaugllm.prompt_experts import ExpertTexts, PromptExperts
from graphlab.tag.gaugllm.proposal import propose_edge_candidates
from graphlab.tag.gaugllm.schedules import cosine_decay, target_momentum
from graphlab.tag.gaugllm.selector import ContextAwareSelector
from graphlab.tag.gaugllm.selector_training import FusedFeatures, fit_selector
from graphlab.tag.gaugllm.votes import CandidateVote

__all__ = [
    "CandidateVote",
    "ContextAwareSelector",
    "EdgeCandidates",
    "EdgeChanges",
    "ExpertTexts",
    "FusedFeatures",
    "GAugLLM",
    "LLMEdgeModifier",
    "PromptExperts",
    "apply_all_votes",
    "collect_votes",
    "cosine_decay",
    "degree_groups",
    "edge_changes",
    "fit_selector",
    "labels_per_class_split",
    "propose_edge_candidates",
    "target_momentum",
    "vote_edges",
]

__dir__ = listing(__all__)

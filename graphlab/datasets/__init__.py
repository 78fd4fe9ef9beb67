"""Data sets that PyG and ogb lack, as PyG datasets with checksums, and readers of tables."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.datasets.animal import AnimalNetwork
from graphlab.datasets.digits import DigitsKNN, digits_knn
from graphlab.datasets.edge_list import read_edge_list
from graphlab.datasets.frames import neighbors_to_frame, to_frame
from graphlab.datasets.hif import read_hif, write_hif
from graphlab.datasets.multihop import MultiHopQA
from graphlab.datasets.multilabel import MultilabelDataset, read_multilabel_mat
from graphlab.datasets.python_classes import python_classes
from graphlab.datasets.python_stdlib import PythonStdlib, python_stdlib
from graphlab.datasets.sdcn import SDCNDataset
from graphlab.datasets.shyre import SHyReDataset
from graphlab.datasets.simplices import read_hyperedge_list, read_simplices
from graphlab.datasets.text_graphs import LabelPrompt, TextGraphDataset, label_prompt
from graphlab.datasets.triples import TripleDataset, TripleNames, read_triples

__all__ = [
    "AnimalNetwork",
    "DigitsKNN",
    "LabelPrompt",
    "MultiHopQA",
    "MultilabelDataset",
    "PythonStdlib",
    "SDCNDataset",
    "SHyReDataset",
    "TextGraphDataset",
    "TripleDataset",
    "TripleNames",
    "digits_knn",
    "label_prompt",
    "neighbors_to_frame",
    "python_classes",
    "python_stdlib",
    "read_edge_list",
    "read_hif",
    "read_hyperedge_list",
    "read_multilabel_mat",
    "read_simplices",
    "read_triples",
    "to_frame",
    "write_hif",
]

__dir__ = listing(__all__)

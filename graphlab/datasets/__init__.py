"""Data sets that PyG and ogb lack, as PyG datasets with checksums."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.datasets.animal import AnimalNetwork
from graphlab.datasets.digits import DigitsKNN, digits_knn
from graphlab.datasets.hif import read_hif, write_hif
from graphlab.datasets.multihop import MultiHopQA
from graphlab.datasets.multilabel import MultilabelDataset, read_multilabel_mat
from graphlab.datasets.python_stdlib import PythonStdlib, python_stdlib
from graphlab.datasets.sdcn import SDCNDataset
from graphlab.datasets.shyre import SHyReDataset
from graphlab.datasets.simplices import read_hyperedge_list, read_simplices

__all__ = [
    "AnimalNetwork",
    "DigitsKNN",
    "MultiHopQA",
    "MultilabelDataset",
    "PythonStdlib",
    "SDCNDataset",
    "SHyReDataset",
    "digits_knn",
    "python_stdlib",
    "read_hif",
    "read_hyperedge_list",
    "read_multilabel_mat",
    "read_simplices",
    "write_hif",
]

__dir__ = listing(__all__)

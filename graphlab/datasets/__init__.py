"""Data sets that PyG and ogb lack, as PyG datasets with checksums."""

from __future__ import annotations

from graphlab.datasets.animal import AnimalNetwork
from graphlab.datasets.digits import DigitsKNN, digits_knn
from graphlab.datasets.multilabel import MultilabelDataset, read_multilabel_mat
from graphlab.datasets.sdcn import SDCNDataset

__all__ = [
    "AnimalNetwork",
    "DigitsKNN",
    "MultilabelDataset",
    "SDCNDataset",
    "digits_knn",
    "read_multilabel_mat",
]

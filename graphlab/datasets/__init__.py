"""Data sets that PyG and ogb lack, as PyG datasets with checksums."""

from __future__ import annotations

from graphlab.datasets.digits import DigitsKNN, digits_knn
from graphlab.datasets.sdcn import SDCNDataset

__all__ = ["DigitsKNN", "SDCNDataset", "digits_knn"]

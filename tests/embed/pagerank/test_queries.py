"""What a query may be."""

from __future__ import annotations

import pytest
import torch

from graphlab.embed import PPR, PPRFingerprints

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])


@pytest.mark.parametrize("mask", [[True, False, True], torch.tensor([True, False, True])])
@pytest.mark.parametrize("model", [PPR(), PPRFingerprints(walk_length=10)])
def test_a_mask_is_no_list_of_nodes(model, mask) -> None:
    with pytest.raises(TypeError, match=r"queries must be int64 or int32, got dtype torch\.bool"):
        model.fit(PATH).query(mask)

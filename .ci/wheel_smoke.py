"""What a user does first, run inside an environment that holds nothing but the wheels.

``python wheel_smoke.py compiled`` wants the kernels active; with ``pure`` they must not be, which
is said in one warning unless ``GRAPHLAB_DISABLE_KERNELS`` asked for it.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import metadata

from core_only import modules  # it lies in the same folder


def numbers() -> tuple[float, float]:
    """One embedding and one loss with its gradient."""
    import torch

    from graphlab.contrastive import pamc_loss
    from graphlab.datasets import digits_knn
    from graphlab.embed import FastRP

    data = digits_knn()
    z = FastRP(dim=16, seed=0).fit_transform(data)
    x = torch.nn.functional.normalize(data.x[:, :16]).requires_grad_()
    loss = pamc_loss(x, data.edge_index, cluster=data.y, num_clusters=10)
    loss.backward()
    if x.grad is None or not torch.isfinite(x.grad).all():
        raise SystemExit("the loss has no finite gradient")
    return float(z.double().square().sum()), float(loss.detach())


def main() -> None:
    """Run all of it and print a line per finding."""
    wanted = sys.argv[1]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        count = modules()
        from graphlab.ops import library
    about = [str(w.message) for w in caught if "compiled kernels" in str(w.message)]
    state = library.status()
    silent = os.environ.get("GRAPHLAB_DISABLE_KERNELS", "0") not in ("", "0")
    if state.compiled is not (wanted == "compiled"):
        raise SystemExit(f"wanted {wanted}, but: {state.reason}")
    if len(about) != (1 if wanted == "pure" and not silent else 0):
        raise SystemExit(f"{len(about)} warnings about the kernels: {about}")
    import torch

    print(f"torch {torch.__version__}, graphlab {metadata.version('graphlab')}: {state.reason}")
    print(f"{count} modules imported")
    print("embedding {:.6f}, loss {:.6f}".format(*numbers()))


if __name__ == "__main__":
    main()

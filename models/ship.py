"""Puts a pretrained tower into the package: its matrices in half precision, and all hashes.

    python models/ship.py runs/graphclip_graphlab_tiny/0 tiny

The card ``graphlab_models/NAME/README.md`` is written by hand; where it quotes the hash of the
weights, the old one is replaced by the new.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path

import torch

from graphlab._io import load_arrays, save_arrays, write_json
from graphlab.tag import GraphCLIP

_PACKAGE = Path(__file__).resolve().parent / "graphlab_models"
_WEIGHTS = "model.safetensors"


def ship(source: Path, target: Path) -> dict[str, str]:
    """Write weights and configuration of a saved model; SHA-256 by file name."""
    GraphCLIP.from_pretrained(source)  # what cannot be loaded is not shipped
    arrays, record = load_arrays(source / _WEIGHTS)
    target.mkdir(exist_ok=True)
    # Vectors stay as they are: variances of batch statistics may be too small for half precision.
    halved = {k: v.half() if v.dim() > 1 else v for k, v in arrays.items()}
    if not all(torch.isfinite(v).all() for v in halved.values()):
        raise SystemExit(f"{source} has weights that half precision cannot hold")
    save_arrays(target / _WEIGHTS, halved, record)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    write_json(target / "config.json", config)
    return {
        name: hashlib.sha256((target / name).read_bytes()).hexdigest()
        for name in ("config.json", _WEIGHTS)
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="folder that GraphCLIP.save_pretrained wrote")
    parser.add_argument("name", help="name of the model in the package")
    options = parser.parse_args()
    path = _PACKAGE / "models.json"
    models = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    models[options.name] = ship(options.source, _PACKAGE / options.name)
    write_json(path, models)
    card = _PACKAGE / options.name / "README.md"
    digest = models[options.name][_WEIGHTS]
    if card.is_file():
        text = re.sub(r"\b[0-9a-f]{64}\b", digest, card.read_text(encoding="utf-8"))
        card.write_text(text, encoding="utf-8")
    size = (_PACKAGE / options.name / _WEIGHTS).stat().st_size
    print(f"graphlab/{options.name}: {size / 1e6:.2f} MB, SHA-256 {digest}")


if __name__ == "__main__":
    main()

"""Report of installed packages and active kernels, with reasons: ``python -m graphlab.info``.

The report is the first thing to attach to a question about speed or about a failing installation.
``--json`` prints the same as one JSON object.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from graphlab._console import command
from graphlab._namespace import listing

__all__ = ["collect", "format_report", "main"]

__dir__ = listing(__all__)

_CORE = (
    "torch",
    "torch-geometric",
    "numpy",
    "scipy",
    "scikit-learn",
    "networkx",
    "ogb",
    "tqdm",
    "safetensors",
    "graphlab-cuda-ops",
    "graphlab-models",
)

#: Import names behind each optional extra.
_EXTRAS = {
    "tag": ("sentence_transformers", "transformers", "peft", "openai", "pydantic"),
    "tables": ("pandas", "pyarrow", "polars", "datasets"),
    "viz": ("matplotlib",),
    "hyper": ("xgi", "networkit"),
    "experiments": ("tyro", "matplotlib"),
}


def collect() -> dict[str, Any]:
    """Collect the facts of the report.

    Returns:
        dict[str, Any]: JSON values under the keys ``versions`` (distribution to version, None if
        absent), ``kernels`` (the library status, and per operator and device ``"compiled"`` or
        ``"pure"``), ``devices`` (list of dicts), ``cpu``, ``data_root`` and ``extras`` (extra to
        the list of its missing packages).

    Example:
        >>> sorted(collect())
        ['cpu', 'data_root', 'devices', 'extras', 'kernels', 'versions']
    """
    return {
        "versions": _versions(),
        "kernels": _kernels(),
        "devices": _devices(),
        "cpu": _cpu(),
        "data_root": _data_root(),
        "extras": {
            extra: [name for name in names if find_spec(name) is None]
            for extra, names in _EXTRAS.items()
        },
    }


def _versions() -> dict[str, str | None]:
    from graphlab import __version__

    versions: dict[str, str | None] = {
        "graphlab": __version__,
        "python": platform.python_version(),
    }
    for name in _CORE:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def _kernels() -> dict[str, Any]:
    library = import_module("graphlab.ops.library")
    devices = ("cpu", "cuda")
    return {
        **dataclasses.asdict(library.status()),
        "operators": {
            name: {device: library.active_kernel(name, device) for device in devices}
            for name in _operators()
        },
    }


def _operators() -> list[str]:
    # The families register on import of the room; the dispatcher then knows all of them.
    import_module("graphlab.ops")
    return sorted(import_module("graphlab.ops.library").OPERATORS)


def _devices() -> list[dict[str, Any]]:
    import torch

    devices = []
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        devices.append(
            {
                "name": f"cuda:{index}",
                "model": device.name,
                "capability": f"{device.major}.{device.minor}",
                "memory_gib": round(device.total_memory / 2**30, 1),
            }
        )
    return devices


def _cpu() -> dict[str, Any]:
    import torch

    return {
        "machine": platform.machine(),
        "simd": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _data_root() -> str:
    return str(import_module("graphlab._download").data_root(None))


def format_report(facts: dict[str, Any]) -> str:
    """Format what :func:`collect` returns for people.

    Args:
        facts (dict): The dict :func:`collect` returns.

    Returns:
        str: Lines of text, without a final newline.
    """
    lines = ["versions"]
    lines += [f"  {name:<20}{value or 'absent'}" for name, value in facts["versions"].items()]
    lines += ["", "kernels", *_format_kernels(facts["kernels"])]
    cpu = facts["cpu"]
    lines += ["", "devices"]
    lines.append(
        f"  {'cpu':<20}{cpu['machine']}, {cpu['simd']}, "
        f"{cpu['cores']} cores, {cpu['threads']} threads"
    )
    lines += [
        f"  {device['name']:<20}{device['model']}, compute capability {device['capability']}, "
        f"{device['memory_gib']} GiB"
        for device in facts["devices"]
    ]
    if not facts["devices"]:
        lines.append(f"  {'cuda':<20}none")
    lines += ["", f"data root\n  {facts['data_root']}", "", "extras"]
    for extra, missing in facts["extras"].items():
        state = "present" if not missing else f"absent: {', '.join(missing)}"
        hint = "" if not missing else f"  (pip install graphlab[{extra}])"
        lines.append(f"  {extra:<20}{state}{hint}")
    return "\n".join(lines)


def _format_kernels(kernels: dict[str, Any]) -> list[str]:
    lines = [
        f"  {kernels['reason']}",
        f"  {'schema version':<20}{kernels['schema_version']}",
        f"  {'CPU library':<20}{kernels['cpu_library'] or 'none'}",
        f"  {'CUDA library':<20}{kernels['cuda_library'] or 'none'}",
    ]
    operators = kernels["operators"]
    width = max((len(name) for name in operators), default=0) + 2
    lines += [
        f"  {name:<{width}}cpu: {where['cpu']:<10}cuda: {where['cuda']}"
        for name, where in operators.items()
    ]
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Print the report.

    Args:
        argv (sequence of str, optional): Command line without the program name; ``--json`` is the
            one option.

    Returns:
        int: Exit status: 0, or 2 for an unknown option.
    """
    options = list(sys.argv[1:] if argv is None else argv)
    if options not in ([], ["--json"]):
        sys.stderr.write(f"usage: python -m graphlab.info [--json]\nunknown: {options}\n")
        return 2
    facts = collect()
    text = json.dumps(facts, indent=2) if options else format_report(facts)
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    command("graphlab.info")

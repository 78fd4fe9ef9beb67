#!/usr/bin/env bash
# Builds the CUDA kernels, tests them on this machine's GPU, looks for races and stray accesses, and
# measures them. The interpreter needs a CUDA build of torch and the packages of the extra `test`.
#
#   benchmarks/gpu_full.sh                     everything
#   STAGES="build bench" benchmarks/gpu_full.sh
#   PYTHON=python3 GRAPHLAB_CUDA_ARCHS=90 benchmarks/gpu_full.sh
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON="${PYTHON:-python3}"
STAGES="${STAGES:-build test determinism sanitize bench}"
BENCH="${BENCH:-}"  # further options of benchmarks.gpu
# Kernels are built in place: nothing is installed.
export PYTHONPATH="$PWD:$PWD/cuda_ops${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1

wants() { [[ " $STAGES " == *" $1 "* ]]; }
step() { printf '\n=== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"; }

"$PYTHON" - <<'EOF'
import sys

import torch

if not torch.cuda.is_available():
    sys.exit("gpu_full: torch sees no CUDA device")
print(f"gpu_full: {torch.cuda.get_device_name()}, torch {torch.__version__}")
EOF

if wants build; then
    step build
    (cd cuda_ops && GRAPHLAB_BUILD_CUDA=1 "$PYTHON" setup.py -q build_ext --inplace)
    "$PYTHON" - <<'EOF'
import sys

from graphlab.ops import library

if library.status().cuda_library is None:
    sys.exit(f"gpu_full: no CUDA kernels: {library.status().reason}")
EOF
fi

if wants test; then
    step test
    "$PYTHON" -m pytest -q tests/ops tests/contrastive tests/embed tests/tag/graphclip \
        -k "cuda or gpu" --deselect tests/ops/cuda/test_emulation.py \
        --deselect tests/ops/cuda/test_device.py
fi

if wants determinism; then
    step "determinism, streams, compilation"
    "$PYTHON" -m pytest -q tests/ops/cuda/test_device.py
fi

if wants sanitize; then
    if command -v compute-sanitizer > /dev/null; then
        for tool in memcheck racecheck initcheck; do
            step "compute-sanitizer $tool"
            # torch's allocator hands out parts of large blocks, which would hide stray accesses.
            PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --tool "$tool" --error-exitcode 9 \
                --target-processes all "$PYTHON" -m tests.ops.cuda._sanitize
        done
    else
        echo "gpu_full: compute-sanitizer not found, not run"
    fi
fi

if wants bench; then
    step bench
    # shellcheck disable=SC2086 # options are words
    "$PYTHON" -m benchmarks.gpu $BENCH
fi

#!/usr/bin/env bash
# Builds, tests and measures the CUDA kernels on this machine's GPU, in parts of at most nine minutes;
# `benchmarks/gpu_full.sh --help` tells them.
#
#   benchmarks/gpu_full.sh
#   PYTHON=python3 GRAPHLAB_CUDA_ARCHS=90 benchmarks/gpu_full.sh --out runs/h100 build device
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
exec "${PYTHON:-python3}" -m benchmarks.gpu.full "$@"

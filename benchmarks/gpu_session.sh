#!/usr/bin/env bash
# What to do whenever a machine with a GPU is at hand: the GPU tests and the benchmark records.
#
#   benchmarks/gpu_session.sh [FOLDER]     records are also copied to FOLDER (default: out/gpu)
#
# Python is the one on the path and needs torch, numpy, xarray, msgspec, safetensors, psutil, h5py, h5netcdf, click and
# greenlet; Streamlit and Plotly are not needed. Each step goes on where an earlier sitting stopped, and a step that
# fails does not stop the next one.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=${1:-out/gpu}
mkdir -p "$folder"
failed=0

step() {
    echo "== $1"
    shift
    timeout "${STEP_SECONDS:-240}" "$@" || { echo "failed: $*"; failed=1; }
}

python3 -c 'import torch; assert torch.cuda.is_available(), "this machine has no usable CUDA device"' || exit 2
step "GPU tests" python3 -m pytest -q -m gpu tests/networks tests/training
step "Benchmarks" python3 -m benchmarks
cp benchmarks/records/*cuda* "$folder"/ 2>/dev/null
exit $failed

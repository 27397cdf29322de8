#!/usr/bin/env bash
# What to do whenever a machine with a GPU is at hand, in sittings of at most nine minutes: the GPU tests, the benchmark
# records, and the family of ResNet-20s on CIFAR-10 (JPEG), from the most wanted run to the least.
#
#   benchmarks/gpu_session.sh [FOLDER [DATA]]
#
# FOLDER (default: out/gpu) receives the records and the family; DATA (default: data/cifar10-jpeg.tar.gz) is the archive
# or folder with CIFAR-10. Call it again and again: tests and benchmarks that passed are not repeated (delete
# FOLDER/*.done to repeat them), and each run goes on where it was stopped. On a machine that is given back bare, keep
# FOLDER/packed and FOLDER/*.done and bring them along next time; FOLDER/small is what is worth a commit.
#
# Python is the one on the path and needs torch, numpy, xarray, msgspec, safetensors, psutil, h5py, h5netcdf, click,
# greenlet and pytest; Streamlit and Plotly are not needed. A step that fails does not stop the next one.
set -uo pipefail
cd "$(dirname "$0")/.."
folder=${1:-out/gpu}
data=${2:-data/cifar10-jpeg.tar.gz}
sitting=${SITTING_SECONDS:-530}
mkdir -p "$folder"
failed=0

# Seconds left of this sitting; bash counts from the start of the script.
left() { echo $((sitting - SECONDS)); }

once() {
    name=$1
    shift
    [ -e "$folder/$name.done" ] && return
    echo "== $name"
    if timeout "$(($(left) > 1 ? $(left) : 1))" "$@"; then
        touch "$folder/$name.done"
    else
        echo "failed: $*"
        failed=1
    fi
}

python3 -c 'import torch; assert torch.cuda.is_available(), "this machine has no usable CUDA device"' || exit 2
once tests python3 -m pytest -q -m gpu tests/networks tests/training
once benchmarks python3 -m benchmarks evaluation training families
cp benchmarks/records/*cuda* "$folder"/ 2>/dev/null

# The last half minute is for packing. What is too short to load the data is left to the next sitting.
if [ "$(left)" -gt 90 ]; then
    echo "== family"
    timeout "$(left)" python3 -m benchmarks.gpu_family "$folder" --data "$data" --seconds $(($(left) - 30)) || failed=1
fi
exit $failed

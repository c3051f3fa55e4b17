#!/usr/bin/env bash
# Builds llama.cpp's benchmarks for the processor at hand: build_llama.sh FOLDER PYTHON
# The source distribution of llama-cpp-python carries all of llama.cpp, the benchmarks included, so nothing but pip is
# asked. Takes some minutes on two cores; done already, it takes none.
set -euo pipefail

version=0.3.36
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
folder=$1 python=$2
archive=$folder/llama_cpp_python-$version.tar.gz
source=$folder/llama_cpp_python-$version/vendor/llama.cpp
tools=(llama-bench llama-batched-bench llama-quantize)

mkdir -p "$folder"
if [ ! -f "$archive" ]; then
  "$python" -m pip download --disable-pip-version-check --no-deps --no-binary :all: -d "$folder" \
    "llama-cpp-python==$version"
fi
sha256sum --check --status <<<"$sha256  $archive" || { echo "$archive is not what was measured with" >&2; exit 1; }
[ -d "$source" ] || tar -xzf "$archive" -C "$folder"
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
cmake -S "$source" -B "$folder/llama.cpp" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF \
  -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_UI=OFF \
  "${launcher[@]}"
cmake --build "$folder/llama.cpp" --target "${tools[@]}"

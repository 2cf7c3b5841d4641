#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The versions of everything that a figure may depend on.
echo "quell $(cat VERSION) $(git rev-parse --short HEAD 2>/dev/null || true)"
gcc --version | head -n 1
"${CROSS:-riscv64-unknown-elf-}gcc" --version | head -n 1
verilator --version
yosys -V
build/venv/bin/python --version
build/venv/bin/python -m pip list --disable-pip-version-check 2>/dev/null | grep -E '^(numpy|onnx|onnxruntime|torch|systemrdl|peakrdl|pythondata)' || true

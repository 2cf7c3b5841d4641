// SPDX-License-Identifier: Apache-2.0
// verilator: -GLINE_PAIRS=256 -GLINE_PIXELS=64 -GPAIR_WORDS=64 -GROW_WORDS=16
#include "Vdenoiser.h"
#include "denoiser_bench.h"

int main(int argc, char **argv) { return tb_main<Vdenoiser>(argc, argv, "denoiser", denoiser_bench<Vdenoiser, 4>); }

// SPDX-License-Identifier: Apache-2.0
// array_engine with 16 cores, see array_engine_bench.h.
// verilator: tests/rtl/array_engine_16.sv
#include "Varray_engine_16.h"
#include "array_engine_bench.h"

static void run(Tb<Varray_engine_16> &tb) { run_array_engine(tb, 16); }

int main(int argc, char **argv) { return tb_main<Varray_engine_16>(argc, argv, "array_engine_16", run); }

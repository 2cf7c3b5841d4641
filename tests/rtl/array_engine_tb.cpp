// SPDX-License-Identifier: Apache-2.0
// array_engine with 8 cores, see array_engine_bench.h.
#include "Varray_engine.h"
#include "array_engine_bench.h"

static void run(Tb<Varray_engine> &tb) { run_array_engine(tb, 8); }

int main(int argc, char **argv) { return tb_main<Varray_engine>(argc, argv, "array_engine", run); }

// SPDX-License-Identifier: Apache-2.0
// skid_buffer, see stream_buffer_bench.h.
// verilator: -GWIDTH=16
#include "Vskid_buffer.h"
#include "stream_buffer_bench.h"

int main(int argc, char **argv) { return tb_main<Vskid_buffer>(argc, argv, "skid_buffer", run_stream_buffer<Vskid_buffer>); }

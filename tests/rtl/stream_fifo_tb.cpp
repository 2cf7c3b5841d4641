// SPDX-License-Identifier: Apache-2.0
// stream_fifo, see stream_buffer_bench.h.
// verilator: -GWIDTH=16
#include "Vstream_fifo.h"
#include "stream_buffer_bench.h"

int main(int argc, char **argv) { return tb_main<Vstream_fifo>(argc, argv, "stream_fifo", run_stream_buffer<Vstream_fifo>); }

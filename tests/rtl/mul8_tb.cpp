// SPDX-License-Identifier: Apache-2.0
#include "Vmul8.h"
#include "tb.h"

// Every operand with every weight, through a pipeline that is held at random.
static void run(Tb<Vmul8> &tb)
{
    auto &dut = tb.dut;
    int pipe[3] = {0, 0, 0}, filled = 0;
    for (int i = 0; i < 512 * 256;) {
        int operand = i % 512 - 256, weight = i / 512 - 128;
        dut.operand_i = operand & 0x1ff;
        dut.weight_i = weight & 0xff;
        dut.en_i = tb.coin(0.7);
        tb.tick();
        if (dut.en_i) {
            pipe[2] = pipe[1], pipe[1] = pipe[0], pipe[0] = operand * weight;
            filled++, i++;
        }
        if (filled >= 3)
            TB_CHECK(tb, dut.product_o == (pipe[2] & 0x1ffff), "got %05x, want %d", dut.product_o, pipe[2]);
    }
}

int main(int argc, char **argv) { return tb_main<Vmul8>(argc, argv, "mul8", run); }

// SPDX-License-Identifier: Apache-2.0
// pool against qa_pool: no, average and maximum pooling, factors of 24 bits; kernels that divide the frame and that leave rows and columns over; global pooling.
// verilator: -GLINE_PAIRS=256
#include "Vpool.h"
#include "tb.h"
#include <deque>
#include <vector>
extern "C" {
#include "arith.h"
}

struct Beat {
    uint16_t data;
    bool row_end, frame_end;
};

static void frame(Tb<Vpool> &tb)
{
    auto &d = tb.dut;
    int kind = tb.between(0, 2), c8 = tb.between(0, 2) ? 1 : tb.between(1, 5), w = tb.between(1, 64 / c8), h = tb.between(1, 20);
    if (tb.between(0, 15) == 0)
        c8 = 1, w = 64, h = 64;
    int kw = tb.between(1, tb.between(0, 2) ? (w < 4 ? w : 4) : w), kh = tb.between(1, tb.between(0, 2) ? (h < 4 ? h : 4) : h);
    if (tb.between(0, 3) == 0)
        kw = w, kh = h;
    int z_y = tb.between(-128, 127), z_p = tb.between(-128, 127);
    if (tb.between(0, 3) == 0)
        z_y = tb.between(0, 1) ? 127 : -128; // largest sums
    uint32_t m = tb.between(0, 7) ? tb.between(0x800000, 0xffffff) : tb.between(0, 1) ? 0xffffff : tb.between(0, 0xffffff);
    unsigned s = kind == 2 ? tb.between(22, 25) : tb.between(0, 7) == 0 ? tb.between(1, 63) : tb.between(22, 24);
    if (kind == 1 && s < 27)
        for (int n = kw * kh; n > 1; n /= 2)
            s++;
    if (tb.between(0, 2) == 0)
        m = 0x800000; // ties
    d.cfg_pool_kind_i = kind;
    d.cfg_pool_kh_i = kh;
    d.cfg_pool_kw_i = kw;
    d.cfg_pool_m_i = m;
    d.cfg_pool_shift_i = s;
    d.cfg_z_y_i = z_y & 255;
    d.cfg_z_pool_i = z_p & 255;
    d.cfg_out_w_i = w;
    d.cfg_out_h_i = h;
    d.cfg_out_c8_i = c8;
    int c = c8 * 8, extreme = tb.between(0, 3) == 0;
    std::vector<int8_t> in(h * w * c);
    for (auto &v : in)
        v = extreme ? (z_y > 0 ? -128 : 127) : (int8_t)tb.random();
    std::deque<Beat> want;
    if (kind == 0) {
        for (int i = 0; i < h * w * c; i += 2)
            want.push_back({(uint16_t)((uint8_t)in[i] | (uint8_t)in[i + 1] << 8), (i + 2) % (w * c) == 0, i + 2 == h * w * c});
    } else {
        int oh = h / kh, ow = w / kw;
        for (int y = 0; y < oh; y++)
            for (int x = 0; x < ow; x++)
                for (int p = 0; p < c; p += 2) {
                    uint16_t word = 0;
                    for (int i = 0; i < 2; i++) {
                        int32_t sum = kind == 1 ? 0 : -1000;
                        for (int k = 0; k < kh * kw; k++) {
                            int v = in[((y * kh + k / kw) * w + x * kw + k % kw) * c + p + i] - z_y;
                            sum = kind == 1 ? sum + v : v > sum ? v : sum;
                        }
                        word |= (uint16_t)((uint8_t)qa_pool(sum, m, s, z_p) << 8 * i);
                    }
                    bool row_end = x == ow - 1 && p == c - 2;
                    want.push_back({word, row_end, row_end && y == oh - 1});
                }
    }
    d.start_i = 1;
    tb.tick();
    d.start_i = 0;
    bool have = false;
    int total = h * w * c / 2, sent = 0;
    uint64_t begin = tb.cycle;
    while (!want.empty() || sent < total) {
        if (!have && sent < total && tb.coin(0.8)) {
            have = true;
            d.in_data_i = (uint16_t)((uint8_t)in[2 * sent] | (uint8_t)in[2 * sent + 1] << 8);
        }
        d.in_valid_i = have;
        d.out_ready_i = tb.coin(0.8);
        tb.settle();
        TB_CHECK(tb, d.taken_o == (sent == total), "taken %d after %d of %d", d.taken_o, sent, total);
        if (d.out_valid_o && d.out_ready_i) {
            TB_CHECK(tb, !want.empty() && d.out_data_o == want.front().data && d.out_row_end_o == want.front().row_end && d.out_frame_end_o == want.front().frame_end,
                     "kind %d, %dx%dx%d, kernel %dx%d, %d pairs left: got %04x %d %d, want %04x %d %d", kind, h, w, c, kh, kw, (int)want.size(), d.out_data_o,
                     d.out_row_end_o, d.out_frame_end_o, want.front().data, want.front().row_end, want.front().frame_end);
            want.pop_front();
        }
        if (d.in_valid_i && d.in_ready_o) {
            have = false;
            sent++;
        }
        tb.tick();
    }
    d.in_valid_i = 0;
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 15, "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
}

static void run(Tb<Vpool> &tb)
{
    auto &d = tb.dut;
    d.start_i = d.in_valid_i = d.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 300; i++)
        frame(tb);
}

int main(int argc, char **argv) { return tb_main<Vpool>(argc, argv, "pool", run); }

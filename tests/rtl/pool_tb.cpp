// SPDX-License-Identifier: Apache-2.0
// pool against the definition (docs/geometry.md) and qa_pool: no, average and maximum pooling, factors of 24 bits; windows that overlap, meet and leave
// gaps, that reach beyond each side of the frame, rows and columns left over, global pooling; no more clocks than windows cover the pixels.
// verilator: -GLINE_PAIRS=256
#include "Vpool.h"
#include "pool_windows.h"
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

static uint64_t pass(Tb<Vpool> &tb, int kind, int c8, const Side &y, const Side &x)
{
    auto &d = tb.dut;
    int z_y = tb.between(-128, 127), z_p = tb.between(-128, 127);
    if (tb.between(0, 3) == 0)
        z_y = tb.between(0, 1) ? 127 : -128; // largest sums
    uint32_t m = tb.between(0, 7) ? tb.between(0x800000, 0xffffff) : tb.between(0, 1) ? 0xffffff : tb.between(0, 0xffffff);
    unsigned s = kind == 2 ? tb.between(22, 25) : tb.between(0, 7) == 0 ? tb.between(1, 63) : tb.between(22, 24);
    if (kind == 1 && s < 27)
        for (int n = x.kernel * y.kernel; n > 1; n /= 2)
            s++;
    if (tb.between(0, 2) == 0)
        m = 0x800000; // ties
    d.cfg_pool_kind_i = kind;
    d.cfg_pool_kh_i = y.kernel, d.cfg_pool_kw_i = x.kernel;
    d.cfg_pool_sy_i = y.stride, d.cfg_pool_sx_i = x.stride;
    d.cfg_pool_pad_top_i = y.pad, d.cfg_pool_pad_left_i = x.pad;
    d.cfg_pooled_h_i = y.windows, d.cfg_pooled_w_i = x.windows;
    d.cfg_pool_m_i = m;
    d.cfg_pool_shift_i = s;
    d.cfg_z_y_i = z_y & 255;
    d.cfg_z_pool_i = z_p & 255;
    d.cfg_out_w_i = x.size;
    d.cfg_out_h_i = y.size;
    d.cfg_out_c8_i = c8;
    int h = y.size, w = x.size, c = c8 * 8, extreme = tb.between(0, 3) == 0;
    std::vector<int8_t> in(h * w * c);
    for (auto &v : in)
        v = extreme ? (z_y > 0 ? -128 : 127) : (int8_t)tb.random();
    std::deque<Beat> want;
    if (kind == 0) {
        for (int i = 0; i < h * w * c; i += 2)
            want.push_back({(uint16_t)((uint8_t)in[i] | (uint8_t)in[i + 1] << 8), (i + 2) % (w * c) == 0, i + 2 == h * w * c});
    } else {
        for (int j = 0; j < y.windows; j++)
            for (int i = 0; i < x.windows; i++)
                for (int p = 0; p < c; p += 2) {
                    uint16_t word = 0;
                    for (int lane = 0; lane < 2; lane++) {
                        int32_t sum = kind == 1 ? 0 : -1000;
                        for (int row = std::max(y.begin(j), 0); row < std::min(y.begin(j) + y.kernel, h); row++)
                            for (int column = std::max(x.begin(i), 0); column < std::min(x.begin(i) + x.kernel, w); column++) {
                                int v = in[(row * w + column) * c + p + lane] - z_y;
                                sum = kind == 1 ? sum + v : std::max(v, sum);
                            }
                        word |= (uint16_t)((uint8_t)qa_pool(sum, m, s, z_p) << 8 * lane);
                    }
                    bool row_end = i == x.windows - 1 && p == c - 2;
                    want.push_back({word, row_end, row_end && j == y.windows - 1});
                }
    }
    d.start_i = 1;
    tb.tick();
    d.start_i = 0;
    bool have = false;
    int total = h * w * c / 2, sent = 0;
    uint64_t begin = tb.cycle;
    while (!want.empty() || sent < total || !d.taken_o) {
        if (!have && sent < total && tb.coin(0.8)) {
            have = true;
            d.in_data_i = (uint16_t)((uint8_t)in[2 * sent] | (uint8_t)in[2 * sent + 1] << 8);
        }
        d.in_valid_i = have;
        d.out_ready_i = tb.coin(0.8);
        tb.settle();
        TB_CHECK(tb, !d.taken_o || sent == total, "taken after %d of %d", sent, total);
        if (d.out_valid_o && d.out_ready_i) {
            TB_CHECK(tb, !want.empty() && d.out_data_o == want.front().data && d.out_row_end_o == want.front().row_end && d.out_frame_end_o == want.front().frame_end,
                     "kind %d, %dx%dx%d, kernel %dx%d, stride %dx%d, pad %dx%d, %dx%d windows, %d pairs left: got %04x %d %d, want %04x %d %d", kind, h, w, c, y.kernel, x.kernel,
                     y.stride, x.stride, y.pad, x.pad, y.windows, x.windows, (int)want.size(), d.out_data_o, d.out_row_end_o, d.out_frame_end_o, want.front().data,
                     want.front().row_end, want.front().frame_end);
            want.pop_front();
        }
        if (d.in_valid_i && d.in_ready_o) {
            have = false;
            sent++;
        }
        tb.tick();
    }
    d.in_valid_i = 0;
    uint64_t most = kind ? pool_clocks(y, x, c / 2) : total, took = tb.cycle - begin;
    if (!tb.stalls) // 7 clocks for the line memory's layout, 14 of latency, one that tells
        TB_CHECK(tb, took <= most + 22, "kind %d, %dx%dx%d, kernel %dx%d, stride %dx%d, pad %dx%d, %dx%d windows took %d cycles, at most %d expected", kind, h, w, c, y.kernel, x.kernel,
                 y.stride, x.stride, y.pad, x.pad, y.windows, x.windows, (int)took, (int)most + 22);
    return took;
}

static void frame(Tb<Vpool> &tb)
{
    for (;;) {
        int kind = tb.between(0, 2), c8 = tb.between(0, 2) ? 1 : tb.between(1, 5), w = tb.between(1, 24), h = tb.between(1, 20);
        if (tb.between(0, 15) == 0)
            c8 = 1, w = tb.between(40, 64), h = tb.between(40, 64);
        Side y = random_side(tb, h), x = random_side(tb, w);
        if (tb.between(0, 2) == 0 && c8 == 1) // sums of 4096 elements
            y = {h, h, h, 0, 1}, x = {w, w, w, 0, 1};
        if (y.kernel * x.kernel > 4096 || y.at_once() * x.windows * c8 * 4 > 256)
            continue;
        pass(tb, kind, c8, y, x);
        return;
    }
}

static void run(Tb<Vpool> &tb)
{
    auto &d = tb.dut;
    d.start_i = d.in_valid_i = d.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 600; i++)
        frame(tb);
    pass(tb, 1, 1, {64, 64, 64, 0, 1}, {64, 64, 64, 0, 1});
    pass(tb, 2, 1, {20, 5, 1, 2, 20}, {12, 5, 1, 2, 12}); // the line memory to within 16 of its 256 words
    pass(tb, 2, 2, {20, 4, 1, 1, 19}, {10, 3, 1, 1, 8});  // all of them
    if (tb.stalls)
        return;
    const struct {
        const char *name;
        int kernel, stride, pad;
    } measured[] = {{"2x2/2", 2, 2, 0}, {"3x3/3", 3, 3, 0}, {"3x3/2, padded by 1", 3, 2, 1}, {"2x2/1", 2, 1, 0}, {"3x3/1, padded by 1", 3, 1, 1}, {"5x5/3", 5, 3, 0}};
    for (auto &m : measured) {
        int w = 20, h = 60; // as wide as three rows of windows of 8 channels let it be
        Side y = {h, m.kernel, m.stride, m.pad, (h + 2 * m.pad - m.kernel) / m.stride + 1}, x = {w, m.kernel, m.stride, m.pad, (w + 2 * m.pad - m.kernel) / m.stride + 1};
        printf("     %-20s %.2f clocks a pair\n", m.name, (double)pass(tb, 2, 1, y, x) / (w * h * 4));
    }
}

int main(int argc, char **argv) { return tb_main<Vpool>(argc, argv, "pool", run); }

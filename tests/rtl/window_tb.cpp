// SPDX-License-Identifier: Apache-2.0
// window: every window of random layers, in order, with its flags, against the definition d = q - z_in, 0 outside the image;
// rows of the input that come in late; in the run without stalls also the rate.
#include "Vwindow.h"
#include "geometry.h"
#include "tb.h"
#include <deque>
#include <vector>

struct Bench {
    Tb<Vwindow> &tb;
    std::vector<uint64_t> memory = std::vector<uint64_t>(65536);
    struct Response { uint64_t due, data; };
    std::deque<Response> responses;
    Geometry g;
    int in_h, in_w, out_h, out_w, c8, out_c8, z, base;
    int rows_ready = 0;
    bool late;
    double grant, answer, accept;
    std::vector<uint64_t> image;

    explicit Bench(Tb<Vwindow> &tb) : tb(tb) {}

    void rows_come()
    {
        if (rows_ready < in_h && tb.coin(0.03)) {
            int words = in_w * c8;
            for (int i = 0; i < words; i++)
                memory[base + rows_ready * words + i] = image[rows_ready * words + i];
            rows_ready++;
        }
        tb.dut.rows_ready_i = rows_ready < in_h ? rows_ready : 1023;
    }

    // One cycle; take() is called when a window is handed over, before the clock edge.
    template <class Take> void tick(bool ready, Take take)
    {
        auto &d = tb.dut;
        rows_come();
        d.req_ready_i = tb.coin(grant);
        d.rsp_valid_i = !responses.empty() && responses.front().due <= tb.cycle && tb.coin(answer);
        d.rsp_data_i = d.rsp_valid_i ? responses.front().data : tb.random();
        if (d.rsp_valid_i)
            responses.pop_front();
        d.window_ready_i = ready;
        d.clk_i = 0;
        tb.settle();
        if (d.req_valid_o && d.req_ready_i)
            responses.push_back({tb.cycle + 2, memory[d.req_addr_o]});
        TB_CHECK(tb, responses.size() <= 16, "more than 16 reads under way");
        if (d.window_valid_o && d.window_ready_i)
            take();
        tb.tick();
    }

    void choose()
    {
        do {
            g = random_geometry(tb);
            in_h = tb.between(1, 12), in_w = tb.between(1, 12), c8 = tb.between(1, 4), out_c8 = g.mode == DEPTHWISE ? c8 : tb.between(1, 3);
            out_h = random_side(tb, in_h, g.stride_y, g.pad_top, g.reach_y()), out_w = random_side(tb, in_w, g.stride_x, g.pad_left, g.reach_x());
        } while (g.windows() * out_h * out_w * out_c8 * (g.mode == DEPTHWISE ? 1 : c8) > 4000);
        z = tb.between(-128, 127), base = tb.between(0, 60000), late = tb.coin(0.5);
        grant = tb.uniform() * 0.9 + 0.1, answer = tb.uniform() * 0.8 + 0.2, accept = tb.uniform() * 0.9 + 0.1;
        image.resize(in_h * in_w * c8);
        for (auto &word : image)
            word = tb.random();
        rows_ready = late ? 0 : in_h;
        for (size_t i = 0; i < image.size(); i++)
            memory[base + i] = late ? tb.random() : image[i];
        auto &d = tb.dut;
        g.set(d);
        d.cfg_wait_prev_i = late ? tb.between(1, 2) : 0;
        d.cfg_in_addr_i = base, d.cfg_in_w_i = in_w, d.cfg_in_h_i = in_h, d.cfg_out_w_i = out_w, d.cfg_out_h_i = out_h;
        d.cfg_in_c8_i = c8, d.cfg_out_c8_i = out_c8, d.cfg_z_in_i = (uint8_t)z;
    }

    int got(int tap, int channel)
    {
        int bit = (tap * 8 + channel) * 9, value = 0;
        for (int i = 0; i < 9; i++, bit++)
            value |= (int)(tb.dut.window_data_o[bit / 32] >> bit % 32 & 1) << i;
        return value - (value >> 8) * 512;
    }

    int want(int y, int x, int channel)
    {
        if (y < 0 || x < 0 || y >= in_h || x >= in_w)
            return 0;
        return (int8_t)(image[(y * in_w + x) * c8 + channel / 8] >> channel % 8 * 8) - z;
    }

    void check(int y, int og, int wy, int wx, int ig, int x, int outs, int ins)
    {
        int group = g.mode == DEPTHWISE ? og : ig;
        for (int tap = 0; tap < 9; tap++)
            for (int i = 0; i < 8 && (g.mode != CONV1X1 || tap == 5); i++) {
                int iy = g.row(y, wy) + (g.mode == CONV1X1 ? 0 : tap / 3), ix = g.column(x, wx) + (g.mode == CONV1X1 ? 0 : tap % 3);
                TB_CHECK(tb, got(tap, i) == want(iy, ix, group * 8 + i), "mode %d stride %d,%d windows %dx%d step %d,%d pad %d,%d in %dx%d:\n     y %d og %d window %d,%d ig %d x %d tap %d channel %d: got %d, want %d",
                         g.mode, g.stride_y, g.stride_x, g.win_h, g.win_w, g.step_y, g.step_x, g.pad_top, g.pad_left, in_h, in_w, y, og, wy, wx, ig, x, tap, i, got(tap, i),
                         want(iy, ix, group * 8 + i));
            }
        bool group_last = ig == ins - 1, sum_first = wy == 0 && wx == 0 && ig == 0, sum_last = wy == g.win_h - 1 && wx == g.win_w - 1 && group_last;
        bool pass_last = x == out_w - 1, row_last = sum_last && pass_last && og == outs - 1;
        int flags = sum_first | sum_last << 1 | pass_last << 2 | row_last << 3 | (row_last && y == out_h - 1) << 4 | group_last << 5;
        TB_CHECK(tb, tb.dut.window_flags_o == flags, "flags: got %d, want %d", tb.dut.window_flags_o, flags);
    }

    void layer()
    {
        tb.dut.start_i = 1;
        tick(false, [] {});
        tb.dut.start_i = 0;
        int outs = out_c8, ins = g.mode == DEPTHWISE ? 1 : c8;
        for (int y = 0; y < out_h; y++)
            for (int og = 0; og < outs; og++)
                for (int window = 0; window < g.windows(); window++)
                    for (int ig = 0; ig < ins; ig++)
                        for (int x = 0; x < out_w; x++)
                            for (bool taken = false; !taken;)
                                tick(tb.coin(accept), [&] { check(y, og, window / g.win_w, window % g.win_w, ig, x, outs, ins), taken = true; });
        for (int i = 0; i < 30; i++)
            tick(true, [&] { tb_fail(__FILE__, __LINE__, tb.cycle, "a window too many"); });
    }

    // Cycles a window when the taker keeps each for `hold` cycles, over a large layer.
    double rate(const Geometry &geometry, int hold)
    {
        g = geometry;
        in_h = 6, in_w = 32, out_w = 32 / g.stride_x, out_h = 6 / g.stride_y, c8 = 4, out_c8 = g.mode == DEPTHWISE ? 4 : 2;
        rows_ready = in_h;
        auto &d = tb.dut;
        g.set(d);
        d.cfg_wait_prev_i = 0;
        d.cfg_in_addr_i = 0, d.cfg_in_w_i = in_w, d.cfg_in_h_i = in_h, d.cfg_out_w_i = out_w, d.cfg_out_h_i = out_h, d.cfg_in_c8_i = c8, d.cfg_out_c8_i = out_c8;
        d.start_i = 1;
        tick(false, [] {});
        d.start_i = 0;
        int windows = out_h * out_w * out_c8 * g.windows() * (g.mode == DEPTHWISE ? 1 : c8), held = 0;
        uint64_t first = 0;
        for (int n = 0; n < windows;) {
            held = tb.dut.window_valid_o ? held + 1 : 0;
            tick(held >= hold, [&] { n++, held = 0, first = first ? first : tb.cycle; });
        }
        return (double)(tb.cycle - first) / (windows - 1);
    }
};

static void run(Tb<Vwindow> &tb)
{
    Bench bench(tb);
    tb.dut.start_i = 0;
    tb.reset();
    for (int i = 0; i < 150; i++) {
        bench.choose();
        bench.layer();
    }
    if (tb.stalls)
        return;
    bench.grant = bench.answer = 1;
    static const struct { Geometry g; int hold; double limit; const char *name; } cases[] = {
        {{CONV3X3, 1, 1, 1, 1}, 8, 8.01, "conv3x3, 8 channels"}, {{CONV3X3, 2, 2, 0, 0}, 8, 8.1, "conv3x3 stride 2, 8 channels"}, {{CONV3X3, 1, 1, 1, 1}, 3, 3.2, "conv3x3, 3 channels"},
        {{CONV1X1, 1, 1, 0, 0}, 1, 1.05, "conv1x1"}, {{DEPTHWISE, 1, 1, 1, 1}, 1, 3.2, "depthwise"},
        {{CONV3X3, 1, 1, 3, 3, 3, 3, 3, 3}, 8, 8.01, "9x9 as 3 x 3 windows, 8 channels"}, {{CONV1X1, 1, 1, 2, 2, 5, 5, 1, 1}, 1, 1.05, "5x5 as 25 taps"},
        {{CONV1X1, 1, 1, 4, 4, 3, 3, 4, 4}, 1, 1.05, "3x3 dilated by 4"}, {{DEPTHWISE, 1, 1, 2, 2, 2, 2, 3, 3}, 1, 3.3, "depthwise 5x5 as 2 x 2 windows"},
    };
    for (auto &c : cases) {
        double cycles = bench.rate(c.g, c.hold);
        printf("     %-30s %.3f cycles a window\n", c.name, cycles);
        TB_CHECK(tb, cycles < c.limit, "%s: %.3f cycles a window", c.name, cycles);
    }
}

int main(int argc, char **argv) { return tb_main<Vwindow>(argc, argv, "window", run); }

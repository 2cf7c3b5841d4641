// SPDX-License-Identifier: Apache-2.0
// What the array_engine benches of 8 and 16 cores share: layers, the memory around the engine, the definition of the sums, the runs.
#pragma once
#include "geometry.h"
#include "tb.h"
#include <deque>
#include <vector>

struct Layer : Geometry {
    int in_h, in_w, out_h, out_w, in_c, out_c8;
    bool wait_prev = false, extreme = false;
    const char *name = nullptr;
    int in_addr = 0, w_addr = 0, z_in = 0;
    int in_c8() const { return (in_c + 7) / 8; }
    int in_words() const { return in_h * in_w * in_c8(); }
    int groups(int cores) const { return mode == DEPTHWISE ? out_c8 : (out_c8 * 8 + cores - 1) / cores; }
    int sum_words() const { return mode == DEPTHWISE ? 1 : mode == CONV3X3 ? in_c : in_c8(); } // of one window of one output group
    int w_words(int cores) const { return groups(cores) * windows() * sum_words(); }
    int64_t issues(int cores) const { return (int64_t)out_h * out_w * w_words(cores); }
    int64_t acc_beats() const { return (int64_t)out_h * out_w * out_c8 * 4; }
};

struct Tensors {
    std::vector<int8_t> q;          // in_h, in_w, in_c8 * 8
    std::vector<int8_t> w;          // weight words of cores * 9 bytes
    std::vector<int32_t> acc;       // out_h, out_w, out_c8 * 8
};

template <class D> struct ArrayBench {
    Tb<D> &tb;
    const int cores;
    std::vector<uint64_t> memory;
    struct Response { uint64_t due, data; };
    std::deque<Response> responses;
    std::deque<int32_t> expected;
    double grant = 0.7, answer = 0.8, accept = 0.8;
    // Rows of the running layer's input that come in while it runs.
    const Layer *coming = nullptr;
    const Tensors *coming_data = nullptr;
    int rows_ready = 0;
    double row_rate = 0.01;
    bool held_req = false, held_acc = false;
    uint16_t held_addr = 0;
    uint64_t held_data = 0;
    uint64_t busy = 0, starved = 0, blocked = 0, waited = 0, macs = 0, beats = 0;

    ArrayBench(Tb<D> &tb, int cores) : tb(tb), cores(cores), memory(65536) {}

    void store_row(const Layer &l, const Tensors &t, int row)
    {
        int words = l.in_w * l.in_c8();
        memcpy(&memory[l.in_addr + row * words], &t.q[(size_t)row * words * 8], (size_t)words * 8);
    }

    void tick()
    {
        auto &d = tb.dut;
        if (coming && rows_ready < coming->in_h && tb.coin(row_rate))
            store_row(*coming, *coming_data, rows_ready++);
        d.rows_ready_i = coming && rows_ready < coming->in_h ? rows_ready : 1023;
        d.req_ready_i = tb.coin(grant);
        d.acc_ready_i = tb.coin(accept);
        d.rsp_valid_i = !responses.empty() && responses.front().due <= tb.cycle && tb.coin(answer);
        d.rsp_data_i = d.rsp_valid_i ? responses.front().data : tb.random();
        if (d.rsp_valid_i)
            responses.pop_front();
        d.clk_i = 0;
        tb.settle();
        TB_CHECK(tb, !held_req || (d.req_valid_o && d.req_addr_o == held_addr), "stalled request changed");
        held_req = d.req_valid_o && !d.req_ready_i;
        held_addr = d.req_addr_o;
        if (d.req_valid_o && d.req_ready_i)
            responses.push_back({tb.cycle + 2, memory[d.req_addr_o]});
        TB_CHECK(tb, !held_acc || (d.acc_valid_o && d.acc_data_o == held_data), "stalled accumulators changed");
        held_acc = d.acc_valid_o && !d.acc_ready_i;
        held_data = d.acc_data_o;
        if (d.acc_valid_o && d.acc_ready_i) {
            TB_CHECK(tb, expected.size() >= 2, "accumulators beyond the end of the frame");
            int32_t got[2] = {(int32_t)(uint32_t)d.acc_data_o, (int32_t)(d.acc_data_o >> 32)};
            for (int i = 0; i < 2; i++) {
                TB_CHECK(tb, got[i] == expected.front(), "beat %llu half %d (%zu left): got %d, want %d", (unsigned long long)beats, i,
                         expected.size() / 2, got[i], expected.front());
                expected.pop_front();
            }
            beats++;
        }
        busy += d.busy_o;
        starved += d.starved_o;
        blocked += d.blocked_o;
        waited += d.window_wait_o;
        macs += d.macs_o;
        TB_CHECK(tb, d.busy_o + d.starved_o + d.blocked_o <= 1, "two counters at once");
        tb.tick();
    }

    Tensors make(const Layer &l)
    {
        Tensors t;
        int c8 = l.in_c8() * 8, wb = cores * 9;
        t.q.resize((size_t)l.in_words() * 8);
        t.w.resize((size_t)l.w_words(cores) * wb);
        for (auto &q : t.q)
            q = l.extreme ? (tb.random() & 1 ? -128 : 127) : (int8_t)tb.random();
        for (auto &w : t.w)
            w = l.extreme ? (tb.random() & 1 ? -128 : 127) : (int8_t)tb.random();
        auto weight = [&](int word, int byte) -> int8_t & { return t.w[(size_t)word * wb + byte]; };
        if (l.mode == CONV1X1)      // padded channels and byte 8 carry weight 0
            for (int word = 0; word < l.w_words(cores); word++)
                for (int core = 0; core < cores; core++)
                    for (int i = 0; i < 9; i++)
                        if (i == 8 || word % l.in_c8() * 8 + i >= l.in_c)
                            weight(word, core * 9 + i) = 0;
        // The definition: sum of w * d over windows, taps and channels.
        t.acc.resize((size_t)l.out_h * l.out_w * l.out_c8 * 8);
        auto d = [&](int y, int x, int c) { return y < 0 || x < 0 || y >= l.in_h || x >= l.in_w ? 0 : t.q[((size_t)y * l.in_w + x) * c8 + c] - l.z_in; };
        size_t n = 0;
        for (int y = 0; y < l.out_h; y++)
            for (int x = 0; x < l.out_w; x++)
                for (int o = 0; o < l.out_c8 * 8; o++) {
                    int32_t sum = 0;
                    int group = l.mode == DEPTHWISE ? o / 8 : o / cores, core = l.mode == DEPTHWISE ? o % 8 : o % cores;
                    for (int window = 0; window < l.windows(); window++) {
                        int first = (group * l.windows() + window) * l.sum_words(), row = l.row(y, window / l.win_w), column = l.column(x, window % l.win_w);
                        for (int c = 0; l.mode == CONV1X1 && c < l.in_c; c++)
                            sum += weight(first + c / 8, core * 9 + c % 8) * d(row, column, c);
                        for (int tap = 0; l.mode != CONV1X1 && tap < 9; tap++) {
                            if (l.mode == DEPTHWISE)
                                sum += weight(first, core * 9 + tap) * d(row + tap / 3, column + tap % 3, o);
                            for (int c = 0; l.mode == CONV3X3 && c < l.in_c; c++)
                                sum += weight(first + c, core * 9 + tap) * d(row + tap / 3, column + tap % 3, c);
                        }
                    }
                    t.acc[n++] = sum;
                }
        return t;
    }

    int64_t expected_macs(const Layer &l)
    {
        int64_t pixels = (int64_t)l.out_h * l.out_w * l.windows();
        if (l.mode == DEPTHWISE)
            return pixels * l.out_c8 * 72;
        return pixels * l.out_c8 * 8 * l.in_c * (l.mode == CONV3X3 ? 9 : 1);
    }

    void write_weights(const Layer &l, const Tensors &t)
    {
        int lanes = cores * 9 / 4;
        for (int word = 0; word < l.w_words(cores); word++)
            for (int lane = 0; lane < lanes; lane++) {
                while (!tb.coin(0.9))
                    tick();
                tb.dut.wr_en_i = 1;
                tb.dut.wr_index_i = l.w_addr + word;
                tb.dut.wr_lane_i = lane;
                memcpy(&tb.dut.wr_data_i, &t.w[((size_t)word * lanes + lane) * 4], 4);
                tick();
                tb.dut.wr_en_i = 0;
            }
    }

    // cfg_ ports of no layer at all: nobody may look at them when no layer runs.
    void scramble()
    {
        auto &d = tb.dut;
        random_geometry(tb).set(d);
        d.cfg_wait_prev_i = tb.between(0, 1), d.cfg_in_addr_i = tb.random(), d.cfg_w_addr_i = tb.random();
        d.cfg_in_w_i = tb.between(0, 1023), d.cfg_in_h_i = tb.between(0, 1023), d.cfg_out_w_i = tb.between(0, 1023), d.cfg_out_h_i = tb.between(0, 1023);
        d.cfg_in_c8_i = tb.between(0, 4095), d.cfg_in_last_i = tb.between(0, 7), d.cfg_out_c8_i = tb.between(0, 4095), d.cfg_z_in_i = tb.random();
    }

    // Runs one layer whose weights are written; returns its cycles from start to done.
    uint64_t run(const Layer &l, const Tensors &t)
    {
        auto &d = tb.dut;
        l.set(d);
        d.cfg_wait_prev_i = l.wait_prev, d.cfg_in_addr_i = l.in_addr, d.cfg_w_addr_i = l.w_addr;
        d.cfg_in_w_i = l.in_w, d.cfg_in_h_i = l.in_h, d.cfg_out_w_i = l.out_w, d.cfg_out_h_i = l.out_h;
        d.cfg_in_c8_i = l.in_c8(), d.cfg_in_last_i = (l.in_c - 1) % 8, d.cfg_out_c8_i = l.out_c8, d.cfg_z_in_i = (uint8_t)l.z_in;
        coming = nullptr;
        if (l.wait_prev) {
            for (int i = 0; i < l.in_words(); i++)
                memory[l.in_addr + i] = tb.random();
            coming = &l, coming_data = &t, rows_ready = 0;
            row_rate = 0.002 + 0.1 * tb.uniform();
        } else
            for (int row = 0; row < l.in_h; row++)
                store_row(l, t, row);
        expected.insert(expected.end(), t.acc.begin(), t.acc.end());
        macs = 0;
        uint64_t before = tb.cycle, limit = 3000 + 400 * (uint64_t)(l.issues(cores) + l.in_words() * 9 * l.out_c8 + (uint64_t)l.acc_beats());
        d.start_i = 1;
        tick();
        d.start_i = 0;
        for (bool done = false; !done;) {
            tb.settle();
            done = d.done_o;
            tick();
            TB_CHECK(tb, tb.cycle - before < limit, "the layer does not end");
        }
        TB_CHECK(tb, (int64_t)macs == expected_macs(l), "MAC counter: got %llu, want %lld", (unsigned long long)macs, (long long)expected_macs(l));
        coming = nullptr;
        scramble();
        return tb.cycle - before;
    }

    void drain()
    {
        for (int i = 0; !expected.empty(); i++) {
            tick();
            TB_CHECK(tb, i < 200000, "%zu accumulators never came", expected.size());
        }
        for (int i = 0; i < 20; i++)
            tick();
    }

    void reset()
    {
        auto &d = tb.dut;
        d.start_i = 0, d.wr_en_i = 0, d.rsp_valid_i = 0, d.req_ready_i = 0, d.acc_ready_i = 0;
        tb.reset();
        scramble();
    }

    Layer random_layer()
    {
        static const int channels[] = {1, 3, 8, 10, 16, 24, 64};
        for (;;) {
            Layer l;
            static_cast<Geometry &>(l) = random_geometry(tb);
            l.in_c = channels[tb.between(0, 6)];
            l.out_c8 = l.mode == DEPTHWISE ? l.in_c8() : tb.between(1, 4);
            int top = tb.between(0, 1) ? 20 : 5;
            l.in_h = tb.between(1, top), l.in_w = tb.between(1, top);
            l.out_h = random_side(tb, l.in_h, l.stride_y, l.pad_top, l.reach_y()), l.out_w = random_side(tb, l.in_w, l.stride_x, l.pad_left, l.reach_x());
            if (l.w_words(cores) > 2048)
                continue;
            return place(l);
        }
    }

    Layer place(Layer l)
    {
        l.wait_prev = tb.between(0, 1);
        l.extreme = tb.between(0, 7) == 0;
        l.z_in = l.extreme ? (tb.between(0, 1) ? 127 : -128) : tb.between(-128, 127);
        l.in_addr = tb.between(0, 65536 - l.in_words());
        l.w_addr = tb.between(0, 2048 - l.w_words(cores));
        return l;
    }
};

// Random layers of every kind, fully connected layers, corner sizes.
template <class D> void run_random(ArrayBench<D> &bench)
{
    Tb<D> &tb = bench.tb;
    std::vector<Layer> list;
    for (int in : {1, 8, 77, 640, 4093})
        list.push_back(Layer{{CONV1X1, 1, 1, 0, 0}, 1, 1, 1, 1, in, in > 2000 ? 2 : 3});
    for (int w = 2; w <= 5; w++) {       // an accumulator comes back soon
        list.push_back(Layer{{CONV1X1, 1, 1, 0, 0}, 2, w, 2, w, 40, 2});
        list.push_back(Layer{{CONV3X3, 1, 1, 1, 1}, 3, w, 3, w, 25, 3});
    }
    list.push_back(Layer{{CONV3X3, 1, 1, 1, 1}, 4, 1, 4, 1, 24, 2});       // a single column
    list.push_back(Layer{{CONV3X3, 1, 1, 1, 1}, 1, 1, 1, 1, 9, 1});
    list.push_back(Layer{{DEPTHWISE, 1, 1, 1, 1}, 1, 1, 1, 1, 40, 5});
    list.push_back(Layer{{CONV1X1, 2, 2, 0, 0}, 1, 1023, 1, 512, 3, bench.cores / 8});   // the whole row buffer
    for (int i = 0; i < 120;) {
        Layer l = bench.random_layer();
        if (l.issues(bench.cores) > 12000)
            continue;
        list.push_back(l);
        i++;
    }
    for (Layer l : list) {
        l = bench.place(l);
        bench.grant = tb.uniform() * 0.9 + 0.1, bench.answer = tb.uniform() * 0.8 + 0.2, bench.accept = tb.uniform() < 0.3 ? 0.1 : 0.95;
        Tensors t = bench.make(l);
        bench.write_weights(l, t);
        try {
            bench.run(l, t);
            if (tb.between(0, 3) == 0)
                bench.drain();
        } catch (const TbFailure &failure) {
            char text[700];
            snprintf(text, sizeof text, "mode %d stride %d,%d windows %dx%d step %d,%d pad %d,%d in %dx%dx%d out %dx%dx%d wait %d: %s", l.mode, l.stride_y, l.stride_x, l.win_h, l.win_w,
                     l.step_y, l.step_x, l.pad_top, l.pad_left, l.in_h, l.in_w,
                     l.in_c, l.out_h, l.out_w, l.out_c8 * 8, l.wait_prev, failure.what());
            throw TbFailure(text);
        }
    }
    bench.drain();
}

// The layers of a ResNet-8 back to back, reads always granted, accumulators always taken: how busy are the multipliers?
template <class D> void run_resnet8(ArrayBench<D> &bench, int image_channels)
{
    auto conv = [](const char *name, int stride, int size, int in, int out) {
        return Layer{{CONV3X3, stride, stride, stride == 1, stride == 1}, size, size, size / stride, size / stride, in, out / 8, false, false, name};
    };
    auto point = [](const char *name, int stride, int size, int in, int out) {
        return Layer{{CONV1X1, stride, stride, 0, 0}, size, size, (size - 1) / stride + 1, (size - 1) / stride + 1, in, out / 8, false, false, name};
    };
    std::vector<Layer> list = {
        conv("conv 3x3", 1, 32, image_channels, 16), conv("conv 3x3", 1, 32, 16, 16), conv("conv 3x3", 1, 32, 16, 16),
        conv("conv 3x3 /2", 2, 32, 16, 32), conv("conv 3x3", 1, 16, 32, 32), point("conv 1x1 /2", 2, 32, 16, 32),
        conv("conv 3x3 /2", 2, 16, 32, 64), conv("conv 3x3", 1, 8, 64, 64), point("conv 1x1 /2", 2, 16, 32, 64),
        point("fully connected", 1, 1, 64, 16),
    };
    std::vector<Tensors> tensors;
    int next = 0;
    for (auto &l : list) {
        l.z_in = -5;
        l.w_addr = next;
        next += l.w_words(bench.cores);
        tensors.push_back(bench.make(l));
        bench.write_weights(l, tensors.back());
    }
    uint64_t cycles = 0, busy = 0;
    printf("     array of %d cores, ResNet-8, %d image channel(s): cycles, busy %%, starved %%, blocked %%\n", bench.cores, image_channels);
    for (size_t i = 0; i < list.size(); i++) {
        bench.busy = bench.starved = bench.blocked = 0;
        uint64_t n = bench.run(list[i], tensors[i]);
        const Layer &l = list[i];
        printf("     %-16s %2dx%2dx%2d -> %2dx%2dx%2d %7llu %6.1f %6.1f %6.1f\n", l.name, l.in_h, l.in_w, l.in_c, l.out_h, l.out_w, l.out_c8 * 8,
               (unsigned long long)n, 100.0 * bench.busy / n, 100.0 * bench.starved / n, 100.0 * bench.blocked / n);
        if (l.mode == CONV3X3 && l.in_c % 8 == 0)
            TB_CHECK(bench.tb, bench.busy >= (bench.cores == 8 ? 0.97 : 0.96) * n, "layer %zu: multipliers are busy in %.1f %% of the cycles only", i, 100.0 * bench.busy / n);
        cycles += n;
        busy += bench.busy;
    }
    printf("     all layers: %llu cycles, busy %.1f %%\n", (unsigned long long)cycles, 100.0 * busy / cycles);
    // One pair a cycle out of the row buffer bounds the first and the 1x1 layers; with 16 cores they weigh more.
    TB_CHECK(bench.tb, busy >= (bench.cores == 8 ? 0.90 : 0.80) * cycles, "multipliers are busy in %.1f %% of the cycles only", 100.0 * busy / cycles);
    bench.drain();
}

template <class D> void run_array_engine(Tb<D> &tb, int cores)
{
    ArrayBench<D> bench(tb, cores);
    bench.reset();
    run_random(bench);
    if (!tb.stalls) {
        run_resnet8(bench, 1);
        run_resnet8(bench, 3);
    }
}

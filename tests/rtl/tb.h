// SPDX-License-Identifier: Apache-2.0
// The one skeleton of all unit benches: clock, reset, random stalls, a seed, a waveform on request, one result line, a real exit code.
//
//   int main(int argc, char **argv) { return tb_main<Vunit>(argc, argv, "unit", run); }
//   void run(Tb<Vunit> &tb) { ... tb.tick(); ... TB_CHECK(tb, got == want, "beat %d: got %d, want %d", i, got, want); }
//
// run() is called twice: with stalls (tb.stalls true, tb.coin(p) random) and without (tb.coin(p) always true).
// Arguments: --seed N, --trace FILE.vcd (the bench must be built with TRACE=1).
#pragma once
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <verilated.h>
#if VM_TRACE
#include <verilated_vcd_c.h>
#endif

struct TbFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class Dut> struct Tb {
    VerilatedContext context;
    Dut dut{&context};
    std::mt19937_64 random;
    bool stalls = false;
    uint64_t cycle = 0, checks = 0;
#if VM_TRACE
    VerilatedVcdC vcd;
#endif
    Tb(uint64_t seed, const std::string &trace) : random(seed)
    {
#if VM_TRACE
        if (!trace.empty()) {
            context.traceEverOn(true);
            dut.trace(&vcd, 99);
            vcd.open(trace.c_str());
        }
#else
        if (!trace.empty())
            throw TbFailure("built without waveforms: make with TRACE=1");
#endif
    }
    ~Tb() { dut.final(); }

    // Inputs set before tick() are sampled by its rising edge. Combinational outputs for the present inputs: settle().
    void settle() { dut.eval(); }
    void tick()
    {
        dut.clk_i = 0;
        dut.eval();
        dump(cycle * 10);
        dut.clk_i = 1;
        dut.eval();
        dump(cycle * 10 + 5);
        if (++cycle > limit)
            throw TbFailure("the bench ran into its cycle limit");
    }
    void reset(int cycles = 4)
    {
        dut.rst_i = 1;
        for (int i = 0; i < cycles; i++)
            tick();
        dut.rst_i = 0;
    }
    // True with probability p; always true in the run without stalls. Use for "offer data now" and "accept now".
    bool coin(double p = 0.5) { return !stalls || uniform() < p; }
    double uniform() { return (random() >> 11) * 0x1p-53; }
    int64_t between(int64_t lo, int64_t hi) { return lo + (int64_t)(random() % (uint64_t)(hi - lo + 1)); }
    // For benches with clocks of their own, which do without tick(): one edge has been simulated, at this time.
    void advance(uint64_t time)
    {
        dump(time);
        if (++cycle > limit)
            throw TbFailure("the bench ran into its cycle limit");
    }
    uint64_t limit = 200000000;

  private:
    void dump(uint64_t time)
    {
        (void)time;
#if VM_TRACE
        if (vcd.isOpen())
            vcd.dump(time);
#endif
    }
};

#define TB_CHECK(tb, condition, ...)                                                                                                       \
    do {                                                                                                                                   \
        (tb).checks++;                                                                                                                     \
        if (!(condition))                                                                                                                  \
            tb_fail(__FILE__, __LINE__, (tb).cycle, __VA_ARGS__);                                                                          \
    } while (0)

[[noreturn]] __attribute__((format(printf, 4, 5))) inline void tb_fail(const char *file, int line, uint64_t cycle, const char *format, ...)
{
    char text[512], where[640];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    snprintf(where, sizeof where, "%s:%d: cycle %llu: %s", file, line, (unsigned long long)cycle, text);
    throw TbFailure(where);
}

template <class Dut> int tb_main(int argc, char **argv, const char *name, void (*run)(Tb<Dut> &))
{
    uint64_t seed = 1;
    std::string trace;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], nullptr, 0);
        else if (!strcmp(argv[i], "--trace"))
            trace = argv[i + 1];
    }
    for (int stalls = 1; stalls >= 0; stalls--) {
        try {
            Tb<Dut> tb(seed, stalls ? trace : "");
            tb.stalls = stalls;
            run(tb);
            if (tb.checks == 0)
                throw TbFailure("the bench checked nothing");
            printf("ok   rtl/%s %s: %llu checks, %llu cycles\n", name, stalls ? "with stalls" : "no stalls", (unsigned long long)tb.checks, (unsigned long long)tb.cycle);
        } catch (const TbFailure &failure) {
            printf("FAIL rtl/%s %s (seed %llu; waveform: make rtl-%s TRACE=1 ARGS='--seed %llu --trace /tmp/%s.vcd'): %s\n", name, stalls ? "with stalls" : "no stalls",
                   (unsigned long long)seed, name, (unsigned long long)seed, name, failure.what());
            return 1;
        }
    }
    return 0;
}

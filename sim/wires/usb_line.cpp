// SPDX-License-Identifier: Apache-2.0
// Symbols to edges and back; the contract is in usb_line.h.
#include "usb_line.h"

#include <algorithm>
#include <cmath>

// Longest packet that is recorded: 1023 bytes with all stuffing and then some. A device that babbles longer is cut off at the frame's end anyway.
static const size_t MAX_RUNS = 12000;

static int64_t spread(int32_t limit, std::mt19937_64 &random)
{
    return limit ? std::uniform_int_distribution<int64_t>(-limit, limit)(random) : 0;
}

void LineTransmitter::start(uint64_t at_ps, const std::vector<Line> &symbols, const BitTiming &timing, std::mt19937_64 &random)
{
    const double bit = bit_ps(timing.ppm);
    // Room for the earliest edge.
    const uint64_t begin = at_ps + 20'000;
    edges.clear();
    next = 0;
    Line level = LINE_J;
    uint64_t last = begin;
    eop = begin;
    for (size_t i = 0; i < symbols.size(); i++) {
        if (symbols[i] == level)
            continue;
        int64_t late = spread(timing.jitter_ps, random);
        if (level == LINE_J && symbols[i] == LINE_K)
            late += timing.asymmetry_ps;
        else if (level == LINE_K && symbols[i] == LINE_J)
            late -= timing.asymmetry_ps;
        uint64_t at = std::max(last, (uint64_t)((double)begin + (double)i * bit + (double)late));
        bool both = symbols[i].dp != level.dp && symbols[i].dn != level.dn;
        if (both && timing.skew_ps) {
            int64_t skew = spread(timing.skew_ps, random);
            Line half = skew >= 0 ? Line{symbols[i].dp, level.dn} : Line{level.dp, symbols[i].dn};
            edges.push_back({at, half});
            at += (uint64_t)std::abs(skew);
        }
        edges.push_back({at, symbols[i]});
        last = at;
        if (level == LINE_SE0)
            eop = at;
        level = symbols[i];
    }
    uint64_t end = std::max(last, (uint64_t)((double)begin + (double)symbols.size() * bit));
    if (eop == begin)
        eop = end; // cut off without an EOP
    edges.push_back({end, LINE_J});
}

void LineReceiver::clear()
{
    runs.clear();
    started = false;
}

bool LineReceiver::edge(uint64_t at_ps, Line line, bool driven)
{
    if (!started) {
        if (!driven || line != LINE_K)
            return false;
        started = true;
        first = at_ps;
    }
    bool whole = !driven || (!runs.empty() && runs.back().line == LINE_SE0 && line == LINE_J);
    if (runs.size() < MAX_RUNS && (runs.empty() || runs.back().line != line || !driven))
        runs.push_back({at_ps, line});
    return whole;
}

std::vector<Line> LineReceiver::symbols(LineCounts &counts) const
{
    const double bit = bit_ps(0);
    std::vector<Line> symbols{LINE_J};
    for (size_t i = 0; i + 1 < runs.size(); i++) {
        double width = (double)(runs[i + 1].at - runs[i].at);
        if (runs[i].line == LINE_SE0) {
            counts.bad_eop += width < 160'000 || width > 175'000;
            continue;
        }
        double bits = std::max(1.0, std::round(width / bit));
        double error = std::abs(width - bits * bit);
        counts.widest_bit_error_ps = std::max(counts.widest_bit_error_ps, (int64_t)error);
        counts.bad_bit_width += error > 3'500 + bits * bit * 0.0025;
        symbols.insert(symbols.end(), (size_t)std::min(bits, 64.0), runs[i].line);
    }
    return symbols;
}

// SPDX-License-Identifier: Apache-2.0
// The two ends of the host's transceiver in time: symbols to edges with jitter, and the device's edges back to symbols.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "usb_host.h"

constexpr uint64_t NEVER = UINT64_MAX;

// Bit time of full speed for a clock that is off by so much.
inline double bit_ps(double ppm) { return 1e6 / 12 / (1 + ppm * 1e-6); }

// Edges of one packet. The driver is on from the first edge until end().
class LineTransmitter {
  public:
    void start(uint64_t at_ps, const std::vector<Line> &symbols, const BitTiming &timing, std::mt19937_64 &random);
    bool busy() const { return next < edges.size(); }
    uint64_t next_event() const { return edges[next].at; }
    Line take() { return edges[next++].line; } // the edge at next_event(); the last one is the end of driving
    uint64_t eop_ps() const { return eop; }    // the SE0 to J transition, from which the device's turn is measured
    void stop() { next = edges.size(); }

  private:
    struct Edge {
        uint64_t at;
        Line line;
    };
    std::vector<Edge> edges;
    size_t next = 0;
    uint64_t eop = 0;
};

// Collects the device's edges; a packet is whole at the transition from SE0 to J, or when the device lets go.
class LineReceiver {
  public:
    void clear();
    bool active() const { return started; }             // since the first K
    uint64_t first_ps() const { return first; }
    bool edge(uint64_t at_ps, Line line, bool driven);  // true: a packet is whole
    // One symbol a bit time, each run of equal levels counted anew from its transition (an ideal clock recovery). Checks widths for `counts`.
    std::vector<Line> symbols(HostCounts &counts) const;

  private:
    struct Run {
        uint64_t at;
        Line line;
    };
    std::vector<Run> runs;
    uint64_t first = 0;
    bool started = false;
};

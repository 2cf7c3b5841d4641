// SPDX-License-Identifier: Apache-2.0
// The two ends of the host's transceiver in time: symbols to edges with jitter, and the device's edges back to symbols.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "usb_packet.h"

constexpr uint64_t NEVER = UINT64_MAX;

// Bit time of full speed for a clock that is off by so much.
inline double bit_ps(double ppm) { return 1e6 / 12 / (1 + ppm * 1e-6); }

// Bit timing of the host's transmitter as it reaches the device. Limits (USB 2.0, 7.1.11, 7.1.13, 7.1.15): +-500 ppm; at a receiver +-18.5 ns
// between neighbouring transitions and +-9 ns between transitions of the same direction, so |asymmetry| * 2 + jitter * 2 <= 18.5 ns, jitter * 2 <= 9 ns.
struct BitTiming {
    double ppm = 0;            // offset of the host's clock
    int32_t jitter_ps = 0;     // every transition moves by a random amount of at most +- this
    int32_t asymmetry_ps = 0;  // J to K transitions come so much late, K to J transitions so much early
    int32_t skew_ps = 0;       // D- changes at most so much before or after D+ (7.1.4: below 14 ns)
};

// The device's edges against the standard: SE0 of its EOP outside 160...175 ns (7.1.13.2.1), a transition further than 3.5 ns + 0.25 % from its place
// after the one before (7.1.13.1.1).
struct LineCounts {
    uint64_t bad_eop = 0, bad_bit_width = 0;
    int64_t widest_bit_error_ps = 0;
};

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
    std::vector<Line> symbols(LineCounts &counts) const;

  private:
    struct Run {
        uint64_t at;
        Line line;
    };
    std::vector<Run> runs;
    uint64_t first = 0;
    bool started = false;
};

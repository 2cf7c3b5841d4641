// SPDX-License-Identifier: Apache-2.0
// Watches the chip's answers on their way to stdout: how many images came how fast in simulated time, and what the array needed for them.
#pragma once

#include <string>
#include <vector>

#include "board.h"

class Figures {
  public:
    explicit Figures(const Board &board) : board(board) {}
    void came(const std::vector<uint8_t> &bytes);
    std::string json() const;

  private:
    const Board &board;
    std::vector<uint8_t> pending; // the beginning of a message
    unsigned images = 0;
    uint64_t first_ps = 0, last_ps = 0, cycles = 0; // of the first and last image's answer; of all images but the first
};

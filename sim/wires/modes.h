// SPDX-License-Identifier: Apache-2.0
// What quell-wires does, one function a mode; each returns the exit code.
#pragma once

#include <string>

#include "board.h"
#include "session.h"

struct Options {
    BoardOptions board;
    std::string mode;        // empty: byte stream on stdin and stdout
    std::string socket;      // --redir
    std::string json;        // where figures go; "-": stdout
    unsigned faults = 1000;  // --campaign
    std::string fault;       // name of the only kind; empty: all
    uint64_t seed = 1;
    bool stats = false, verbose = false;
};

int run_stream(Board &board, const Options &options);
int run_enumerate(Board &board, const Options &options);
int run_throughput(Board &board, const Options &options);
int run_campaign(Board &board, const Options &options);

void write_json(const std::string &path, const std::string &text); // throws if it cannot
std::string status_name(TransferStatus status);

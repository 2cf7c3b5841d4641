// SPDX-License-Identifier: Apache-2.0
// Random conversations with the chip whose every answer is foreseen: WRITE, READ and INFO on a piece of activation memory that is mirrored here.
#pragma once

#include <deque>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "chip.h"

enum class Talk { RIGHT, LOST, FAILED, WRONG }; // LOST: the stream broke; FAILED: silence or damaged answers; WRONG: a valid answer with wrong content

class Conversation {
  public:
    Conversation(Board &board, std::mt19937_64 &random) : chip(board), board(board), random(random) {}

    std::string begin(bool patient);             // a new session; "" or what went wrong. What the last one left uncertain is read back and must fit.
    std::string fill();                          // gives the whole mirrored memory known content
    Talk run(unsigned messages);                 // that many requests, two ahead
    void cut(size_t bytes);                      // begin a request and stop after so many of its bytes
    void end() { chip.close(); }
    std::string problem;                         // of the last run() that was not RIGHT
    std::function<void()> while_waiting;         // called every 10 us of a run
    unsigned wrong_answers = 0;
    Chip chip;

  private:
    struct Request {
        uint32_t opcode, index, words;
        std::vector<uint8_t> data;               // WRITE: what is written; READ: what must come
    };
    void ask(uint32_t opcode, uint32_t index, uint32_t words);
    Talk hear();
    Talk say(Talk talk, const std::string &text);
    std::string resolve();
    size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); }

    Board &board;
    std::mt19937_64 &random;
    std::vector<uint8_t> memory;                 // after all requests sent so far
    std::deque<Request> due;
    std::vector<uint8_t> before;                 // memory before the requests of `due`
    std::vector<uint8_t> first_info;
};

// SPDX-License-Identifier: Apache-2.0
// A client of the command channel (docs/protocol.md) over the simulated wires, that believes nothing: CRC, order and content of every answer are checked.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "quell_protocol.h"
#include "session.h"

struct Answer {
    uint32_t opcode = 0, sequence = 0, status = 0;
    std::vector<uint8_t> payload;
};

enum class Got { ANSWER, NOTHING, LOST, DAMAGED }; // NOTHING: not in time; LOST: the stream broke; DAMAGED: what came is no answer that is due

class Chip {
  public:
    explicit Chip(Board &board) : board(board) {}
    ~Chip() { close(); }

    // A new session on the configured device, whatever an earlier one has left in the chip: INFO again and again until the answer to the last one comes.
    // `patient`: a further INFO only after an error answer, so that the chip's own time-out is what ends a cut message. "" or what went wrong.
    std::string open(std::mt19937_64 &random, bool patient, size_t chunk = 16384);
    void close();
    const qp_info &info() const { return about; }

    void send(uint32_t opcode, const std::vector<uint8_t> &payload);
    void send_piece(uint32_t opcode, const std::vector<uint8_t> &payload, size_t bytes); // only the beginning of a message
    Got receive(Answer &answer, uint64_t limit_ps);
    size_t under_way() const { return sent.size(); }
    bool broken() const { return !stream || stream->broken(); }
    TransferStatus why() const { return stream ? stream->why() : TransferStatus::GONE; }

    static std::vector<uint8_t> message(uint32_t opcode, uint32_t sequence, const std::vector<uint8_t> &payload);

  private:
    struct Due {
        uint32_t opcode, sequence;
    };
    bool find_info(uint32_t number, bool &refused);
    Board &board;
    std::unique_ptr<Stream> stream;
    std::vector<uint8_t> pending;
    std::deque<Due> sent;
    uint32_t sequence = 0;
    qp_info about{};
};

// Little-endian words.
void put32(std::vector<uint8_t> &bytes, uint32_t value);
uint32_t get32(const uint8_t *bytes);

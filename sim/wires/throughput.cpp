// SPDX-License-Identifier: Apache-2.0
// Mode --throughput: bulk rates in simulated time, the chip taking and giving every byte: WRITE messages of the greatest length, then READ answers.
// What was written must come back. Bytes are those of whole messages on the endpoint that carries the bulk.
#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "chip.h"
#include "modes.h"

static const uint64_t LIMIT_PS = 1000 * PS_PER_MS;
static const unsigned AHEAD = 4;     // requests under way, as the host library has
static const unsigned MESSAGES = 12; // in each direction
static const uint32_t WRITE_WORDS = (QP_MAX_PAYLOAD - sizeof(qp_write)) / 8, READ_WORDS = QP_MAX_PAYLOAD / 8;

// Splitmix64 of a word's number and the round in which it is written: random enough for the usual share of stuffed bits.
static uint64_t word(uint32_t index, uint32_t round)
{
    uint64_t x = ((uint64_t)round << 32 | index) * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static std::vector<uint8_t> word_bytes(uint32_t index, uint32_t words, uint32_t round)
{
    std::vector<uint8_t> bytes;
    for (uint32_t i = 0; i < words; i++) {
        put32(bytes, (uint32_t)word(index + i, round));
        put32(bytes, (uint32_t)(word(index + i, round) >> 32));
    }
    return bytes;
}

static Answer receive(Chip &chip)
{
    Answer answer;
    Got got = chip.receive(answer, LIMIT_PS);
    if (got != Got::ANSWER || answer.status != QP_OK)
        throw std::runtime_error("throughput: no answer, or status " + std::to_string(answer.status) + ", stream " + status_name(chip.why()));
    return answer;
}

// `count` requests, AHEAD under way, after a first one that fills the pipe; -> picoseconds from the first answer to the last.
template <class Send, class Check> static uint64_t stream_requests(Board &board, Chip &chip, unsigned count, Send send, Check check)
{
    unsigned asked = 0;
    uint64_t first = 0;
    for (unsigned answered = 0; answered <= count; answered++) {
        for (; asked <= count && asked - answered < AHEAD; asked++)
            send(asked);
        check(answered, receive(chip));
        if (answered == 0)
            first = board.now();
    }
    return board.now() - first;
}

int run_throughput(Board &board, const Options &options)
{
    std::mt19937_64 random(options.seed);
    Chip chip(board);
    std::string problem = enumerate(board, 7);
    if (problem.empty() && flush(board) != TransferStatus::DONE)
        problem = "QUSB_FLUSH failed";
    if (problem.empty())
        problem = chip.open(random, false);
    if (!problem.empty())
        throw std::runtime_error("throughput: " + problem);

    const uint32_t places = chip.info().act_words / READ_WORDS;
    auto at = [&](unsigned n) { return n % places * READ_WORDS; };
    uint64_t out_ps = stream_requests(
        board, chip, MESSAGES,
        [&](unsigned n) {
            std::vector<uint8_t> payload;
            put32(payload, QP_MEM_ACTIVATION);
            put32(payload, at(n));
            put32(payload, WRITE_WORDS);
            std::vector<uint8_t> words = word_bytes(at(n), WRITE_WORDS, n);
            payload.insert(payload.end(), words.begin(), words.end());
            chip.send(QP_WRITE, payload);
        },
        [](unsigned, const Answer &) {});
    uint64_t in_ps = stream_requests(
        board, chip, MESSAGES,
        [&](unsigned n) {
            std::vector<uint8_t> payload;
            put32(payload, at(n));
            put32(payload, READ_WORDS);
            chip.send(QP_READ, payload);
        },
        [&](unsigned n, const Answer &answer) {
            // The last WRITE to this place.
            unsigned round = n % places + (MESSAGES - n % places) / places * places;
            std::vector<uint8_t> words = word_bytes(at(n), WRITE_WORDS, round);
            if (answer.payload.size() != READ_WORDS * 8 || !std::equal(words.begin(), words.end(), answer.payload.begin()))
                throw std::runtime_error("throughput: READ gives other bytes than were written");
        });
    chip.close();
    double out = MESSAGES * (double)(sizeof(qp_header) + sizeof(qp_write) + WRITE_WORDS * 8) / ((double)out_ps * 1e-12);
    double in = MESSAGES * (double)(sizeof(qp_header) + READ_WORDS * 8) / ((double)in_ps * 1e-12);
    char text[256];
    snprintf(text, sizeof text, "{\"usb_out_bytes_per_s\": %.0f, \"usb_in_bytes_per_s\": %.0f, \"system_hz\": %.0f}\n", out, in, board.system_hz());
    write_json(options.json.empty() ? "-" : options.json, text);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Conversations with the chip; the contract is in talk.h.
#include "talk.h"

#include <algorithm>
#include <cstring>
#include <utility>

static const uint32_t WORDS = 256, MOST = 24; // mirrored words; words of one message
static const uint64_t LIMIT_PS = 60 * PS_PER_MS; // longer than the chip's time-out for cut messages
static const size_t AHEAD = 2;

static void apply(std::vector<uint8_t> &memory, uint32_t index, const std::vector<uint8_t> &data)
{
    std::copy(data.begin(), data.end(), memory.begin() + index * 8);
}

void Conversation::ask(uint32_t opcode, uint32_t index, uint32_t words)
{
    Request request{opcode, index, words, {}};
    std::vector<uint8_t> payload;
    if (opcode == QP_WRITE) {
        request.data.resize(words * 8);
        bool ones = below(4) == 0; // long runs of ones are stuffed
        for (uint8_t &byte : request.data)
            byte = ones ? 0xFF : (uint8_t)random();
        put32(payload, QP_MEM_ACTIVATION);
        put32(payload, index);
        put32(payload, words);
        payload.insert(payload.end(), request.data.begin(), request.data.end());
        apply(memory, index, request.data);
    } else if (opcode == QP_READ) {
        put32(payload, index);
        put32(payload, words);
        request.data.assign(memory.begin() + index * 8, memory.begin() + (index + words) * 8);
    }
    chip.send(opcode, payload);
    due.push_back(std::move(request));
}

Talk Conversation::say(Talk talk, const std::string &text)
{
    problem = text;
    wrong_answers += talk == Talk::WRONG;
    return talk;
}

// The answer to the oldest request.
Talk Conversation::hear()
{
    Answer answer;
    Got got = Got::NOTHING;
    for (const uint64_t end = board.now() + LIMIT_PS; got == Got::NOTHING && board.now() < end;) {
        if (while_waiting)
            while_waiting();
        got = chip.receive(answer, 10 * PS_PER_US);
    }
    if (got == Got::LOST)
        return say(Talk::LOST, "transfer ended with " + std::to_string((int)chip.why()));
    if (got != Got::ANSWER)
        return say(Talk::FAILED, got == Got::NOTHING ? "no answer" : "a damaged answer, or one that was not due");
    const Request request = due.front();
    const char *what = request.opcode == QP_READ ? "READ" : request.opcode == QP_WRITE ? "WRITE" : "INFO";
    if (answer.status != QP_OK)
        return say(Talk::WRONG, std::string(what) + " was refused: status " + std::to_string(answer.status));
    const std::vector<uint8_t> &right = request.opcode == QP_INFO ? first_info : request.data;
    if (request.opcode == QP_WRITE ? !answer.payload.empty() : answer.payload != right)
        return say(Talk::WRONG, std::string(what) + " has wrong content");
    if (request.opcode == QP_WRITE)
        apply(before, request.index, request.data);
    due.pop_front();
    return Talk::RIGHT;
}

Talk Conversation::run(unsigned messages)
{
    for (unsigned asked = 0, heard = 0; heard < messages; heard++) {
        for (; asked < messages && asked - heard < AHEAD; asked++) {
            uint32_t words = 1 + (uint32_t)below(MOST), index = (uint32_t)below(WORDS - words + 1), kind = (uint32_t)below(8);
            ask(kind == 0 ? QP_INFO : kind < 4 ? QP_WRITE : QP_READ, index, words);
        }
        Talk talk = hear();
        if (talk != Talk::RIGHT)
            return talk;
    }
    return Talk::RIGHT;
}

void Conversation::cut(size_t bytes)
{
    std::vector<uint8_t> payload(12 + 8 * MOST);
    payload[0] = QP_MEM_ACTIVATION;
    payload[8] = MOST;
    chip.send_piece(QP_WRITE, payload, bytes);
}

std::string Conversation::begin(bool patient)
{
    std::string text = chip.open(random, patient);
    if (!text.empty())
        return text;
    first_info.assign((const uint8_t *)&chip.info(), (const uint8_t *)&chip.info() + sizeof(qp_info));
    return memory.empty() ? fill() : resolve();
}

std::string Conversation::fill()
{
    due.clear();
    memory.assign(WORDS * 8, 0);
    before = memory;
    for (uint32_t index = 0; index < WORDS; index += 16) {
        ask(QP_WRITE, index, 16);
        if (hear() != Talk::RIGHT)
            return problem;
    }
    return "";
}

// Requests whose answer never came were done up to some point, in order, each wholly or not at all; which, the memory tells.
std::string Conversation::resolve()
{
    std::deque<Request> open = std::exchange(due, {});
    std::vector<std::vector<uint8_t>> possible{before};
    for (const Request &request : open)
        if (request.opcode == QP_WRITE) {
            possible.push_back(possible.back());
            apply(possible.back(), request.index, request.data);
        }
    if (possible.size() == 1) {
        memory = before;
        return "";
    }
    std::vector<uint8_t> found;
    for (uint32_t index = 0; index < WORDS; index += 64) {
        std::vector<uint8_t> payload;
        put32(payload, index);
        put32(payload, 64);
        chip.send(QP_READ, payload);
        Answer answer;
        if (chip.receive(answer, LIMIT_PS) != Got::ANSWER || answer.status != QP_OK || answer.payload.size() != 64 * 8)
            return "READ after the new session failed";
        found.insert(found.end(), answer.payload.begin(), answer.payload.end());
    }
    if (std::find(possible.begin(), possible.end(), found) == possible.end()) {
        wrong_answers++;
        return "the memory holds what was never written";
    }
    memory = before = found;
    return "";
}

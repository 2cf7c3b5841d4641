// SPDX-License-Identifier: Apache-2.0
// Client of the command channel; the contract is in chip.h.
#include "chip.h"

#include <algorithm>
#include <cstring>
#include <zlib.h>

static const uint64_t LOOK_PS = 10 * PS_PER_US;
static const uint64_t PATIENCE_PS = 100 * PS_PER_MS; // more than QP_RESYNC_CYCLES
static const uint64_t AGAIN_PS = 300 * PS_PER_US;    // an impatient host says INFO again
static const unsigned MAX_TRIES = 600;               // enough to fill the longest message that was cut

void put32(std::vector<uint8_t> &bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes.push_back((uint8_t)(value >> 8 * i));
}

uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t checksum(const uint8_t *message, size_t length)
{
    uLong crc = crc32(crc32(0, nullptr, 0), message, 20);
    return (uint32_t)(length ? crc32(crc, message + sizeof(qp_header), (uInt)length) : crc);
}

std::vector<uint8_t> Chip::message(uint32_t opcode, uint32_t sequence, const std::vector<uint8_t> &payload)
{
    std::vector<uint8_t> bytes;
    put32(bytes, QP_MAGIC);
    put32(bytes, QP_VERSION | opcode << 16);
    put32(bytes, sequence);
    put32(bytes, (uint32_t)payload.size());
    put32(bytes, QP_OK);
    put32(bytes, 0);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    uint32_t crc = checksum(bytes.data(), payload.size());
    for (int i = 0; i < 4; i++)
        bytes[20 + (size_t)i] = (uint8_t)(crc >> 8 * i);
    return bytes;
}

// Looks for INFO's answer with this number behind whatever the last session left. `refused`: the chip has said an error meanwhile.
bool Chip::find_info(uint32_t number, bool &refused)
{
    for (size_t at = 0; at + sizeof(qp_header) <= pending.size(); at++) {
        const uint8_t *p = pending.data() + at;
        uint32_t length = get32(p + 12);
        if (get32(p) != QP_MAGIC || (length != sizeof(qp_info) && length != sizeof(qp_error)) || at + sizeof(qp_header) + length > pending.size() || get32(p + 20) != checksum(p, length))
            continue;
        refused |= get32(p + 16) != QP_OK;
        if (get32(p + 4) >> 16 != QP_INFO || get32(p + 16) != QP_OK || get32(p + 8) != number)
            continue;
        memcpy(&about, p + sizeof(qp_header), sizeof about);
        pending.erase(pending.begin(), pending.begin() + (ptrdiff_t)(at + sizeof(qp_header) + length));
        return true;
    }
    return false;
}

std::string Chip::open(std::mt19937_64 &random, bool patient, size_t chunk)
{
    close();
    stream = std::make_unique<Stream>(board, chunk);
    pending.clear();
    for (unsigned tries = 0; tries < MAX_TRIES; tries++) {
        uint32_t number = (uint32_t)random();
        bool refused = false;
        size_t before = pending.size();
        std::vector<uint8_t> bytes = message(QP_INFO, number, {});
        stream->write(bytes.data(), bytes.size());
        const uint64_t end = board.now() + (patient ? PATIENCE_PS : AGAIN_PS);
        while (board.now() < end && !stream->broken()) {
            board.run_for(LOOK_PS);
            std::vector<uint8_t> more = stream->read();
            pending.insert(pending.end(), more.begin(), more.end());
            refused = false;
            if (find_info(number, refused)) {
                sequence = number + 1;
                return "";
            }
            if (patient && refused && pending.size() > before) {
                pending.clear();
                break;
            }
        }
        if (stream->broken())
            return "the stream broke during the first INFO: " + std::to_string((int)stream->why());
    }
    return "no answer to INFO";
}

void Chip::close()
{
    stream.reset();
    sent.clear();
}

void Chip::send(uint32_t opcode, const std::vector<uint8_t> &payload)
{
    std::vector<uint8_t> bytes = message(opcode, sequence, payload);
    stream->write(bytes.data(), bytes.size());
    sent.push_back({opcode, sequence++});
}

void Chip::send_piece(uint32_t opcode, const std::vector<uint8_t> &payload, size_t bytes)
{
    std::vector<uint8_t> whole = message(opcode, sequence, payload);
    stream->write(whole.data(), std::min(bytes, whole.size()));
}

Got Chip::receive(Answer &answer, uint64_t limit_ps)
{
    if (!stream)
        return Got::LOST;
    for (const uint64_t end = board.now() + limit_ps;; board.run_for(LOOK_PS)) {
        std::vector<uint8_t> more = stream->read();
        pending.insert(pending.end(), more.begin(), more.end());
        if (pending.size() >= sizeof(qp_header)) {
            const uint8_t *p = pending.data();
            uint32_t length = get32(p + 12);
            if (get32(p) != QP_MAGIC || length > QP_MAX_PAYLOAD || sent.empty())
                return Got::DAMAGED;
            if (pending.size() >= sizeof(qp_header) + length) {
                answer = {get32(p + 4) >> 16, get32(p + 8), get32(p + 16), {p + sizeof(qp_header), p + sizeof(qp_header) + length}};
                bool right = get32(p + 20) == checksum(p, length) && answer.opcode == sent.front().opcode && answer.sequence == sent.front().sequence;
                pending.erase(pending.begin(), pending.begin() + (ptrdiff_t)(sizeof(qp_header) + length));
                sent.pop_front();
                return right ? Got::ANSWER : Got::DAMAGED;
            }
        }
        if (stream->broken())
            return Got::LOST;
        if (board.now() >= end)
            return Got::NOTHING;
    }
}

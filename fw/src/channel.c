/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#define CRC_POLYNOMIAL 0xEDB88320u
#define CRC_HEADER_BYTES ((uint32_t)offsetof(struct qp_header, crc))

uint32_t channel_header_crc(uint32_t offset)
{
    board_write(REG(crc), 0xFFFFFFFFu);
    for (uint32_t i = 0; i < CRC_HEADER_BYTES; i += 4)
        board_write(REG(crc_data), message_word(offset + i));
    return board_read(REG(crc));
}

/* The last one to three bytes: the CRC unit takes whole words only. */
static uint32_t crc_byte(uint32_t crc, uint32_t byte)
{
    crc ^= byte;
    for (int i = 0; i < 8; i++)
        crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
    return crc;
}

void channel_answer(uint32_t offset, uint32_t opcode, uint32_t sequence, uint32_t status, uint32_t length)
{
    const uint32_t header[] = {QP_MAGIC, QP_VERSION | opcode << 16, sequence, length, status};
    for (uint32_t i = 0; i < CRC_HEADER_BYTES / 4; i++)
        board_write(MAP_MESSAGE + offset + 4 * i, header[i]);
    uint32_t at = offset + MESSAGE_PAYLOAD, end = at + length, crc = channel_header_crc(offset);
    for (; at + 16 <= end; at += 16) {
        board_write(REG(crc_data), message_word(at));
        board_write(REG(crc_data), message_word(at + 4));
        board_write(REG(crc_data), message_word(at + 8));
        board_write(REG(crc_data), message_word(at + 12));
    }
    for (; at + 4 <= end; at += 4)
        board_write(REG(crc_data), message_word(at));
    crc = board_read(REG(crc));
    for (; at < end; at++)
        crc = crc_byte(crc, board_read8(MAP_MESSAGE + at));
    board_write(MAP_MESSAGE + offset + CRC_HEADER_BYTES, ~crc);
    channel_send(offset, MESSAGE_PAYLOAD + length);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Driver of hw/soc/command_channel.sv and of the processor's CRC unit. Offsets are bytes in the message buffer. */
#ifndef QUELL_CHANNEL_H
#define QUELL_CHANNEL_H

#include "map.h"

static inline void channel_receive(uint32_t offset, uint32_t count)
{
    board_write(REG(rx_addr), offset);
    board_write(REG(rx_count), count);
}
static inline uint32_t channel_receive_left(void) { return board_read(REG(rx_count)); }

static inline void channel_send(uint32_t offset, uint32_t count)
{
    board_write(REG(tx_addr), offset);
    board_write(REG(tx_count), count);
}
static inline uint32_t channel_send_left(void) { return board_read(REG(tx_count)); }

static inline uint32_t channel_now(void) { return board_read(REG(time)); }

/* CRC state (not inverted) of the 20 header bytes that crc covers; the receiver goes on from there over the payload. */
uint32_t channel_header_crc(uint32_t offset);

/* Fill in header and CRC before a payload that lies at offset + 24 already, and send both. */
void channel_answer(uint32_t offset, uint32_t opcode, uint32_t sequence, uint32_t status, uint32_t length);

#endif

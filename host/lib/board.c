/* SPDX-License-Identifier: Apache-2.0 */
/* Device `usb`: a board. What happens on the USB is in usb.c, what is said over it in remote.c. */
#include <stdlib.h>

#include "remote.h"
#include "usb.h"

enum { TIMEOUT_MS = 10 * 1000 }; /* the longest layer that fits the chip takes a second */

struct board_device {
    struct quell_remote remote;
    struct quell_usb *usb;
};

static void board_reason(struct quell_remote *remote, char *text, size_t size) { quell_usb_reason(((struct board_device *)remote)->usb, text, size); }

static void board_close(quell_device *device)
{
    struct board_device *board = (struct board_device *)(void *)device;
    quell_usb_close(board->usb);
    quell_link_close(&board->remote.link);
    free(board);
}

static const struct quell_device_ops BOARD_OPS = {.load = quell_remote_load, .run = quell_remote_run, .activations = quell_remote_activations, .get_limits = quell_remote_get_limits,
                                                  .get_counters = quell_remote_get_counters, .close = board_close};

/* Seconds without a byte before the board is given up; QUELL_USB_TIMEOUT overrides it, for simulated boards. */
static int timeout_ms(void)
{
    const char *text = getenv("QUELL_USB_TIMEOUT");
    long seconds = text ? strtol(text, NULL, 10) : 0;
    return seconds > 0 && seconds < 86400 ? (int)seconds * 1000 : TIMEOUT_MS;
}

quell_status quell_board_open(const char *which, quell_device **device, quell_error *err)
{
    struct board_device *board = calloc(1, sizeof *board);
    if (!board)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a device");
    board->remote.base = (quell_device){.ops = &BOARD_OPS, .name = "usb"};
    board->remote.reason = board_reason;
    quell_status status = quell_usb_open(which, timeout_ms(), &board->usb, &board->remote.base.info.board, err);
    if (status == QUELL_OK) {
        const struct quell_wire wire = {quell_usb_read, quell_usb_write, board->usb};
        status = quell_link_open(&board->remote.link, &wire, timeout_ms(), err);
    }
    if (status == QUELL_OK)
        status = quell_remote_start(&board->remote, err);
    if (status != QUELL_OK) {
        board_close(&board->remote.base);
        return status;
    }
    *device = &board->remote.base;
    return QUELL_OK;
}

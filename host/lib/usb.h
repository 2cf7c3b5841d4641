/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boards on the USB: finding one, and its two byte streams. usb.c holds every call of libusb; board.c makes a device of it.
 * Several transfers are in flight in each direction: writing returns as soon as the bytes are queued, reading finds what has come.
 */
#ifndef QUELL_LIB_USB_H
#define QUELL_LIB_USB_H

#include "quell.h"

struct quell_usb;

/* Boards that are plugged in; at most `capacity` are described, *count tells how many there are. */
quell_status quell_usb_list(quell_board *boards, uint32_t capacity, uint32_t *count, quell_error *err);

/* Open and claim a board: the one of this serial number or place ("1-2.3": bus and ports), or with NULL the only one. What is still under way from an
 * earlier user is dropped, in the board and on the way. */
quell_status quell_usb_open(const char *which, int timeout_ms, struct quell_usb **usb, quell_board *board, quell_error *err);
void quell_usb_close(struct quell_usb *usb); /* NULL is allowed */

/* As struct quell_wire wants them; context is a struct quell_usb. */
long quell_usb_read(void *context, void *data, size_t size, int timeout_ms);
long quell_usb_write(void *context, const void *data, size_t size, int timeout_ms);

/* Why the board went away, for people; "" if it did not. */
void quell_usb_reason(struct quell_usb *usb, char *text, size_t size);

#endif

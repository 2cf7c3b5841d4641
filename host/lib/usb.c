/* SPDX-License-Identifier: Apache-2.0 */
/* Boards on the USB: every call of libusb; see usb.h. One thread: what is in flight goes on in the kernel, its end is noted by the next read or write. */
#include "usb.h"

#include <libusb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "quell_protocol.h"
#include "quell_usb.h"

/* Transfers in flight: requests go out whole; answers are mostly small, but a tensor read back comes in long ones. */
enum {
    OUT_COUNT = 8,
    OUT_BYTES = (sizeof(struct qp_header) + QP_MAX_PAYLOAD + QUSB_PACKET_SIZE - 1) / QUSB_PACKET_SIZE * QUSB_PACKET_SIZE,
    IN_COUNT = 16,
    IN_BYTES = 16 * QUSB_PACKET_SIZE,
    CONTROL_MS = 5000, /* what Linux allows a control request too */
    CLOSE_MS = 2000,   /* cancelled transfers come back within milliseconds */
};

struct slot {
    struct quell_usb *usb;
    struct libusb_transfer *transfer;
    uint8_t *buffer;
    int pending; /* in the kernel's hands */
    int taken;   /* bytes read already */
};

struct quell_usb {
    libusb_context *context;
    libusb_device_handle *handle;
    int claimed;
    struct slot out[OUT_COUNT], in[IN_COUNT];
    unsigned out_next, in_next; /* slots are used in turn: transfers of an endpoint end in the order they began */
    enum libusb_transfer_status failure; /* of the first transfer that failed; COMPLETED: none */
};

/* ---- looking for boards ---- */

static void describe_place(libusb_device *device, char *place, size_t size)
{
    uint8_t ports[7]; /* USB 2.0: at most five hubs in a row */
    int depth = libusb_get_port_numbers(device, ports, sizeof ports);
    int used = snprintf(place, size, "%u", libusb_get_bus_number(device));
    for (int i = 0; i < depth; i++)
        used += snprintf(place + used, size - (size_t)used, "%c%u", i ? '.' : '-', ports[i]);
}

static int has_endpoint(const struct libusb_interface_descriptor *d, uint8_t address)
{
    for (int i = 0; i < d->bNumEndpoints; i++)
        if (d->endpoint[i].bEndpointAddress == address && (d->endpoint[i].bmAttributes & 3) == LIBUSB_TRANSFER_TYPE_BULK)
            return 1;
    return 0;
}

/* The number pair may be shared (pid.codes' test range): the interface must be Quell's too. Needs no access to the device. */
static int is_board(libusb_device *device)
{
    struct libusb_device_descriptor d;
    struct libusb_config_descriptor *config;
    if (libusb_get_device_descriptor(device, &d) != 0 || d.idVendor != QUSB_VID || d.idProduct != QUSB_PID || libusb_get_config_descriptor(device, 0, &config) != 0)
        return 0;
    int found = 0;
    for (int i = 0; i < config->bNumInterfaces; i++) {
        const struct libusb_interface_descriptor *interface = config->interface[i].altsetting;
        found |= config->interface[i].num_altsetting > 0 && interface->bInterfaceNumber == QUSB_INTERFACE && interface->bInterfaceClass == QUSB_CLASS && has_endpoint(interface, QUSB_ENDPOINT_OUT)
                 && has_endpoint(interface, QUSB_ENDPOINT_IN);
    }
    libusb_free_config_descriptor(config);
    return found;
}

static quell_status fail(int problem, const char *place, quell_error *err)
{
    switch (problem) {
    case LIBUSB_ERROR_ACCESS:
        return quell_fail(err, QUELL_E_ACCESS,
                          "the board at USB %s may not be used by this user: the udev rule " QUELL_UDEV_RULE " is not in force. From Quell's folder: sudo cp host/udev/" QUELL_UDEV_RULE
                          " /etc/udev/rules.d/ && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb",
                          place);
    case LIBUSB_ERROR_BUSY: return quell_fail(err, QUELL_E_BUSY, "the board at USB %s is in use by another program", place);
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_NOT_FOUND: return quell_fail(err, QUELL_E_DEVICE_LOST, "the board at USB %s was unplugged while it was being opened", place);
    case LIBUSB_ERROR_TIMEOUT: return quell_fail(err, QUELL_E_TIMEOUT, "the board at USB %s does not answer", place);
    case LIBUSB_ERROR_PIPE: return quell_fail(err, QUELL_E_VERSION, "the board at USB %s refuses a request that this version needs (FLUSH): its bitstream is of another version", place);
    case LIBUSB_ERROR_NO_MEM: return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    default: return quell_fail(err, QUELL_E_DEVICE, "the board at USB %s cannot be opened: %s", place, libusb_strerror(problem));
    }
}

/* libusb's own function waits for a second only; a simulated board may take longer. Characters beyond ASCII become '?'. */
static void read_string(libusb_device_handle *handle, uint8_t index, char *text, size_t size)
{
    enum { ENGLISH = 0x0409, HEAD = 2 };
    uint8_t d[255];
    int n = index ? libusb_control_transfer(handle, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR, (uint16_t)(LIBUSB_DT_STRING << 8 | index), ENGLISH, d, sizeof d, CONTROL_MS) : 0;
    size_t used = 0;
    for (int i = HEAD; i + 1 < n && i + 1 < d[0] && used + 1 < size; i += 2)
        text[used++] = d[i + 1] == 0 && d[i] > ' ' && d[i] < 127 ? (char)d[i] : '?';
    text[used] = 0;
}

/* Open a board and read its serial number; without one it can still be named by its place. -> 0 or a libusb error. */
static int open_and_name(libusb_device *device, libusb_device_handle **handle, quell_board *board)
{
    struct libusb_device_descriptor d;
    int problem = libusb_open(device, handle);
    if (problem != 0)
        return problem;
    libusb_get_device_descriptor(device, &d);
    read_string(*handle, d.iSerialNumber, board->serial, sizeof board->serial);
    return 0;
}

static quell_status start(libusb_context **context, libusb_device ***list, ssize_t *count, quell_error *err)
{
    *list = NULL;
    int problem = libusb_init(context);
    if (problem != 0) {
        *context = NULL;
        return quell_fail(err, QUELL_E_DEVICE, "the USB cannot be used: %s", libusb_strerror(problem));
    }
    *count = libusb_get_device_list(*context, list);
    return *count < 0 ? quell_fail(err, QUELL_E_DEVICE, "the USB cannot be searched: %s", libusb_strerror((int)*count)) : QUELL_OK;
}

quell_status quell_usb_list(quell_board *boards, uint32_t capacity, uint32_t *count, quell_error *err)
{
    libusb_context *context;
    libusb_device **list;
    ssize_t n = 0;
    *count = 0;
    quell_status status = start(&context, &list, &n, err);
    for (ssize_t i = 0; status == QUELL_OK && i < n; i++) {
        if (!is_board(list[i]) || (*count)++ >= capacity)
            continue;
        quell_board *board = &boards[*count - 1];
        libusb_device_handle *handle;
        *board = (quell_board){0};
        describe_place(list[i], board->place, sizeof board->place);
        if (open_and_name(list[i], &handle, board) == 0)
            libusb_close(handle);
    }
    if (list)
        libusb_free_device_list(list, 1);
    if (context)
        libusb_exit(context);
    return status;
}

/* Open the board wanted and leave it in usb->handle. */
static quell_status find(struct quell_usb *usb, libusb_device **list, ssize_t n, const char *which, quell_board *board, quell_error *err)
{
    quell_status refused = QUELL_OK; /* of a board that might have been the one */
    unsigned seen = 0;
    for (ssize_t i = 0; i < n; i++) {
        quell_board found = {0};
        libusb_device_handle *handle;
        if (!is_board(list[i]))
            continue;
        if (!which && seen++)
            return quell_fail(err, QUELL_E_USAGE, "there are several boards: choose one with usb:SERIAL (`quell devices` lists them)");
        describe_place(list[i], found.place, sizeof found.place);
        int problem = open_and_name(list[i], &handle, &found);
        if (problem != 0)
            refused = fail(problem, found.place, err);
        else if (!which || strcmp(which, found.serial) == 0 || strcmp(which, found.place) == 0) {
            if (usb->handle)
                libusb_close(usb->handle);
            usb->handle = handle;
            *board = found;
        } else
            libusb_close(handle);
    }
    if (usb->handle)
        return QUELL_OK;
    if (refused != QUELL_OK)
        return refused;
    return which ? quell_fail(err, QUELL_E_NOT_FOUND, "no board with the serial number (or at the place) '%.80s' is plugged in", which) : quell_fail(err, QUELL_E_NOT_FOUND, "no board is plugged in");
}

/* ---- transfers ---- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void LIBUSB_CALL on_end(struct libusb_transfer *transfer)
{
    struct slot *slot = transfer->user_data;
    slot->pending = 0;
    slot->taken = 0;
    if (transfer->status != LIBUSB_TRANSFER_COMPLETED && slot->usb->failure == LIBUSB_TRANSFER_COMPLETED)
        slot->usb->failure = transfer->status;
}

/* Wait until a transfer has ended. -> 1; 0 when the time is up. */
static int wait_for(struct quell_usb *usb, const struct slot *slot, int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;
    while (slot->pending) {
        int64_t left = end - now_ms();
        if (left <= 0)
            return 0;
        struct timeval time = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
        libusb_handle_events_timeout_completed(usb->context, &time, NULL); /* interrupted by Ctrl-C: the image under way is finished first */
    }
    return 1;
}

static int submit(struct slot *slot, int length)
{
    slot->transfer->length = length;
    slot->taken = 0;
    int problem = libusb_submit_transfer(slot->transfer);
    slot->pending = problem == 0;
    if (problem != 0 && slot->usb->failure == LIBUSB_TRANSFER_COMPLETED)
        slot->usb->failure = problem == LIBUSB_ERROR_NO_DEVICE ? LIBUSB_TRANSFER_NO_DEVICE : LIBUSB_TRANSFER_ERROR;
    return problem == 0;
}

long quell_usb_write(void *context, const void *data, size_t size, int timeout_ms)
{
    struct quell_usb *usb = context;
    struct slot *slot = &usb->out[usb->out_next];
    if (usb->failure != LIBUSB_TRANSFER_COMPLETED)
        return -1;
    if (!wait_for(usb, slot, timeout_ms))
        return 0;
    size_t n = size < OUT_BYTES ? size : OUT_BYTES;
    memcpy(slot->buffer, data, n);
    if (usb->failure != LIBUSB_TRANSFER_COMPLETED || !submit(slot, (int)n)) /* it may have failed meanwhile */
        return -1;
    usb->out_next = (usb->out_next + 1) % OUT_COUNT;
    return (long)n;
}

long quell_usb_read(void *context, void *data, size_t size, int timeout_ms)
{
    struct quell_usb *usb = context;
    int64_t end = now_ms() + timeout_ms;
    for (;;) {
        struct slot *slot = &usb->in[usb->in_next];
        int64_t left = end - now_ms();
        if (!wait_for(usb, slot, left > 0 ? (int)left : 0))
            return 0;
        int ready = slot->transfer->actual_length - slot->taken; /* a failed transfer may have brought something too */
        if (ready > 0) {
            size_t n = (size_t)ready < size ? (size_t)ready : size;
            memcpy(data, slot->buffer + slot->taken, n);
            slot->taken += (int)n;
            return (long)n;
        }
        if (usb->failure != LIBUSB_TRANSFER_COMPLETED || !submit(slot, IN_BYTES))
            return -1;
        usb->in_next = (usb->in_next + 1) % IN_COUNT;
    }
}

/* Is the device still there? A pulled cable often shows as a failed transfer first. */
static int answers(struct quell_usb *usb)
{
    uint8_t status[2];
    return libusb_control_transfer(usb->handle, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_STATUS, 0, 0, status, sizeof status, CONTROL_MS) == (int)sizeof status;
}

void quell_usb_reason(struct quell_usb *usb, char *text, size_t size)
{
    const char *why = "";
    switch (usb->failure) {
    case LIBUSB_TRANSFER_COMPLETED: break;
    case LIBUSB_TRANSFER_STALL: why = "the board refused a transfer (stall)"; break;
    case LIBUSB_TRANSFER_OVERFLOW: why = "the board sent more than was asked for (babble)"; break;
    case LIBUSB_TRANSFER_NO_DEVICE: why = "it was unplugged or reset"; break;
    default: why = answers(usb) ? "a transfer failed; the cable or the hub may be bad" : "it was unplugged or reset"; break;
    }
    snprintf(text, size, "%s", why);
}

/* ---- opening and closing ---- */

static int make_slot(struct quell_usb *usb, struct slot *slot, uint8_t endpoint, int bytes)
{
    slot->usb = usb;
    slot->transfer = libusb_alloc_transfer(0);
    slot->buffer = malloc((size_t)bytes);
    if (!slot->transfer || !slot->buffer)
        return 0;
    libusb_fill_bulk_transfer(slot->transfer, usb->handle, endpoint, slot->buffer, bytes, on_end, slot, 0); /* without end: the reader has a clock */
    return 1;
}

static void free_slot(struct slot *slot)
{
    if (slot->pending) /* the kernel still writes into it: a leak is the lesser evil */
        return;
    libusb_free_transfer(slot->transfer);
    free(slot->buffer);
}

/* Claim the interface, empty the link, make both sides agree about the toggles (a transfer of the run before may have failed), and begin to listen. */
static quell_status prepare(struct quell_usb *usb, const char *place, int timeout_ms, quell_error *err)
{
    int problem = libusb_claim_interface(usb->handle, QUSB_INTERFACE);
    if (problem != 0)
        return fail(problem, place, err);
    usb->claimed = 1;
    problem = libusb_control_transfer(usb->handle, QUSB_REQUEST_TYPE_FLUSH, QUSB_FLUSH, 0, QUSB_INTERFACE, NULL, 0, (unsigned)timeout_ms);
    for (int i = 0; i < 2 && problem >= 0; i++)
        problem = libusb_clear_halt(usb->handle, i == 0 ? QUSB_ENDPOINT_OUT : QUSB_ENDPOINT_IN);
    if (problem < 0)
        return fail(problem, place, err);
    int made = 1;
    for (int i = 0; i < OUT_COUNT; i++)
        made &= make_slot(usb, &usb->out[i], QUSB_ENDPOINT_OUT, OUT_BYTES);
    for (int i = 0; i < IN_COUNT; i++)
        made &= make_slot(usb, &usb->in[i], QUSB_ENDPOINT_IN, IN_BYTES);
    for (int i = 0; made && i < IN_COUNT; i++)
        if (!submit(&usb->in[i], IN_BYTES))
            return fail(LIBUSB_ERROR_NO_DEVICE, place, err);
    return made ? QUELL_OK : quell_fail(err, QUELL_E_MEMORY, "out of memory");
}

quell_status quell_usb_open(const char *which, int timeout_ms, struct quell_usb **result, quell_board *board, quell_error *err)
{
    libusb_device **list;
    ssize_t n = 0;
    struct quell_usb *usb = calloc(1, sizeof *usb);
    *result = NULL;
    if (!usb)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    quell_status status = start(&usb->context, &list, &n, err);
    if (status == QUELL_OK)
        status = find(usb, list, n, which, board, err);
    if (list)
        libusb_free_device_list(list, 1);
    if (status == QUELL_OK)
        status = prepare(usb, board->place, timeout_ms, err);
    if (status != QUELL_OK) {
        quell_usb_close(usb);
        return status;
    }
    *result = usb;
    return QUELL_OK;
}

/* Take everything back from the kernel. */
static void end_transfers(struct quell_usb *usb)
{
    struct slot *slots[] = {usb->out, usb->in};
    const int counts[] = {OUT_COUNT, IN_COUNT};
    int64_t end = now_ms() + CLOSE_MS;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < counts[k]; i++)
            if (slots[k][i].pending)
                libusb_cancel_transfer(slots[k][i].transfer);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < counts[k]; i++) {
            int64_t left = end - now_ms();
            wait_for(usb, &slots[k][i], left > 0 ? (int)left : 0);
            free_slot(&slots[k][i]);
        }
}

void quell_usb_close(struct quell_usb *usb)
{
    if (!usb)
        return;
    end_transfers(usb);
    if (usb->claimed)
        libusb_release_interface(usb->handle, QUSB_INTERFACE);
    if (usb->handle)
        libusb_close(usb->handle);
    if (usb->context)
        libusb_exit(usb->context);
    free(usb);
}

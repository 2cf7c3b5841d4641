/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of libusb that host/lib/usb.c calls, without a bus: boards are local sockets on which something speaks the command channel. Tests link it in
 * libusb's place. QUELL_FAKE_USB lists what is plugged in: SERIAL@SOCKET@FAULT;... where FAULT is empty or
 *     access | busy | mute (FLUSH is not answered) | old (FLUSH is refused) | alien (another maker's interface)
 *     unplug=N | unsure=N (as unplug, but shows as a failed transfer first) | stall=N | babble=N | kill=N (the tool itself)    after N bytes from the board
 * Connecting to the socket is what FLUSH is on a real board. Transfers are cut at random places, as the device's packets would cut them.
 */
#include <errno.h>
#include <libusb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "quell_usb.h"

enum { BOARDS = 4, QUEUE = 64 };

struct libusb_device {
    char serial[64], socket[256], fault[32];
    unsigned number;
};

struct libusb_device_handle {
    struct libusb_device *device;
    int socket, claimed, gone, agreed[2]; /* agreed: toggles of OUT, IN */
    long in_bytes;
    unsigned random;
};

struct libusb_context {
    struct libusb_device boards[BOARDS];
    struct libusb_transfer *queue[QUEUE]; /* in flight, in order */
    int count;
};

/* Transfers know their handle only. */
static struct libusb_context *the_context;

/* ---- what is plugged in ---- */

int libusb_init(libusb_context **context)
{
    struct libusb_context *c = *context = the_context = calloc(1, sizeof *c);
    const char *list = getenv("QUELL_FAKE_USB");
    char text[2048], *rest = text;
    snprintf(text, sizeof text, "%s", list ? list : "");
    for (unsigned n = 0; n < BOARDS && *rest;) {
        char *entry = strsep(&rest, ";"), *serial = strsep(&entry, "@"), *socket = strsep(&entry, "@");
        struct libusb_device *b = &c->boards[n];
        snprintf(b->serial, sizeof b->serial, "%s", serial);
        snprintf(b->socket, sizeof b->socket, "%s", socket ? socket : "");
        snprintf(b->fault, sizeof b->fault, "%s", entry ? entry : "");
        b->number = ++n;
        if (!rest)
            break;
    }
    return 0;
}

void libusb_exit(libusb_context *context) { free(context); }

ssize_t libusb_get_device_list(libusb_context *context, libusb_device ***list)
{
    ssize_t n = 0;
    *list = calloc(BOARDS + 1, sizeof **list);
    for (; n < BOARDS && context->boards[n].number; n++)
        (*list)[n] = &context->boards[n];
    return n;
}

void libusb_free_device_list(libusb_device **list, int unref)
{
    (void)unref;
    free(list);
}

uint8_t libusb_get_bus_number(libusb_device *device)
{
    (void)device;
    return 1;
}

int libusb_get_port_numbers(libusb_device *device, uint8_t *ports, int length)
{
    if (length < 2)
        return LIBUSB_ERROR_OVERFLOW;
    ports[0] = 4;
    ports[1] = (uint8_t)device->number;
    return 2;
}

int libusb_get_device_descriptor(libusb_device *device, struct libusb_device_descriptor *d)
{
    (void)device;
    *d = (struct libusb_device_descriptor){.idVendor = QUSB_VID, .idProduct = QUSB_PID, .iSerialNumber = 3};
    return 0;
}

int libusb_get_config_descriptor(libusb_device *device, uint8_t index, struct libusb_config_descriptor **config)
{
    static const struct libusb_endpoint_descriptor ENDPOINTS[2] = {{.bEndpointAddress = QUSB_ENDPOINT_OUT, .bmAttributes = LIBUSB_TRANSFER_TYPE_BULK},
                                                                   {.bEndpointAddress = QUSB_ENDPOINT_IN, .bmAttributes = LIBUSB_TRANSFER_TYPE_BULK}};
    static const struct libusb_interface_descriptor OURS = {.bInterfaceNumber = QUSB_INTERFACE, .bInterfaceClass = QUSB_CLASS, .bNumEndpoints = 2, .endpoint = ENDPOINTS},
                                                    OTHERS = {.bInterfaceNumber = QUSB_INTERFACE, .bInterfaceClass = LIBUSB_CLASS_HID, .bNumEndpoints = 2, .endpoint = ENDPOINTS};
    static const struct libusb_interface INTERFACES[2] = {{.altsetting = &OURS, .num_altsetting = 1}, {.altsetting = &OTHERS, .num_altsetting = 1}};
    (void)index;
    *config = calloc(1, sizeof **config);
    (*config)->bNumInterfaces = 1;
    (*config)->interface = &INTERFACES[strcmp(device->fault, "alien") == 0];
    return 0;
}

void libusb_free_config_descriptor(struct libusb_config_descriptor *config) { free(config); }

const char *libusb_strerror(int code)
{
    (void)code;
    return "fake error";
}

/* ---- opening ---- */

static int connect_board(const struct libusb_device *device)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", device->socket);
    if (connect(s, (struct sockaddr *)&address, sizeof address) == 0)
        return s;
    close(s);
    return -1;
}

int libusb_open(libusb_device *device, libusb_device_handle **handle)
{
    if (strcmp(device->fault, "access") == 0)
        return LIBUSB_ERROR_ACCESS;
    *handle = calloc(1, sizeof **handle);
    **handle = (struct libusb_device_handle){.device = device, .socket = -1, .random = 1};
    return 0;
}

void libusb_close(libusb_device_handle *handle)
{
    if (handle->socket >= 0)
        close(handle->socket);
    free(handle);
}

int libusb_claim_interface(libusb_device_handle *handle, int interface)
{
    if (interface != QUSB_INTERFACE)
        return LIBUSB_ERROR_NOT_FOUND;
    if (strcmp(handle->device->fault, "busy") == 0)
        return LIBUSB_ERROR_BUSY;
    handle->claimed = 1;
    return 0;
}

int libusb_release_interface(libusb_device_handle *handle, int interface)
{
    (void)interface;
    handle->claimed = 0;
    return 0;
}

int libusb_control_transfer(libusb_device_handle *handle, uint8_t type, uint8_t request, uint16_t value, uint16_t index, unsigned char *data, uint16_t length, unsigned timeout)
{
    (void)index, (void)timeout;
    const char *fault = handle->device->fault;
    if (handle->gone)
        return LIBUSB_ERROR_NO_DEVICE;
    if (type == LIBUSB_ENDPOINT_IN && request == LIBUSB_REQUEST_GET_STATUS)
        return length;
    if (type == LIBUSB_ENDPOINT_IN && request == LIBUSB_REQUEST_GET_DESCRIPTOR && value == (LIBUSB_DT_STRING << 8 | 3)) {
        size_t n = strlen(handle->device->serial);
        data[0] = (uint8_t)(2 + 2 * n);
        data[1] = LIBUSB_DT_STRING;
        for (size_t i = 0; i < n; i++) {
            data[2 + 2 * i] = (uint8_t)handle->device->serial[i];
            data[3 + 2 * i] = 0;
        }
        return data[0];
    }
    if (type != QUSB_REQUEST_TYPE_FLUSH || request != QUSB_FLUSH || !handle->claimed || strcmp(fault, "old") == 0)
        return LIBUSB_ERROR_PIPE;
    if (strcmp(fault, "mute") == 0)
        return LIBUSB_ERROR_TIMEOUT;
    handle->socket = connect_board(handle->device);
    return handle->socket >= 0 ? 0 : LIBUSB_ERROR_NO_DEVICE;
}

int libusb_clear_halt(libusb_device_handle *handle, unsigned char endpoint)
{
    if (handle->gone)
        return LIBUSB_ERROR_NO_DEVICE;
    handle->agreed[endpoint == QUSB_ENDPOINT_IN] = 1;
    return 0;
}

/* ---- transfers ---- */

struct libusb_transfer *libusb_alloc_transfer(int packets)
{
    (void)packets;
    return calloc(1, sizeof(struct libusb_transfer));
}

void libusb_free_transfer(struct libusb_transfer *transfer) { free(transfer); }

int libusb_submit_transfer(struct libusb_transfer *transfer)
{
    struct libusb_context *c = the_context;
    if (transfer->dev_handle->gone)
        return LIBUSB_ERROR_NO_DEVICE;
    if (c->count == QUEUE)
        return LIBUSB_ERROR_NO_MEM;
    transfer->actual_length = 0;
    transfer->status = LIBUSB_TRANSFER_COMPLETED;
    c->queue[c->count++] = transfer;
    return 0;
}

int libusb_cancel_transfer(struct libusb_transfer *transfer)
{
    transfer->status = LIBUSB_TRANSFER_CANCELLED;
    return 0;
}

static void end(struct libusb_context *c, int at, enum libusb_transfer_status status)
{
    struct libusb_transfer *t = c->queue[at];
    c->count--;
    memmove(&c->queue[at], &c->queue[at + 1], sizeof c->queue[0] * (size_t)(c->count - at));
    t->status = status;
    t->callback(t);
}

/* The fault that is due now, if any. */
static int fault_is_due(const struct libusb_device_handle *h, const char *name)
{
    size_t n = strlen(name);
    const char *fault = h->device->fault;
    return strncmp(fault, name, n) == 0 && fault[n] == '=' && h->in_bytes >= atol(fault + n + 1);
}

/* A packet's worth from the board; -> 1 if the transfer ended. */
static int move_in(struct libusb_context *c, int at)
{
    struct libusb_transfer *t = c->queue[at];
    struct libusb_device_handle *h = t->dev_handle;
    h->random = h->random * 1103515245 + 12345;
    int packets = 1 + (int)(h->random >> 16) % (t->length / QUSB_PACKET_SIZE), most = packets * QUSB_PACKET_SIZE - (h->random >> 28 & 1);
    ssize_t n = (h->random >> 24) % 16 == 0 ? 0 : recv(h->socket, t->buffer, (size_t)most, MSG_DONTWAIT); /* 0: an empty packet */
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0 && (h->random >> 24) % 16 != 0) {
        h->gone = 1; /* the board has ended */
        return 0;
    }
    h->in_bytes += n;
    t->actual_length = (int)n;
    end(c, at, LIBUSB_TRANSFER_COMPLETED);
    return 1;
}

/* A board that has ended takes nothing; it is gone once all that it said before is read. */
static int move_out(struct libusb_context *c, int at)
{
    struct libusb_transfer *t = c->queue[at];
    ssize_t n = send(t->dev_handle->socket, t->buffer + t->actual_length, (size_t)(t->length - t->actual_length), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        t->actual_length += (int)n;
    if (t->actual_length < t->length)
        return 0;
    end(c, at, LIBUSB_TRANSFER_COMPLETED);
    return 1;
}

/* One transfer ended by a fault, a cancellation or data; -> 0 if nothing could move. */
static int move_one(struct libusb_context *c)
{
    unsigned seen = 0; /* endpoints of which an earlier transfer waits */
    for (int i = 0; i < c->count; i++) {
        struct libusb_transfer *t = c->queue[i];
        struct libusb_device_handle *h = t->dev_handle;
        int in = t->endpoint == QUSB_ENDPOINT_IN;
        if (t->status == LIBUSB_TRANSFER_CANCELLED)
            return end(c, i, LIBUSB_TRANSFER_CANCELLED), 1;
        if (fault_is_due(h, "kill"))
            raise(SIGKILL);
        int unsure = fault_is_due(h, "unsure");
        h->gone |= unsure || fault_is_due(h, "unplug");
        if (h->gone)
            return end(c, i, unsure ? LIBUSB_TRANSFER_ERROR : LIBUSB_TRANSFER_NO_DEVICE), 1;
        if (!h->agreed[in]) /* the data would be taken for a repetition */
            return end(c, i, LIBUSB_TRANSFER_ERROR), 1;
        if (in && fault_is_due(h, "stall"))
            return end(c, i, LIBUSB_TRANSFER_STALL), 1;
        if (in && fault_is_due(h, "babble"))
            return end(c, i, LIBUSB_TRANSFER_OVERFLOW), 1;
        if (!(seen & 1u << in) && (in ? move_in(c, i) : move_out(c, i)))
            return 1;
        seen |= 1u << in;
    }
    return 0;
}

int libusb_handle_events_timeout_completed(libusb_context *c, struct timeval *time, int *completed)
{
    (void)completed;
    if (move_one(c))
        return 0;
    struct pollfd p = {.fd = -1};
    for (int i = 0; i < c->count; i++) {
        p.fd = c->queue[i]->dev_handle->socket;
        p.events |= c->queue[i]->endpoint == QUSB_ENDPOINT_IN ? POLLIN : POLLOUT;
    }
    poll(&p, 1, (int)(time->tv_sec * 1000 + time->tv_usec / 1000));
    return 0;
}

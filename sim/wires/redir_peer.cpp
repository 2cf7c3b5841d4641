// SPDX-License-Identifier: Apache-2.0
#include "redir_peer.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/socket.h>

namespace {

const uint8_t IN = 0x80;
const uint8_t GET_CONFIGURATION = 8, SET_CONFIGURATION = 9, GET_INTERFACE = 10, SET_INTERFACE = 11;
const uint8_t DESCRIPTOR_INTERFACE = 4, DESCRIPTOR_ENDPOINT = 5;
enum Kind { CONTROL, BULK, SET_CONFIG, GET_CONFIG, SET_ALT, GET_ALT };

// QEMU's number for an endpoint address.
unsigned endpoint_index(uint8_t address)
{
    return (address & 0x0F) | (address & IN ? 16 : 0);
}

uint8_t redir_status(TransferStatus status)
{
    switch (status) {
    case TransferStatus::DONE: return usb_redir_success;
    case TransferStatus::STALL: return usb_redir_stall;
    case TransferStatus::BABBLE: return usb_redir_babble;
    case TransferStatus::CANCELLED: return usb_redir_cancelled;
    default: return usb_redir_ioerror;
    }
}

uint8_t first_byte(const Transfer &transfer)
{
    return transfer.data.empty() ? 0 : transfer.data[0];
}

} // namespace

// What QEMU asked for, and the transfer that answers it.
struct RedirPeer::Request {
    int kind;
    uint64_t id;
    bool held = false, answered = false;
    usb_redir_control_packet_header control{};
    usb_redir_bulk_packet_header bulk{};
    Transfer transfer{};
};

// ---- the socket ----

RedirPeer::RedirPeer(UsbHost &host, RedirPort &port, int socket) : host(host), port(port), socket(socket), parser(usbredirparser_create())
{
    if (!parser)
        throw std::bad_alloc();
    uint32_t caps[USB_REDIR_CAPS_SIZE] = {0};
    for (int cap : {usb_redir_cap_connect_device_version, usb_redir_cap_filter, usb_redir_cap_device_disconnect_ack, usb_redir_cap_ep_info_max_packet_size, usb_redir_cap_64bits_ids,
                    usb_redir_cap_32bits_bulk_length})
        usbredirparser_caps_set_cap(caps, cap);
    set_callbacks();
    usbredirparser_init(parser, "quell-wires", caps, USB_REDIR_CAPS_SIZE, usbredirparser_fl_usb_host);
}

RedirPeer::~RedirPeer()
{
    for (auto &request : requests)
        request->transfer.on_end = nullptr; // the host model may end it later than this
    usbredirparser_destroy(parser);
}

bool RedirPeer::receive()
{
    return usbredirparser_do_read(parser) != usbredirparser_read_io_error;
}

bool RedirPeer::send()
{
    return usbredirparser_do_write(parser) == 0;
}

// Every packet that the host of a device without isochronous and interrupt endpoints can be sent.
void RedirPeer::set_callbacks()
{
    parser->priv = this;
    parser->log_func = [](void *, int level, const char *message) {
        if (level <= usbredirparser_warning)
            fprintf(stderr, "quell-wires: %s\n", message);
    };
    parser->read_func = [](void *self, uint8_t *data, int count) {
        ssize_t n = recv(((RedirPeer *)self)->socket, data, count, 0);
        return n > 0 ? (int)n : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    };
    parser->write_func = [](void *self, uint8_t *data, int count) {
        ssize_t n = ::send(((RedirPeer *)self)->socket, data, count, MSG_NOSIGNAL);
        return n >= 0 ? (int)n : errno == EAGAIN || errno == EINTR ? 0 : -1;
    };
    parser->hello_func = [](void *self, usb_redir_hello_header *) { ((RedirPeer *)self)->greeted = true; };
    parser->reset_func = [](void *self) { ((RedirPeer *)self)->port.reset(); };
    parser->filter_reject_func = [](void *) { fprintf(stderr, "quell-wires: QEMU's filter rejects the device\n"); };
    parser->filter_filter_func = [](void *, usbredirfilter_rule *rules, int) { free(rules); };
    parser->device_disconnect_ack_func = [](void *self) { ((RedirPeer *)self)->awaiting_ack = false; };
    parser->cancel_data_packet_func = [](void *self, uint64_t id) { ((RedirPeer *)self)->hear_cancel(id); };
    parser->set_configuration_func = [](void *self, uint64_t id, usb_redir_set_configuration_header *h) {
        ((RedirPeer *)self)->ask(SET_CONFIG, id, 0x00, SET_CONFIGURATION, h->configuration, 0, 0);
    };
    parser->get_configuration_func = [](void *self, uint64_t id) { ((RedirPeer *)self)->ask(GET_CONFIG, id, 0x80, GET_CONFIGURATION, 0, 0, 1); };
    parser->set_alt_setting_func = [](void *self, uint64_t id, usb_redir_set_alt_setting_header *h) {
        ((RedirPeer *)self)->ask(SET_ALT, id, 0x01, SET_INTERFACE, h->alt, h->interface, 0);
    };
    parser->get_alt_setting_func = [](void *self, uint64_t id, usb_redir_get_alt_setting_header *h) {
        ((RedirPeer *)self)->ask(GET_ALT, id, 0x81, GET_INTERFACE, 0, h->interface, 1);
    };
    parser->control_packet_func = [](void *self, uint64_t id, usb_redir_control_packet_header *header, uint8_t *data, int length) {
        ((RedirPeer *)self)->hear_control(id, *header, data, length);
        usbredirparser_free_packet_data(((RedirPeer *)self)->parser, data);
    };
    parser->bulk_packet_func = [](void *self, uint64_t id, usb_redir_bulk_packet_header *header, uint8_t *data, int length) {
        ((RedirPeer *)self)->hear_bulk(id, *header, data, length);
        usbredirparser_free_packet_data(((RedirPeer *)self)->parser, data);
    };
}

// ---- what QEMU asks for ----

void RedirPeer::hear_control(uint64_t id, const usb_redir_control_packet_header &header, const uint8_t *data, int length)
{
    auto request = std::make_unique<Request>(Request{CONTROL, id});
    request->control = header;
    request->transfer.setup = setup_packet(header.requesttype, header.request, header.value, header.index, header.length);
    if (length > 0)
        request->transfer.data.assign(data, data + length);
    begin(std::move(request));
}

void RedirPeer::hear_bulk(uint64_t id, const usb_redir_bulk_packet_header &header, const uint8_t *data, int length)
{
    auto request = std::make_unique<Request>(Request{BULK, id});
    request->bulk = header;
    request->transfer.kind = header.endpoint & IN ? TransferKind::BULK_IN : TransferKind::BULK_OUT;
    request->transfer.endpoint = header.endpoint;
    request->transfer.limit = header.length | (size_t)header.length_high << 16;
    if (length > 0)
        request->transfer.data.assign(data, data + length);
    begin(std::move(request));
}

// A request that usb-redir has a message of its own for.
void RedirPeer::ask(int kind, uint64_t id, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length)
{
    auto made = std::make_unique<Request>(Request{kind, id});
    made->transfer.setup = setup_packet(type, request, value, index, length);
    begin(std::move(made));
}

void RedirPeer::begin(std::unique_ptr<Request> request)
{
    Request *raw = request.get();
    requests.push_back(std::move(request));
    events_++;
    raw->transfer.on_end = [this, raw](Transfer &) { answer(*raw); };
    raw->held = port.state() != RedirPort::State::READY;
    if (!raw->held)
        host.submit(&raw->transfer);
}

void RedirPeer::release()
{
    for (auto &request : requests)
        if (request->held && !request->answered) {
            request->held = false;
            host.submit(&request->transfer);
        }
}

void RedirPeer::hear_cancel(uint64_t id)
{
    for (auto &request : requests) {
        if (request->id != id || request->answered)
            continue; // none may be left: the answer and the cancel have passed each other
        if (!request->held)
            return host.cancel(&request->transfer);
        request->transfer.status = TransferStatus::CANCELLED;
        return answer(*request);
    }
}

void RedirPeer::tidy()
{
    requests.remove_if([](const std::unique_ptr<Request> &request) { return request->answered; });
}

bool RedirPeer::busy() const
{
    for (auto &request : requests)
        if (!request->answered && (!connected || request->transfer.kind != TransferKind::BULK_IN))
            return true;
    return false;
}

bool RedirPeer::reading() const
{
    for (auto &request : requests)
        if (!request->answered && request->transfer.kind == TransferKind::BULK_IN)
            return true;
    return false;
}

// ---- what it is told ----

void RedirPeer::answer(Request &request)
{
    events_++;
    request.answered = true;
    if (!connected)
        return; // pulled out: QEMU has forgotten its requests
    switch (request.kind) {
    case CONTROL: return answer_control(request);
    case BULK: return answer_bulk(request);
    case SET_CONFIG:
    case GET_CONFIG: return answer_configuration(request);
    default: return answer_alt_setting(request);
    }
}

void RedirPeer::answer_control(Request &request)
{
    Transfer &transfer = request.transfer;
    bool in = request.control.endpoint & IN;
    request.control.status = redir_status(transfer.status);
    request.control.length = (uint16_t)transfer.actual;
    usbredirparser_send_control_packet(parser, request.id, &request.control, in ? transfer.data.data() : nullptr, in ? (int)transfer.actual : 0);
}

void RedirPeer::answer_bulk(Request &request)
{
    Transfer &transfer = request.transfer;
    bool in = transfer.kind == TransferKind::BULK_IN;
    request.bulk.status = redir_status(transfer.status);
    request.bulk.length = (uint16_t)transfer.actual;
    request.bulk.length_high = (uint16_t)(transfer.actual >> 16);
    usbredirparser_send_bulk_packet(parser, request.id, &request.bulk, in ? transfer.data.data() : nullptr, in ? (int)transfer.actual : 0);
}

void RedirPeer::answer_configuration(const Request &request)
{
    const Transfer &transfer = request.transfer;
    bool set = request.kind == SET_CONFIG;
    usb_redir_configuration_status_header header{redir_status(transfer.status), set ? transfer.setup[2] : first_byte(transfer)};
    if (set)
        describe();
    usbredirparser_send_configuration_status(parser, request.id, &header);
}

void RedirPeer::answer_alt_setting(const Request &request)
{
    const Transfer &transfer = request.transfer;
    usb_redir_alt_setting_status_header header{redir_status(transfer.status), transfer.setup[4], request.kind == SET_ALT ? transfer.setup[2] : first_byte(transfer)};
    usbredirparser_send_alt_setting_status(parser, request.id, &header);
}

// Interfaces and endpoints, from the configuration descriptor.
void RedirPeer::describe()
{
    usb_redir_interface_info_header interfaces{};
    usb_redir_ep_info_header endpoints{};
    memset(endpoints.type, usb_redir_type_invalid, sizeof endpoints.type);
    for (unsigned zero : {endpoint_index(0), endpoint_index(IN)}) {
        endpoints.type[zero] = usb_redir_type_control;
        endpoints.max_packet_size[zero] = port.device_descriptor()[7];
    }
    const std::vector<uint8_t> &bytes = port.configuration_descriptor();
    uint8_t current = 0;
    for (size_t at = 0; at + 1 < bytes.size() && bytes[at] >= 2 && at + bytes[at] <= bytes.size(); at += bytes[at]) {
        const uint8_t *d = &bytes[at];
        if (d[1] == DESCRIPTOR_INTERFACE && d[0] >= 9 && interfaces.interface_count < 32) {
            uint32_t n = interfaces.interface_count++;
            current = interfaces.interface[n] = d[2];
            interfaces.interface_class[n] = d[5];
            interfaces.interface_subclass[n] = d[6];
            interfaces.interface_protocol[n] = d[7];
        } else if (d[1] == DESCRIPTOR_ENDPOINT && d[0] >= 7) {
            unsigned n = endpoint_index(d[2]);
            endpoints.type[n] = d[3] & 3;
            endpoints.interval[n] = d[6];
            endpoints.interface[n] = current;
            endpoints.max_packet_size[n] = (uint16_t)(d[4] | d[5] << 8);
        }
    }
    usbredirparser_send_interface_info(parser, &interfaces);
    usbredirparser_send_ep_info(parser, &endpoints);
}

void RedirPeer::connect()
{
    const std::vector<uint8_t> &d = port.device_descriptor();
    auto word = [&d](size_t at) { return (uint16_t)(d[at] | d[at + 1] << 8); };
    usb_redir_device_connect_header header{usb_redir_speed_full, d[4], d[5], d[6], word(8), word(10), word(12)};
    describe();
    usbredirparser_send_device_connect(parser, &header);
    connected = true;
}

void RedirPeer::disconnect()
{
    connected = false;
    for (auto &request : requests)
        request->answered |= request->held;
    usbredirparser_send_device_disconnect(parser);
    awaiting_ack = usbredirparser_peer_has_cap(parser, usb_redir_cap_device_disconnect_ack);
}

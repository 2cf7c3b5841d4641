// SPDX-License-Identifier: Apache-2.0
// QEMU's side of the bridge: the usb-redir protocol (libusbredirparser, the end that has the device), every request of QEMU's as one transfer of the
// host model. Requests that come while the port is being reset wait for it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include <usbredirparser.h>

#include "redir_port.h"
#include "usb_host.h"

class RedirPeer {
  public:
    RedirPeer(UsbHost &host, RedirPort &port, int socket); // the socket does not block
    ~RedirPeer();
    RedirPeer(const RedirPeer &) = delete;

    bool receive();  // take what has come; false: QEMU has closed the socket
    bool send();     // send what the socket takes; false as above
    bool wants_to_send() const { return usbredirparser_has_data_to_write(parser) > 0; }

    // ---- the device, as the port sees it ----
    bool can_connect() const { return greeted && !connected && !awaiting_ack; }
    bool is_connected() const { return connected; }
    void connect();     // the port is READY
    void disconnect();  // requests under way are forgotten as soon as their transfers have ended
    void release();     // the port is READY: submit what waited for it
    void tidy();        // forget what has been answered; never called from a transfer's end

    // Whether simulated time must go on for a request. A bulk IN alone does not count: the device answers NAK until its chip has something to say.
    bool busy() const;
    bool reading() const; // a bulk IN is under way
    uint64_t events() const { return events_; } // requests begun and answered

  private:
    struct Request;

    void set_callbacks();
    void hear_control(uint64_t id, const usb_redir_control_packet_header &header, const uint8_t *data, int length);
    void hear_bulk(uint64_t id, const usb_redir_bulk_packet_header &header, const uint8_t *data, int length);
    void hear_cancel(uint64_t id);
    void ask(int kind, uint64_t id, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length);
    void begin(std::unique_ptr<Request> request);
    void answer(Request &request);
    void answer_control(Request &request);
    void answer_bulk(Request &request);
    void answer_configuration(const Request &request);
    void answer_alt_setting(const Request &request);
    void describe();

    UsbHost &host;
    RedirPort &port;
    int socket;
    usbredirparser *parser;
    bool greeted = false, connected = false, awaiting_ack = false; // QEMU's hello has come; it has the device; it has yet to acknowledge that it is gone
    uint64_t events_ = 0;
    std::list<std::unique_ptr<Request>> requests;
};

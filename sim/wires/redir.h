// SPDX-License-Identifier: Apache-2.0
// The bridge between QEMU's usb-redir socket and the simulated wires (docs/qemu.md): QEMU's guest sees the Verilated board as a device on its xHCI
// controller. QEMU is the socket's client. Commands come on stdin, one a line; what happens is said on stdout.
//   plug         put the cable in (it starts unplugged: the guest should run first)
//   unplug       pull it out
//   unplug N     pull it out once N more bytes have come from the device's bulk endpoint
//   status       print simulated time, clock cycles and bytes moved
// It ends with stdin, or when QEMU has closed the socket.
#pragma once

#include <string>

#include "board.h"

// Run the bridge; -> exit code: 0 ended as above, 2 the socket cannot be made.
int redir_run(Board &board, const std::string &socket_path);

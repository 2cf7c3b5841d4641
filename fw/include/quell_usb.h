// SPDX-License-Identifier: Apache-2.0
// What identifies a Quell board on USB and how its interface is laid out, for the host tool, the simulated host and hw/usb/usb_device.py, which reads the
// numbers of this file (one #define a line, decimal, 0x or a string). docs/usb.md says what a seller must change.
#pragma once

// pid.codes' test range: for development only, not for products (https://pid.codes/1209/0001/).
#define QUSB_VID 0x1209
#define QUSB_PID 0x0001
#define QUSB_DEVICE_BCD 0x0100 // release of the USB side, binary-coded decimal
#define QUSB_MANUFACTURER "Quell project"
#define QUSB_PRODUCT "Quell NN accelerator"

#define QUSB_CONFIGURATION 1
#define QUSB_INTERFACE 0
#define QUSB_CLASS 0xFF // vendor specific: class, subclass and protocol
#define QUSB_ENDPOINT_OUT 0x01 // host to chip, bulk
#define QUSB_ENDPOINT_IN 0x81 // chip to host, bulk
#define QUSB_PACKET_SIZE 64 // bytes, of both endpoints and of endpoint 0
#define QUSB_MAX_POWER_MA 500 // what the whole board may take from the bus

// Vendor requests.
#define QUSB_REQUEST_TYPE_FLUSH 0x41 // bmRequestType: OUT, vendor, interface
#define QUSB_FLUSH 0x01 // no data: the link forgets every byte it holds, in both directions; data toggles stay
#define QUSB_MS_OS_20 0x20 // bmRequestType 0xC0, wIndex 7: the Microsoft OS 2.0 descriptor set

// How Windows programs find the interface (winusb.sys); a seller makes a new one.
#define QUSB_INTERFACE_GUID "{6E9E1F0C-70C4-4A2E-9C3B-5E2D8F0B7A41}"

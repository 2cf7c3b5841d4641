# SPDX-License-Identifier: Apache-2.0
"""The bytes a Quell board describes itself with: USB 2.0 chapter 9 descriptors and the Microsoft OS 2.0 descriptor set.

All values come from fw/include/quell_usb.h; the serial number is the one thing that differs from board to board. Used by usb_device.py, which puts them
into the device's memory, and by the tests, which read them back.
"""
import re
import struct
import uuid
from pathlib import Path

from usb_protocol.emitters import DeviceDescriptorCollection
from usb_protocol.types import USBTransferType

HEADER = Path(__file__).resolve().parents[2] / "fw/include/quell_usb.h"

BCD_USB = 2.01  # the first release whose hosts ask for a BOS descriptor
BOS, DEVICE_CAPABILITY, CAPABILITY_PLATFORM = 0x0F, 0x10, 0x05

# Microsoft OS 2.0 Descriptors Specification, tables 3 to 13
MS_OS_20_PLATFORM = uuid.UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f")
MS_OS_20_WINDOWS = 0x06030000  # Windows 8.1, the first that knows the set
MS_OS_20_SET_HEADER, MS_OS_20_COMPATIBLE_ID, MS_OS_20_REGISTRY_PROPERTY = 0x00, 0x03, 0x04
MS_OS_20_INDEX = 7  # wIndex of the request that reads the set
REG_MULTI_SZ = 7


def constants(header=HEADER):
    """The numbers and strings of quell_usb.h by name."""
    found = re.findall(r'^#define (QUSB_\w+) (0x[0-9A-Fa-f]+|\d+|"[^"]*")', Path(header).read_text(), re.M)
    return {name: text.strip('"') if text[0] == '"' else int(text, 0) for name, text in found}


def bcd(value):
    """0x0123 as the 1.23 that LUNA's emitters want."""
    return float(f"{value >> 8:x}.{value & 255:02x}")


def ms_os_20_set(c):
    """One function without subsets: bind to WinUSB, and register the interface under Quell's GUID."""
    compatible = struct.pack("<HH8s8s", 20, MS_OS_20_COMPATIBLE_ID, b"WINUSB", b"")
    name = "DeviceInterfaceGUIDs\0".encode("utf-16-le")
    data = (c["QUSB_INTERFACE_GUID"] + "\0\0").encode("utf-16-le")
    body = struct.pack("<HH", REG_MULTI_SZ, len(name)) + name + struct.pack("<H", len(data)) + data
    registry = struct.pack("<HH", len(body) + 4, MS_OS_20_REGISTRY_PROPERTY) + body
    header = struct.pack("<HHIH", 10, MS_OS_20_SET_HEADER, MS_OS_20_WINDOWS, 10 + len(compatible) + len(registry))
    return header + compatible + registry


def bos(c):
    """Binary object store: only the platform capability that announces the Microsoft OS 2.0 set."""
    platform = struct.pack("<BBBB16s", 28, DEVICE_CAPABILITY, CAPABILITY_PLATFORM, 0, MS_OS_20_PLATFORM.bytes_le)
    platform += struct.pack("<IHBB", MS_OS_20_WINDOWS, len(ms_os_20_set(c)), c["QUSB_MS_OS_20"], 0)
    return struct.pack("<BBHB", 5, BOS, 5 + len(platform), 1) + platform


def standard(c, serial):
    """What GET_DESCRIPTOR answers."""
    if not re.fullmatch(r"[0-9A-Za-z]{1,32}", serial):
        raise ValueError(f"serial number {serial!r}: 1 to 32 letters and digits")
    descriptors = DeviceDescriptorCollection()
    with descriptors.DeviceDescriptor() as d:
        d.bcdUSB = BCD_USB
        d.idVendor, d.idProduct = c["QUSB_VID"], c["QUSB_PID"]
        d.bcdDevice = bcd(c["QUSB_DEVICE_BCD"])
        d.bMaxPacketSize0 = c["QUSB_PACKET_SIZE"]
        d.iManufacturer, d.iProduct, d.iSerialNumber = c["QUSB_MANUFACTURER"], c["QUSB_PRODUCT"], serial
        d.bNumConfigurations = 1
    with descriptors.ConfigurationDescriptor() as d:
        d.bConfigurationValue = c["QUSB_CONFIGURATION"]
        d.bmAttributes = 0x80  # bus-powered, no remote wake-up
        d.bMaxPower = c["QUSB_MAX_POWER_MA"] // 2
        with d.InterfaceDescriptor() as i:
            i.bInterfaceNumber = c["QUSB_INTERFACE"]
            i.bInterfaceClass = i.bInterfaceSubclass = i.bInterfaceProtocol = c["QUSB_CLASS"]
            for address in c["QUSB_ENDPOINT_OUT"], c["QUSB_ENDPOINT_IN"]:
                with i.EndpointDescriptor() as e:
                    e.bEndpointAddress = address
                    e.bmAttributes = USBTransferType.BULK
                    e.wMaxPacketSize = c["QUSB_PACKET_SIZE"]
                    e.bInterval = 0
    descriptors.add_descriptor(bos(c), descriptor_type=BOS)
    return descriptors

# SPDX-License-Identifier: Apache-2.0
"""The USB device's descriptors as they lie in the generated Verilog, read the way hosts read them, against fw/include/quell_usb.h as the C compiler sees it."""
import os
import re
import struct
import subprocess
import uuid

import pytest

from tools import cli

ROOT = cli.ROOT
VERILOG = ROOT / "build/gen/usb_device.v"
DEVICE, CONFIGURATION, STRING, INTERFACE, ENDPOINT, BOS = 1, 2, 3, 4, 5, 15


def defines():
    text = subprocess.run(["cc", "-E", "-dM", "fw/include/quell_usb.h"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name: value.strip('"') if value.startswith('"') else int(value, 0) for name, value in re.findall(r"^#define (QUSB_\w+) (.+)$", text, re.M)}


def memory(text, name):
    """Bytes of a read-only memory, by the end of its name."""
    words = re.findall(rf"^ *\\\S*{name}\.rom *\[(\d+)\] = 32'd(\d+);", text, re.M)
    assert [int(i) for i, _ in words] == list(range(len(words))) and words
    return b"".join(struct.pack(">I", int(value)) for _, value in words)


def descriptors(rom):
    """{(type, index): bytes}: a table of types, each with a table of descriptors, as LUNA's GET_DESCRIPTOR walks it."""
    # the descriptors' tables follow the types', the lowest type's first
    types = next(table for count, table in struct.iter_unpack(">HH", rom) if count) // 4
    found = {}
    for kind in range(types):
        count, table = struct.unpack_from(">HH", rom, 4 * kind)
        for index in range(count):
            length, address = struct.unpack_from(">HH", rom, table + 4 * index)
            found[kind, index] = rom[address:address + length]
            assert len(found[kind, index]) == length
    return found


@pytest.fixture(scope="module")
def c():
    return defines()


@pytest.fixture(scope="module")
def text():
    subprocess.run(["make", "build/gen/usb_device.v"], cwd=ROOT, check=True, capture_output=True)
    return VERILOG.read_text()


@pytest.fixture(scope="module")
def found(text):
    return descriptors(memory(text, "get_descriptor"))


@pytest.fixture(scope="module")
def ms_set(text):
    return descriptors(memory(text, "set"))[0, 0]


def string(found, index):
    data = found[STRING, index]
    assert data[0] == len(data) and data[1] == STRING
    return data[2:].decode("utf-16-le")


def test_device(found, c):
    fields = struct.unpack("<BBHBBBBHHHBBBB", found[DEVICE, 0])
    assert fields[:2] == (18, DEVICE)
    assert fields[2] >= 0x0201  # or nobody asks for the BOS
    assert fields[3:7] == (0, 0, 0, c["QUSB_PACKET_SIZE"])
    assert fields[7:10] == (c["QUSB_VID"], c["QUSB_PID"], c["QUSB_DEVICE_BCD"])
    assert [string(found, i) for i in fields[10:12]] == [c["QUSB_MANUFACTURER"], c["QUSB_PRODUCT"]]
    assert string(found, fields[12]) == (ROOT / "build/gen/usb_serial").read_text().strip()
    assert fields[13] == 1
    assert found[STRING, 0] == bytes([4, STRING, 0x09, 0x04])
    assert set(found) == {(DEVICE, 0), (CONFIGURATION, 0), (BOS, 0), *((STRING, i) for i in range(4))}


def test_configuration(found, c):
    data = found[CONFIGURATION, 0]
    length, kind, total, interfaces, value, text, attributes, power = struct.unpack_from("<BBHBBBBB", data)
    assert (length, kind, total, interfaces, value, text) == (9, CONFIGURATION, len(data), 1, c["QUSB_CONFIGURATION"], 0)
    assert attributes & 0x80 and not attributes & 0x20 and power * 2 == c["QUSB_MAX_POWER_MA"] <= 500
    parts, at = [], 9
    while at < total:
        parts.append(data[at:at + data[at]])
        at += data[at]
    assert at == total and [p[1] for p in parts] == [INTERFACE, ENDPOINT, ENDPOINT]
    vendor = c["QUSB_CLASS"]
    assert tuple(parts[0][2:]) == (c["QUSB_INTERFACE"], 0, 2, vendor, vendor, vendor, 0)
    for part, address in zip(parts[1:], (c["QUSB_ENDPOINT_OUT"], c["QUSB_ENDPOINT_IN"])):
        assert struct.unpack("<BBBBHB", part) == (7, ENDPOINT, address, 2, c["QUSB_PACKET_SIZE"], 0)


def test_bos(found, ms_set, c):
    data = found[BOS, 0]
    assert struct.unpack_from("<BBHB", data) == (5, BOS, len(data), 1)
    length, kind, capability, zero = struct.unpack_from("<BBBB", data, 5)
    assert (length, kind, capability, zero) == (len(data) - 5, 0x10, 5, 0)
    assert uuid.UUID(bytes_le=data[9:25]) == uuid.UUID("{D8DD60DF-4589-4CC7-9CD2-659D9E648A9F}")
    windows, size, code, alternate = struct.unpack_from("<IHBB", data, 25)
    assert (windows, size, code, alternate) == (0x06030000, len(ms_set), c["QUSB_MS_OS_20"], 0)


def test_microsoft_os_20_set(ms_set, c):
    assert struct.unpack_from("<HHIH", ms_set) == (10, 0, 0x06030000, len(ms_set))
    parts, at = {}, 10
    while at < len(ms_set):
        length, kind = struct.unpack_from("<HH", ms_set, at)
        assert length > 4 and kind not in parts
        parts[kind] = ms_set[at + 4:at + length]
        at += length
    assert at == len(ms_set) and set(parts) == {3, 4}
    assert parts[3] == b"WINUSB\0\0" + bytes(8)
    data_type, name_length = struct.unpack_from("<HH", parts[4])
    name = parts[4][4:4 + name_length].decode("utf-16-le")
    data_length, = struct.unpack_from("<H", parts[4], 4 + name_length)
    data = parts[4][6 + name_length:]
    assert (data_type, name, data_length) == (7, "DeviceInterfaceGUIDs\0", len(data))
    guids = data.decode("utf-16-le")
    assert guids.endswith("\0\0") and guids.rstrip("\0") == c["QUSB_INTERFACE_GUID"]
    assert re.fullmatch(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}", guids.rstrip("\0"))


def generate(folder, serial, seed="0"):
    command = [ROOT / "build/venv/bin/python", "hw/usb/usb_device.py", "--serial", serial, "--yosys", os.environ.get("YOSYS", "yosys"), "--out", folder / "usb_device.v"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})


def test_generation_is_reproducible_and_the_serial_number_is_one_setting(tmp_path, text):
    serial = (ROOT / "build/gen/usb_serial").read_text().strip()
    assert generate(tmp_path, serial, "1").returncode == 0
    assert (tmp_path / "usb_device.v").read_text() == text
    assert generate(tmp_path, "QZ17").returncode == 0
    other = descriptors(memory((tmp_path / "usb_device.v").read_text(), "get_descriptor"))
    found = descriptors(memory(text, "get_descriptor"))
    assert string(other, found[DEVICE, 0][16]) == "QZ17"
    assert {k for k in found if found[k] != other[k]} == {(STRING, found[DEVICE, 0][16])}


@pytest.mark.parametrize("serial", ["", "no spaces", "umlaut-ü", "x" * 33])
def test_bad_serial_numbers_are_refused(tmp_path, serial):
    done = generate(tmp_path, serial)
    assert done.returncode and "1 to 32 letters and digits" in done.stderr and not (tmp_path / "usb_device.v").exists()

# SPDX-License-Identifier: Apache-2.0
"""Generate build/gen/usb_device.v: LUNA's full-speed USB device with Quell's descriptors and vendor requests.

    python hw/usb/usb_device.py --serial TEXT --out build/gen/usb_device.v

Clock domains: usb (12 MHz, packets) and usb_io (48 MHz, bits), from one PLL, edges aligned. Ports: the wires, and one byte stream each way in the usb domain.
"""
import argparse
import subprocess
from pathlib import Path

from amaranth import Cat, ClockDomain, ClockSignal, Elaboratable, Module, Mux, ResetInserter, ResetSignal, Signal
from amaranth.back import rtlil
from amaranth.hdl import Record
from amaranth.lib.cdc import FFSynchronizer
from luna.gateware.interface.gateware_phy import GatewarePHY
from luna.gateware.usb.request.control import ControlRequestHandler
from luna.gateware.usb.request.standard import StandardRequestHandler
from luna.gateware.usb.usb2.descriptor import GetDescriptorHandlerBlock
from luna.gateware.usb.usb2.device import USBDevice
from luna.gateware.usb.usb2.endpoints.stream import USBStreamInEndpoint, USBStreamOutEndpoint
from luna.gateware.usb.usb2.request import RequestHandlerInterface
from luna.gateware.usb.usb2.reset import USBResetSequencer
from usb_protocol.emitters import DeviceDescriptorCollection
from usb_protocol.types import USBRequestRecipient, USBRequestType, USBStandardRequests

import descriptors

USB_HZ = 12_000_000

# LUNA 0.2.3 counts these times in a 60 MHz clock only.
for name, microseconds in ("500_NANOSECONDS", 0.5), ("2P5_MICROSECONDS", 2.5), ("5_MICROSECONDS", 5), ("3_MILLISECONDS", 3000):
    setattr(USBResetSequencer, f"_CYCLES_{name}", round(microseconds * USB_HZ / 1e6))


class Phy(GatewarePHY):
    """LUNA's bit-level transceiver with a line state that is synchronised to the usb domain and in UTMI's order (bit 0 is D+), which LUNA 0.2.3 swaps."""

    def __init__(self, io):
        super().__init__(io=io)
        self.raw_line_state, self.line_state = self.line_state, Signal(2)
        self.io = io

    def elaborate(self, platform):
        line_state, self.line_state = self.line_state, self.raw_line_state
        m = super().elaborate(platform)
        self.line_state = line_state
        m.submodules.line_state = FFSynchronizer(Cat(self.io.d_p.i, self.io.d_n.i), line_state, o_domain="usb", init=0b01)
        return m


class Guarded(Elaboratable):
    """A request handler that starts anew at every SETUP, and hears the host's acknowledgements of endpoint 0 only.

    LUNA's handlers wait for the end of the request they work on, so a host that gives one up leaves them behind; and they would take the acknowledgement of
    a bulk packet for that of their own.
    """

    def __init__(self, handler):
        self.handler = handler
        self.interface = RequestHandlerInterface()

    def elaborate(self, platform):
        m = Module()
        outer, inner = self.interface, self.handler.interface
        restart = outer.tokenizer.new_token & outer.tokenizer.is_setup
        m.submodules.handler = ResetInserter({"usb": restart})(self.handler)
        m.d.comb += [
            outer.setup.connect(inner.setup), outer.tokenizer.connect(inner.tokenizer), outer.rx.connect(inner.rx),
            inner.tx.attach(outer.tx), inner.handshakes_out.connect(outer.handshakes_out),
            inner.handshakes_in.ack.eq(outer.handshakes_in.ack & (outer.tokenizer.endpoint == 0)),
        ]
        for name in "data_requested", "status_requested", "active_config", "rx_ready_for_response", "rx_invalid":
            m.d.comb += getattr(inner, name).eq(getattr(outer, name))
        for name in "claim", "address_changed", "new_address", "config_changed", "new_config", "clear_endpoint_halt", "tx_data_pid":
            m.d.comb += getattr(outer, name).eq(getattr(inner, name))
        return m


class VendorRequests(ControlRequestHandler):
    """QUSB_FLUSH, and the Microsoft OS 2.0 descriptor set."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.flush = Signal()  # one clock

    def elaborate(self, platform):
        m = Module()
        setup, tx, handshake = self.interface.setup, self.interface.tx, self.interface.handshakes_out
        is_vendor = setup.type == USBRequestType.VENDOR
        flush = (~setup.is_in_request & (setup.recipient == USBRequestRecipient.INTERFACE) & (setup.request == self.c["QUSB_FLUSH"])
                 & (setup.index[0:8] == self.c["QUSB_INTERFACE"]) & (setup.length == 0))
        ms_os = (setup.is_in_request & (setup.recipient == USBRequestRecipient.DEVICE) & (setup.request == self.c["QUSB_MS_OS_20"])
                 & (setup.index == descriptors.MS_OS_20_INDEX))
        m.d.comb += self.interface.claim.eq(is_vendor)

        # The set is descriptor 0 of type 0 in a memory of its own.
        collection = DeviceDescriptorCollection(automatic_language_descriptor=False)
        collection.add_descriptor(descriptors.ms_os_20_set(self.c), descriptor_type=0)
        m.submodules.set = reader = GetDescriptorHandlerBlock(collection, max_packet_length=self.c["QUSB_PACKET_SIZE"])
        m.d.comb += [reader.value.eq(0), reader.length.eq(setup.length)]
        sent = Signal()

        with m.FSM(domain="usb"):
            with m.State("IDLE"):
                m.d.usb += [reader.start_position.eq(0), self.interface.tx_data_pid.eq(1), sent.eq(0)]
                with m.If(setup.received & is_vendor):
                    with m.If(flush):
                        m.d.comb += self.flush.eq(1)
                        m.next = "FLUSH"
                    with m.Elif(ms_os):
                        m.next = "SET"
                    with m.Else():
                        m.next = "REFUSE"
            with m.State("FLUSH"):
                with m.If(self.interface.status_requested):
                    m.d.comb += self.send_zlp()
            with m.State("SET"):
                m.d.comb += [reader.tx.attach(tx), reader.start.eq(self.interface.data_requested), handshake.stall.eq(reader.stall)]
                with m.If(self.interface.data_requested):
                    m.d.usb += sent.eq(1)
                with m.If(self.interface.handshakes_in.ack & sent):
                    m.d.usb += [reader.start_position.eq(reader.start_position + self.c["QUSB_PACKET_SIZE"]),
                                self.interface.tx_data_pid.eq(~self.interface.tx_data_pid), sent.eq(0)]
                with m.If(self.interface.status_requested):
                    m.d.comb += handshake.ack.eq(1)
                    m.next = "IDLE"
            with m.State("REFUSE"):
                with m.If(self.interface.data_requested | self.interface.status_requested):
                    m.d.comb += handshake.stall.eq(1)
        return m


class Device(Elaboratable):
    """The module usb_device."""

    def __init__(self, serial):
        self.c, self.serial = descriptors.constants(), serial
        self.dp_i, self.dn_i, self.dp_o, self.dn_o, self.oe_o, self.pullup_o = (Signal(name=n) for n in ("dp_i", "dn_i", "dp_o", "dn_o", "oe_o", "pullup_o"))
        self.out_valid_o, self.out_ready_i, self.out_data_o = Signal(name="out_valid_o"), Signal(name="out_ready_i"), Signal(8, name="out_data_o")
        self.in_valid_i, self.in_ready_o, self.in_data_i = Signal(name="in_valid_i"), Signal(name="in_ready_o"), Signal(8, name="in_data_i")
        self.flush_o, self.configured_o, self.suspended_o = Signal(name="flush_o"), Signal(name="configured_o"), Signal(name="suspended_o")
        self.clocks = [ClockDomain("usb"), ClockDomain("usb_io")]

    def ports(self):
        own = [s for n, s in vars(self).items() if n.endswith(("_i", "_o"))]
        return own + [s for d in self.clocks for s in (d.clk, d.rst)]

    def elaborate(self, platform):
        m = Module()
        m.domains += self.clocks
        pin = [("i", 1), ("o", 1), ("oe", 1)]
        io = Record([("d_p", pin), ("d_n", pin), ("pullup", [("o", 1)])])
        m.submodules.phy = phy = Phy(io)
        m.submodules.device = device = USBDevice(bus=phy, handle_clocking=False)
        m.d.comb += [io.d_p.i.eq(self.dp_i), io.d_n.i.eq(self.dn_i), self.dp_o.eq(io.d_p.o), self.dn_o.eq(io.d_n.o), self.oe_o.eq(io.d_p.oe),
                     self.pullup_o.eq(io.pullup.o), device.connect.eq(1), self.suspended_o.eq(device.suspended)]

        control = device.add_control_endpoint()
        control.add_request_handler(Guarded(StandardRequestHandler(descriptors.standard(self.c, self.serial), max_packet_size=self.c["QUSB_PACKET_SIZE"])))
        vendor = VendorRequests(self.c)
        control.add_request_handler(Guarded(vendor))

        number = self.c["QUSB_ENDPOINT_OUT"] & 15
        out = USBStreamOutEndpoint(endpoint_number=number, max_packet_size=self.c["QUSB_PACKET_SIZE"], buffer_size=255)
        in_ = USBStreamInEndpoint(endpoint_number=number, max_packet_size=self.c["QUSB_PACKET_SIZE"])
        for endpoint in out, in_:
            device.add_endpoint(endpoint)
        m.d.comb += [
            self.out_valid_o.eq(out.stream.valid), out.stream.ready.eq(self.out_ready_i), self.out_data_o.eq(out.stream.payload),
            in_.stream.valid.eq(self.in_valid_i), self.in_ready_o.eq(in_.stream.ready), in_.stream.payload.eq(self.in_data_i),
            in_.flush.eq(~self.in_valid_i), self.flush_o.eq(vendor.flush | device.reset_detected),
            self.configured_o.eq(control.interface.active_config != 0),
        ]
        return m


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--serial", required=True, help="serial number, 1 to 32 letters and digits")
    options.add_argument("--yosys", default="yosys", help="program that writes the Verilog")
    options.add_argument("--out", type=Path, required=True)
    args = options.parse_args()
    device = Device(args.serial)
    args.out.with_suffix(".il").write_text(rtlil.convert(device, name="usb_device", ports=device.ports(), emit_src=False))
    # Amaranth's own Verilog back end wants a newer Yosys than Debian's; its RTLIL is read by both. One flat module, so names are legal Verilog.
    script = f"read_rtlil {args.out.with_suffix('.il')}; proc; flatten; opt_clean; memory_collect; write_verilog -noattr {args.out}"
    subprocess.run([*args.yosys.split(), "-q", "-p", script], check=True)


if __name__ == "__main__":
    main()

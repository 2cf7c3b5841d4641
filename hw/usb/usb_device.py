# SPDX-License-Identifier: Apache-2.0
"""Generate build/gen/usb_device.v: LUNA's full-speed USB device with Quell's descriptors and vendor requests.

    python hw/usb/usb_device.py --serial TEXT --out build/gen/usb_device.v

One clock, 48 MHz. Ports: the wires; and what hw/usb/bulk_out.sv and bulk_in.sv need to be the two bulk endpoints.
"""
import argparse
import subprocess
from pathlib import Path

from amaranth import ClockDomain, ClockSignal, Elaboratable, Module, ResetInserter, ResetSignal, Signal
from amaranth.back import rtlil
from luna.gateware.usb.request.control import ControlRequestHandler
from luna.gateware.usb.request.standard import StandardRequestHandler
from luna.gateware.usb.usb2.descriptor import GetDescriptorHandlerBlock
from luna.gateware.usb.usb2 import request
from luna.gateware.usb.usb2.device import USBDevice
from luna.gateware.usb.usb2.endpoint import EndpointInterface
from luna.gateware.usb.usb2.packet import USBDataPacketDeserializer, USBInterpacketTimer
from luna.gateware.usb.usb2.request import RequestHandlerInterface
from luna.gateware.usb.usb2.reset import USBResetSequencer
from usb_protocol.emitters import DeviceDescriptorCollection
from usb_protocol.types import USBRequestRecipient, USBRequestType, USBStandardFeatures, USBStandardRequests

import descriptors
from luna_phy import Phy

USB_HZ = 48e6
CLOCKS_PER_BIT = 4

# LUNA 0.2.3 knows these times for clocks of 60 and 12 MHz only. With the wait of 3 clocks an answer
# starts 2.5 to 4.5 bit times after the host's packet (2 to 6.5 are allowed, 7.1.18).
for name, microseconds in ("500_NANOSECONDS", 0.5), ("2P5_MICROSECONDS", 2.5), ("5_MICROSECONDS", 5), ("3_MILLISECONDS", 3000):
    setattr(USBResetSequencer, f"_CYCLES_{name}", round(microseconds * USB_HZ / 1e6))
USBInterpacketTimer._FS_RX_TO_TX_DELAY[USB_HZ] = (3, 7 * CLOCKS_PER_BIT)
USBInterpacketTimer._FS_TX_TO_RX_TIMEOUT[USB_HZ] = 16 * CLOCKS_PER_BIT


class FreshDeserializer(Elaboratable):
    """LUNA's collector of SETUP data, started anew with every packet; by itself it takes the packet after a damaged one for the rest of that one."""

    def __init__(self, *, utmi, **options):
        self.utmi, self.inner = utmi, USBDataPacketDeserializer(utmi=utmi, **options)
        for name in "data_crc", "new_packet", "packet_id", "packet", "length":
            setattr(self, name, getattr(self.inner, name))

    def elaborate(self, platform):
        m = Module()
        was_active = Signal()
        m.d.usb += was_active.eq(self.utmi.rx_active)
        m.submodules.inner = ResetInserter({"usb": self.utmi.rx_active & ~was_active})(self.inner)
        return m


request.USBDataPacketDeserializer = FreshDeserializer


class Guarded(Elaboratable):
    """A request handler that starts anew at every SETUP, and hears the host's acknowledgements of endpoint 0 of this device only.

    LUNA's handlers wait for the end of the request they work on, so a host that gives one up leaves them behind; and they would take the acknowledgement of
    a bulk packet, or of another device's, for that of their own.
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
            inner.handshakes_in.ack.eq(outer.handshakes_in.ack & outer.tokenizer.is_in & (outer.tokenizer.endpoint == 0)),
        ]
        for name in "data_requested", "status_requested", "active_config", "rx_ready_for_response", "rx_invalid":
            m.d.comb += getattr(inner, name).eq(getattr(outer, name))
        for name in "claim", "address_changed", "new_address", "config_changed", "new_config", "clear_endpoint_halt", "tx_data_pid":
            m.d.comb += getattr(outer, name).eq(getattr(inner, name))
        return m


class GuardedStandard(Guarded):
    """Another name, because LUNA names submodules after their class."""


class GuardedInterface(Guarded):
    """The same."""


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

        # Guarded brings it back to IDLE.
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
            with m.State("REFUSE"):
                with m.If(self.interface.data_requested | self.interface.status_requested | self.interface.rx_ready_for_response):
                    m.d.comb += handshake.stall.eq(1)
        return m


class InterfaceRequests(ControlRequestHandler):
    """GET_INTERFACE and SET_INTERFACE of the one interface with its one setting, which LUNA leaves out."""

    REQUESTS = USBStandardRequests.GET_INTERFACE, USBStandardRequests.SET_INTERFACE

    @classmethod
    def mine(cls, setup):
        return (setup.type == USBRequestType.STANDARD) & ((setup.request == cls.REQUESTS[0]) | (setup.request == cls.REQUESTS[1]))

    def elaborate(self, platform):
        m = Module()
        interface, setup, tx = self.interface, self.interface.setup, self.interface.tx
        good = (setup.index == 0) & (setup.value == 0) & (setup.recipient == USBRequestRecipient.INTERFACE)
        get = good & (setup.request == self.REQUESTS[0]) & setup.is_in_request & (setup.length == 1)
        set_ = good & (setup.request == self.REQUESTS[1]) & ~setup.is_in_request & (setup.length == 0)
        sending = Signal()
        m.d.comb += [interface.claim.eq(self.mine(setup)), interface.tx_data_pid.eq(1)]
        with m.If(~(get | set_)):
            m.d.comb += interface.handshakes_out.stall.eq(interface.data_requested | interface.status_requested | interface.rx_ready_for_response)
        with m.Elif(interface.status_requested):
            m.d.comb += [interface.handshakes_out.ack.eq(get), tx.valid.eq(set_), tx.last.eq(set_)]
        # The answer is one byte, 0: setting 0.
        with m.Elif(interface.data_requested):
            m.d.usb += sending.eq(1)
        with m.If(sending):
            m.d.comb += [tx.valid.eq(1), tx.first.eq(1), tx.last.eq(1), tx.payload.eq(0)]
            with m.If(tx.ready):
                m.d.usb += sending.eq(0)
        return m


class BulkPort(Elaboratable):
    """Both bulk endpoints towards LUNA: an endpoint without logic, whose signals are ports of the module."""

    def __init__(self, c):
        self.number = c["QUSB_ENDPOINT_OUT"] & 15
        assert c["QUSB_ENDPOINT_IN"] == self.number | 0x80
        self.interface = EndpointInterface()
        # to the endpoints; strobes of one clock unless said otherwise
        self.out_token_o = Signal(name="out_token_o")    # an OUT token has come
        self.in_token_o = Signal(name="in_token_o")      # an IN token has come and may be answered now
        self.rx_valid_o = Signal(name="rx_valid_o")      # a byte of a data packet, CRC taken off
        self.rx_data_o = Signal(8, name="rx_data_o")
        self.rx_good_o = Signal(name="rx_good_o")        # the data packet had the right CRC; one clock after packet_end_o
        self.rx_answer_o = Signal(name="rx_answer_o")    # it may be answered now
        self.rx_toggle_o = Signal(name="rx_toggle_o")    # level: it was DATA1
        self.host_ack_o = Signal(name="host_ack_o")      # one clock after packet_end_o
        # from the endpoints
        self.ack_i, self.nak_i = Signal(name="ack_i"), Signal(name="nak_i")
        self.tx_valid_i, self.tx_first_i, self.tx_last_i = Signal(name="tx_valid_i"), Signal(name="tx_first_i"), Signal(name="tx_last_i")
        self.tx_data_i, self.tx_toggle_i = Signal(8, name="tx_data_i"), Signal(name="tx_toggle_i")
        self.tx_ready_o = Signal(name="tx_ready_o")

    def elaborate(self, platform):
        m = Module()
        i = self.interface
        mine = i.tokenizer.endpoint == self.number
        m.d.comb += [
            self.out_token_o.eq(mine & i.tokenizer.new_token & i.tokenizer.is_out),
            self.in_token_o.eq(mine & i.tokenizer.ready_for_response & i.tokenizer.is_in),
            self.rx_valid_o.eq(i.rx.valid & i.rx.next), self.rx_data_o.eq(i.rx.payload), self.rx_good_o.eq(i.rx_complete),
            self.rx_answer_o.eq(i.rx_ready_for_response), self.rx_toggle_o.eq(i.rx_pid_toggle[0]), self.host_ack_o.eq(i.handshakes_in.ack),
            i.handshakes_out.ack.eq(self.ack_i), i.handshakes_out.nak.eq(self.nak_i),
            i.tx.valid.eq(self.tx_valid_i), i.tx.first.eq(self.tx_first_i), i.tx.last.eq(self.tx_last_i), i.tx.payload.eq(self.tx_data_i),
            i.tx_pid_toggle.eq(self.tx_toggle_i), self.tx_ready_o.eq(i.tx.ready),
        ]
        return m


class Device(Elaboratable):
    """The module usb_device."""

    def __init__(self, serial):
        self.c, self.serial = descriptors.constants(), serial
        self.clk_i, self.rst_i = Signal(name="clk_i"), Signal(name="rst_i")
        self.dp_i, self.dn_i = Signal(name="dp_i"), Signal(name="dn_i")
        self.dp_o, self.dn_o, self.oe_o, self.pullup_o = (Signal(name=n) for n in ("dp_o", "dn_o", "oe_o", "pullup_o"))
        self.packet_o = Signal(name="packet_o")          # level: a packet of the host is under way
        self.packet_end_o = Signal(name="packet_end_o")  # strobe: a packet of the host, of any kind and in any state, has ended
        self.restart_o = Signal(name="restart_o")        # strobe: bus reset, SET_CONFIGURATION or SET_INTERFACE: toggles to DATA0, buffers empty
        self.flush_o = Signal(name="flush_o")            # strobe: QUSB_FLUSH: buffers empty
        self.clear_out_o, self.clear_in_o = Signal(name="clear_out_o"), Signal(name="clear_in_o")  # strobes: CLEAR_FEATURE(ENDPOINT_HALT): toggle to DATA0
        self.configured_o, self.suspended_o = Signal(name="configured_o"), Signal(name="suspended_o")
        self.bulk = BulkPort(self.c)

    def ports(self):
        return [s for owner in (self, self.bulk) for n, s in vars(owner).items() if n.endswith(("_i", "_o"))]

    def elaborate(self, platform):
        m = Module()
        for name in "usb", "usb_io":
            m.domains += ClockDomain(name)
            m.d.comb += [ClockSignal(name).eq(self.clk_i), ResetSignal(name).eq(self.rst_i)]
        m.submodules.phy = phy = Phy(self)
        m.submodules.device = device = USBDevice(bus=phy, handle_clocking=False)
        device.data_clock = USB_HZ
        control = device.add_control_endpoint()
        control.add_request_handler(GuardedStandard(StandardRequestHandler(
            descriptors.standard(self.c, self.serial), max_packet_size=self.c["QUSB_PACKET_SIZE"], skiplist=[InterfaceRequests.mine])))
        control.add_request_handler(GuardedInterface(InterfaceRequests()))
        vendor = VendorRequests(self.c)
        control.add_request_handler(Guarded(vendor))
        device.add_endpoint(self.bulk)

        # What resets toggles counts when its SETUP comes: should the acknowledgement of its end get lost, the host's toggles are at DATA0 all the same.
        setup = vendor.interface.setup
        standard = setup.received & (setup.type == USBRequestType.STANDARD) & ~setup.is_in_request
        again = standard & ((setup.request == USBStandardRequests.SET_CONFIGURATION) | (setup.request == USBStandardRequests.SET_INTERFACE))
        clear = (standard & (setup.request == USBStandardRequests.CLEAR_FEATURE) & (setup.recipient == USBRequestRecipient.ENDPOINT)
                 & (setup.value == USBStandardFeatures.ENDPOINT_HALT))
        was_active = Signal()
        m.d.usb += was_active.eq(phy.rx_active)
        m.d.comb += [
            device.connect.eq(1), self.suspended_o.eq(device.suspended), self.configured_o.eq(control.interface.active_config != 0),
            self.clear_out_o.eq(clear & (setup.index[0:8] == self.c["QUSB_ENDPOINT_OUT"])),
            self.clear_in_o.eq(clear & (setup.index[0:8] == self.c["QUSB_ENDPOINT_IN"])),
            self.packet_o.eq(phy.rx_active), self.packet_end_o.eq(was_active & ~phy.rx_active), self.flush_o.eq(vendor.flush), self.restart_o.eq(device.reset_detected | again),
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

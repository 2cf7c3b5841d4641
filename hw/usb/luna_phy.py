# SPDX-License-Identifier: Apache-2.0
"""Full-speed transceiver made of LUNA's parts, with one clock of 48 MHz for bits and packets.

LUNA's own GatewarePHY hands bytes to a 12 MHz domain through asynchronous FIFOs; together with the protocol's steps of 83 ns the device then answers 10 to 15
bit times after the host's packet, where USB 2.0 (7.1.18) allows 6.5. Here everything runs in the domain usb, 48 MHz, and an answer starts after 2.5 to 4.5.
The transmitter's 12 MHz registers become registers that are enabled in one clock of four.
"""
from amaranth import Cat, Elaboratable, EnableInserter, Module, ResetInserter, Signal
from amaranth.lib.cdc import FFSynchronizer
from luna.gateware.interface.gateware_phy.receiver import RxBitstuffRemover, RxClockDataRecovery, RxNRZIDecoder, RxPacketDetect, RxShifter
from luna.gateware.interface.gateware_phy.transmitter import TxPipeline


class Receiver(Elaboratable):
    """D+ and D- to bytes: clock recovery, NRZI, packet limits, bit stuffing, bytes."""

    def __init__(self, dp, dn):
        self.dp, self.dn = dp, dn
        self.data, self.valid, self.active = Signal(8), Signal(), Signal()

    def elaborate(self, platform):
        m = Module()
        m.submodules.recovery = recovery = RxClockDataRecovery(self.dp, self.dn)
        m.submodules.nrzi = nrzi = RxNRZIDecoder()
        m.submodules.stuffing = stuffing = RxBitstuffRemover()
        detect = RxPacketDetect()
        # Seven ones in a row: the packet broke off without its SE0.
        m.submodules.detect = ResetInserter({"usb_io": stuffing.o_error})(detect)
        m.submodules.shifter = shifter = RxShifter(width=8)
        detected = Signal()
        m.d.usb_io += detected.eq(detect.o_pkt_active)
        m.d.comb += [
            nrzi.i_valid.eq(recovery.line_state_valid), nrzi.i_dj.eq(recovery.line_state_dj),
            nrzi.i_dk.eq(recovery.line_state_dk), nrzi.i_se0.eq(recovery.line_state_se0),
            detect.i_valid.eq(nrzi.o_valid), detect.i_se0.eq(nrzi.o_se0), detect.i_data.eq(nrzi.o_data),
            stuffing.i_valid.eq(nrzi.o_valid), stuffing.i_data.eq(nrzi.o_data),
            shifter.reset.eq(detect.o_pkt_end), shifter.i_data.eq(stuffing.o_data), shifter.i_valid.eq(~stuffing.o_stall & detected),
            self.data.eq(shifter.o_data[::-1]), self.valid.eq(shifter.o_put & self.active),
        ]
        # The last byte is whole two clocks after its last bit was sampled; the SE0 that ends the packet is sampled three clocks or more after that bit.
        with m.If(detect.o_pkt_start):
            m.d.usb_io += self.active.eq(1)
        with m.Elif(detect.o_pkt_end | stuffing.o_error):
            m.d.usb_io += self.active.eq(0)
        return m


class Phy(Elaboratable):
    """UTMI as LUNA's USBDevice expects it. Pins: dp_i, dn_i (from the wires), dp_o, dn_o, oe_o, pullup_o."""

    def __init__(self, pins):
        self.pins = pins
        self.tx_data, self.tx_valid, self.tx_ready = Signal(8), Signal(), Signal()
        self.rx_data, self.rx_valid, self.rx_active = Signal(8), Signal(), Signal()
        self.line_state = Signal(2)  # bit 0: D+, bit 1: D-
        self.session_end = Signal()
        # Set by USBDevice; a full-speed device without chirps needs term_select only.
        self.xcvr_select, self.op_mode, self.term_select = Signal(2), Signal(2), Signal()
        self.dp_pulldown, self.dm_pulldown = Signal(), Signal()

    def elaborate(self, platform):
        m = Module()
        pins = self.pins
        m.submodules.line_state = FFSynchronizer(Cat(pins.dp_i, pins.dn_i), self.line_state, o_domain="usb", init=0b01)

        strobe, count = Signal(), Signal(2)  # one clock of four: a bit
        m.d.usb += count.eq(count + 1)
        m.d.comb += strobe.eq(count == 0)
        transmitter = TxPipeline()
        m.submodules.transmitter = EnableInserter({"usb": strobe})(transmitter)
        m.d.comb += [
            transmitter.i_bit_strobe.eq(strobe), transmitter.i_data_payload.eq(self.tx_data), transmitter.i_oe.eq(self.tx_valid),
            self.tx_ready.eq(transmitter.o_data_strobe & strobe),
            pins.dp_o.eq(transmitter.o_usbp), pins.dn_o.eq(transmitter.o_usbn), pins.oe_o.eq(transmitter.o_oe), pins.pullup_o.eq(self.term_select),
        ]

        # Deaf while it speaks.
        m.submodules.receiver = receiver = Receiver(pins.dp_i & ~transmitter.o_oe, pins.dn_i & ~transmitter.o_oe)
        m.d.comb += [self.rx_data.eq(receiver.data), self.rx_valid.eq(receiver.valid), self.rx_active.eq(receiver.active)]
        return m

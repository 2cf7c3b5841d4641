# SPDX-License-Identifier: Apache-2.0
"""Generate the SDRAM controller, LiteDRAM for the ULX3S's chip, as one Verilog module `litedram_core` (docs/memory.md).

    python tools/gen_litedram.py build/gen/litedram_core.v

1:1 (the memory runs on the chip's clock), 16 bit, no processor: initialised over the Wishbone port wb_ctrl. User ports, LiteDRAM's native ones:
rd0 and rd1 read, wr writes. The text that LiteDRAM writes is then repaired; a repair that does not find its place stops the script.
"""
import logging
import re
import sys
import tempfile
from pathlib import Path

from litedram import modules
from litedram.core.controller import ControllerSettings
from litedram.gen import LiteDRAMCoreControl, LiteDRAMGENSDRPHYCRG, get_dram_ios
from litedram.phy import GENSDRPHY
from litex.build.generic_platform import Pins, Subsignal
from litex.build.lattice import LatticePlatform
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc_core import SoCCore
from litex.soc.interconnect import wishbone
from migen import Signal

CLOCK = 200e6 / 3
NAME = "litedram_core"
PORTS = {"rd0": "read", "rd1": "read", "wr": "write"}
DQ = 16


class Chip(modules.SDRModule):
    """4 banks x 8192 rows x 512 columns x 16 bit. The slowest of what the data sheets of the chips on ULX3S boards ask for, in ns; LiteDRAM's own
    entries for them lack tRAS, tRC and tRRD, and then it does not keep them. Counted in clocks it rounds tREFI up: 7.7 us makes 7.71, not 7.8125."""
    nbanks, nrows, ncols = 4, 8192, 512
    technology_timings = modules._TechnologyTimings(tREFI=7700, tWTR=(2, None), tCCD=(1, None), tRRD=(None, 14))
    speedgrade_timings = {"default": modules._SpeedgradeTimings(tRP=21, tRCD=21, tWR=15, tRFC=(None, 70), tFAW=None, tRAS=42)}


class Core(SoCCore):
    def __init__(self, platform):
        platform.add_extension([(name, 0, Pins(1)) for name in ("clk", "rst", "init_done", "init_error")])
        super().__init__(platform, CLOCK, cpu_type=None, csr_data_width=32, with_uart=False, with_timer=False, with_ctrl=False,
                         integrated_rom_size=0, integrated_sram_size=0, ident="")
        chip = Chip(CLOCK, rate="1:1")
        config = {"memtype": "SDR", "sdram_module": chip, "sdram_module_nb": DQ // 8}
        self.crg = LiteDRAMGENSDRPHYCRG(platform, config)
        platform.add_extension(get_dram_ios(config))
        self.sdrphy = GENSDRPHY(platform.request("sdram"), CLOCK, cl=2)
        # Long turns of reading and writing: 93 % of the peak with both, 84 % with LiteDRAM's 32 and 16; a read may wait 305 clocks instead of 80.
        self.add_sdram("sdram", phy=self.sdrphy, module=chip, with_soc_interconnect=False,
                       controller_settings=ControllerSettings(cmd_buffer_depth=4, read_time=128, write_time=128))
        self.ddrctrl = LiteDRAMCoreControl()
        self.comb += [platform.request("init_done").eq(self.ddrctrl.init_done.storage), platform.request("init_error").eq(self.ddrctrl.init_error.storage)]
        bus = wishbone.Interface()
        self.bus.add_master(master=bus)
        platform.add_extension(bus.get_ios("wb_ctrl"))
        self.comb += bus.connect_to_pads(platform.request("wb_ctrl"), mode="slave")
        open_ = Signal()  # no user before the chip is initialised
        self.sync += open_.eq(self.ddrctrl.init_done.storage & ~self.ddrctrl.init_error.storage)
        for name, mode in PORTS.items():
            self.user_port(platform, name, mode, open_)

    def user_port(self, platform, name, mode, open_):
        """A port with the pins that its direction needs. The crossbar asks neither whether write data is there nor whether read data is taken."""
        port = self.sdram.crossbar.get_port(mode=mode)
        assert port.data_width == DQ and port.address_width == 24
        data = [Subsignal("wdata_ready", Pins(1)), Subsignal("wdata_data", Pins(DQ))] if mode == "write" else [Subsignal("rdata_valid", Pins(1)), Subsignal("rdata_data", Pins(DQ))]
        platform.add_extension([(name, 0, Subsignal("cmd_valid", Pins(1)), Subsignal("cmd_ready", Pins(1)), Subsignal("cmd_addr", Pins(24)), *data)])
        pins = platform.request(name)
        self.comb += [port.cmd.valid.eq(pins.cmd_valid & open_), pins.cmd_ready.eq(port.cmd.ready & open_), port.cmd.addr.eq(pins.cmd_addr), port.cmd.we.eq(int(mode == "write"))]
        if mode == "write":
            self.comb += [pins.wdata_ready.eq(port.wdata.ready), port.wdata.data.eq(pins.wdata_data), port.wdata.we.eq(2 ** (DQ // 8) - 1), port.wdata.valid.eq(1)]
        else:
            self.comb += [pins.rdata_valid.eq(port.rdata.valid), pins.rdata_data.eq(port.rdata.data), port.rdata.ready.eq(1)]


def replace(pattern, new, text, times):
    """re.sub that must find its place, so many times."""
    text, found = re.subn(pattern, new, text, flags=re.M)
    assert found == times, f"{pattern}: found {found} times, {times} wanted: another LiteDRAM?"
    return text


def repair(text):
    # The data pins come out as inputs.
    text = replace(rf"^(\s*)input (\s*wire\s+\[{DQ - 1}:0\] sdram_dq\b)", r"\1inout \2", text, 1)
    # The output enable comes out of the fabric, 2 to 4 ns after the data of the I/O cells, so the first word of a run of writes would be late: no
    # simulation shows that. A register a pin, which place and route packs into the I/O cell; the enable that the script removes was registered too.
    (enable,) = set(re.findall(r"^\s*\w*inferedsdrtristate\d+_oe <= (\w+);", text, re.M))
    text = replace(r"^\s*\w*inferedsdrtristate\d+_oe <= \w+;\n", "", text, DQ)
    pins = []
    for number in range(DQ):
        text = replace(rf"\.T(\s*)\(\(?~\w*inferedsdrtristate{number}_oe\)?\)", rf".T\1(dq_oe_n[{number}])", text, 1)
        pins.append(f"(* keep *) OFS1P3BX dq_oe_ff{number} (.D(~{enable}), .PD(1'd0), .SCLK(sys_clk), .SP(1'd1), .Q(dq_oe_n[{number}]));")
    text = replace(r"(?<=^module litedram_core \()([^;]*)^\);\n", rf"\1);\n\n// Output enables of the data pins, active low\nwire [{DQ - 1}:0] dq_oe_n;\n", text, 1)
    text = replace(r"^endmodule", "\n".join(pins) + "\n\nendmodule", text, 1)
    # Whether a request hits the open row is known a clock ahead: when it comes into its bank's buffer, and when its row is opened. The comparison would
    # begin the chip's longest path, through the arbiter to every bank's timers.
    for bank in range(Chip.nbanks):
        name = f"core_bankmachine{bank}"
        row = "[21:9]"
        text = replace(rf"^wire( +){name}_row_hit;", rf"reg \1{name}_row_hit = 1'd0;", text, 1)
        text = replace(rf"^assign {name}_row_hit = \({name}_row == {name}_source_source_payload_addr{re.escape(row)}\);\n", "", text, 1)
        hits = ["always @(posedge sys_clk)", f"    if ({name}_row_open) {name}_row_hit <= 1'd1;",
                f"    else if ({name}_pipe_valid_sink_ready) {name}_row_hit <= {name}_row == {name}_pipe_valid_sink_payload_addr{row};"]
        text = replace(r"^endmodule", "\n".join(hits) + "\n\nendmodule", text, 1)
    # The banks hear of a refresh a clock later, from a register: it would be the next path of that length. The one clock in which a bank still grants what is over
    # must not begin another refresh.
    for bank in range(Chip.nbanks):
        text = replace(rf"^assign core_bankmachine{bank}_refresh_req = core_cmd_valid;", f"assign core_bankmachine{bank}_refresh_req = refresh_req;", text, 1)
    text = replace(r"^assign core_go_to_refresh = (.*);", r"assign core_go_to_refresh = (core_cmd_valid & \1);", text, 1)
    text = replace(r"(?<=^wire \[15:0\] dq_oe_n;\n)", "\nreg refresh_req = 1'd0;\n", text, 1)
    text = replace(r"^endmodule", "always @(posedge sys_clk) refresh_req <= core_cmd_valid;\n\nendmodule", text, 1)
    # The same file whenever it is made: without date, the revision of whatever folder it was made in, and the tree of modules, whose order is random.
    text = replace(r"^/\*\n[^/]*^\*/\n", "", text, 1)
    text = replace(r"^// (Date|LiteX sha1) .*\n", "", text, 2)
    return replace(r"^//  Auto-Generated by LiteX on .*\n", "//  Auto-Generated by LiteX, repaired by tools/gen_litedram.py\n", text, 1)


def generate():
    """LiteDRAM's own text."""
    logging.disable()  # LiteX tells in 200 lines what it does
    with tempfile.TemporaryDirectory() as folder:
        builder = Builder(Core(LatticePlatform("LFE5U-85F-6BG381C", io=[], toolchain="trellis")), output_dir=folder, compile_gateware=False, compile_software=False)
        builder.build(build_name=NAME, regular_comb=False)
        return (Path(folder) / f"gateware/{NAME}.v").read_text()


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(repair(generate()))

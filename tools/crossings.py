# SPDX-License-Identifier: Apache-2.0
"""Clock domain crossings of a synthesised netlist: every flip-flop, memory or multiplier input that another clock's register reaches.

nextpnr reports the longest path between two clocks and constrains none. Here each crossing is named, so that one nobody thought of is an error.
"""
import json
from collections import defaultdict

# Clocked cells of synth_ecp5: their clock ports. Their other inputs end paths, their outputs begin them.
CLOCKS = {"TRELLIS_FF": ["CLK"], "DP16KD": ["CLKA", "CLKB"], "PDPW16KD": ["CLKW", "CLKR"], "MULT18X18D": ["CLK0", "CLK1", "CLK2", "CLK3"],
          "TRELLIS_DPR16X4": ["WCK"]}
# A distributed memory reads without a clock: its outputs follow its read address, and what its write clock stored.
READ_ADDRESS = "RAD"


def load(netlist, top):
    """Cells of a flat netlist: [(name, type, {port: bits}, outputs)]."""
    module = json.loads(netlist.read_text())["modules"][top]
    return [(name, c["type"], c["connections"], {p for p, d in c["port_directions"].items() if d != "input"})
            for name, c in module["cells"].items()], module


def clock_of(kind, connections):
    nets = {bit for port in CLOCKS[kind] for bit in connections.get(port, []) if not isinstance(bit, str)}
    return min(nets) if nets else None


def crossings(netlist, top):
    """{(from clock, to clock): {cell that ends the path, ...}}, clocks by net name; outputs and inputs of the chip are no clocks."""
    cells, module = load(netlist, top)
    names = {}
    for name, net in sorted(module["netnames"].items(), key=lambda item: -len(item[0])):
        names.update((bit, name) for bit in net["bits"])
    domains = defaultdict(set)  # net: clocks whose registers reach it
    readers = defaultdict(list)  # net: unclocked cells it enters, as lists of their output nets
    changed = []
    for _, kind, ports, outputs in cells:
        driven = [bit for port in outputs for bit in ports[port]]
        clock = clock_of(kind, ports) if kind in CLOCKS else None
        if clock is not None:
            for bit in driven:
                domains[bit].add(clock)
                changed.append(bit)
        if kind not in CLOCKS or kind == "TRELLIS_DPR16X4":
            through = [p for p in ports if p not in outputs and (kind not in CLOCKS or p == READ_ADDRESS)]
            for bit in {b for p in through for b in ports[p]}:
                readers[bit].append(driven)
    while changed:
        bit = changed.pop()
        for driven in readers[bit]:
            for out in driven:
                if not domains[bit] <= domains[out]:
                    domains[out] |= domains[bit]
                    changed.append(out)
    found = defaultdict(set)
    for name, kind, ports, outputs in cells:
        clock = clock_of(kind, ports) if kind in CLOCKS else None
        if clock is None:
            continue
        for port, bits in ports.items():
            if port in outputs or port in CLOCKS[kind] or (kind == "TRELLIS_DPR16X4" and port == READ_ADDRESS):
                continue
            for bit in bits:
                for source in domains.get(bit, ()):
                    if source != clock:
                        found[names[source], names[clock]].add(name)
    return found

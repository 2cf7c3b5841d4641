# SPDX-License-Identifier: Apache-2.0
"""Make the RTL constants, the readable table and the field list of the layer table from a register description.

    gen_regs.py hw/regs/quell.rdl OUTPUT_DIR           (or another .rdl: its address map's name takes the place of quell_regs)

writes quell_regs_pkg.sv (offsets, bit positions, values of constant fields) and registers.md (denoiser_regs.md for another map); if the map has a
register file `layer`, also quell_fields.h (an X-macro: QUELL_LAYER_FIELDS(X) with X(name, byte_offset, low_bit, width, description);
QUELL_LAYER_WORDS). The C header with masks comes from peakrdl-cheader.
"""
import sys
from pathlib import Path

from systemrdl import RDLCompiler
from systemrdl.node import RegfileNode, RegNode


def registers(node, prefix=""):
    """Yield (name, register node) of every register below node, in address order."""
    for child in node.children():
        name = f"{prefix}{child.inst_name}"
        if isinstance(child, RegfileNode):
            yield from registers(child, name + "_")
        elif isinstance(child, RegNode):
            yield name, child


def main():
    source, out = sys.argv[1], Path(sys.argv[2])
    compiler = RDLCompiler()
    compiler.compile_file(source)
    top = compiler.elaborate().top
    regs = list(registers(top))
    layer = top.get_child_by_name("layer")
    layer_addresses = range(layer.absolute_address, layer.absolute_address + layer.size) if layer else range(0)

    package = ["// Made by tools/gen_regs.py from " + source + ".", f"package {top.inst_name}_pkg;"]
    fields = ["/* Made by tools/gen_regs.py from " + source + ". */", "#ifndef QUELL_FIELDS_H", "#define QUELL_FIELDS_H", "#define QUELL_LAYER_FIELDS(X) \\"]
    table = [f"# Registers\n\nMade by `make regs` from `{source}`; do not edit.\n", "| address | register | bits | field | meaning |", "|---|---|---|---|---|"]
    for name, reg in regs:
        package.append(f"  localparam logic [11:0] {name.upper()} = 12'h{reg.absolute_address:03X};")
        for field in reg.fields():
            in_layer = reg.absolute_address in layer_addresses
            label = field.inst_name if in_layer else f"{name}_{field.inst_name}"
            package.append(f"  localparam int {label.upper()}_LSB = {field.low}; localparam int {label.upper()}_WIDTH = {field.width};")
            if in_layer:  # where the field lies in the layer as one long vector
                package[-1] += f" localparam int {label.upper()}_BIT = {8 * (reg.absolute_address - layer_addresses.start) + field.low};"
            if not field.is_hw_writable and not field.is_sw_writable:
                package.append(f"  localparam logic [{field.width - 1}:0] {label.upper()}_VALUE = {field.width}'h{field.get_property('reset'):X};")
            text = (field.get_property("desc") or reg.get_property("desc") or "").replace("\n", " ")
            if in_layer:
                fields.append(f'    X({field.inst_name}, {reg.absolute_address - layer_addresses.start}, {field.low}, {field.width}, "{text}") \\')
            table.append(f"| 0x{reg.absolute_address:03X} | {name} | {field.high}:{field.low} | {field.inst_name} | {text} |")
    if layer:
        package.append(f"  localparam int LAYER_WORDS = {layer.size // 4};")
    package.append("endpackage\n")

    out.mkdir(parents=True, exist_ok=True)
    (out / f"{top.inst_name}_pkg.sv").write_text("\n".join(package))
    (out / ("registers.md" if layer else f"{top.inst_name}.md")).write_text("\n".join(table) + "\n")
    if layer:
        fields[-1] = fields[-1].rstrip(" \\")
        fields += [f"#define QUELL_LAYER_WORDS {layer.size // 4}u", "#endif\n"]
        (out / "quell_fields.h").write_text("\n".join(fields))


if __name__ == "__main__":
    main()

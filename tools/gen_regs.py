# SPDX-License-Identifier: Apache-2.0
"""Make the RTL constants and the field list of the layer table from the register description.

    gen_regs.py hw/regs/quell.rdl OUTPUT_DIR

writes quell_regs_pkg.sv (offsets, bit positions), quell_fields.h (an X-macro: QUELL_LAYER_FIELDS(X) with
X(name, byte_offset, low_bit, width, description); QUELL_LAYER_WORDS) and registers.md. The C header with masks comes from peakrdl-cheader.
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
    base = layer.absolute_address

    package = ["// Made by tools/gen_regs.py from " + source + ".", "package quell_regs_pkg;"]
    fields = ["/* Made by tools/gen_regs.py from " + source + ". */", "#ifndef QUELL_FIELDS_H", "#define QUELL_FIELDS_H", "#define QUELL_LAYER_FIELDS(X) \\"]
    table = [f"# Registers\n\nMade by `make regs` from `{source}`; do not edit.\n", "| address | register | bits | field | meaning |", "|---|---|---|---|---|"]
    for name, reg in regs:
        package.append(f"  localparam logic [11:0] {name.upper()} = 12'h{reg.absolute_address:03X};")
        for field in reg.fields():
            in_layer = base <= reg.absolute_address < base + layer.size
            label = field.inst_name if in_layer else f"{name}_{field.inst_name}"
            package.append(f"  localparam int {label.upper()}_LSB = {field.low}; localparam int {label.upper()}_WIDTH = {field.width};")
            if in_layer:  # where the field lies in the layer as one long vector
                package[-1] += f" localparam int {label.upper()}_BIT = {8 * (reg.absolute_address - base) + field.low};"
            text = (field.get_property("desc") or reg.get_property("desc") or "").replace("\n", " ")
            if in_layer:
                fields.append(f'    X({field.inst_name}, {reg.absolute_address - base}, {field.low}, {field.width}, "{text}") \\')
            table.append(f"| 0x{reg.absolute_address:03X} | {name} | {field.high}:{field.low} | {field.inst_name} | {text} |")
    package.append("endpackage\n")
    fields[-1] = fields[-1].rstrip(" \\")
    fields += [f"#define QUELL_LAYER_WORDS {layer.size // 4}u", "#endif\n"]

    out.mkdir(parents=True, exist_ok=True)
    (out / "quell_regs_pkg.sv").write_text("\n".join(package))
    (out / "quell_fields.h").write_text("\n".join(fields))
    (out / "registers.md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()

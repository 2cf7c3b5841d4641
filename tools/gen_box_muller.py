# SPDX-License-Identifier: Apache-2.0
"""Make the tables of the fixed-point Box-Muller evaluation (docs/noise.md): `python tools/gen_box_muller.py DIR` writes
box_muller_tables.[ch] for libquell and box_muller_{radius,angle,turn}_rom.sv for hw/noise.

All in Decimal, so that every machine makes the same bytes.

radius: 1024 entries, address {half, E[5:0], segment[2:0]}. v = u0 in the lower half of the 48-bit range, ~u0 in the upper; E = 0 for v = 0, else
        17 + floor(log2 v); eight equal segments an octave, in each a quadratic in t = 14 bits:
        r (Q4.14) = (c0 + ((c1 + ((c2*t) >> 13)) * t >> 18)) >> 2          c0 Q4.16 with all rounding terms in it, c1 s.20, c2 s.19
angle:  512 entries {sin, cos}, Q0.18, at the middles of 512 segments of a quarter turn;
turn:   32 entries, s.20: the angle (i - 15.5) steps of u1, in radians; the C has them as a line, ((2i - 31)*BM_TURN + 2^15) >> 16.
"""
import sys
from decimal import Decimal as D, ROUND_HALF_EVEN, getcontext
from pathlib import Path

getcontext().prec = 40
T_BITS, C0_FRACTION, C1_FRACTION, C2_FRACTION = 14, 16, 20, 19
PI = D("3.14159265358979323846264338327950288419716939937510")
SQRT3_2 = D(3).sqrt() / 2


def rounded(x):
    return int(x.to_integral_value(ROUND_HALF_EVEN))


def cos(x):
    """Taylor series, for 0 <= x <= pi/2."""
    term, total, k = D(1), D(1), 0
    while abs(term) > D("1e-38"):
        k += 2
        term = -term * x * x / (k * (k - 1))
        total += term
    return total


def radius(half, v):
    """r of the exact definition for a (real) v: u0 + 1 = v + 1 in the lower half, 2^48 - v in the upper."""
    u = (v + 1) / D(2**48) if half == 0 else 1 - v / D(2**48)
    return (-2 * u.ln()).sqrt() if u < 1 else D(0)


def radius_entry(half, e_code, segment):
    """Quadratic through the three Chebyshev nodes of the segment."""
    if e_code == 0:
        return rounded(radius(half, D(0)) * 2**C0_FRACTION) + 2, 0, 0
    if e_code < 17:
        return 0, 0, 0  # no v has such an exponent
    e = e_code - 17
    if e <= 3:  # t = 0: exact
        return rounded(radius(half, D(2) ** e * (8 + segment) / 8) * 2**C0_FRACTION) + 2, 0, 0
    # t keeps 14 bits: where the mantissa has more, the polynomial is fitted to the middle of what t leaves open.
    middle = D("0.5") - D(2) ** (T_BITS + 2 - e) if e > T_BITS + 3 else D(0)
    octave = D(2) ** e

    def value(s):
        return radius(half, octave * (1 + (segment + s + middle / 2**T_BITS) / 8))

    nodes = [(1 - SQRT3_2) / 2, D("0.5"), (1 + SQRT3_2) / 2]
    y = [value(s) for s in nodes]
    slope01, slope12 = (y[1] - y[0]) / (nodes[1] - nodes[0]), (y[2] - y[1]) / (nodes[2] - nodes[1])
    a2 = (slope12 - slope01) / (nodes[2] - nodes[0])
    c2 = rounded(a2 * 2**C2_FRACTION)
    a2 = D(c2) / 2**C2_FRACTION
    # The line that goes best with the rounded c2, then the constant that goes best with both.
    line = [y[i] - a2 * nodes[i] ** 2 for i in range(3)]
    c1 = rounded((line[2] - line[0]) / (nodes[2] - nodes[0]) * 2**C1_FRACTION + D("0.5"))  # + half: >> 13 floors
    a1 = (D(c1) - D("0.5")) / 2**C1_FRACTION
    rest = [line[i] - a1 * nodes[i] for i in range(3)]
    # + 2: rounding of r to Q4.14; + half: the second shift floors too.
    c0 = rounded((max(rest) + min(rest)) / 2 * 2**C0_FRACTION + D("0.5")) + 2
    assert 0 <= c0 < 2**20 and -(2**17) <= c1 < 2**17 and -(2**11) <= c2 < 2**11, (half, e, segment, c0, c1, c2)
    return c0, c1, c2


def angle_entry(i):
    phi = (D(i) + D("0.5")) * PI / 1024
    # 2^18 - 2: the largest cosine must not round to 1.0 after the turn.
    return [min(rounded(x * 2**18), 2**18 - 2) for x in (cos(phi), cos(PI / 2 - phi))]


def turn_entry(i):
    return rounded((D(i) - D("15.5")) * PI / 32768 * 2**20)


def turn_step(entries):
    """BM_TURN, checked against every entry."""
    step = rounded(PI / 65536 * 2**36)
    assert entries == [((2 * i - 31) * step + 2**15) >> 16 for i in range(32)]
    return step


def c_array(name, values):
    lines = [", ".join(map(str, values[i : i + 8])) for i in range(0, len(values), 8)]
    return f"const int32_t {name}[{len(values)}] = {{\n    " + ",\n    ".join(lines) + "\n};\n"


def rom(name, what, address_bits, width, words, style="block"):
    body = "\n".join(f"        rom[{i}] = {width}'h{w:x};" for i, w in enumerate(words))
    return f"""// SPDX-License-Identifier: Apache-2.0
// Made by tools/gen_box_muller.py. {what}
// A register after the read and one for the output: data two enabled clocks after the address.
`default_nettype none
module {name} (
    input  wire logic clk_i,
    input  wire logic ce_i,
    input  wire logic [{address_bits - 1}:0] addr_i,
    output      logic [{width - 1}:0] data_o
);
    (* ram_style = "{style}" *)
    logic [{width - 1}:0] rom [0:{len(words) - 1}];
    logic [{width - 1}:0] read_q;

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            read_q <= rom[addr_i];
            data_o <= read_q;
        end
    end

    initial begin
{body}
    end
endmodule
`default_nettype wire
"""


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    r = [radius_entry(a >> 9, a >> 3 & 63, a & 7) for a in range(1024)]
    angle = [angle_entry(i) for i in range(512)]
    turn = [turn_entry(i) for i in range(32)]
    license = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_box_muller.py, which says what the columns mean. */\n"
    tables = {"bm_c0_c2": [c2 * 2**20 + c0 for c0, c1, c2 in r], "bm_c1": [c1 for c0, c1, c2 in r], "bm_cos": [c for c, s in angle], "bm_sin": [s for c, s in angle]}
    header = license + "#include <stdint.h>\n\n" + "".join(f"extern const int32_t {name}[{len(values)}];\n" for name, values in tables.items())
    header += f"#define BM_TURN {turn_step(turn)}\n"
    (out / "box_muller_tables.c").write_text(license + '#include "box_muller_tables.h"\n\n' + "\n".join(c_array(name, values) for name, values in tables.items()))
    (out / "box_muller_tables.h").write_text(header)
    words = [(c2 % 2**12) << 38 | (c1 % 2**18) << 20 | c0 for c0, c1, c2 in r]
    (out / "box_muller_radius_rom.sv").write_text(rom("box_muller_radius_rom", "{c2 s12, c1 s18, c0 u20} of a segment of the radius.", 10, 50, words))
    words = [s << 18 | c for c, s in angle]
    (out / "box_muller_angle_rom.sv").write_text(rom("box_muller_angle_rom", "{sin, cos}, Q0.18, of the middles of 512 segments of a quarter turn.", 9, 36, words))
    words = [x % 2**12 for x in turn]
    (out / "box_muller_turn_rom.sv").write_text(rom("box_muller_turn_rom", "32 small angles, s.20, in radians.", 5, 12, words, "logic"))
    print(f"box_muller: c1 within {max(abs(c1) for c0, c1, c2 in r)}, c2 within {max(abs(c2) for c0, c1, c2 in r)}, turn up to {max(turn)}")


if __name__ == "__main__":
    main()

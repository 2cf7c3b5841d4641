# SPDX-License-Identifier: Apache-2.0
"""The tables of tools/gen_box_muller.py as libquell's vector code reads them, two numbers in one access: `python -m tools.gen_noise_pairs DIR` writes box_muller_pairs.[ch]."""
import sys
from pathlib import Path

from tools import gen_box_muller

HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by tools/gen_noise_pairs.py. */\n"


def main():
    out = Path(sys.argv[1])
    radius = [gen_box_muller.radius_entry(a >> 9, a >> 3 & 63, a & 7) for a in range(1024)]
    tables = {"bm_radius_pairs": [(c2 * 2**20 + c0, c1) for c0, c1, c2 in radius], "bm_angle_pairs": [gen_box_muller.angle_entry(i) for i in range(512)]}
    (out / "box_muller_pairs.h").write_text(HEAD + "#include <stdint.h>\n\n" + "".join(f"extern const int32_t {name}[{len(pairs)}][2];\n" for name, pairs in tables.items()))
    arrays = [f"const int32_t {name}[{len(pairs)}][2] = {{\n" + "".join(f"    {{{a}, {b}}},\n" for a, b in pairs) + "};\n" for name, pairs in tables.items()]
    (out / "box_muller_pairs.c").write_text(HEAD + '#include "box_muller_pairs.h"\n\n' + "\n".join(arrays))


if __name__ == "__main__":
    main()

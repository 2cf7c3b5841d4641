# SPDX-License-Identifier: Apache-2.0
"""Fixed places on the LFE5U-85F for block RAMs and multipliers: written into the netlist between synthesis and place and route.

nextpnr, left alone, scatters the block RAMs of a memory over the whole chip when nine tenths of them are used (docs/boards.md), and an
address then crosses a hundred tiles. Here each memory stays together, in the order of the data's path. What matches no line of `plan` is placed by nextpnr.
"""
import re

# The part has rows of 52 block RAMs and of 52 multipliers, in groups of four, nine columns each; two columns more in the middle.
BLOCK_RAM_ROWS, MULTIPLIER_ROWS = (22, 46, 70, 82), (10, 34, 58)
CELLS = {"DP16KD": BLOCK_RAM_ROWS, "MULT18X18D": MULTIPLIER_ROWS}


def site(kind, row, slot):
    """nextpnr's name of a place: slot 0 to 51 of a row."""
    group, place = divmod(slot, 4)
    column = 4 + 9 * group + 2 * (group >= 7)
    if kind == "DP16KD":
        return f"X{column + 2 * place}/Y{row}/EBR{place}"
    offset = (0, 1, 4, 5)[place]
    return f"X{column + offset}/Y{row}/MULT18_{offset}"


def area(kind, *spans):
    """Places of rows, each (row, first slot, last slot), in turn slot by slot so that a memory stays compact."""
    slots = sorted((slot - first, row, slot) for row, first, last in spans for slot in range(first, last + 1))
    return [site(kind, row, slot) for _, row, slot in slots]


def plan():
    """(pattern of cell names, kind, places in order of preference)."""
    lines = []
    for core in range(8):  # a core: its weights, its accumulators in both banks, its nine multipliers
        chunk, column = divmod(core, 4)
        rams, row = BLOCK_RAM_ROWS[chunk], MULTIPLIER_ROWS[chunk]
        weights = "|".join(str(8 * column + i) for i in range(8))
        lines += [(rf"i_array\.weights\.g_chunk\[{chunk}\]\.memory\.0\.({weights})$", "DP16KD", area("DP16KD", (rams, 10 * column, 10 * column + 7))),
                  (rf"i_array\.rows\.g_bank\[[01]\]\.g_half\[0\]\.memory\.0\.{core}$", "DP16KD", area("DP16KD", (rams, 10 * column + 8, 10 * column + 9))),
                  (rf"i_array\.cores\.g_core\[{core}\]\.", "MULT18X18D", area("MULT18X18D", (row, 10 * column, 10 * column + 8)))]
    return lines + [
        (r"i_soc\.i_act\.", "DP16KD", area("DP16KD", (70, 0, 15), (82, 0, 15))),
        (r"i_soc\.i_ram\.", "DP16KD", area("DP16KD", (70, 16, 23), (82, 16, 23))),
        (r"i_soc\.i_channel\.", "DP16KD", area("DP16KD", (70, 24, 27), (82, 24, 27))),
        (r"i_post\.(u_const|u_gauss)\.", "DP16KD", area("DP16KD", (22, 40, 46), (46, 40, 46))),
        (r"i_post\.u_denoiser\.bottleneck", "DP16KD", area("DP16KD", (70, 30, 35), (82, 30, 35))),
        (r"i_post\.u_denoiser\.source", "DP16KD", area("DP16KD", (70, 36, 37), (82, 36, 37))),
        (r"i_post\.u_denoiser\.windows", "DP16KD", area("DP16KD", (70, 38, 42), (82, 38, 42))),
        (r"i_post\.u_denoiser\.combine", "DP16KD", area("DP16KD", (70, 43, 48), (82, 43, 48))),
        (r"i_post\.u_pool\.", "DP16KD", area("DP16KD", (70, 28, 29), (82, 28, 29))),
        (r"i_post\.u_(requantise|gauss|analog|correct)\.", "MULT18X18D", area("MULT18X18D", (10, 40, 51), (34, 40, 51)) + area("MULT18X18D", (34, 39, 39), (34, 29, 29), (10, 39, 39), (34, 19, 19))),
        (r"i_post\.u_denoiser\.(bottleneck|source)", "MULT18X18D", area("MULT18X18D", (58, 14, 23))),
        (r"i_post\.u_denoiser\.combine", "MULT18X18D", area("MULT18X18D", (58, 24, 51))),
        (r"i_post\.(u_pool|u_post|pixels)", "MULT18X18D", area("MULT18X18D", (58, 2, 13))),
    ]


def natural(name):
    """Sorting key: numbers in names by their value."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def fix_places(netlist, top):
    """Add the attribute BEL to the cells of module `top`; -> number of cells fixed. Raises ValueError when an area is too small."""
    cells = netlist["modules"][top]["cells"]
    left = {name: cell["type"] for name, cell in cells.items() if cell["type"] in CELLS}
    fixed = 0
    for pattern, kind, places in plan():
        found = sorted((name for name in left if left[name] == kind and re.search(pattern, name)), key=natural)
        if len(found) > len(places):
            raise ValueError(f"floorplan: {len(found)} cells match {pattern}, there are {len(places)} places")
        for name, place in zip(found, places):
            cells[name]["attributes"]["BEL"] = place
            del left[name]
            fixed += 1
    return fixed


/* SPDX-License-Identifier: Apache-2.0 */
/* The rounds of Threefry-2x32-20 as macros, so that one block and the vectors of box_muller.h share them. Internal to libquell. */
#ifndef QUELL_THREEFRY_ROUNDS_H
#define QUELL_THREEFRY_ROUNDS_H

#define THREEFRY_PARITY 0x1BD11BDAu

#define THREEFRY_ROUND(x0, x1, r) (x0 += x1, x1 = (x1 << (r) | x1 >> (32 - (r))) ^ x0)

/* round(r) rotates by r, key(a, b) adds key words and, in b, the number of the injection; ks: the three key words. */
#define THREEFRY_20(round, key, ks)                                 \
    round(13) round(15) round(26) round(6) key(ks[1], ks[2] + 1)    \
    round(17) round(29) round(16) round(24) key(ks[2], ks[0] + 2)   \
    round(13) round(15) round(26) round(6) key(ks[0], ks[1] + 3)    \
    round(17) round(29) round(16) round(24) key(ks[1], ks[2] + 4)   \
    round(13) round(15) round(26) round(6) key(ks[2], ks[0] + 5)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The rounds of Threefry-2x32-20 as macros, so that one block and the vectorised array form share them. Internal to libquell. */
#ifndef QUELL_THREEFRY_ROUNDS_H
#define QUELL_THREEFRY_ROUNDS_H

#define THREEFRY_PARITY 0x1BD11BDAu

#define THREEFRY_ROUND(x0, x1, r) (x0 += x1, x1 = (x1 << (r) | x1 >> (32 - (r))) ^ x0)

/* Four rounds, then the key words a, b and the number of the injection. */
#define THREEFRY_FOUR(x0, x1, r0, r1, r2, r3, a, b)                                                                                        \
    (THREEFRY_ROUND(x0, x1, r0), THREEFRY_ROUND(x0, x1, r1), THREEFRY_ROUND(x0, x1, r2), THREEFRY_ROUND(x0, x1, r3), x0 += (a), x1 += (b))

#define THREEFRY_20_ROUNDS(x0, x1, ks)                                                                                                     \
    do {                                                                                                                                   \
        THREEFRY_FOUR(x0, x1, 13, 15, 26, 6, ks[1], ks[2] + 1);                                                                            \
        THREEFRY_FOUR(x0, x1, 17, 29, 16, 24, ks[2], ks[0] + 2);                                                                           \
        THREEFRY_FOUR(x0, x1, 13, 15, 26, 6, ks[0], ks[1] + 3);                                                                            \
        THREEFRY_FOUR(x0, x1, 17, 29, 16, 24, ks[1], ks[2] + 4);                                                                           \
        THREEFRY_FOUR(x0, x1, 13, 15, 26, 6, ks[2], ks[0] + 5);                                                                            \
    } while (0)

#endif

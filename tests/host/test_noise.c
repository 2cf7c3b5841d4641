/* SPDX-License-Identifier: Apache-2.0 */
/* Threefry against Random123's published vectors, Box-Muller against long double, the array form against single pairs. */
#include "arith.h"
#include "real.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void threefry_known_answers(void **state)
{
    static const struct {
        uint32_t key[2], ctr[2], out[2];
    } known[] = {
        {{0, 0}, {0, 0}, {0x6b200159, 0x99ba4efe}},
        {{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x1cb996fc, 0xbb002be7}},
        {{0x13198a2e, 0x03707344}, {0x243f6a88, 0x85a308d3}, {0xc4923a9c, 0x483df7a0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[2];
        qa_threefry2x32(known[i].key, known[i].ctr, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

/* Error of one pair in ulp. */
static double pair_error(uint64_t u0, uint32_t u1)
{
    const long double angle = 2 * 3.14159265358979323846264338327950288L * (u1 + 0.5L) / 65536;
    long double r = u0 >> 47 ? sqrtl(-2 * log1pl(-ldexpl((long double)(0xFFFFFFFFFFFF - u0), -48))) : sqrtl(-2 * logl(ldexpl((long double)(u0 + 1), -48)));
    int16_t eps[2];
    qa_box_muller(u0, u1, eps);
    return fmax(fabs((double)(eps[0] - 2048 * r * cosl(angle))), fabs((double)(eps[1] - 2048 * r * sinl(angle))));
}

static void box_muller_within_one_ulp(void **state)
{
    (void)state;
    double worst = 0;
    for (unsigned e = 0; e < 48; e++)
        for (uint64_t segment = 0; segment < 8; segment++)
            for (uint64_t d = 0; d < 4; d++) {
                uint64_t u0 = ((((8 + segment) << e) >> 3) - 2 + d) & 0xFFFFFFFFFFFF;
                for (uint32_t u1 = (uint32_t)d; u1 < 65536; u1 += 4099)
                    worst = fmax(worst, fmax(pair_error(u0, u1), pair_error(0xFFFFFFFFFFFF - u0, u1)));
            }
    for (uint32_t u1 = 0; u1 < 65536; u1++)
        worst = fmax(worst, pair_error(0, u1));
    assert_true(worst <= 1);
    assert_true(worst >= 0.5); /* else nothing was compared */
}

static void box_muller_ends(void **state)
{
    (void)state;
    int16_t eps[2];
    qa_box_muller(0, 0, eps); /* the largest radius: sqrt(96 ln 2) = 8.15721 */
    assert_int_equal(eps[0], 16706);
    assert_int_equal(eps[1], 1);
    qa_box_muller(0, 0x8000, eps);
    assert_int_equal(eps[0], -16706);
    assert_int_equal(eps[1], -1);
    qa_box_muller(0xFFFFFFFFFFFF, 0x1234, eps); /* radius 0 */
    assert_int_equal(eps[0], 0);
    assert_int_equal(eps[1], 0);
}

/* Half a turn changes both signs, exactly, for every radius: no rounding prefers a side. */
static void box_muller_symmetry(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        const uint32_t key[2] = {1, 2}, ctr[2] = {3, i};
        uint32_t x[2];
        int16_t a[2], b[2];
        qa_threefry2x32(key, ctr, x);
        uint64_t u0 = x[0] | (uint64_t)(x[1] & 0xFFFF) << 32;
        qa_box_muller(u0, x[1] >> 16, a);
        qa_box_muller(u0, (x[1] >> 16 ^ 0x8000), b);
        assert_int_equal(a[0], -b[0]);
        assert_int_equal(a[1], -b[1]);
    }
}

/* docs/arithmetic.md, Randomness: which word goes where. */
static void pair_uses_key_and_counter(void **state)
{
    (void)state;
    const uint32_t key[2] = {0x12345678, 3u << 24 | 200}, ctr[2] = {99, 0xFEDCBA98};
    uint32_t x[2];
    int16_t want[2], got[2];
    qa_threefry2x32(key, ctr, x);
    qa_box_muller(x[0] + ((uint64_t)(x[1] & 0xFFFF) << 32), x[1] >> 16, want);
    qa_gaussian_pair(0x12345678, QA_COLUMN_OFFSET, 200, 99, 0xFEDCBA98, got);
    assert_memory_equal(got, want, sizeof want);
}

static void fill_equals_pairs(void **state)
{
    static const uint32_t sizes[] = {0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 20000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t pairs = sizes[i], seed = 0x9E3779B9u * (uint32_t)(i + 1), first = i % 2 ? (uint32_t)i * 12345 : 0xFFFFFFC0u; /* wraps */
        int16_t *eps = malloc((2 * (size_t)pairs + 2) * sizeof *eps);
        assert_non_null(eps);
        eps[2 * pairs] = 0x5A5A;
        qa_gaussian_fill(seed, i % 2 ? QA_DENOISER : QA_READ_NOISE, (uint32_t)i * 23, (uint32_t)i * 77, first, pairs, eps);
        for (uint32_t k = 0; k < pairs; k++) {
            int16_t one[2];
            qa_gaussian_pair(seed, i % 2 ? QA_DENOISER : QA_READ_NOISE, (uint32_t)i * 23, (uint32_t)i * 77, first + k, one);
            assert_memory_equal(eps + 2 * k, one, sizeof one);
        }
        assert_int_equal(eps[2 * pairs], 0x5A5A);
        free(eps);
    }
}

/* Large samples are too rare for random bits to try: one from every power of two. */
static void small_u0(void **state)
{
    (void)state;
    int16_t last[2] = {INT16_MAX, 0}, eps[2];
    for (unsigned e = 0; e < 48; e++) { /* at angle 0 the sample falls strictly from power to power */
        qa_box_muller(((uint64_t)1 << e) - 1, 0, eps);
        assert_true(eps[0] < last[0]);
        assert_true(fabs(eps[0] / 2048.0 - sqrt(2 * M_LN2 * (48 - e))) < 1.0 / 2048);
        last[0] = eps[0];
    }
}

/* Against the C library within what real.h promises, over many magnitudes; and bits that every processor must give. */
static void logarithm_and_power(void **state)
{
    (void)state;
    double worst_log = 0, worst_pow = 0;
    for (uint32_t i = 0; i < 200000; i++) {
        const uint32_t key[2] = {5, 6}, ctr[2] = {7, i};
        uint32_t u[2];
        qa_threefry2x32(key, ctr, u);
        double x = ldexp(1 + u[0] / 0x1p32, (int)(u[1] % 61) - 30), y = ((int32_t)u[1] >> 8) / 0x1p20; /* |y| < 8 */
        double exact = log(x), power = pow(x, y), t = fabs(y * exact);
        worst_log = fmax(worst_log, fabs(quell_log(x) - exact) / fmax(fabs(exact), 0.25));
        worst_pow = fmax(worst_pow, fabs(quell_pow(x, y) / power - 1) / (1 + t));
    }
    assert_true(worst_log < 0x1p-50);
    assert_true(worst_pow < 0x1p-49);
    assert_true(quell_log(1) == 0 && quell_pow(3, 0) == 1 && quell_pow(2, 10) == 1024 && quell_pow(1e300, 2) == INFINITY && quell_pow(1e-300, 2) == 0);
    assert_true(quell_log(10) == 0x1.26bb1bbb55516p+1 && quell_pow(180, -0.05) == 0x1.8aeadeb23af46p-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threefry_known_answers), cmocka_unit_test(box_muller_within_one_ulp), cmocka_unit_test(box_muller_ends), cmocka_unit_test(box_muller_symmetry),
        cmocka_unit_test(pair_uses_key_and_counter), cmocka_unit_test(fill_equals_pairs), cmocka_unit_test(small_u0), cmocka_unit_test(logarithm_and_power),
    };
    return cmocka_run_group_tests_name("noise", tests, NULL, NULL);
}

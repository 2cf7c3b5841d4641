/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 3x3 convolutions with stride 1 by tiles of 2x2 outputs (Winograd's F(2x2, 3x3)): 16 products a tile and pair of channels instead of 36. Included by ref_kernels.h.
 *
 *     outputs = A (sum over channels of (2G w 2G') * (B d B')) A' / 4     w 3x3 weights, d 4x4 inputs, * place by place
 *
 * with B = (1 0 -1 0 | 0 1 1 0 | 0 -1 1 0 | 0 1 0 -1), 2G = (2 0 0 | 1 1 1 | 1 -1 1 | 0 0 2), A = (1 1 1 0 | 0 1 -1 -1). In whole numbers this is exact: inputs of 9 bits become 11, weights of 8 bits 12,
 * and sums may wrap, as four times the accumulator fits (ref_pack.c sees to it).
 */

/* Channels of one pixel that are transformed at a time. */
#define PLACE_LANES 16
typedef int16_t H __attribute__((vector_size(2 * PLACE_LANES)));
typedef uint32_t U __attribute__((vector_size(4 * VN))); /* sums that may wrap */

/* One column of four inputs. */
QR_OP void QR_NAME(winograd_column)(const int16_t *in, size_t row, H out[4])
{
    H d[4];
    for (int y = 0; y < 4; y++)
        memcpy(&d[y], in + (size_t)y * row, sizeof *d);
    out[0] = d[0] - d[2];
    out[1] = d[1] + d[2];
    out[2] = d[2] - d[1];
    out[3] = d[1] - d[3];
}

/* Two rows of outputs' inputs -> places [16][n tiles][channels]. */
QR_OP void QR_NAME(winograd_in)(const int16_t *in, size_t row, size_t channels, size_t n, int16_t *places)
{
    for (size_t c = 0; c < channels; c += PLACE_LANES) {
        H column[4][4];
        QR_NAME(winograd_column)(in + c, row, column[0]);
        QR_NAME(winograd_column)(in + c + channels, row, column[1]);
        for (size_t t = 0; t < n; t++) {
            const int16_t *next = in + c + (2 * t + 2) * channels;
            QR_NAME(winograd_column)(next, row, column[2]);
            QR_NAME(winograd_column)(next + channels, row, column[3]);
            QR_UNROLL
            for (int y = 0; y < 4; y++) {
                H out[4] = {column[0][y] - column[2][y], column[1][y] + column[2][y], column[2][y] - column[1][y], column[1][y] - column[3][y]};
                for (int x = 0; x < 4; x++)
                    memcpy(places + ((size_t)(4 * y + x) * n + t) * channels + c, &out[x], sizeof *out);
                column[0][y] = column[2][y];
                column[1][y] = column[3][y];
            }
        }
    }
}

/* Sums [16][n tiles][lanes] -> accumulators of two rows [2][2 n][lanes]. */
QR_OP void QR_NAME(winograd_out)(const int32_t *sums, size_t lanes, size_t n, int32_t *acc)
{
    for (size_t at = 0; at < n * lanes; at += VN) {
        U half[2][4];
        QR_UNROLL
        for (size_t x = 0; x < 4; x++) {
            U row[4];
            for (size_t y = 0; y < 4; y++)
                row[y] = (U)v_load(sums + (4 * y + x) * n * lanes + at);
            half[0][x] = row[0] + row[1] + row[2];
            half[1][x] = row[1] - row[2] - row[3];
        }
        int32_t *out = acc + at / lanes * 2 * lanes + at % lanes;
        for (size_t y = 0; y < 2; y++, out += 2 * n * lanes) {
            v_store(out, (V)(half[y][0] + half[y][1] + half[y][2]) >> 2);
            v_store(out + lanes, (V)(half[y][1] - half[y][2] - half[y][3]) >> 2);
        }
    }
}

QR_CODE static void QR_NAME(winograd)(const struct qr_layer *l, const int16_t *in, int16_t *places, int32_t *sums, int32_t *acc)
{
    const size_t n = (size_t)l->t.out_w / 2;
    QR_NAME(winograd_in)(in, (size_t)l->frame_w * l->in_c, l->in_c, n, places);
    for (size_t p = 0; p < 16; p++)
        QR_NAME(conv)(&l->place[p], places + p * n * l->in_c, (uint32_t)n, sums + p * n * l->lanes);
    QR_NAME(winograd_out)(sums, l->lanes, n, acc);
}

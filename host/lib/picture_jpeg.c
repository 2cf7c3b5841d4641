/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG with libjpeg-turbo, every setting its default as in Pillow; see picture.h. Damaged data are an error here: the library alone would go on. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "picture.h"

struct failure {
    struct jpeg_error_mgr base;
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr info)
{
    struct failure *f = (struct failure *)info->err;
    f->base.format_message(info, f->text);
    longjmp(f->back, 1);
}

/* Warnings that tell of lost pixels are errors; the others are of no account. */
static void on_message(j_common_ptr info, int level)
{
    switch (level < 0 ? info->err->msg_code : 0) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_BOGUS_PROGRESSION:
        fail(info);
    }
}

static void on_output(j_common_ptr info) { (void)info; }

/* Pillow's CMYK, inverted as Adobe writes it, to RGB. */
static void from_cmyk(const uint8_t *in, uint8_t rgb[3])
{
    int k = in[3]; /* 255 - black */
    for (int i = 0; i < 3; i++) {
        int t = (255 - in[i]) * k + 128, v = k - (((t >> 8) + t) >> 8);
        rgb[i] = (uint8_t)(v < 0 ? 0 : v);
    }
}

static void put_row(const struct jpeg_decompress_struct *info, const uint8_t *in, struct picture *p, uint8_t *out)
{
    for (uint32_t x = 0; x < p->w; x++, in += info->output_components, out += p->c) {
        uint8_t rgb[3] = {in[0], in[0], in[0]};
        if (info->output_components == 3)
            memcpy(rgb, in, 3);
        else if (info->output_components == 4)
            from_cmyk(in, rgb);
        if (p->c == 1)
            out[0] = info->output_components == 1 ? in[0] : picture_grey(rgb);
        else
            memcpy(out, rgb, 3);
        if (p->c == 4)
            out[3] = 255;
    }
}

enum picture_result picture_jpeg(const uint8_t *data, size_t size, struct picture *p)
{
    enum { SCANS_MAX = 200 }; /* of a progressive file: each may cost a whole pass */
    struct jpeg_decompress_struct info;
    struct failure failure;
    uint8_t *volatile row = NULL;
    enum picture_result result;
    info.err = jpeg_std_error(&failure.base);
    failure.base.error_exit = fail;
    failure.base.emit_message = on_message;
    failure.base.output_message = on_output;
    if (setjmp(failure.back)) {
        jpeg_destroy_decompress(&info);
        free(row);
        return picture_bad(p, failure.text);
    }
    jpeg_create_decompress(&info);
    info.mem->max_memory_to_use = 256L << 20;
    jpeg_mem_src(&info, data, (unsigned long)size);
    jpeg_read_header(&info, TRUE);
    if (info.num_components != 1 && info.num_components != 3 && info.num_components != 4) {
        jpeg_destroy_decompress(&info);
        return picture_bad(p, "it has neither 1 nor 3 nor 4 components");
    }
    info.out_color_space = info.num_components == 1 ? JCS_GRAYSCALE : info.num_components == 3 ? JCS_RGB : JCS_CMYK;
    result = picture_begin(p, info.image_height, info.image_width, info.num_components == 1);
    if (result == PICTURE_GOOD && !(row = malloc((size_t)info.image_width * 4)))
        result = PICTURE_NO_MEMORY;
    if (result == PICTURE_GOOD) {
        info.buffered_image = jpeg_has_multiple_scans(&info);
        jpeg_start_decompress(&info);
        if (info.buffered_image) {
            while (!jpeg_input_complete(&info)) {
                jpeg_consume_input(&info);
                if (info.input_scan_number > SCANS_MAX) {
                    jpeg_destroy_decompress(&info);
                    free(row);
                    return picture_bad(p, "it has too many scans");
                }
            }
            jpeg_start_output(&info, info.input_scan_number);
        }
        for (uint32_t y = 0; y < p->h; y++) {
            JSAMPROW rows[1] = {row};
            jpeg_read_scanlines(&info, rows, 1);
            put_row(&info, row, p, p->pixels + (size_t)y * p->w * p->c);
        }
        if (info.buffered_image)
            jpeg_finish_output(&info);
        jpeg_finish_decompress(&info);
    }
    jpeg_destroy_decompress(&info);
    free(row);
    return result;
}

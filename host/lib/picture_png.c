/* SPDX-License-Identifier: Apache-2.0 */
/* PNG with libpng: 16 bits keep their upper eight, palettes become colours, fewer bits of grey are spread, alpha is dropped or wanted; see picture.h. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "picture.h"

struct source {
    const uint8_t *data;
    size_t left;
    char text[120];
};

static void on_error(png_structp png, png_const_charp text)
{
    struct source *s = png_get_error_ptr(png);
    snprintf(s->text, sizeof s->text, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t size)
{
    struct source *s = png_get_io_ptr(png);
    if (size > s->left)
        png_error(png, "it is truncated");
    memcpy(to, s->data, size);
    s->data += size;
    s->left -= size;
}

/* rows: RGBA. */
static void put_pixels(const uint8_t *rgba, int grey, struct picture *p)
{
    uint8_t *out = p->pixels;
    for (size_t i = 0; i < (size_t)p->h * p->w; i++, rgba += 4, out += p->c) {
        if (p->c == 1)
            out[0] = grey ? rgba[0] : picture_grey(rgba);
        else
            memcpy(out, rgba, p->c);
    }
}

static enum picture_result decode(png_structp png, png_infop info, struct source *s, struct picture *p, uint8_t *volatile *pixels, png_bytep *volatile *rows)
{
    if (setjmp(png_jmpbuf(png)))
        return picture_bad(p, s->text);
    png_set_user_limits(png, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
    png_set_chunk_malloc_max(png, 1 << 24);
    png_set_read_fn(png, s, on_read);
    png_read_info(png, info);
    uint32_t w = png_get_image_width(png, info), h = png_get_image_height(png, info);
    int type = png_get_color_type(png, info), depth = png_get_bit_depth(png, info), grey = !(type & PNG_COLOR_MASK_COLOR), interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    enum picture_result result = picture_begin(p, h, w, grey);
    if (result != PICTURE_GOOD)
        return result;
    if (depth == 16 && type == PNG_COLOR_TYPE_GRAY)
        return picture_bad(p, "it is grey of 16 bits, for which there is no agreed way to 8 bits: save it with 8");
    if (depth == 16)
        png_set_strip_16(png);
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (grey && depth < 8)
        png_set_expand_gray_1_2_4_to_8(png);
    if (png_get_valid(png, info, PNG_INFO_tRNS) && p->c == 4)
        png_set_tRNS_to_alpha(png);
    if (grey)
        png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 255, PNG_FILLER_AFTER);
    if (interlaced)
        png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != (size_t)w * 4)
        return picture_bad(p, "its colour type is not supported");
    *pixels = malloc((size_t)w * h * 4);
    *rows = malloc(h * sizeof **rows);
    if (!*pixels || !*rows)
        return PICTURE_NO_MEMORY;
    for (uint32_t y = 0; y < h; y++)
        (*rows)[y] = *pixels + (size_t)y * w * 4;
    png_read_image(png, *rows);
    png_read_end(png, NULL);
    put_pixels(*pixels, grey, p);
    return PICTURE_GOOD;
}

enum picture_result picture_png(const uint8_t *data, size_t size, struct picture *p)
{
    struct source s = {.data = data, .left = size, .text = "cannot be decoded"};
    uint8_t *volatile pixels = NULL;
    png_bytep *volatile rows = NULL;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    enum picture_result result = info ? decode(png, info, &s, p, &pixels, &rows) : PICTURE_NO_MEMORY;
    png_destroy_read_struct(&png, &info, NULL);
    free(pixels);
    free(rows);
    return result;
}

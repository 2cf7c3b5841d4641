/* SPDX-License-Identifier: Apache-2.0 */
/* What the decoders share: the pixels of a picture, and why there are none; see picture.h. */
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>

enum picture_result picture_bad(struct picture *p, const char *reason)
{
    snprintf(p->reason, sizeof p->reason, "%s", reason);
    return PICTURE_BAD;
}

enum picture_result picture_begin(struct picture *p, uint32_t h, uint32_t w, int grey)
{
    int other = (p->h && p->h != h) || (p->w && p->w != w);
    p->h = h;
    p->w = w;
    if (other)
        return PICTURE_OTHER_SIZE;
    if (h < 1 || w < 1 || h > PICTURE_SIDE_MAX || w > PICTURE_SIDE_MAX) {
        snprintf(p->reason, sizeof p->reason, "it is %u x %u; supported: up to %d x %d", h, w, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
        return PICTURE_BAD;
    }
    p->c = p->c ? p->c : grey ? 1 : 3;
    p->pixels = calloc((size_t)h * w, p->c);
    return p->pixels ? PICTURE_GOOD : PICTURE_NO_MEMORY;
}

void picture_free(struct picture *picture)
{
    free(picture->pixels);
    picture->pixels = NULL;
}

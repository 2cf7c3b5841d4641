/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding one PNG or JPEG file with stb_image (Debian's libstb-dev), compiled here and nowhere else. */
#include "picture.h"

#include <limits.h>

#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 4096
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
/* Not popped: the unused functions are reported at the end of the file. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wsign-compare"
#include <stb/stb_image.h>

const char *picture_decode(const uint8_t *data, size_t size, uint32_t channels, struct picture *p)
{
    int w, h, c;
    if (size == 0)
        return "it is empty";
    if (size > INT_MAX || !stbi_info_from_memory(data, (int)size, &w, &h, &c))
        return "its format is unknown";
    int wanted = channels ? (int)channels : c <= 2 ? 1 : 3;
    p->pixels = stbi_load_from_memory(data, (int)size, &w, &h, &c, wanted);
    if (!p->pixels)
        return stbi_failure_reason() ? stbi_failure_reason() : "cannot be decoded";
    p->h = (uint32_t)h;
    p->w = (uint32_t)w;
    p->c = (uint32_t)wanted;
    return NULL;
}

void picture_free(struct picture *picture)
{
    stbi_image_free(picture->pixels);
    picture->pixels = NULL;
}

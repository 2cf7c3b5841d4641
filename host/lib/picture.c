/* SPDX-License-Identifier: Apache-2.0 */
/* Which decoder a file wants; see picture.h. */
#include "picture.h"

#include <string.h>

enum picture_result picture_decode(const uint8_t *data, size_t size, struct picture *p)
{
    static const uint8_t PNG[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    p->pixels = NULL;
    *p->reason = 0;
    enum picture_result result;
    if (size == 0)
        result = picture_bad(p, "it is empty");
    else if (p->c == 2)
        result = picture_bad(p, "two channels cannot be made of a picture");
    else if (size >= sizeof PNG && memcmp(data, PNG, sizeof PNG) == 0)
        result = picture_png(data, size, p);
    else if (size >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF)
        result = picture_jpeg(data, size, p);
    else
        result = picture_bad(p, "its format is unknown");
    if (result != PICTURE_GOOD)
        picture_free(p);
    return result;
}

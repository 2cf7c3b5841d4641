/* SPDX-License-Identifier: Apache-2.0 */
/* PNG and JPEG: the first byte says how many channels are wanted. */
#include "fuzz.h"
#include "picture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t CHANNELS[] = {0, 1, 3, 4};
    if (!size)
        return 0;
    struct picture p = {.c = CHANNELS[data[0] % 4]};
    enum picture_result result = picture_decode(data + 1, size - 1, &p);
    if (result == PICTURE_OTHER_SIZE || (result == PICTURE_GOOD) != (p.pixels != NULL) || (result == PICTURE_BAD && !*p.reason))
        abort();
    picture_free(&p);
    return 0;
}

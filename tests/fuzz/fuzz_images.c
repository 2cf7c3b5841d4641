/* SPDX-License-Identifier: Apache-2.0 */
/* One file of images: IDX, compressed or not, or a NumPy file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    quell_images *images;
    quell_error err = {0};
    const char *path = fuzz_file(data, size);
    for (int known = 0; known < 2; known++) {
        fuzz_answer(quell_images_open_for(known ? fuzz_model() : NULL, path, NULL, 20, 0, &images, &err), images, &err);
        quell_images_free(images);
    }
    return 0;
}

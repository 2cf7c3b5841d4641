/* SPDX-License-Identifier: Apache-2.0 */
/* A file of labels: IDX, CSV or a list. */
#include "fuzz.h"
#include "labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct labels labels;
    quell_error err = {0};
    quell_status status = labels_read(&labels, fuzz_file(data, size), fuzz_model(), &err);
    fuzz_answer(status, labels.entries, &err);
    if (status == QUELL_OK && labels.named)
        labels_find(&labels, "all/a.png");
    labels_free(&labels);
    return 0;
}

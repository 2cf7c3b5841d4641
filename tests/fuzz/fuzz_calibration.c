/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    quell_calibration *calibration;
    quell_error err = {0};
    fuzz_answer(quell_calibration_load(fuzz_file(data, size), &calibration, &err), calibration, &err);
    quell_calibration_free(calibration);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A noise profile. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    quell_profile *profile;
    quell_error err = {0};
    fuzz_answer(quell_profile_load(fuzz_file(data, size), &profile, &err), profile, &err);
    quell_profile_free(profile);
    return 0;
}

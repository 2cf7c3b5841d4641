/* SPDX-License-Identifier: Apache-2.0 */
/* Which instructions the reference device computes with: the best that this processor has, or those that the environment variable QUELL_CPU names. All give the same bytes. */
#include "ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[QR_PATHS] = {"scalar", "neon", "avx2", "avxvnni", "avx512", "avx512vnni"};

const char *qr_path_name(enum qr_path path) { return NAMES[path]; }

const struct qr_kernels *qr_kernels_of(enum qr_path path)
{
    switch (path) {
    case QR_NEON: return qr_kernels_neon();
    case QR_AVX2: return qr_kernels_avx2();
    case QR_AVXVNNI: return qr_kernels_avxvnni();
    case QR_AVX512: return qr_kernels_avx512();
    case QR_AVX512VNNI: return qr_kernels_avx512vnni();
    default: return NULL;
    }
}

int qr_path_here(enum qr_path path) { return path == QR_SCALAR || qr_kernels_of(path); }

/* Names of the paths, all or those of this processor, into text. */
static const char *list(int here, char *text, size_t size)
{
    size_t used = 0;
    for (enum qr_path path = QR_SCALAR; path < QR_PATHS && used < size; path++)
        if (!here || qr_path_here(path))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", NAMES[path]);
    return text;
}

quell_status qr_choose_path(enum qr_path *path, quell_error *err)
{
    const char *wanted = getenv("QUELL_CPU");
    char text[128];
    if (!wanted || !*wanted) {
        for (*path = QR_PATHS - 1; !qr_path_here(*path); --*path)
            ;
        return QUELL_OK;
    }
    for (*path = QR_SCALAR; *path < QR_PATHS && strcmp(wanted, NAMES[*path]) != 0; ++*path)
        ;
    if (*path == QR_PATHS)
        return quell_fail(err, QUELL_E_USAGE, "QUELL_CPU is '%.40s'; known: %s", wanted, list(0, text, sizeof text));
    if (!qr_path_here(*path))
        return quell_fail(err, QUELL_E_USAGE, "QUELL_CPU is '%s', which this processor does not have; it has: %s", wanted, list(1, text, sizeof text));
    return QUELL_OK;
}

quell_status quell_code_path(const char **name, quell_error *err)
{
    enum qr_path path;
    quell_status status = qr_choose_path(&path, err);
    *name = status == QUELL_OK ? NAMES[path] : NULL;
    return status;
}

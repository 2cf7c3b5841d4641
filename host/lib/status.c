/* SPDX-License-Identifier: Apache-2.0 */
/* Version, names of failures, and the one place that writes an error message. */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>

#ifndef QUELL_VERSION
#error "QUELL_VERSION comes from the file VERSION by way of lib.mk"
#endif

const char *quell_version(void) { return QUELL_VERSION; }

const char *quell_status_name(quell_status s)
{
    switch (s) {
    case QUELL_OK: return "ok";
    case QUELL_E_INTERNAL: return "internal error";
    case QUELL_E_USAGE: return "wrong usage";
    case QUELL_E_FILE: return "file";
    case QUELL_E_MODEL: return "bad model";
    case QUELL_E_UNSUPPORTED: return "unsupported";
    case QUELL_E_TOO_LARGE: return "too large";
    case QUELL_E_PROFILE: return "bad profile";
    case QUELL_E_IMAGES: return "bad images";
    case QUELL_E_CALIBRATION: return "bad calibration";
    case QUELL_E_DEVICE: return "device";
    case QUELL_E_DEVICE_LOST: return "device lost";
    case QUELL_E_MEMORY: return "out of memory";
    case QUELL_E_INTERRUPTED: return "interrupted";
    case QUELL_E_NOT_FOUND: return "no board";
    case QUELL_E_ACCESS: return "access denied";
    case QUELL_E_BUSY: return "in use";
    case QUELL_E_VERSION: return "another version";
    case QUELL_E_TIMEOUT: return "time-out";
    }
    return "unknown";
}

quell_status quell_fail(quell_error *err, quell_status status, const char *format, ...)
{
    if (err) {
        err->status = status;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->text, sizeof err->text, format, arguments);
        va_end(arguments);
        for (char *c = err->text; *c; c++) /* one line, whatever a file name or a model holds */
            if ((unsigned char)*c < ' ')
                *c = ' ';
    }
    return status;
}

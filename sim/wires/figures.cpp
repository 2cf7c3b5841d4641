// SPDX-License-Identifier: Apache-2.0
// Image rate in simulated time; the contract is in figures.h.
#include "figures.h"

#include <cstdio>
#include <cstring>

#include "quell_protocol.h"

void Figures::came(const std::vector<uint8_t> &bytes)
{
    pending.insert(pending.end(), bytes.begin(), bytes.end());
    qp_header header;
    size_t at = 0;
    while (pending.size() - at >= sizeof header) {
        memcpy(&header, pending.data() + at, sizeof header);
        if (pending.size() - at < sizeof header + header.length)
            break;
        if (header.opcode == QP_IMAGE && header.status == QP_OK && header.length >= sizeof(qp_result)) {
            qp_result result;
            memcpy(&result, pending.data() + at + sizeof header, sizeof result);
            last_ps = board.now();
            if (images++)
                cycles += result.cycles;
            else
                first_ps = last_ps;
        }
        at += sizeof header + header.length;
    }
    pending.erase(pending.begin(), pending.begin() + (ptrdiff_t)at);
}

std::string Figures::json() const
{
    double seconds = (double)(last_ps - first_ps) * 1e-12, count = images > 1 ? images - 1 : 0;
    char text[512];
    snprintf(text, sizeof text, "{\"images\": %u, \"seconds\": %.9f, \"images_per_s\": %.6f, \"cycles_per_image\": %.3f, \"array_images_per_s\": %.6f, \"system_hz\": %.0f}\n", images, seconds,
             seconds > 0 ? count / seconds : 0, count ? (double)cycles / count : 0, cycles ? count * board.system_hz() / (double)cycles : 0, board.system_hz());
    return text;
}

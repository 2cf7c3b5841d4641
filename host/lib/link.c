/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of the command channel; see link.h. */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "model.h"

enum { HEADER = sizeof(struct qp_header) };

uint32_t quell_get32(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

void quell_put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

quell_status quell_link_open(struct quell_link *link, const struct quell_wire *wire, int timeout_ms, quell_error *err)
{
    memset(link, 0, sizeof *link);
    link->wire = *wire;
    link->timeout_ms = timeout_ms;
    link->buffer_size = QP_MAX_PAYLOAD;
    link->buffer = malloc(link->buffer_size);
    link->request = malloc(HEADER + QP_MAX_PAYLOAD);
    return link->buffer && link->request ? QUELL_OK : quell_fail(err, QUELL_E_MEMORY, "out of memory");
}

void quell_link_close(struct quell_link *link)
{
    free(link->buffer);
    free(link->request);
    link->buffer = link->request = NULL;
}

/* ---- bytes ---- */

static quell_status lost(const struct quell_link *link, long result, const char *doing, quell_error *err)
{
    if (result == 0)
        return quell_fail(err, QUELL_E_TIMEOUT, "the device was silent for %d s while %s", link->timeout_ms / 1000, doing);
    return quell_fail(err, QUELL_E_DEVICE_LOST, "the device went away while %s", doing);
}

static quell_status write_all(struct quell_link *link, const void *data, size_t size, quell_error *err)
{
    for (size_t done = 0; done < size;) {
        long n = link->wire.write(link->wire.context, (const uint8_t *)data + done, size - done, link->timeout_ms);
        if (n <= 0)
            return lost(link, n, "a request was sent", err);
        done += (size_t)n;
    }
    return QUELL_OK;
}

static quell_status read_all(struct quell_link *link, void *data, size_t size, quell_error *err)
{
    for (size_t done = 0; done < size;) {
        long n = link->wire.read(link->wire.context, (uint8_t *)data + done, size - done, link->timeout_ms);
        if (n <= 0)
            return lost(link, n, "an answer was awaited", err);
        done += (size_t)n;
    }
    return QUELL_OK;
}

/* ---- requests ---- */

static uint32_t message_crc(const uint8_t *header, const uint8_t *payload, size_t length)
{
    uLong crc = crc32(crc32(0, NULL, 0), header, 20);
    return (uint32_t)(length ? crc32(crc, payload, (uInt)length) : crc); /* zlib starts anew on a null pointer */
}

quell_status quell_link_send(struct quell_link *link, uint32_t opcode, const struct quell_piece pieces[2], quell_error *err)
{
    uint8_t *header = link->request;
    size_t length = 0;
    if (link->under_way >= QUELL_LINK_WINDOW)
        return quell_fail(err, QUELL_E_INTERNAL, "more than %u requests under way", QUELL_LINK_WINDOW);
    for (int i = 0; pieces && i < 2; i++) {
        if (pieces[i].size > QP_MAX_PAYLOAD - length)
            return quell_fail(err, QUELL_E_INTERNAL, "a request of more than %u bytes", QP_MAX_PAYLOAD);
        if (pieces[i].size)
            memcpy(header + HEADER + length, pieces[i].data, pieces[i].size);
        length += pieces[i].size;
    }
    quell_put32(header, QP_MAGIC);
    quell_put32(header + 4, QP_VERSION | opcode << 16);
    quell_put32(header + 8, link->sequence);
    quell_put32(header + 12, (uint32_t)length);
    quell_put32(header + 16, 0);
    quell_put32(header + 20, message_crc(header, header + HEADER, length));
    quell_status status = write_all(link, header, HEADER + length, err);
    if (status == QUELL_OK) {
        link->sent[link->under_way].opcode = opcode;
        link->sent[link->under_way++].sequence = link->sequence++;
    }
    return status;
}

/* ---- answers ---- */

static const char *status_name(uint32_t status)
{
    static const char *const NAMES[] = {"ok", "bad magic", "bad version", "bad CRC", "bad length", "bad sequence number", "bad opcode", "field out of range", "busy", "no layer table", "time-out", "aborted",
                                        "internal error", "no image to repeat", "the external memory does not hold the program"};
    return status < sizeof NAMES / sizeof *NAMES ? NAMES[status] : "unknown status";
}

/* Name of what a struct qp_error points at. */
static const char *field_name(uint32_t where, uint32_t field)
{
    static const char *const HEADERS[] = {"magic", "version and opcode", "sequence", "length", "status", "crc"}, *const WRITES[] = {"memory", "index", "words"}, *const READS[] = {"index", "words"},
                      *const TABLES[] = {"count", "image_h", "image_w", "image_c", "image_pad", "input_addr[0]", "input_addr[1]", "logits_addr", "classes", "pad_code"},
                      *const IMAGES[] = {"inference", "seed", "layers"};
    static const struct {
        const char *const *names;
        uint32_t count;
    } STRUCTS[] = {[QP_WHERE_HEADER] = {HEADERS, 6}, [QP_WHERE_WRITE] = {WRITES, 3}, [QP_WHERE_READ] = {READS, 2}, [QP_WHERE_TABLE] = {TABLES, 10}, [QP_WHERE_IMAGE] = {IMAGES, 3}};
#define FIELD_NAME(name, offset, lsb, width, text)                     \
    if (where == QP_WHERE_LAYER && field == (offset) * 32 + (lsb)) \
        return #name;
    QUELL_LAYER_FIELDS(FIELD_NAME)
#undef FIELD_NAME
    if (where < sizeof STRUCTS / sizeof *STRUCTS && field / 4 < STRUCTS[where].count)
        return STRUCTS[where].names[field / 4];
    return NULL;
}

static quell_status refused(uint32_t status, uint32_t opcode, const uint8_t *payload, uint32_t length, quell_error *err)
{
    static const char *const OPCODES[] = {"?", "INFO", "WRITE", "READ", "TABLE", "IMAGE", "COUNTERS", "ABORT", "REPEAT", "PROGRAM"};
    static const char *const PLACES[] = {"header", "write request", "read request", "layer table's head", "layer", "image request", "device", "program's load"};
    const char *request = opcode < sizeof OPCODES / sizeof *OPCODES ? OPCODES[opcode] : "?";
    if (length != sizeof(struct qp_error))
        return quell_fail(err, QUELL_E_DEVICE, "the device refused %s: %s", request, status_name(status));
    uint32_t where = quell_get32(payload), index = quell_get32(payload + 4), field = quell_get32(payload + 8), value = quell_get32(payload + 12), limit = quell_get32(payload + 16);
    const char *name = field_name(where, field);
    char place[48], what[32];
    snprintf(place, sizeof place, where == QP_WHERE_LAYER || where == QP_WHERE_DEVICE || where == QP_WHERE_PROGRAM ? "%s %u" : "%s", where < sizeof PLACES / sizeof *PLACES ? PLACES[where] : "unknown place", index);
    snprintf(what, sizeof what, "field %u", field);
    return quell_fail(err, QUELL_E_DEVICE, "the device refused %s: %s (%s, %s: %u, limit %u)", request, status_name(status), place, name ? name : what, value, limit);
}

#define BROKEN(...) quell_fail(err, QUELL_E_DEVICE_LOST, "the device's answer is damaged: " __VA_ARGS__)

static quell_status other_version(uint32_t version, quell_error *err)
{
    return quell_fail(err, QUELL_E_VERSION, "the device speaks version %u of the protocol, this is version %u: both must be of one build", version, QP_VERSION);
}

quell_status quell_link_receive(struct quell_link *link, uint32_t length, const uint8_t **payload, quell_error *err)
{
    uint8_t header[HEADER];
    if (!link->under_way)
        return quell_fail(err, QUELL_E_INTERNAL, "no request is under way");
    uint32_t opcode = link->sent[0].opcode, sequence = link->sent[0].sequence;
    quell_status status = read_all(link, header, HEADER, err);
    if (status != QUELL_OK)
        return status;
    uint32_t magic = quell_get32(header), version = quell_get32(header + 4) & 0xFFFF, found = quell_get32(header + 4) >> 16, number = quell_get32(header + 8), size = quell_get32(header + 12),
             answer = quell_get32(header + 16), crc = quell_get32(header + 20);
    if (magic != QP_MAGIC)
        return BROKEN("its magic is 0x%08x", magic);
    if (version != QP_VERSION)
        return other_version(version, err);
    if (size > link->buffer_size)
        return BROKEN("its length is %u, more than %zu", size, link->buffer_size);
    if ((status = read_all(link, link->buffer, size, err)) != QUELL_OK)
        return status;
    uint32_t sum = message_crc(header, link->buffer, size);
    if (crc != sum)
        return BROKEN("its CRC is 0x%08x instead of 0x%08x", crc, sum);
    if (number != sequence)
        return BROKEN("its sequence number is %u instead of %u", number, sequence);
    if (found != opcode)
        return BROKEN("its opcode is %u instead of %u", found, opcode);
    memmove(&link->sent[0], &link->sent[1], sizeof link->sent - sizeof link->sent[0]);
    link->under_way--;
    if (answer != QP_OK)
        return refused(answer, opcode, link->buffer, size, err);
    if (size != length)
        return BROKEN("its length is %u instead of %u", size, length);
    if (payload)
        *payload = link->buffer;
    return QUELL_OK;
}

quell_status quell_link_ask(struct quell_link *link, uint32_t opcode, const struct quell_piece pieces[2], uint32_t length, const uint8_t **payload, quell_error *err)
{
    quell_status status = quell_link_send(link, opcode, pieces, err);
    return status == QUELL_OK ? quell_link_receive(link, length, payload, err) : status;
}

/* ---- the beginning ---- */

enum { INFO_BYTES = sizeof(struct qp_info), HELLO_TRIES = 16, HELLO_SKIP = 1 << 18 };

enum finding { NOTHING, MORE, OURS, REFUSED, STRANGER };

/* What begins at p? Only answers that matter are looked at, and they are short: so a piece of an old message never hides what follows it. */
static enum finding look(const struct quell_link *link, const uint8_t *p, size_t have)
{
    if (have < HEADER)
        return MORE;
    if (quell_get32(p) != QP_MAGIC)
        return NOTHING;
    uint32_t version = quell_get32(p + 4) & 0xFFFF, opcode = quell_get32(p + 4) >> 16, length = quell_get32(p + 12);
    int ok = quell_get32(p + 16) == QP_OK;
    if (version != QP_VERSION)
        return STRANGER;
    if (ok ? opcode != QP_INFO || length != INFO_BYTES : length != sizeof(struct qp_error))
        return NOTHING;
    if (have < HEADER + length)
        return MORE;
    if (quell_get32(p + 20) != message_crc(p, p + HEADER, length))
        return NOTHING;
    if (!ok)
        return REFUSED;
    return quell_get32(p + 8) == link->sent[0].sequence ? OURS : NOTHING;
}

/* A number that the last host's requests have hardly had. */
static uint32_t fresh_number(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return ((uint32_t)t.tv_sec << 20 ^ (uint32_t)t.tv_nsec) * 0x9E3779B1u;
}

static quell_status say_info(struct quell_link *link, quell_error *err)
{
    link->under_way = 0; /* what was said before is forgotten */
    return quell_link_send(link, QP_INFO, NULL, err);
}

/*
 * The device may be in the middle of a message of the last host: then it takes the first INFO for a piece of that, finds that it does not fit, says so
 * (time-out, CRC), and the next INFO reaches it. So INFO is said again after every refusal; only the answer to the last one counts.
 */
quell_status quell_link_hello(struct quell_link *link, const uint8_t **payload, quell_error *err)
{
    size_t have = 0, at = 0, skipped = 0;
    link->sequence = fresh_number();
    quell_status status = say_info(link, err);
    for (int tries = 1; status == QUELL_OK && tries < HELLO_TRIES && skipped < HELLO_SKIP;) {
        switch (look(link, link->buffer + at, have - at)) {
        case NOTHING:
            at++, skipped++;
            break;
        case REFUSED:
            at += HEADER + sizeof(struct qp_error), tries++;
            status = say_info(link, err);
            break;
        case STRANGER: return other_version(quell_get32(link->buffer + at + 4) & 0xFFFF, err);
        case OURS:
            link->under_way = 0;
            *payload = link->buffer + at + HEADER;
            return QUELL_OK;
        case MORE: {
            memmove(link->buffer, link->buffer + at, have - at);
            have -= at, at = 0;
            long n = link->wire.read(link->wire.context, link->buffer + have, link->buffer_size - have, link->timeout_ms);
            if (n <= 0)
                return lost(link, n, "its first answer was awaited", err);
            have += (size_t)n;
        }
        }
    }
    return status != QUELL_OK ? status : quell_fail(err, QUELL_E_DEVICE_LOST, "the device's answers make no sense");
}

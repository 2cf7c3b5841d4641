/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a NumPy file; see npy.h. It is a Python dictionary of three keys: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4, 5), } */
#include "npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const uint8_t MAGIC[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

int npy_is(const uint8_t *head, size_t size) { return size >= sizeof MAGIC && memcmp(head, MAGIC, sizeof MAGIC) == 0; }

struct cursor {
    const char *p, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static int take(struct cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->p == c->end || *c->p != wanted)
        return 0;
    c->p++;
    return 1;
}

static int take_word(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(c);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
        return 0;
    c->p += n;
    return 1;
}

static int take_string(struct cursor *c, char *text, size_t size)
{
    skip_blanks(c);
    char quote = c->p < c->end ? *c->p : 0;
    if (quote != '\'' && quote != '"')
        return 0;
    const char *stop = memchr(c->p + 1, quote, (size_t)(c->end - c->p - 1));
    if (!stop || (size_t)(stop - c->p) > size)
        return 0;
    size_t n = (size_t)(stop - c->p - 1);
    memcpy(text, c->p + 1, n);
    text[n] = 0;
    c->p = stop + 1;
    return !memchr(text, '\\', n);
}

static int take_number(struct cursor *c, uint64_t *value)
{
    skip_blanks(c);
    const char *start = c->p;
    for (*value = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++) {
        if (*value > (UINT64_MAX - 9) / 10)
            return 0;
        *value = *value * 10 + (uint64_t)(*c->p - '0');
    }
    return c->p > start;
}

static int take_shape(struct cursor *c, struct npy *npy)
{
    int comma = 1;
    if (!take(c, '('))
        return 0;
    for (npy->dimensions = 0; !take(c, ')'); npy->dimensions++) {
        if (!comma || npy->dimensions == NPY_DIMENSIONS_MAX || !take_number(c, &npy->shape[npy->dimensions]))
            return 0;
        comma = take(c, ',');
    }
    return npy->dimensions != 1 || comma;
}

static quell_status read_type(struct npy *npy, const char *path, const char *descr, quell_error *err)
{
    static const struct {
        const char *descr;
        enum npy_type type;
        size_t bytes;
    } TYPES[] = {{"<f4", NPY_FLOAT32, 4}, {"|i1", NPY_INT8, 1}, {"<i1", NPY_INT8, 1}, {"|u1", NPY_UINT8, 1}, {"<u1", NPY_UINT8, 1}};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(descr, TYPES[i].descr) == 0) {
            npy->type = TYPES[i].type;
            npy->element_bytes = TYPES[i].bytes;
            return QUELL_OK;
        }
    return quell_fail(err, QUELL_E_IMAGES, "%s holds elements of type '%.20s'%s; supported: float32 ('<f4'), int8, uint8", path, descr, strchr(descr, 'O') ? " (pickled Python objects)" : "");
}

quell_status npy_parse(struct npy *npy, const char *path, const char *text, size_t length, quell_error *err)
{
    struct cursor c = {text, text + length};
    char key[32], descr[32] = "";
    int fortran = -1, shaped = 0, good = take(&c, '{'), comma = 1;
    while (good && !take(&c, '}')) {
        good = comma && take_string(&c, key, sizeof key) && take(&c, ':');
        if (good && strcmp(key, "descr") == 0 && !*descr) {
            if (take(&c, '['))
                return quell_fail(err, QUELL_E_IMAGES, "%s holds records of several fields; supported: float32, int8, uint8", path);
            good = take_string(&c, descr, sizeof descr);
        } else if (good && strcmp(key, "fortran_order") == 0 && fortran < 0) {
            fortran = take_word(&c, "True");
            good = fortran || take_word(&c, "False");
        } else if (good && strcmp(key, "shape") == 0 && !shaped) {
            good = shaped = take_shape(&c, npy);
        } else {
            good = 0;
        }
        comma = good && take(&c, ',');
    }
    skip_blanks(&c);
    if (!good || c.p != c.end || !*descr || fortran < 0 || !shaped)
        return quell_fail(err, QUELL_E_IMAGES, "%s: its NumPy header is damaged", path);
    if (fortran)
        return quell_fail(err, QUELL_E_IMAGES, "%s is in Fortran order (fortran_order True); save it with numpy.ascontiguousarray", path);
    npy->elements = 1;
    for (uint32_t i = 0; i < npy->dimensions; i++) {
        if (npy->shape[i] && npy->elements > UINT64_MAX / 16 / npy->shape[i])
            return quell_fail(err, QUELL_E_IMAGES, "%s: its shape is too large", path);
        npy->elements *= npy->shape[i];
    }
    return read_type(npy, path, descr, err);
}

static quell_status read_header(struct npy *npy, const char *path, FILE *f, quell_error *err)
{
    uint8_t head[12];
    struct stat st;
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))
        return quell_fail(err, QUELL_E_IMAGES, "%s is not a regular file: a NumPy file's size must be known", path);
    if (fread(head, 1, 10, f) != 10 || !npy_is(head, 10))
        return quell_fail(err, QUELL_E_IMAGES, "%s is not a NumPy file, or it is truncated", path);
    if (head[6] < 1 || head[6] > 3 || head[7] != 0)
        return quell_fail(err, QUELL_E_IMAGES, "%s is a NumPy file of format %u.%u; supported: 1.0, 2.0, 3.0", path, head[6], head[7]);
    size_t begin = head[6] == 1 ? 10 : 12, length = head[8] | (size_t)head[9] << 8;
    if (begin == 12) {
        if (fread(head + 10, 1, 2, f) != 2)
            return quell_fail(err, QUELL_E_IMAGES, "%s is truncated", path);
        length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    }
    if (length > NPY_HEADER_MAX || (uint64_t)st.st_size < begin + length)
        return quell_fail(err, QUELL_E_IMAGES, "%s is truncated, or its NumPy header is damaged: %zu bytes long", path, length);
    char *text = malloc(length + 1);
    if (!text)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    size_t got = fread(text, 1, length, f);
    quell_status status = got == length ? npy_parse(npy, path, text, length, err) : quell_fail(err, QUELL_E_IMAGES, "cannot read %s", path);
    free(text);
    npy->data_at = begin + length;
    uint64_t have = (uint64_t)st.st_size - npy->data_at;
    if (status == QUELL_OK && have != npy->elements * npy->element_bytes)
        status = quell_fail(err, QUELL_E_IMAGES, "%s: its shape wants %llu bytes, the file has %llu: it is truncated or damaged", path, (unsigned long long)(npy->elements * npy->element_bytes),
                            (unsigned long long)have);
    return status;
}

quell_status npy_open(struct npy *npy, const char *path, FILE **file, quell_error *err)
{
    *npy = (struct npy){0};
    *file = fopen(path, "rb");
    if (!*file)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read %s: %s", path, strerror(errno));
    quell_status status = read_header(npy, path, *file, err);
    if (status != QUELL_OK)
        fclose(*file);
    return status;
}

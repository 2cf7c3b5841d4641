/* SPDX-License-Identifier: Apache-2.0 */
/* quell compile --report: what the compiler made of the file's forms, and where everything lies in the chip's memories. */
#include <stdlib.h>

#include "cli.h"
#include "parameters.h"

/* "dw3x3/2", "10x4/2,1" */
static const char *kind(const struct quell_model_layer *l, char text[40])
{
    const struct quell_layer *t = &l->table;
    int n = snprintf(text, 40, "%s%ux%u", t->mode == 2 ? "dw" : "", l->info.kernel_h, l->info.kernel_w);
    if (t->stride_y != t->stride_x)
        snprintf(text + n, 40 - (size_t)n, "/%d,%d", t->stride_y + 1, t->stride_x + 1);
    else if (t->stride_y)
        snprintf(text + n, 40 - (size_t)n, "/%d", t->stride_y + 1);
    return text;
}

/* "max2x2", "avg3x3/2", "max3x2/2,1": strides where they are not the kernel's sides */
static const char *pooling(const struct quell_layer *t, char text[40])
{
    if (!t->pool_kind)
        return "-";
    int n = snprintf(text, 40, "%s%dx%d", t->pool_kind == 1 ? "avg" : "max", t->pool_kh, t->pool_kw);
    if (t->pool_sy != t->pool_sx && (t->pool_sy != t->pool_kh || t->pool_sx != t->pool_kw))
        snprintf(text + n, 40 - (size_t)n, "/%d,%d", t->pool_sy, t->pool_sx);
    else if (t->pool_sy != t->pool_kh || t->pool_sx != t->pool_kw)
        snprintf(text + n, 40 - (size_t)n, "/%d", t->pool_sy);
    return text;
}

static void print_row(const struct quell_model *m, uint32_t i)
{
    const struct quell_model_layer *l = &m->layers[i];
    const struct quell_layer *t = &l->table;
    char residual[16] = "-", pool[40], pairs[16] = "-", rows[16] = "-", sizes[40], form[40], joined[32] = "";
    if (l->join)
        snprintf(joined, sizeof joined, " (joined: %u)", l->join - 1);
    if (t->residual)
        snprintf(residual, sizeof residual, "%d", t->res_addr);
    if (l->block)
        snprintf(pairs, sizeof pairs, "%d+%u", t->dn_pair_addr, l->channels / 2);
    if (l->block && l->block->m)
        snprintf(rows, sizeof rows, "%d+%u", t->dn_row_addr, l->block->m);
    snprintf(sizes, sizeof sizes, "%dx%dx%u", t->out_h, t->out_w, l->real_channels);
    printf("%2u %-20.20s %-8s %-12s %-8s %5d %5d %5s   %d+%u%s  %d+%u  %s  %s%s\n", i, cli_text(l->info.name), kind(l, form), sizes, pooling(t, pool), t->in_addr, t->out_addr, residual, t->w_addr,
           quell_weight_words(l, m->limits.cores), t->wait_prev ? "" : " (no wait)", t->const_addr, l->channels / 2, pairs, rows, joined);
}

static void print_layer_cycles(const quell_cycles *c, uint32_t i, const char *name)
{
    const uint64_t work = c->array > c->post ? c->array : c->post;
    char slices[24] = "";
    if (c->slices > 1)
        snprintf(slices, sizeof slices, ", %u slices", c->slices);
    printf("%2u %-20.20s %10llu %10llu %10llu %10llu   %s%s\n", i, cli_text(name), (unsigned long long)c->array, (unsigned long long)c->post, (unsigned long long)c->load, (unsigned long long)c->cycles,
           c->load > work && c->cycles > work + work / 10 ? "memory" : c->array >= c->post ? "array" : "post", slices);
}

/* What each layer takes, and what bounds it. */
static void print_cycles(const struct quell_model *m)
{
    quell_error err;
    uint64_t total;
    quell_cycles *c = calloc(m->layer_count, sizeof *c);
    if (c && quell_estimate_cycles(m, 1, c, &total, &err) == QUELL_OK) {
        printf("%-2s %-20s %10s %10s %10s %10s   %s\n", "", "cycles (estimated)", "array", "post", "memory", "layer", "bound by");
        for (uint32_t i = 0; i < m->layer_count; i++)
            print_layer_cycles(&c[i], i, m->layers[i].info.name);
        printf("%-23s %10s %10s %10s %10llu   %.0f images/s at 66.67 MHz\n", "   all", "", "", "", (unsigned long long)total, CLI_CLOCK_HZ / (double)total);
    }
    free(c);
}

void cli_print_report(const struct quell_model *m)
{
    for (uint32_t i = 0; i < m->note_count; i++)
        printf("%s\n", cli_text(m->notes[i]));
    printf("%-2s %-20s %-8s %-12s %-8s %5s %5s %5s   %s\n", "", "layer", "kind", "conv output", "pool", "in", "out", "res", "weights  constants  denoiser pairs, rows (first word + words)");
    for (uint32_t i = 0; i < m->layer_count; i++)
        print_row(m, i);
    print_cycles(m);
    printf("image buffers %u, %u; logits %u\n", m->input_addr[0], m->input_addr[1], m->logits_addr);
    printf("used of memory: activations %u/%u, weights %u/%u, constants %u/%u, denoiser pairs %u/%u, rows %u/%u words; activation tables %u/%u\n", m->info.act_words, m->limits.act_words, m->info.weight_words,
           m->limits.weight_words, m->info.const_words, m->limits.const_words, m->info.dn_pair_words, m->limits.dn_pair_words, m->info.dn_row_words, m->limits.dn_row_words, m->info.tables, m->limits.tables);
    static const char *const MEMORIES[QP_MEM_COUNT] = {[QP_MEM_WEIGHT] = "weights", [QP_MEM_CONSTANT] = "constants", [QP_MEM_DN_PAIR] = "denoiser pairs", [QP_MEM_DN_ROW] = "denoiser rows"};
    const char *between = "from the external memory, layer by layer:";
    for (enum qp_memory k = QP_MEM_WEIGHT; k <= QP_MEM_DN_ROW; k++)
        if (quell_from_outside(m, k)) {
            printf("%s %s", between, MEMORIES[k]);
            between = ",";
        }
    if (m->from_outside)
        printf("; %.1f KB an image\n", m->info.ext_words * 8 / 1000.0);
}

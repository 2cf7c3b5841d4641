/* SPDX-License-Identifier: Apache-2.0 */
/* What an image would cost on analog tiles: docs/energy.md names the sources of the figures and what they leave out. */
#include <string.h>

#include "model.h"

static const double TILE_SIDE = 256;             /* rows and columns of a crossbar */
static const double TILE_NJ = 13.4;              /* one 256 x 256 product: HERMES */
static const double TILE_US = 0.133;             /* the same */
static const double CONVERSION_NJ = 1.67e-3;     /* one ADC conversion: ISAAC */
static const double DIGITAL_MAC_NJ = 0.2e-3;     /* one 8 x 8 multiplication */

static uint64_t tiles_for(uint64_t size) { return (size + (uint64_t)TILE_SIDE - 1) / (uint64_t)TILE_SIDE; }

static void add_layer(const struct quell_model_layer *l, quell_energy *e)
{
    const struct quell_layer *t = &l->table;
    if (l->info.macs == 0)
        return;
    uint64_t pixels = (uint64_t)t->out_h * (uint64_t)t->out_w, rows = l->info.macs / (pixels * l->real_channels);
    uint64_t deep = tiles_for(rows), wide = tiles_for(l->real_channels);
    if (t->mode == 2) /* nine rows and one column a channel: so many fit on a tile's diagonal */
        wide = (l->real_channels + (uint64_t)TILE_SIDE / 9 - 1) / ((uint64_t)TILE_SIDE / 9);
    e->tile_products += pixels * deep * wide;
    e->conversions += pixels * deep * l->real_channels;
    e->latency_us += (double)pixels * TILE_US;
}

void quell_estimate_energy(const quell_model *model, int denoiser_on, quell_energy *e)
{
    memset(e, 0, sizeof *e);
    for (uint32_t i = 0; i < model->layer_count; i++)
        add_layer(&model->layers[i], e);
    e->digital_macs = denoiser_on ? model->info.denoiser_macs : 0;
    e->tile_nj = (double)e->tile_products * TILE_NJ;
    e->adc_nj = (double)e->conversions * CONVERSION_NJ;
    e->digital_nj = (double)e->digital_macs * DIGITAL_MAC_NJ;
    e->total_nj = e->tile_nj + e->adc_nj + e->digital_nj;
}

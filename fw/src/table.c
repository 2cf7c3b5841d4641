/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

/* ---- layers -------------------------------------------------------------------------------------------------------------------------- */

/* What is being checked, so that the checks below can be one line each. */
struct check {
    const struct qp_info *hw;
    const uint32_t *entry;
    uint32_t index;
    struct qp_error *error;
};

static bool refuse(const struct check *c, uint32_t field, uint32_t value, uint32_t limit)
{
    *c->error = (struct qp_error){QP_WHERE_LAYER, c->index, field, value, limit};
    return false;
}

static bool at_most(const struct check *c, uint32_t field, uint32_t value, uint32_t limit)
{
    return value <= limit || refuse(c, field, value, limit);
}

static bool at_least(const struct check *c, uint32_t field, uint32_t value, uint32_t limit)
{
    return value >= limit || refuse(c, field, value, limit);
}

static bool exactly(const struct check *c, uint32_t field, uint32_t value, uint32_t wanted)
{
    return value == wanted || refuse(c, field, value, wanted);
}

/* first + count words within a memory. */
static bool words_fit(const struct check *c, uint32_t field, uint32_t first, uint32_t count, uint32_t words)
{
    return count <= words ? at_most(c, field, first, words - count) : refuse(c, field, first, 0);
}

/* A tensor of h x w pixels of c8 words in activation memory; names the height if it fits nowhere. */
static bool tensor_fits(const struct check *c, uint32_t address_field, uint32_t address, uint32_t h_field, uint32_t h, uint32_t w, uint32_t c8)
{
    uint32_t row = w * c8; /* at most 10 + 12 bits */
    if (row > c->hw->act_words)
        return refuse(c, h_field, h, 0);
    return at_most(c, h_field, h, c->hw->act_words / row) && words_fit(c, address_field, address, h * row, c->hw->act_words);
}

/* Bits that belong to no field must be 0. */
static bool check_reserved(const struct check *c)
{
    uint32_t mask[QUELL_LAYER_WORDS] = {0};
#define MASK(name, offset, low, width, text) mask[(offset) / 4] |= ((UINT32_C(1) << (width)) - 1) << (low);
    QUELL_LAYER_FIELDS(MASK)
#undef MASK
    for (uint32_t i = 0; i < QUELL_LAYER_WORDS; i++) {
        uint32_t stray = c->entry[i] & ~mask[i], low = 0;
        if (!stray)
            continue;
        while (!(stray >> low & 1))
            low++;
        return refuse(c, i * 4 * 32 + low, stray >> low, 0);
    }
    return true;
}

static bool check_op(const struct check *c)
{
    const uint32_t *e = c->entry;
    return at_most(c, LAYER_FIELD_mode, layer_mode(e), LAYER_DEPTHWISE)
        && at_most(c, LAYER_FIELD_wait_prev, layer_wait_prev(e), c->index > 0 ? 2 : 0)
        && at_most(c, LAYER_FIELD_pool_kind, layer_pool_kind(e), 2);
}

/* An output side: the first tap of the last output lies inside the image. Taps outside it read nothing, wherever they are. */
static bool check_side(const struct check *c, uint32_t field, uint32_t out, uint32_t in, uint32_t pad, uint32_t stride)
{
    return at_least(c, field, out, 1) && at_most(c, field, out, (in + pad - 1) / stride + 1);
}

static bool check_sizes(const struct check *c)
{
    const uint32_t *e = c->entry;
    return at_least(c, LAYER_FIELD_in_w, layer_in_w(e), 1)
        && at_least(c, LAYER_FIELD_in_h, layer_in_h(e), 1)
        && at_least(c, LAYER_FIELD_in_c8, layer_in_c8(e), 1)
        && at_least(c, LAYER_FIELD_out_c8, layer_out_c8(e), 1)
        && (layer_mode(e) != LAYER_DEPTHWISE || exactly(c, LAYER_FIELD_out_c8, layer_out_c8(e), layer_in_c8(e)))
        && check_side(c, LAYER_FIELD_out_w, layer_out_w(e), layer_in_w(e), layer_pad_left(e), layer_stride_x(e) + 1)
        && check_side(c, LAYER_FIELD_out_h, layer_out_h(e), layer_in_h(e), layer_pad_top(e), layer_stride_y(e) + 1)
        && at_most(c, LAYER_FIELD_out_c8, layer_out_c8(e), c->hw->row_words * c->hw->cores / 8)
        && at_most(c, LAYER_FIELD_out_w, layer_out_w(e), c->hw->row_words * c->hw->cores / 8 / layer_out_c8(e))
        && tensor_fits(c, LAYER_FIELD_in_addr, layer_in_addr(e), LAYER_FIELD_in_h, layer_in_h(e), layer_in_w(e), layer_in_c8(e));
}

/* One side of the pooling windows: the first reaches into the frame and the last begins in it, so each holds an element. */
static bool check_windows(const struct check *c, uint32_t pad_field, uint32_t pad, uint32_t kernel, uint32_t field, uint32_t windows, uint32_t out, uint32_t stride)
{
    return at_most(c, pad_field, pad, kernel - 1) && check_side(c, field, windows, out, pad, stride);
}

static bool check_pool(const struct check *c)
{
    const uint32_t *e = c->entry;
    if (layer_pool_kind(e) == 0)
        return exactly(c, LAYER_FIELD_pooled_h, layer_pooled_h(e), layer_out_h(e)) && exactly(c, LAYER_FIELD_pooled_w, layer_pooled_w(e), layer_out_w(e));
    return at_least(c, LAYER_FIELD_pool_kh, layer_pool_kh(e), 1)
        && at_least(c, LAYER_FIELD_pool_kw, layer_pool_kw(e), 1)
        && at_most(c, LAYER_FIELD_pool_kh, layer_pool_kh(e), 4096 / layer_pool_kw(e))
        && at_least(c, LAYER_FIELD_pool_sy, layer_pool_sy(e), 1)
        && at_least(c, LAYER_FIELD_pool_sx, layer_pool_sx(e), 1)
        && check_windows(c, LAYER_FIELD_pool_pad_top, layer_pool_pad_top(e), layer_pool_kh(e), LAYER_FIELD_pooled_h, layer_pooled_h(e), layer_out_h(e), layer_pool_sy(e))
        && check_windows(c, LAYER_FIELD_pool_pad_left, layer_pool_pad_left(e), layer_pool_kw(e), LAYER_FIELD_pooled_w, layer_pooled_w(e), layer_out_w(e), layer_pool_sx(e))
        && at_most(c, LAYER_FIELD_pooled_w, layer_pooled_w(e), c->hw->line_words / (layer_pool_rows(e) * layer_out_c8(e) * 4)) /* 10 + 12 + 2 bits */
        && at_least(c, LAYER_FIELD_pool_shift, layer_pool_shift(e), 1);
}

/* The last word of the last pixel; the tensor fits without what others write between its pixels. */
static bool check_pitch(const struct check *c)
{
    const uint32_t *e = c->entry;
    uint32_t steps = layer_pooled_h(e) * layer_pooled_w(e) - 1, room = c->hw->act_words - layer_out_addr(e) - layer_out_c8(e);
    return at_least(c, LAYER_FIELD_out_pitch, layer_out_pitch(e), layer_out_c8(e)) && (!steps || at_most(c, LAYER_FIELD_out_pitch, layer_out_pitch(e), room / steps));
}

/* The residual has the output's shape, with the words of other slices between its pixels. */
static bool check_residual(const struct check *c)
{
    const uint32_t *e = c->entry;
    if (!tensor_fits(c, LAYER_FIELD_res_addr, layer_res_addr(e), LAYER_FIELD_out_h, layer_out_h(e), layer_out_w(e), layer_out_c8(e)))
        return false;
    uint32_t steps = layer_out_h(e) * layer_out_w(e) - 1, room = c->hw->act_words - layer_res_addr(e) - layer_out_c8(e);
    return !steps || at_most(c, LAYER_FIELD_slice_skip, layer_slice_skip(e), room / steps - layer_out_c8(e)); /* at least 0: without others' words it fits */
}

static bool check_post(const struct check *c)
{
    const uint32_t *e = c->entry;
    int8_t lo = (int8_t)layer_lo(e), hi = (int8_t)layer_hi(e);
    if (layer_residual(e) && !check_residual(c))
        return false;
    if (!at_least(c, LAYER_FIELD_post_shift, layer_post_shift(e), 1) || !at_most(c, LAYER_FIELD_adc_shift, layer_adc_shift(e), 8))
        return false;
    if (lo > hi)
        return refuse(c, LAYER_FIELD_hi, layer_hi(e), layer_lo(e));
    return check_pool(c) && tensor_fits(c, LAYER_FIELD_out_addr, layer_out_addr(e), LAYER_FIELD_pooled_h, layer_pooled_h(e), layer_pooled_w(e), layer_out_c8(e)) && check_pitch(c);
}

static uint32_t product(uint32_t a, uint32_t b)
{
    uint64_t all = (uint64_t)a * b;
    return all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
}

/* Weight-memory words a layer reads: see docs/array.md. */
static uint32_t weight_words(const struct qp_info *hw, const uint32_t *e)
{
    uint32_t groups = (layer_out_c8(e) * 8 + hw->cores - 1) / hw->cores, windows = layer_windows(e);
    switch (layer_mode(e)) { /* at most 12 + 8 + 15 bits; what does not fit in 32 fits nowhere */
    case LAYER_CONV3X3: return product(groups * windows, (layer_in_c8(e) - 1) * 8 + layer_in_last(e) + 1);
    case LAYER_CONV1X1: return product(groups * windows, layer_in_c8(e));
    default: return layer_out_c8(e) * windows;
    }
}

static bool check_memories(const struct check *c)
{
    const uint32_t *e = c->entry;
    return words_fit(c, LAYER_FIELD_w_addr, layer_w_addr(e), weight_words(c->hw, e), c->hw->weight_words)
        && words_fit(c, LAYER_FIELD_const_addr, layer_const_addr(e), layer_out_c8(e) * 4, c->hw->const_words);
}

static bool check_denoiser(const struct check *c)
{
    const uint32_t *e = c->entry;
    bool d = layer_dn_depthwise(e), b = layer_dn_bottleneck(e);
    if ((d || b) && !at_most(c, LAYER_FIELD_out_w, layer_out_w(e), c->hw->line_words / 4 / layer_out_c8(e)))
        return false;
    if (!d && !b)
        return true;
    if (!words_fit(c, LAYER_FIELD_dn_pair_addr, layer_dn_pair_addr(e), layer_out_c8(e) * 4, c->hw->dn_pair_words))
        return false;
    if (b && !(at_least(c, LAYER_FIELD_dn_width, layer_dn_width(e), 1)
            && at_most(c, LAYER_FIELD_dn_width, layer_dn_width(e), c->hw->bottleneck_max)
            && words_fit(c, LAYER_FIELD_dn_row_addr, layer_dn_row_addr(e), layer_dn_width(e), c->hw->dn_row_words)
            && at_least(c, LAYER_FIELD_dn_s1, layer_dn_s1(e), 1)
            && at_least(c, LAYER_FIELD_dn_s2, layer_dn_s2(e), 1)
            && at_least(c, LAYER_FIELD_dn_su, layer_dn_su(e), 1)))
        return false;
    return (!d || at_least(c, LAYER_FIELD_dn_sd, layer_dn_sd(e), 1)) && (!layer_dn_sample(e) || at_least(c, LAYER_FIELD_dn_sv, layer_dn_sv(e), 1));
}

static bool check_table(const struct check *c)
{
    const uint32_t *e = c->entry, tables = c->hw->tables;
    return at_most(c, LAYER_FIELD_table_on, layer_table_on(e), tables > 0) && at_most(c, LAYER_FIELD_table_index, layer_table_index(e), tables ? tables - 1 : 0);
}

bool table_check_layer(const struct qp_info *hw, const uint32_t *entry, uint32_t index, struct qp_error *error)
{
    const struct check c = {hw, entry, index, error};
    return check_reserved(&c) && check_op(&c) && check_sizes(&c) && check_memories(&c) && check_denoiser(&c) && check_post(&c) && check_table(&c);
}

/* ---- head ---------------------------------------------------------------------------------------------------------------------------- */

#define HEAD_WORDS ((uint32_t)(sizeof(struct qp_table) / 4))

static void read_head(struct qp_table *head, uint32_t offset)
{
    *head = (struct qp_table){
        .count = message_word(offset + offsetof(struct qp_table, count)),
        .image_h = message_word(offset + offsetof(struct qp_table, image_h)),
        .image_w = message_word(offset + offsetof(struct qp_table, image_w)),
        .image_c = message_word(offset + offsetof(struct qp_table, image_c)),
        .image_pad = message_word(offset + offsetof(struct qp_table, image_pad)),
        .input_addr = {message_word(offset + offsetof(struct qp_table, input_addr)), message_word(offset + offsetof(struct qp_table, input_addr) + 4)},
        .logits_addr = message_word(offset + offsetof(struct qp_table, logits_addr)),
        .classes = message_word(offset + offsetof(struct qp_table, classes)),
        .pad_code = (int32_t)message_word(offset + offsetof(struct qp_table, pad_code)),
    };
}

static void read_layer(uint32_t entry[QUELL_LAYER_WORDS], uint32_t offset, uint32_t index)
{
    offset += (HEAD_WORDS + index * QUELL_LAYER_WORDS) * 4;
    for (uint32_t i = 0; i < QUELL_LAYER_WORDS; i++)
        entry[i] = message_word(offset + 4 * i);
}

/* least <= value <= most, or the error that says so. */
static bool head_field(struct qp_error *error, size_t field, uint32_t value, uint32_t least, uint32_t most)
{
    if (value >= least && value <= most)
        return true;
    *error = (struct qp_error){QP_WHERE_TABLE, 0, (uint32_t)field, value, value < least ? least : most};
    return false;
}
#define HEAD_FIELD(member, least, most) head_field(error, offsetof(struct qp_table, member), (uint32_t)head->member, least, most)

static bool check_head(const struct hardware *hw, const struct qp_table *head, struct qp_error *error)
{
    const uint32_t codes = QP_MAX_PAYLOAD - (uint32_t)sizeof(struct qp_image), words = hw->info.act_words;
    if (!(HEAD_FIELD(image_h, 1, codes) && HEAD_FIELD(image_w, 1, codes / head->image_h) && HEAD_FIELD(image_c, 1, codes / head->image_h / head->image_w)
            && HEAD_FIELD(image_pad, 0, 255)))
        return false;
    /* sides below 2^14, c8 below 2^11: the product is taken in two steps */
    uint32_t h = head->image_h + 2 * head->image_pad, row = (head->image_w + 2 * head->image_pad) * ((head->image_c + 7) / 8);
    if (row > words || h > words / row)
        return HEAD_FIELD(image_h, 1, 0);
    if (!(HEAD_FIELD(input_addr[0], 0, words - h * row) && HEAD_FIELD(input_addr[1], 0, words - h * row)))
        return false;
    uint32_t most = MESSAGE_MAX_CLASSES < words * 8 ? MESSAGE_MAX_CLASSES : words * 8;
    if (!(HEAD_FIELD(logits_addr, 0, words - 1) && HEAD_FIELD(classes, 1, most) && HEAD_FIELD(logits_addr, 0, words - (head->classes + 7) / 8)))
        return false;
    if (head->pad_code < -128 || head->pad_code > 127) {
        *error = (struct qp_error){QP_WHERE_TABLE, 0, offsetof(struct qp_table, pad_code), (uint32_t)head->pad_code, head->pad_code < 0 ? (uint32_t)-128 : 127};
        return false;
    }
    return true;
}

enum qp_status table_check(const struct hardware *hw, uint32_t offset, uint32_t length, struct qp_error *error)
{
    struct qp_table head;
    uint32_t entry[QUELL_LAYER_WORDS];
    const uint32_t field = offsetof(struct qp_header, length);
    if (length < sizeof head) {
        *error = (struct qp_error){QP_WHERE_HEADER, 0, field, length, sizeof head};
        return QP_BAD_LENGTH;
    }
    read_head(&head, offset);
    if (!head_field(error, offsetof(struct qp_table, count), head.count, 1, QP_MAX_LAYERS))
        return QP_BAD_FIELD;
    uint32_t wanted = (HEAD_WORDS + head.count * QUELL_LAYER_WORDS) * 4;
    if (length != wanted) {
        *error = (struct qp_error){QP_WHERE_HEADER, 0, field, length, wanted};
        return QP_BAD_LENGTH;
    }
    if (!check_head(hw, &head, error))
        return QP_BAD_FIELD;
    for (uint32_t i = 0; i < head.count; i++) {
        read_layer(entry, offset, i);
        if (!table_check_layer(&hw->info, entry, i, error))
            return QP_BAD_FIELD;
    }
    return QP_OK;
}

static bool apart(uint32_t a, uint32_t a_words, uint32_t b, uint32_t b_words) { return a + a_words <= b || b + b_words <= a; }

static bool inputs_are_kept(const struct table *table)
{
    const struct qp_table *h = &table->head;
    uint32_t words = (h->image_h + 2 * h->image_pad) * (h->image_w + 2 * h->image_pad) * ((h->image_c + 7) / 8);
    bool kept = h->input_addr[0] == h->input_addr[1] || apart(h->input_addr[0], words, h->input_addr[1], words);
    for (uint32_t i = 0; i < h->count; i++) {
        const uint32_t *e = table->layer[i];
        uint32_t out = (layer_pooled_w(e) * layer_pooled_h(e) - 1) * layer_out_pitch(e) + layer_out_c8(e); /* others' words of a joined tensor too */
        kept = kept && apart(layer_out_addr(e), out, h->input_addr[0], words) && apart(layer_out_addr(e), out, h->input_addr[1], words);
    }
    return kept;
}

void table_store(struct table *table, uint32_t offset)
{
    read_head(&table->head, offset);
    for (uint32_t i = 0; i < table->head.count; i++) {
        read_layer(table->layer[i], offset, i);
        table->limit[i] = layer_cycle_limit(table->layer[i]);
    }
    table->inputs_kept = inputs_are_kept(table);
}

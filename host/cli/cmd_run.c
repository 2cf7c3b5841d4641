/* SPDX-License-Identifier: Apache-2.0 */
/* quell run: images in, table, JSON, logits and activations out. What was computed before a failure is written too. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "seeds.h"

struct result {
    int8_t *logits;
    uint32_t wanted, done, inferences, first_seed, seeds; /* done: images with all their seeds */
    uint32_t correct, top_correct; /* of inferences; top: the label is among the --top best */
    double seconds;
    quell_status status; /* of the run itself */
    quell_counters counters;
    quell_limits limits;
    quell_energy energy;
    struct seeds_summary summary; /* with --noise-seeds */
};

static const double FULL_SPEED_BYTES = 19 * 64 * 1000; /* a second: 19 bulk packets of 64 bytes a millisecond */

/* ---- figures ---- */

/* How many classes come before the label, of equal ones those with a lower number; all, if it is none of them. */
static uint32_t rank_of(const int8_t *logits, uint32_t classes, int label)
{
    if (label < 0 || (uint32_t)label >= classes)
        return classes;
    uint32_t before = 0;
    for (uint32_t c = 0; c < classes; c++)
        before += logits[c] > logits[label] || (logits[c] == logits[label] && c < (uint32_t)label);
    return before;
}

static void count_correct(const struct cli_options *o, const struct cli_session *s, struct result *r)
{
    for (uint32_t i = 0; i < r->done * r->seeds; i++) {
        uint32_t rank = rank_of(r->logits + (size_t)i * s->info.classes, s->info.classes, quell_images_label(s->images, i / r->seeds));
        r->correct += rank == 0;
        r->top_correct += rank < o->top && rank < s->info.classes;
    }
}

static double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

/* Useful multiplications, of those that the array could have done. */
static double array_busy(const struct result *r) { return share((double)r->counters.macs, 9.0 * r->limits.cores * (double)r->counters.cycles); }

static double link_bytes(const struct result *r) { return share((double)(r->counters.link_sent + r->counters.link_received), (double)r->counters.images); }

/* What the link takes of the time that the array takes; both work at once. */
static double link_share(const struct result *r) { return share(link_bytes(r) / FULL_SPEED_BYTES, share((double)r->counters.cycles, (double)r->counters.images) / CLI_CLOCK_HZ); }

static struct seeds_results with_seeds(const struct cli_session *s, const struct result *r)
{
    return (struct seeds_results){.logits = r->logits, .images = r->done, .first_seed = r->first_seed, .seeds = r->seeds, .classes = s->info.classes, .from = s->images, .labelled = s->images_info.labelled};
}

/* ---- output ---- */

static cJSON *settings_json(const struct cli_options *o)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "model", o->model);
    cJSON_AddStringToObject(j, "images", o->images);
    cJSON_AddStringToObject(j, "labels", o->labels ? o->labels : "");
    cJSON_AddStringToObject(j, "device", o->device);
    cJSON_AddStringToObject(j, "profile", o->profile ? o->profile : "");
    cJSON_AddNumberToObject(j, "severity", o->severity);
    cJSON_AddNumberToObject(j, "chip", o->chip);
    cJSON_AddStringToObject(j, "calibration", o->calibration ? o->calibration : "");
    cJSON_AddNumberToObject(j, "noise_seed", o->noise_seed);
    cJSON_AddStringToObject(j, "noise_seeds", o->noise_seeds);
    cJSON_AddStringToObject(j, "denoiser", o->denoiser_name);
    cJSON_AddNumberToObject(j, "limit", o->limit);
    cJSON_AddNumberToObject(j, "threads", o->threads);
    cJSON_AddNumberToObject(j, "top", o->top);
    return j;
}

static cJSON *counters_json(const quell_counters *c)
{
    cJSON *j = cJSON_CreateObject();
#define ADD(member) cJSON_AddNumberToObject(j, #member, (double)c->member)
    ADD(images);
    ADD(cycles);
    ADD(macs);
    ADD(array_busy);
    ADD(array_starved);
    ADD(array_blocked);
    ADD(post_busy);
    ADD(post_starved);
    ADD(post_blocked);
    ADD(samples);
    ADD(dn_busy);
    ADD(dn_blocked);
    ADD(window_wait);
    ADD(link_sent);
    ADD(link_received);
#undef ADD
    return j;
}

static cJSON *energy_json(const quell_energy *e)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddNumberToObject(j, "tile_nj", e->tile_nj);
    cJSON_AddNumberToObject(j, "adc_nj", e->adc_nj);
    cJSON_AddNumberToObject(j, "digital_nj", e->digital_nj);
    cJSON_AddNumberToObject(j, "total_nj", e->total_nj);
    cJSON_AddNumberToObject(j, "latency_us", e->latency_us);
    cJSON_AddNumberToObject(j, "tile_products", (double)e->tile_products);
    cJSON_AddNumberToObject(j, "conversions", (double)e->conversions);
    return j;
}

static const char *input_words(const struct cli_session *s, char words[320])
{
    quell_input input;
    quell_model_input(s->model, &input, words);
    return quell_images_codes(s->images, 0) ? "tensors" : words;
}

static cJSON *result_json(const struct cli_options *o, const struct cli_session *s, const struct result *r)
{
    cJSON *j = cJSON_CreateObject();
    char words[320];
    cJSON_AddStringToObject(j, "version", quell_version());
    cJSON_AddStringToObject(j, "input", input_words(s, words));
    cJSON_AddStringToObject(j, "device", quell_device_name(s->device));
    cJSON_AddStringToObject(j, "profile", s->profile ? quell_profile_name(s->profile) : "ideal");
    cJSON_AddBoolToObject(j, "complete", r->done == r->wanted);
    cJSON_AddStringToObject(j, "status", quell_status_name(r->status));
    cJSON_AddNumberToObject(j, "images", r->done);
    cJSON_AddNumberToObject(j, "images_wanted", r->wanted);
    cJSON_AddNumberToObject(j, "images_skipped", s->images_info.skipped);
    if (s->images_info.labelled && r->done) {
        cJSON_AddNumberToObject(j, "correct", r->correct);
        cJSON_AddNumberToObject(j, "accuracy", share(r->correct, (double)r->done * r->seeds));
        if (o->top > 1) {
            cJSON_AddNumberToObject(j, "top_correct", r->top_correct);
            cJSON_AddNumberToObject(j, "top_accuracy", share(r->top_correct, (double)r->done * r->seeds));
        }
    } else {
        cJSON_AddNullToObject(j, "correct");
        cJSON_AddNullToObject(j, "accuracy");
    }
    if (r->seeds > 1) {
        const struct seeds_results results = with_seeds(s, r);
        cJSON_AddItemToObject(j, "noise_seeds", seeds_json(&results, &r->summary));
    }
    if (link_bytes(r) > 0) {
        cJSON_AddNumberToObject(j, "link_bytes_per_inference", link_bytes(r));
        cJSON_AddNumberToObject(j, "link_share", link_share(r));
    }
    cJSON_AddNumberToObject(j, "seconds", r->seconds);
    cJSON_AddNumberToObject(j, "inferences", r->inferences);
    cJSON_AddNumberToObject(j, "images_per_s", share(r->inferences, (double)r->seeds * r->seconds));
    cJSON_AddNumberToObject(j, "cycles", (double)r->counters.cycles);
    cJSON_AddNumberToObject(j, "cycles_per_image", share((double)r->counters.cycles, r->inferences));
    cJSON_AddNumberToObject(j, "cycles_per_s", share((double)r->counters.cycles, r->seconds));
    cJSON_AddNumberToObject(j, "array_busy", array_busy(r));
    cJSON_AddNumberToObject(j, "extra_parameters", share(s->info.denoiser_parameters, s->info.parameters));
    cJSON_AddNumberToObject(j, "extra_macs", share((double)s->info.denoiser_macs, (double)s->info.macs));
    cJSON_AddItemToObject(j, "counters", counters_json(&r->counters));
    cJSON_AddItemToObject(j, "energy", energy_json(&r->energy));
    cJSON_AddItemToObject(j, "settings", settings_json(o));
    return j;
}

static void print_table(const struct cli_options *o, const struct cli_session *s, const struct result *r)
{
    char words[320];
    printf("model         %s\ndevice        %s\ninput         %s\n", cli_text(o->model), quell_device_name(s->device), input_words(s, words));
    printf("noise         %s%s", s->profile ? cli_text(quell_profile_name(s->profile)) : "none", s->profile ? "" : "\n");
    if (s->profile)
        printf(r->seeds > 1 ? ", chip %u%s, noise seeds %u to %u\n" : ", chip %u%s, noise seed %u\n", o->chip, s->calibration ? " (calibrated)" : "", r->first_seed, r->first_seed + r->seeds - 1);
    printf("denoiser      %s\nimages        %u", o->denoiser_name, r->done);
    if (r->done != r->wanted)
        printf(" of %u", r->wanted);
    if (s->images_info.skipped)
        printf(", %u bad ones left out", s->images_info.skipped);
    printf("\n");
    const struct seeds_results results = with_seeds(s, r);
    if (r->seeds > 1 && r->done)
        seeds_print(&results, &r->summary);
    else if (s->images_info.labelled && r->done)
        printf("accuracy      %.2f %% (%u right)\n", 100 * share(r->correct, r->done), r->correct);
    if (s->images_info.labelled && r->done && o->top > 1)
        printf("top %-9u %.2f %% (%u right)\n", o->top, 100 * share(r->top_correct, (double)r->done * r->seeds), r->top_correct);
    printf("speed         %.1f %s/s (%.2f s)\n", share(r->inferences, r->seconds), r->seeds > 1 ? "inferences" : "images", r->seconds);
    if (link_bytes(r) > 0)
        printf("link          %.0f bytes an inference: %.1f %% of the array's time if it is full-speed USB and the clock %.1f MHz\n", link_bytes(r), 100 * link_share(r), CLI_CLOCK_HZ / 1e6);
    if (r->counters.cycles) {
        printf("cycles        %.0f an image, array %.1f %% busy\n", share((double)r->counters.cycles, r->inferences), 100 * array_busy(r));
        printf("simulator     %.2f M cycles/s\n", 1e-6 * share((double)r->counters.cycles, r->seconds));
    }
    printf("analog tiles  %.2f uJ, %.1f us an image (estimated: docs/energy.md)\n", r->energy.total_nj / 1000, r->energy.latency_us);
}

static quell_status write_files(const struct cli_options *o, const struct cli_session *s, const struct result *r, quell_error *err)
{
    const uint32_t shape[2] = {r->done, s->info.classes}, shape_seeds[3] = {r->done, r->seeds, s->info.classes};
    quell_status status = o->logits ? cli_write_npy(o->logits, r->logits, r->seeds > 1 ? shape_seeds : shape, r->seeds > 1 ? 3 : 2, err) : QUELL_OK;
    if (status == QUELL_OK && o->json) {
        cJSON *json = result_json(o, s, r);
        status = cli_write_json(o->json, json, err);
        cJSON_Delete(json);
    }
    return status;
}

/* ---- activations ---- */

static quell_status dump_layer(const struct cli_options *o, struct cli_session *s, uint32_t first_seed, uint32_t layer, uint32_t count, struct cli_progress *progress, quell_error *err)
{
    quell_layer_info l;
    quell_model_get_layer(s->model, layer, &l);
    size_t size = (size_t)l.out_h * l.out_w * l.out_c;
    int8_t *codes = malloc(size * count);
    if (!codes) {
        snprintf(err->text, sizeof err->text, "out of memory");
        return err->status = QUELL_E_MEMORY;
    }
    quell_status status = QUELL_OK;
    for (uint32_t i = 0; status == QUELL_OK && i < count; i++) {
        status = quell_device_activations(s->device, s->images, i, first_seed, i, layer, codes + size * i, err);
        if (status == QUELL_OK && cli_progress_step(progress, layer * count + i + 1)) {
            snprintf(err->text, sizeof err->text, "interrupted while writing activations: layer %u of %u", layer, s->info.layers);
            status = err->status = QUELL_E_INTERRUPTED;
        }
    }
    char path[4096], name[sizeof l.name];
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = l.name[i] && (strchr("/\\:*?\"<>| ", l.name[i]) || (unsigned char)l.name[i] < ' ' || l.name[i] == 0x7F) ? '_' : l.name[i];
    snprintf(path, sizeof path, "%s/%02u_%s.npy", o->dump, layer, name);
    const uint32_t shape[4] = {count, l.out_h, l.out_w, l.out_c};
    if (status == QUELL_OK)
        status = cli_write_npy(path, codes, shape, 4, err);
    free(codes);
    return status;
}

static quell_status dump(const struct cli_options *o, struct cli_session *s, uint32_t first_seed, quell_error *err)
{
    struct cli_progress progress;
    uint32_t count = o->dump_count < s->images_info.count ? o->dump_count : s->images_info.count;
    cli_progress_start(&progress, "activations", count * s->info.layers, o->progress);
    quell_status status = QUELL_OK;
    for (uint32_t k = 0; status == QUELL_OK && count && k < s->info.layers; k++)
        status = dump_layer(o, s, first_seed, k, count, &progress, err);
    cli_progress_end(&progress);
    return status;
}

/* ---- the run ---- */

static void run_images(const struct cli_options *o, struct cli_session *s, struct result *r, quell_error *err)
{
    struct cli_progress progress;
    cli_progress_start(&progress, o->device, r->wanted * r->seeds, o->progress);
    double started = cli_seconds();
    r->status = quell_device_run_seeds(s->device, s->images, 0, r->wanted, r->first_seed, r->seeds, 0, r->logits, &r->inferences, cli_progress_step, &progress, err);
    r->done = r->inferences / r->seeds;
    r->seconds = cli_seconds() - started;
    cli_progress_end(&progress);
    quell_error ignored;
    if (r->status == QUELL_OK || r->status == QUELL_E_INTERRUPTED)
        if (quell_device_get_counters(s->device, &r->counters, &ignored) != QUELL_OK)
            memset(&r->counters, 0, sizeof r->counters);
    quell_estimate_energy(s->model, o->denoiser != QUELL_DENOISER_OFF, &r->energy);
    count_correct(o, s, r);
}

static quell_status run(const struct cli_options *o, struct cli_session *s, quell_error *err)
{
    struct result r = {.wanted = s->images_info.count, .first_seed = o->noise_seed, .seeds = 1};
    quell_error file_error;
    if (strchr(o->given, 'D') && seeds_read(o->noise_seeds, &r.first_seed, &r.seeds, err) != QUELL_OK)
        return err->status;
    if (r.wanted > UINT32_MAX / r.seeds)
        return cli_set_error(err, QUELL_E_USAGE, "%u images with %u seeds each are more than can be counted", r.wanted, r.seeds);
    r.logits = calloc((size_t)r.wanted * r.seeds, s->info.classes);
    if (!r.logits) {
        snprintf(err->text, sizeof err->text, "out of memory");
        return err->status = QUELL_E_MEMORY;
    }
    quell_status status = quell_device_get_limits(s->device, &r.limits, err);
    if (status == QUELL_OK) {
        run_images(o, s, &r, err);
        status = r.status;
        const struct seeds_results results = with_seeds(s, &r);
        if (r.seeds > 1 && seeds_summarise(&results, &r.summary, &file_error) != QUELL_OK) {
            *err = file_error;
            status = err->status;
        } else if (status == QUELL_OK || r.done) {
            print_table(o, s, &r);
            quell_status written = write_files(o, s, &r, &file_error);
            if (written != QUELL_OK && status == QUELL_OK)
                *err = file_error;
            else if (written != QUELL_OK)
                cli_fail(&file_error);
            status = status == QUELL_OK ? written : status;
        }
        if (status == QUELL_E_INTERRUPTED) {
            snprintf(err->text, sizeof err->text, "interrupted: %u of %u images are done%s", r.done, r.wanted, o->logits || o->json ? " and written" : "");
            err->status = status;
        }
    }
    free(r.logits);
    seeds_free(&r.summary);
    return status == QUELL_OK && o->dump ? dump(o, s, r.first_seed, err) : status;
}

int cmd_run(const struct cli_options *o)
{
    struct cli_session session;
    quell_error err;
    cli_catch_interrupts();
    quell_status status = cli_open(o, 1, &session, &err);
    if (status == QUELL_OK)
        status = run(o, &session, &err);
    cli_close(&session);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* quell info, compile: what a model is. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "compiled.h"

/* ---- info ---- */

/* What the file does with the logits, as ONNX calls it; "" for nothing. */
static const char *end_name(const quell_model_info *i)
{
    static const char *const NAMES[] = {"", "Softmax", "LogSoftmax", "Sigmoid", "ArgMax"};
    return NAMES[i->end < sizeof NAMES / sizeof *NAMES ? i->end : 0];
}

static cJSON *layer_json(const quell_layer_info *l)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "name", l->name);
    cJSON_AddStringToObject(j, "input", l->input);
    cJSON_AddStringToObject(j, "residual", l->residual);
    cJSON_AddStringToObject(j, "output", l->output);
    cJSON_AddNumberToObject(j, "out_h", l->out_h);
    cJSON_AddNumberToObject(j, "out_w", l->out_w);
    cJSON_AddNumberToObject(j, "out_c", l->out_c);
    cJSON_AddNumberToObject(j, "out_scale", l->out_scale);
    cJSON_AddNumberToObject(j, "out_zero", l->out_zero);
    cJSON_AddNumberToObject(j, "macs", (double)l->macs);
    cJSON_AddNumberToObject(j, "denoiser_macs", (double)l->denoiser_macs);
    cJSON_AddBoolToObject(j, "denoiser", l->has_denoiser != 0);
    return j;
}

static cJSON *model_json(const quell_model *model)
{
    quell_model_info i;
    cJSON *j = cJSON_CreateObject();
    quell_model_get_info(model, &i);
    cJSON_AddStringToObject(j, "version", quell_version());
    quell_input input;
    char words[400];
    static const char *const SOURCES[] = {"first QuantizeLinear", "said", "metadata", "graph", "codes", "unknown"};
    cJSON *in = cJSON_AddObjectToObject(j, "input");
    cJSON_AddStringToObject(in, "source", SOURCES[quell_model_input(model, &input, words)]);
    cJSON_AddStringToObject(in, "words", words);
    cJSON_AddStringToObject(in, "layout", input.nhwc ? "nhwc" : "nchw");
    cJSON_AddStringToObject(in, "order", input.bgr ? "bgr" : "rgb");
    cJSON_AddNumberToObject(in, "scale", input.scale);
    cJSON_AddItemToObject(in, "mean", cJSON_CreateDoubleArray(input.mean, (int)input.means));
    cJSON_AddItemToObject(in, "std", cJSON_CreateDoubleArray(input.std, (int)input.stds));
    if (input.resize)
        cJSON_AddNumberToObject(in, "resize", input.resize);
    cJSON_AddStringToObject(in, "doubt", quell_model_input_doubt(model, words) ? words : "");
#define ADD(member) cJSON_AddNumberToObject(j, #member, (double)i.member)
    ADD(layers);
    ADD(image_h);
    ADD(image_w);
    ADD(image_c);
    ADD(image_pad);
    ADD(classes);
    ADD(parameters);
    ADD(denoiser_parameters);
    ADD(denoisers);
    ADD(macs);
    ADD(denoiser_macs);
    ADD(act_words);
    ADD(weight_words);
    ADD(const_words);
    ADD(dn_pair_words);
    ADD(dn_row_words);
    ADD(tables);
    ADD(ext_words);
#undef ADD
    cJSON_AddStringToObject(j, "end", end_name(&i));
    cJSON *layers = cJSON_AddArrayToObject(j, "layer");
    quell_layer_info l;
    quell_cycles *cycles = calloc(i.layers, sizeof *cycles);
    uint64_t total;
    quell_error err;
    int estimated = cycles && quell_estimate_cycles(model, 0, cycles, &total, &err) == QUELL_OK;
    if (estimated)
        cJSON_AddNumberToObject(j, "cycles", (double)total);
    for (uint32_t k = 0; quell_model_get_layer(model, k, &l) == QUELL_OK; k++) {
        cJSON *layer = layer_json(&l);
        if (estimated) {
            cJSON_AddNumberToObject(layer, "cycles_array", (double)cycles[k].array);
            cJSON_AddNumberToObject(layer, "cycles_post", (double)cycles[k].post);
            cJSON_AddNumberToObject(layer, "cycles_load", (double)cycles[k].load);
            cJSON_AddNumberToObject(layer, "slices", cycles[k].slices);
            cJSON_AddNumberToObject(layer, "cycles", (double)cycles[k].cycles);
        }
        cJSON_AddItemToArray(layers, layer);
    }
    free(cycles);
    return j;
}

static void print_layers(const quell_model *model)
{
    quell_layer_info l;
    printf("\n%-3s %-24s %-22s %-12s %12s  %s\n", "", "layer", "reads", "writes", "MACs", "");
    for (uint32_t k = 0; quell_model_get_layer(model, k, &l) == QUELL_OK; k++) {
        char reads[160], writes[40];
        snprintf(reads, sizeof reads, "%s%s%s", cli_text(l.input), *l.residual ? " + " : "", cli_text(l.residual));
        snprintf(writes, sizeof writes, "%ux%ux%u", l.out_h, l.out_w, l.out_c);
        printf("%-3u %-24.24s %-22s %-12s %12llu  %s%s\n", k, cli_text(l.name), reads, writes, (unsigned long long)l.macs, l.macs ? "" : "(inserted: nothing is multiplied)", l.has_denoiser ? "denoised" : "");
    }
}

static void print_info(const quell_model *model, const char *name)
{
    quell_model_info i;
    quell_energy e;
    quell_model_get_info(model, &i);
    quell_estimate_energy(model, 1, &e);
    printf("%s\n", cli_text(name));
    quell_input input;
    char words[400];
    quell_model_input(model, &input, words);
    printf("input         %s\n", words);
    if (quell_model_input_doubt(model, words))
        printf("              %s\n", words);
    printf("images        %u x %u, %u channel%s, %u pixel%s of padding\n", i.image_h, i.image_w, i.image_c, i.image_c == 1 ? "" : "s", i.image_pad, i.image_pad == 1 ? "" : "s");
    printf("classes       %u", i.classes);
    for (uint32_t c = 0; c < i.classes && quell_model_class_name(model, c); c++)
        printf("%s%s", c ? ", " : ": ", cli_text(quell_model_class_name(model, c)));
    if (i.end == QUELL_END_ARGMAX)
        printf("\nat the end    ArgMax, done on the host: the best class");
    else if (i.end)
        printf("\nat the end    %s, left to the host: results are the codes that it reads, whose order it keeps", end_name(&i));
    printf("\nparameters    %u, denoising blocks %u (%.2f %%)\n", i.parameters, i.denoiser_parameters, i.parameters ? 100.0 * i.denoiser_parameters / i.parameters : 0);
    printf("MACs          %llu, denoising blocks %llu (%.2f %%)\n", (unsigned long long)i.macs, (unsigned long long)i.denoiser_macs, i.macs ? 100.0 * (double)i.denoiser_macs / (double)i.macs : 0);
    printf("layers        %u, denoised %u\n", i.layers, i.denoisers);
    printf("memory words  activations %u, weights %u, constants %u, denoiser pairs %u, denoiser rows %u; activation tables %u\n", i.act_words, i.weight_words, i.const_words, i.dn_pair_words, i.dn_row_words, i.tables);
    printf("analog tiles  %.2f uJ, %.1f us an image (estimated: docs/energy.md)\n", e.total_nj / 1000, e.latency_us);
    print_layers(model);
}

/* What the network takes on the device that it is placed for. */
static void print_cost(const quell_model *placed)
{
    quell_model_info i;
    quell_model_get_info(placed, &i);
    quell_cycles *cycles = calloc(i.layers, sizeof *cycles);
    uint64_t total;
    quell_error err;
    if (cycles && quell_estimate_cycles(placed, 1, cycles, &total, &err) == QUELL_OK)
        printf("              %llu clock cycles an image, %.0f images/s at 66.67 MHz (estimated)\n", (unsigned long long)total, CLI_CLOCK_HZ / (double)total);
    if (i.ext_words)
        printf("              %.1f KB of parameters an image come from the external memory, layer by layer\n", i.ext_words * 8 / 1000.0);
    free(cycles);
}

static quell_status write_model_json(const struct cli_options *o, const quell_model *model, quell_error *err)
{
    if (!o->json)
        return QUELL_OK;
    cJSON *json = model_json(model);
    quell_status status = cli_write_json(o->json, json, err);
    cJSON_Delete(json);
    return status;
}

/* Does the model fit the chip's memories (device ref), or those of the device that is named? Said, not an error: this is what was asked for. */
static void say_fit(const struct cli_options *o, const quell_model *model, const quell_error *too_large)
{
    const quell_limits chip = quell_default_limits();
    quell_error reason;
    const int ref = strcmp(o->device, "ref") == 0;
    if (too_large)
        printf("\non %-10s does not fit: %s\n", cli_text(o->device), too_large->text);
    else if (!ref) {
        printf("\non %-10s fits\n", cli_text(o->device));
        print_cost(model);
    }
    if (!ref)
        return;
    quell_model *placed;
    quell_status status = quell_model_fitted(model, &chip, &placed, &reason);
    printf("%son the chip   %s%s\n", too_large ? "" : "\n", status == QUELL_OK ? "fits" : "does not fit: ", status == QUELL_OK ? "" : reason.text);
    if (placed)
        print_cost(placed);
    quell_model_fitted_free(placed);
}

/* A file of any size is described: if it is too large for the device, as for one without limits. */
int cmd_info(const struct cli_options *o)
{
    const quell_limits endless = quell_endless_limits();
    quell_model *model = NULL;
    quell_error err, too_large;
    quell_status status = cli_check_outputs(o, &err);
    if (status == QUELL_OK)
        status = cli_load_model(o, &model, &err);
    int large = status == QUELL_E_TOO_LARGE;
    if (large) {
        too_large = err;
        status = quell_model_load_for(o->model, &endless, &o->input, &model, &err);
    }
    if (status == QUELL_OK) {
        print_info(model, o->model);
        say_fit(o, model, large ? &too_large : NULL);
        status = write_model_json(o, model, &err);
    }
    quell_model_free(model);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}

/* ---- compile ---- */

int cmd_compile(const struct cli_options *o)
{
    struct cli_session s = {0};
    quell_model *model = NULL;
    quell_error err;
    quell_status status = cli_check_outputs(o, &err);
    if (status == QUELL_OK)
        status = cli_load_model(o, &model, &err);
    s.model = model;
    if (status == QUELL_OK)
        cli_say_doubts(&s);
    if (status == QUELL_OK)
        status = quell_model_save(model, o->output, &err);
    if (status == QUELL_OK)
        status = write_model_json(o, model, &err);
    if (status == QUELL_OK && o->report)
        cli_print_report(model);
    quell_model_free(model);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* quell info, compile: what a model is. */
#include <string.h>

#include "cli.h"

/* ---- info ---- */

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
#undef ADD
    cJSON *layers = cJSON_AddArrayToObject(j, "layer");
    quell_layer_info l;
    for (uint32_t k = 0; quell_model_get_layer(model, k, &l) == QUELL_OK; k++)
        cJSON_AddItemToArray(layers, layer_json(&l));
    return j;
}

static void print_layers(const quell_model *model)
{
    quell_layer_info l;
    printf("\n%-3s %-24s %-22s %-12s %12s  %s\n", "", "layer", "reads", "writes", "MACs", "");
    for (uint32_t k = 0; quell_model_get_layer(model, k, &l) == QUELL_OK; k++) {
        char reads[160], writes[40];
        snprintf(reads, sizeof reads, "%s%s%s", l.input, *l.residual ? " + " : "", l.residual);
        snprintf(writes, sizeof writes, "%ux%ux%u", l.out_h, l.out_w, l.out_c);
        printf("%-3u %-24.24s %-22s %-12s %12llu  %s%s\n", k, l.name, reads, writes, (unsigned long long)l.macs, l.macs ? "" : "(inserted: nothing is multiplied)", l.has_denoiser ? "denoised" : "");
    }
}

static void print_info(const quell_model *model, const char *name)
{
    quell_model_info i;
    quell_energy e;
    quell_model_get_info(model, &i);
    quell_estimate_energy(model, 1, &e);
    printf("%s\n", name);
    printf("images        %u x %u, %u channel%s, %u pixel%s of padding\n", i.image_h, i.image_w, i.image_c, i.image_c == 1 ? "" : "s", i.image_pad, i.image_pad == 1 ? "" : "s");
    printf("classes       %u", i.classes);
    for (uint32_t c = 0; c < i.classes && quell_model_class_name(model, c); c++)
        printf("%s%s", c ? ", " : ": ", quell_model_class_name(model, c));
    printf("\nparameters    %u, denoising blocks %u (%.2f %%)\n", i.parameters, i.denoiser_parameters, i.parameters ? 100.0 * i.denoiser_parameters / i.parameters : 0);
    printf("MACs          %llu, denoising blocks %llu (%.2f %%)\n", (unsigned long long)i.macs, (unsigned long long)i.denoiser_macs, i.macs ? 100.0 * (double)i.denoiser_macs / (double)i.macs : 0);
    printf("layers        %u, denoised %u\n", i.layers, i.denoisers);
    printf("memory words  activations %u, weights %u, constants %u, denoiser pairs %u, denoiser rows %u\n", i.act_words, i.weight_words, i.const_words, i.dn_pair_words, i.dn_row_words);
    printf("analog tiles  %.2f uJ, %.1f us an image (estimated: docs/energy.md)\n", e.total_nj / 1000, e.latency_us);
    print_layers(model);
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

int cmd_info(const struct cli_options *o)
{
    quell_model *model;
    quell_error err;
    quell_status status = cli_load_model(o, &model, &err);
    if (status == QUELL_OK) {
        print_info(model, o->model);
        status = write_model_json(o, model, &err);
    }
    quell_model_free(model);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}

/* ---- compile ---- */

int cmd_compile(const struct cli_options *o)
{
    quell_model *model;
    quell_error err;
    quell_status status = cli_load_model(o, &model, &err);
    if (status == QUELL_OK)
        status = quell_model_save(model, o->output, &err);
    if (status == QUELL_OK)
        status = write_model_json(o, model, &err);
    if (status == QUELL_OK && o->report)
        cli_print_report(model);
    quell_model_free(model);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}

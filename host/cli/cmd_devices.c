/* SPDX-License-Identifier: Apache-2.0 */
/* quell devices: what there is, and what it can hold. Boards are opened to be asked; one that cannot be is listed with the reason. */
#include <string.h>

#include "cli.h"

enum { BOARDS = 32 };

struct row {
    const char *what; /* for people */
    quell_board board;
    quell_device_info info;
    quell_limits limits;
    quell_status status;
    quell_error err;
};

static void version_text(uint32_t v, char text[24]) { snprintf(text, 24, "%u.%u.%u", v >> 16, v >> 8 & 255, v & 255); }

static void add_json(cJSON *list, const char *name, const struct row *r)
{
    cJSON *d = cJSON_CreateObject();
    char version[24];
    version_text(r->info.version, version);
    cJSON_AddStringToObject(d, "name", name);
    cJSON_AddBoolToObject(d, "available", r->status == QUELL_OK);
    if (*r->board.place) {
        cJSON_AddStringToObject(d, "serial", r->board.serial);
        cJSON_AddStringToObject(d, "place", r->board.place);
    }
    if (r->status != QUELL_OK) {
        cJSON_AddNumberToObject(d, "status", r->status);
        cJSON_AddStringToObject(d, "problem", r->err.text);
    } else {
        cJSON_AddStringToObject(d, "version", version);
        cJSON_AddNumberToObject(d, "build", r->info.build);
#define ADD(member) cJSON_AddNumberToObject(d, #member, r->limits.member)
        ADD(cores);
        ADD(bottleneck_max);
        ADD(act_words);
        ADD(weight_words);
        ADD(const_words);
        ADD(row_words);
        ADD(dn_pair_words);
        ADD(dn_row_words);
        ADD(line_words);
        ADD(max_payload);
        ADD(tables);
        ADD(ext_words);
#undef ADD
    }
    cJSON_AddItemToArray(list, d);
}

static void print_row(const char *name, const struct row *r)
{
    const quell_limits *l = &r->limits;
    char version[24];
    version_text(r->info.version, version);
    printf("%-4s  %s", name, r->what);
    if (*r->board.place)
        printf(" at USB %s", r->board.place);
    if (r->status != QUELL_OK) {
        printf(": not available: %s\n", r->err.text);
        return;
    }
    printf("\n      version %s", version);
    if (r->info.build)
        printf(", build %08x", r->info.build);
    printf("; %u cores; bytes of memory: activations %u, weights %u; denoiser up to %u channels wide, %u channel pairs\n", l->cores, l->act_words * 8, l->weight_words * l->cores * 9, l->bottleneck_max,
           l->dn_pair_words);
}

/* name: for quell_device_open; shown: what people type. */
static void ask(const struct cli_options *o, const char *name, const char *shown, struct row *r, cJSON *list)
{
    const quell_device_options options = {.simulator = o->simulator};
    quell_device *device;
    r->status = quell_device_open(name, &options, &device, &r->err);
    if (r->status == QUELL_OK) {
        quell_device_get_info(device, &r->info);
        r->status = quell_device_get_limits(device, &r->limits, &r->err);
    }
    quell_device_close(device);
    print_row(shown, r);
    add_json(list, shown, r);
}

/* Every board; -> how many, or the failure in *err. */
static quell_status ask_boards(const struct cli_options *o, uint32_t *count, cJSON *list, quell_error *err)
{
    quell_board boards[BOARDS];
    quell_status status = quell_boards_list(boards, BOARDS, count, err);
    for (uint32_t i = 0; status == QUELL_OK && i < *count && i < BOARDS; i++) {
        struct row row = {.what = "board", .board = boards[i]};
        char name[80], shown[80]; /* longer than any serial number */
        snprintf(name, sizeof name, "usb:%.23s", boards[i].place);
        snprintf(shown, sizeof shown, "usb:%.63s", *boards[i].serial ? boards[i].serial : boards[i].place);
        ask(o, name, shown, &row, list);
    }
    return status;
}

static quell_status wait_for_board(const struct cli_options *o, quell_error *err)
{
    struct cli_options usb = *o;
    quell_device *device;
    usb.device = "usb";
    quell_status status = cli_open_device(&usb, &device, err);
    quell_device_close(device);
    return status == QUELL_E_NOT_FOUND || status == QUELL_E_INTERRUPTED ? status : QUELL_OK; /* other problems are said in the list */
}

int cmd_devices(const struct cli_options *o)
{
    cJSON *json = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(json, "devices");
    quell_error err;
    uint32_t boards = 0;
    cli_catch_interrupts();
    quell_status status = o->wait ? wait_for_board(o, &err) : QUELL_OK;
    if (status == QUELL_OK) {
        struct row ref = {.what = "this computer: the chip's arithmetic, bit for bit"}, sim = {.what = "the simulated chip: Verilated hardware and firmware"};
        ask(o, "ref", "ref", &ref, list);
        ask(o, "sim", "sim", &sim, list);
        status = ask_boards(o, &boards, list, &err);
        if (status == QUELL_OK && boards == 0)
            printf("usb   no board is plugged in\n");
        else if (status != QUELL_OK)
            printf("usb   not available: %s\n", err.text);
        status = o->json ? cli_write_json(o->json, json, &err) : QUELL_OK;
    }
    cJSON_Delete(json);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one table of options, from which each command takes some. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum kind { TEXT, NUMBER, FACTOR, FLAG, WAIT };

static const struct option_row {
    char letter; /* what struct cli_command calls it; not a short option */
    const char *name;
    enum kind kind;
    size_t offset;
    const char *value, *help;
} OPTIONS[] = {
#define TEXT_OPTION(letter, name, member, value, help) {letter, name, TEXT, offsetof(struct cli_options, member), value, help}
#define NUMBER_OPTION(letter, name, member, help) {letter, name, NUMBER, offsetof(struct cli_options, member), "N", help}
#define FLAG_OPTION(letter, name, member, help) {letter, name, FLAG, offsetof(struct cli_options, member), "", help}
    TEXT_OPTION('m', "model", model, "FILE", "the network: an ONNX file (QDQ), or one that `quell compile` wrote"),
    TEXT_OPTION('i', "images", images, "PATH", "IDX file (gzip too), CIFAR-10 binary file or folder, folder of PNG/JPEG files per class, or .npy tensors"),
    TEXT_OPTION('L', "labels", labels, "FILE", "the labels: IDX, a label a line, or CSV lines file,label"),
    TEXT_OPTION('d', "device", device, "NAME", "ref (this computer, the default), sim (the simulated chip), usb (a board) or usb:SERIAL"),
    {'w', "wait", WAIT, offsetof(struct cli_options, wait_seconds), "[SECONDS]", "device usb: wait until the board is plugged in, for ever or so long"},
    TEXT_OPTION('p', "profile", profile, "FILE", "noise profile, JSON; none: an ideal chip"),
    {'F', "severity", FACTOR, offsetof(struct cli_options, severity), "X", "all of the profile's spreads times X (1)"},
    NUMBER_OPTION('c', "chip", chip, "seed of the chip that the profile describes (0)"),
    TEXT_OPTION('k', "calibration", calibration, "FILE", "column correction of that chip, from `quell calibrate`"),
    NUMBER_OPTION('n', "noise-seed", noise_seed, "seed of the noise that is drawn at every inference (0)"),
    TEXT_OPTION('e', "denoiser", denoiser_name, "MODE", "off (the default), mean or sample"),
    NUMBER_OPTION('N', "limit", limit, "use the first N images only (0: all)"),
    FLAG_OPTION('S', "skip-bad", skip_bad, "leave out images that cannot be read instead of stopping before the start"),
    TEXT_OPTION('O', "logits", logits, "FILE", "write the results as NumPy file: int8, images x classes"),
    TEXT_OPTION('o', "output", output, "FILE", "the file to write"),
    TEXT_OPTION('j', "json", json, "FILE", "write all figures as JSON"),
    NUMBER_OPTION('t', "threads", threads, "threads of the device ref (0: one a core)"),
    TEXT_OPTION('T', "trace", trace, "FILE", "device sim: write a waveform"),
    TEXT_OPTION('s', "simulator", simulator, "PATH", "device sim: the simulated board (beside this tool, or in PATH)"),
    TEXT_OPTION('u', "dump-activations", dump, "DIR", "write every layer's codes of the first images as NumPy files"),
    NUMBER_OPTION('U', "dump-count", dump_count, "of how many images (1)"),
    TEXT_OPTION('A', "profiles", profiles, "FILES", "noise profiles, with commas between them"),
    TEXT_OPTION('B', "severities", severities, "LIST", "factors of all their spreads, such as 0.5,1,1.5 (1)"),
    TEXT_OPTION('C', "chips", chips, "LIST", "seeds of chips, such as 1-5 or 1,4,9 (0)"),
    TEXT_OPTION('D', "noise-seeds", noise_seeds, "LIST", "seeds of the noise drawn at every inference (0)"),
    TEXT_OPTION('E', "denoisers", denoisers, "LIST", "of off, mean, sample (off)"),
    TEXT_OPTION('G', "calibrate", calibrate, "PATH", "measure every chip with column correction too, from the first 100 of these images"),
    FLAG_OPTION('Q', "corrected-only", corrected_only, "with --calibrate: only with column correction"),
    TEXT_OPTION('K', "slice", slice, "K/N", "only every N-th chip, from the K-th on, counted from 0: for several computers"),
    FLAG_OPTION('P', "progress", progress, "show progress even if stderr is no terminal"),
    FLAG_OPTION('R', "report", report, "print the layers with their addresses"),
    FLAG_OPTION('l', "large", large, "device ref: models of any size; it takes them without this word too"),
    TEXT_OPTION('1', "input-range", range, "RANGE", "what a pixel is to the network: 0..1, 0..255, -1..1, -128..127 or imagenet (found out if not said)"),
    TEXT_OPTION('2', "input-scale", scale, "X", "or (pixel * X - mean) / std; X is 1 if not said"),
    TEXT_OPTION('3', "input-mean", mean, "R,G,B", "one number, or one a channel (0)"),
    TEXT_OPTION('4', "input-std", std, "R,G,B", "one number, or one a channel (1)"),
    TEXT_OPTION('5', "channel-order", order, "ORDER", "of the network's channels: rgb (the default) or bgr"),
    TEXT_OPTION('6', "input-layout", layout, "LAYOUT", "of .npy tensors: nchw or nhwc (as the network's input)"),
    TEXT_OPTION('8', "input-resize", resize, "SHORT_SIDE", "PNG and JPEG files of any size: bilinear to this short side, then the middle; off: not, whatever the file says"),
    NUMBER_OPTION('7', "top", top, "count an image as right, in a second figure, if its label is among the N best (1)"),
};
enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

static void help(const struct cli_command *c)
{
    printf("quell %s: %s\n\nusage: quell %s", c->name, c->summary, c->name);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strchr(c->required, OPTIONS[i].letter))
            printf(" --%s %s", OPTIONS[i].name, OPTIONS[i].value);
    printf(" [OPTIONS]\n\n");
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strchr(c->required, OPTIONS[i].letter) || strchr(c->optional, OPTIONS[i].letter)) {
            char left[40];
            snprintf(left, sizeof left, "--%s %s", OPTIONS[i].name, OPTIONS[i].value);
            printf("  %-26s %s\n", left, OPTIONS[i].help);
        }
}

static int read_number(const char *name, const char *text, uint32_t *value)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 0);
    if (end == text || *end || errno || v > UINT32_MAX || strchr(text, '-')) {
        cli_error(QUELL_E_USAGE, "--%s: '%s' is not a number from 0 to 4294967295", name, text);
        return 0;
    }
    *value = (uint32_t)v;
    return 1;
}

static int read_factor(const char *name, const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end || !isfinite(*value) || *value < 0) {
        cli_error(QUELL_E_USAGE, "--%s: '%s' is not a number from 0 on", name, text);
        return 0;
    }
    return 1;
}

/* Options of a model's input. */
static int read_input(struct cli_options *o)
{
    const struct {
        const char *text, *key, *option;
    } said[] = {{o->range, "range", "input-range"}, {o->scale, "scale", "input-scale"}, {o->mean, "mean", "input-mean"}, {o->std, "std", "input-std"}, {o->order, "order", "channel-order"}, {o->layout, "layout", "input-layout"}, {o->resize, "resize", "input-resize"}};
    quell_error err;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i].text && quell_input_say(&o->input, said[i].key, said[i].text, &err) != QUELL_OK) {
            cli_error(QUELL_E_USAGE, "--%s: %s", said[i].option, err.text);
            return 0;
        }
    return 1;
}

/* What excludes each other. */
static int check_together(const struct cli_options *o)
{
    if (o->large && strcmp(o->device, "ref") != 0) {
        cli_error(QUELL_E_USAGE, "--large is for the device ref alone: %s has the memories that it has", cli_text(o->device));
        return 0;
    }
    if (strchr(o->given, 'n') && strchr(o->given, 'D')) {
        cli_error(QUELL_E_USAGE, "--noise-seed and --noise-seeds exclude each other");
        return 0;
    }
    if (o->calibration && !o->profile) {
        cli_error(QUELL_E_USAGE, "--calibration corrects a chip: say which with --profile and --chip");
        return 0;
    }
    if (!o->top) {
        cli_error(QUELL_E_USAGE, "--top: 0 classes cannot hold the label");
        return 0;
    }
    return 1;
}

static int read_denoiser(struct cli_options *o)
{
    static const char *const MODES[] = {"off", "mean", "sample"};
    for (int i = 0; i < 3; i++)
        if (strcmp(o->denoiser_name, MODES[i]) == 0) {
            o->denoiser = (quell_denoiser)i;
            return 1;
        }
    cli_error(QUELL_E_USAGE, "--denoiser: '%s' is not off, mean or sample", o->denoiser_name);
    return 0;
}

int cli_parse(const struct cli_command *c, int argc, char **argv, struct cli_options *options, int *exit_code)
{
    struct option longs[OPTION_COUNT + 2] = {{0}};
    int count = 0;
    *options = (struct cli_options){.device = "ref", .denoiser_name = "off", .dump_count = 1, .severity = 1, .top = 1, .severities = "1", .chips = "0", .noise_seeds = "0", .denoisers = "off"};
    *exit_code = QUELL_E_USAGE;
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strchr(c->required, OPTIONS[i].letter) || strchr(c->optional, OPTIONS[i].letter))
            longs[count++] = (struct option){OPTIONS[i].name, OPTIONS[i].kind == FLAG ? no_argument : OPTIONS[i].kind == WAIT ? optional_argument : required_argument, NULL, 256 + i};
    longs[count] = (struct option){"help", no_argument, NULL, 'h'};
    for (int found; (found = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (found == 'h') {
            help(c);
            *exit_code = 0;
            return 0;
        }
        if (found < 256) { /* getopt has said what is wrong */
            fprintf(stderr, "quell: `quell %s --help` lists the options\n", c->name);
            return 0;
        }
        const struct option_row *row = &OPTIONS[found - 256];
        char *member = (char *)options + row->offset;
        if (!strchr(options->given, row->letter))
            options->given[strlen(options->given)] = row->letter;
        if (row->kind == WAIT) {
            options->wait = 1;
            if (!optarg && optind < argc && argv[optind][0] >= '0' && argv[optind][0] <= '9')
                optarg = argv[optind++];
            if (!optarg)
                continue;
        }
        if (row->kind == FLAG)
            *(int *)(void *)member = 1;
        else if (row->kind == TEXT)
            *(const char **)(void *)member = optarg;
        else if (row->kind == FACTOR) {
            if (!read_factor(row->name, optarg, (double *)(void *)member))
                return 0;
        } else if (!read_number(row->name, optarg, (uint32_t *)(void *)member))
            return 0;
    }
    if (optind < argc) {
        cli_error(QUELL_E_USAGE, "'%s' is not an option; `quell %s --help` lists them", argv[optind], c->name);
        return 0;
    }
    for (int i = 0; i < OPTION_COUNT; i++)
        if (strchr(c->required, OPTIONS[i].letter) && !*(const char **)(void *)((char *)options + OPTIONS[i].offset)) {
            cli_error(QUELL_E_USAGE, "quell %s needs --%s %s", c->name, OPTIONS[i].name, OPTIONS[i].value);
            return 0;
        }
    if (!read_denoiser(options) || !read_input(options) || !check_together(options))
        return 0;
    if (options->json && strcmp(options->json, "-") == 0)
        cli_keep_stdout();
    cli_say_unused(options);
    return 1;
}

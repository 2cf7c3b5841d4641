/* SPDX-License-Identifier: Apache-2.0 */
/* quell: compile quantised networks for the Quell accelerator and run them. Exit codes are the numbers of quell_status. */
#include <string.h>

#include "cli.h"

const struct cli_command CLI_COMMANDS[] = {
    {"devices", "list the devices and what they can hold", "", "swj", cmd_devices},
    {"info", "describe a model: its layers, sizes, costs", "m", "dwslj1234568", cmd_info},
    {"compile", "translate an ONNX model for the accelerator", "mo", "dwslRj1234568", cmd_compile},
    {"run", "run images through a model on a device", "mi", "LdwpFcknDeNSOjtTsuUPl12345678", cmd_run},
    {"calibrate", "measure a chip's column correction from unlabelled images", "mipo", "dwFcnNStTsPjl1234568", cmd_calibrate},
    {"sweep", "measure the accuracy over profiles, severities, chips and noise seeds; goes on where it was stopped", "miAj", "LdwBCDEGQKNStsPl1234568", cmd_sweep},
    {"bench", "measure images per second, with noise and denoiser off and on", "mi", "dwpFcnNStsPjl1234568", cmd_bench},
};
const unsigned CLI_COMMAND_COUNT = sizeof CLI_COMMANDS / sizeof *CLI_COMMANDS;

static int usage(FILE *to)
{
    fprintf(to, "quell %s: quantised networks on an accelerator with emulated analog tiles and denoising blocks\n\nusage: quell COMMAND [OPTIONS]\n\n", quell_version());
    for (unsigned i = 0; i < CLI_COMMAND_COUNT; i++)
        fprintf(to, "  %-10s %s\n", CLI_COMMANDS[i].name, CLI_COMMANDS[i].summary);
    fprintf(to, "\n`quell COMMAND --help` lists the options. Exit codes:\n");
    for (int s = 0; s <= QUELL_STATUS_LAST; s++)
        fprintf(to, "%s%d %s", s == 0 ? "  " : s % 7 == 0 ? ",\n  " : ", ", s, quell_status_name((quell_status)s));
    fprintf(to, "\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct cli_options options;
    int exit_code = 0;
    if (argc < 2) {
        usage(stderr);
        return QUELL_E_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return cli_finish(usage(stdout));
    if (strcmp(argv[1], "--version") == 0) {
        const char *path;
        quell_error err;
        if (quell_code_path(&path, &err) != QUELL_OK)
            return cli_error(err.status, "%s", err.text);
        printf("quell %s\nreference device computes with %s (QUELL_CPU)\n", quell_version(), path);
        return cli_finish(0);
    }
    for (unsigned i = 0; i < CLI_COMMAND_COUNT; i++)
        if (strcmp(CLI_COMMANDS[i].name, argv[1]) == 0)
            return cli_finish(cli_parse(&CLI_COMMANDS[i], argc - 1, argv + 1, &options, &exit_code) ? CLI_COMMANDS[i].run(&options) : exit_code);
    return cli_error(QUELL_E_USAGE, "no command '%s'; `quell --help` lists them", argv[1]);
}

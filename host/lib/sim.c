/* SPDX-License-Identifier: Apache-2.0 */
/* Device `sim`: the simulated board (sim/) as a child process; the command channel is its stdin and stdout, both one local socket. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "remote.h"

extern char **environ;

enum { TIMEOUT_MS = 600 * 1000, GRACE_MS = 20 * 1000 };
static const char PROGRAM[] = "quell-simboard";

struct sim_device {
    struct quell_remote remote;
    int socket;
    pid_t child; /* 0: none, or ended and waited for */
    int wait_status;
    int silent, gone; /* it did not answer in time; it closed its end */
};

/* ---- bytes ---- */

/* Wait until the socket can be read or written: 1, or 0 when the time is up. */
static int wait_for(int socket, short events, int timeout_ms)
{
    struct pollfd p = {.fd = socket, .events = events};
    int n;
    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR); /* Ctrl-C: the image under way is finished first */
    return n > 0;
}

static long timed_out(struct sim_device *sim)
{
    sim->silent = 1;
    return 0;
}

static long closed(struct sim_device *sim)
{
    sim->gone = 1;
    return -1;
}

static long sim_read(void *context, void *data, size_t size, int timeout_ms)
{
    struct sim_device *sim = context;
    if (!wait_for(sim->socket, POLLIN, timeout_ms))
        return timed_out(sim);
    ssize_t n = recv(sim->socket, data, size, 0);
    return n > 0 ? (long)n : closed(sim);
}

static long sim_write(void *context, const void *data, size_t size, int timeout_ms)
{
    struct sim_device *sim = context;
    if (!wait_for(sim->socket, POLLOUT, timeout_ms))
        return timed_out(sim);
    ssize_t n = send(sim->socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT); /* a dead simulator is an error, no signal */
    return n > 0 ? (long)n : closed(sim);
}

/* ---- the child ---- */

/* Beside the running program; otherwise PATH is searched for the bare name. */
static void find_simulator(const char *given, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s", given ? given : PROGRAM);
    if (given)
        return;
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - sizeof PROGRAM - 1);
    if (n <= 0)
        return;
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (slash) {
        memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
        if (access(self, X_OK) == 0)
            snprintf(path, PATH_MAX, "%s", self);
    }
}

static quell_status spawn(struct sim_device *sim, const quell_device_options *options, quell_error *err)
{
    char path[PATH_MAX];
    int pair[2];
    find_simulator(options->simulator, path);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return quell_fail(err, QUELL_E_DEVICE, "cannot make a socket for the simulator: %s", strerror(errno));
    char *const arguments[] = {path, options->trace ? "--trace" : NULL, (char *)options->trace, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, pair[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, pair[1], STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP); /* Ctrl-C is for us: the child ends when its stdin does */
    int problem = posix_spawnp(&sim->child, path, &files, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    close(pair[1]);
    sim->socket = pair[0];
    if (problem) {
        sim->child = 0;
        return quell_fail(err, QUELL_E_DEVICE, "cannot start the simulator %s: %s", path, strerror(problem));
    }
    return QUELL_OK;
}

/* Wait for the child for at most so long. -> 1 if it has ended. */
static int reap(struct sim_device *sim, int timeout_ms)
{
    for (int waited = 0; sim->child; waited += 10) {
        if (waitpid(sim->child, &sim->wait_status, WNOHANG) != 0)
            sim->child = 0;
        else if (waited >= timeout_ms)
            return 0;
        else
            nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    return 1;
}

static void sim_reason(struct quell_remote *remote, char *text, size_t size)
{
    struct sim_device *sim = (struct sim_device *)remote;
    if (!sim->gone)
        return;
    if (!reap(sim, 1000))
        snprintf(text, size, "the simulator is still running");
    else if (WIFSIGNALED(sim->wait_status))
        snprintf(text, size, "the simulator was ended by signal %d (%s)", WTERMSIG(sim->wait_status), strsignal(WTERMSIG(sim->wait_status)));
    else
        snprintf(text, size, "the simulator ended with exit code %d", WEXITSTATUS(sim->wait_status));
}

static void sim_close(quell_device *device)
{
    struct sim_device *sim = (struct sim_device *)(void *)device;
    if (sim->socket >= 0)
        close(sim->socket); /* end of its input: it writes its waveform and ends */
    if (!reap(sim, sim->silent ? 0 : GRACE_MS)) {
        kill(sim->child, SIGKILL);
        reap(sim, GRACE_MS);
    }
    quell_link_close(&sim->remote.link);
    free(sim);
}

static const struct quell_device_ops SIM_OPS = {.load = quell_remote_load, .run = quell_remote_run, .activations = quell_remote_activations, .get_limits = quell_remote_get_limits,
                                                .get_counters = quell_remote_get_counters, .close = sim_close};

/* Seconds without a byte before the simulator is given up; QUELL_SIM_TIMEOUT overrides it. */
static int timeout_ms(void)
{
    const char *text = getenv("QUELL_SIM_TIMEOUT");
    long seconds = text ? strtol(text, NULL, 10) : 0;
    return seconds > 0 && seconds < 86400 ? (int)seconds * 1000 : TIMEOUT_MS;
}

quell_status quell_sim_open(const quell_device_options *options, quell_device **device, quell_error *err)
{
    struct sim_device *sim = calloc(1, sizeof *sim);
    if (!sim)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a device");
    const struct quell_wire wire = {sim_read, sim_write, sim};
    sim->remote.base = (quell_device){.ops = &SIM_OPS, .name = "sim"};
    sim->remote.reason = sim_reason;
    sim->socket = -1;
    quell_status status = quell_link_open(&sim->remote.link, &wire, timeout_ms(), err);
    if (status == QUELL_OK)
        status = spawn(sim, options, err);
    if (status == QUELL_OK)
        status = quell_remote_start(&sim->remote, err);
    if (status != QUELL_OK) {
        sim_close(&sim->remote.base);
        return status;
    }
    *device = &sim->remote.base;
    return QUELL_OK;
}

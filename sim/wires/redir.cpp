// SPDX-License-Identifier: Apache-2.0
#include "redir.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "redir_peer.h"
#include "redir_port.h"

namespace {

const uint64_t MICROSECOND = 1'000'000, MILLISECOND = 1'000'000'000; // ps
const uint64_t STEP = 50 * MICROSECOND;     // simulated between two looks at the socket
const uint64_t QUIET = 5 * MILLISECOND;     // of nothing: endpoints that said NAK are asked many times in it, and the device notices a bus without frames
const uint64_t ATTACH_LIMIT = 200 * MILLISECOND;

class Redir {
  public:
    explicit Redir(Board &board) : board(board), host(board.host()), port(host, ATTACH_LIMIT) { host.unplug(); }
    ~Redir();
    bool listen_at(const std::string &path);
    void run();

  private:
    void look();
    bool moving();
    void follow_port();
    void accept_qemu();
    void serve();
    void read_commands();
    void command(const std::string &line);
    void print_status();

    Board &board;
    UsbHost &host;
    RedirPort port;
    std::unique_ptr<RedirPeer> peer; // once QEMU has connected
    int listener = -1, socket = -1;
    bool ended = false;
    RedirPort::State told = RedirPort::State::UNPLUGGED; // the port's state that was last printed
    std::string typed;
    uint64_t quiet_at = 0;  // simulated time until which the clock runs even if nothing is under way
    uint64_t events = 0;    // of the peer, when quiet_at was set
    uint64_t unplug_at = 0; // bytes from the device after which the cable is pulled; 0: none
};

Redir::~Redir()
{
    peer.reset();
    for (int file : {socket, listener})
        if (file >= 0)
            close(file);
}

bool Redir::listen_at(const std::string &path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        fprintf(stderr, "quell-wires: %s: longer than a socket's path may be (%zu)\n", path.c_str(), sizeof address.sun_path - 1);
        return false;
    }
    memcpy(address.sun_path, path.c_str(), path.size());
    unlink(path.c_str());
    listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0 || bind(listener, (sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
        fprintf(stderr, "quell-wires: %s: %s\n", path.c_str(), strerror(errno));
        return false;
    }
    printf("listening\n");
    return true;
}

void Redir::run()
{
    while (!ended) {
        look();
        if (moving())
            board.run_for(STEP);
        if (peer)
            peer->tidy();
        if (unplug_at && host.counts().bytes_in >= unplug_at)
            command("unplug");
        follow_port();
    }
    print_status();
}

// Whether simulated time has to go on: only while somebody in the guest could tell. A chip that waits for a byte says NAK to a bulk IN until one comes,
// once its last bytes have left the USB side; without a request of the guest's the board does what it has to within QUIET. Then its clock may stand still.
bool Redir::moving()
{
    bool working = peer && (peer->busy() || (peer->reading() && !board.idle()));
    if (working || (peer && peer->events() != events))
        quiet_at = board.now() + QUIET;
    events = peer ? peer->events() : 0;
    return port.moving() || board.now() < quiet_at;
}

// Take what has come from QEMU and on stdin, send what is ready. Waits if simulated time need not go on.
void Redir::look()
{
    bool sending = peer && peer->wants_to_send();
    pollfd files[] = {{STDIN_FILENO, POLLIN, 0}, {peer ? socket : listener, (short)(POLLIN | (sending ? POLLOUT : 0)), 0}};
    bool wait = !moving();
    fflush(stdout);
    if (poll(files, 2, wait ? -1 : 0) <= 0)
        return;
    if (files[0].revents)
        read_commands();
    if (files[1].revents && !peer)
        accept_qemu();
    else if (files[1].revents)
        serve();
}

void Redir::accept_qemu()
{
    socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0)
        peer = std::make_unique<RedirPeer>(host, port, socket);
}

void Redir::serve()
{
    if (peer->receive() && peer->send())
        return;
    printf("QEMU has closed the socket\n");
    ended = true;
}

// Tell QEMU when the device has come or gone; let requests go on that waited for a reset.
void Redir::follow_port()
{
    using State = RedirPort::State;
    port.step(board.now());
    State state = port.state();
    bool gone = state == State::UNPLUGGED || state == State::ATTACHING || state == State::SILENT;
    if (peer && gone && peer->is_connected())
        peer->disconnect();
    if (peer && state == State::READY && peer->can_connect()) {
        peer->connect();
        printf("plugged in\n");
    }
    if (peer && state == State::READY)
        peer->release();
    if (state != told && state == State::UNPLUGGED)
        printf("unplugged\n");
    if (state != told && state == State::SILENT)
        printf("no device: %s\n", port.problem().c_str());
    told = state;
}

void Redir::read_commands()
{
    char text[256];
    ssize_t n = read(STDIN_FILENO, text, sizeof text);
    if (n <= 0) {
        ended = n == 0 || (errno != EINTR && errno != EAGAIN);
        return;
    }
    typed.append(text, n);
    for (size_t end; (end = typed.find('\n')) != std::string::npos; typed.erase(0, end + 1))
        command(typed.substr(0, end));
}

void Redir::command(const std::string &line)
{
    unsigned long long bytes;
    if (line == "plug")
        port.plug(board.now());
    else if (line == "unplug") {
        unplug_at = 0;
        port.unplug();
        quiet_at = board.now() + QUIET;
    } else if (sscanf(line.c_str(), "unplug %llu", &bytes) == 1)
        unplug_at = host.counts().bytes_in + bytes;
    else if (line == "status")
        print_status();
    else
        printf("'%s' is not plug, unplug, unplug N or status\n", line.c_str());
}

void Redir::print_status()
{
    const HostCounts &counts = host.counts();
    printf("status: %.3f ms simulated, %" PRIu64 " cycles, %" PRIu64 " transactions, %" PRIu64 " bytes out, %" PRIu64 " bytes in\n", board.now() / (double)MILLISECOND, board.cycles(),
           counts.transactions, counts.bytes_out, counts.bytes_in);
    fflush(stdout);
}

} // namespace

int redir_run(Board &board, const std::string &socket_path)
{
    Redir redir(board);
    if (!redir.listen_at(socket_path))
        return 2;
    redir.run();
    unlink(socket_path.c_str());
    return 0;
}

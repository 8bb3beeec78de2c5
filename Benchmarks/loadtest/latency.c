// An HTTP/1.1 server whose latencies are known: the k-th request it reads is answered after the k-th delay of a table.
//
//     latency TABLE LOG       TABLE: nanoseconds, a line each, begun again at its end
//
// Prints its port.  One thread: a request waits in a heap until it is due, so requests wait beside each other, as they do
// for a real service.  At SIGTERM it writes to LOG, for each request in the order it was read, how many nanoseconds
// really passed between reading it and writing its answer: what the machine added to the table is told as well, and
// nobody can have had the answer sooner.
// Requests have no body, and one at a time is on a connection.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, REQUESTS = 1 << 22, HEAD = 4096 };

typedef struct { uint64_t due; int fd; uint32_t request; } waiting;
typedef struct { char head[HEAD]; size_t length; uint32_t request; int open; } connection;

static uint64_t *table, *passed;
static size_t delays;
static uint32_t requests;
static waiting heap[CONNECTIONS];
static size_t waits;
static connection connections[CONNECTIONS];
static volatile sig_atomic_t ends;

static void on_term(int number) { (void)number; ends = 1; }

static void fail(const char *what) { perror(what); exit(1); }

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void push(waiting entry) {
    if (waits == CONNECTIONS) { fputs("too many requests at once\n", stderr); exit(1); }
    size_t at = waits++;
    for (; at > 0 && heap[(at - 1) / 2].due > entry.due; at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = entry;
}

static waiting pop(void) {
    waiting first = heap[0], last = heap[--waits];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < waits; at = child) {
        if (child + 1 < waits && heap[child + 1].due < heap[child].due) child++;
        if (last.due <= heap[child].due) break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

static void read_table(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    table = malloc(REQUESTS * sizeof *table);
    passed = calloc(REQUESTS, sizeof *passed);
    if (!table || !passed) fail("malloc");
    while (delays < REQUESTS && fscanf(file, "%lu", &table[delays]) == 1) delays++;
    if (!delays) { fprintf(stderr, "%s: no delay\n", path); exit(1); }
    fclose(file);
}

static int listen_anywhere(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, 1024)
        || getsockname(fd, (struct sockaddr *)&address, &length)) fail("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int epoll, int listener) {
    for (int fd, one = 1; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= CONNECTIONS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        connections[fd] = (connection){.request = UINT32_MAX, .open = 1};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    }
}

static void read_request(int fd) {
    connection *c = &connections[fd];
    ssize_t count = read(fd, c->head + c->length, HEAD - 1 - c->length);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        c->open = 0;
        close(fd);
        return;
    }
    uint64_t moment = now();
    c->length += (size_t)count;
    c->head[c->length] = 0;
    if (!strstr(c->head, "\r\n\r\n")) return;
    if (requests == REQUESTS) { fputs("too many requests\n", stderr); exit(1); }
    c->length = 0;
    c->request = requests;
    passed[requests] = moment;
    push((waiting){moment + table[requests % delays], fd, requests});
    requests++;
}

static void answer(waiting entry) {
    static const char text[] = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";
    passed[entry.request] = now() - passed[entry.request];
    // Whoever went away before the answer gets none, nor does a successor under the same number.
    if (connections[entry.fd].open && connections[entry.fd].request == entry.request)
        if (write(entry.fd, text, sizeof text - 1) < 0 && errno != EPIPE && errno != ECONNRESET) fail("write");
}

int main(int argc, char **argv) {
    if (argc != 3) { fputs("usage: latency TABLE LOG\n", stderr); return 2; }
    read_table(argv[1]);
    struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1ul);
    int epoll = epoll_create1(0), listener = listen_anywhere();
    struct epoll_event events[64] = {{.events = EPOLLIN, .data.fd = listener}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, events)) fail("epoll_ctl");
    while (!ends) {
        // SIGTERM between the check and the wait is seen a tenth of a second later.
        uint64_t moment = now(), rest = 100000000;
        if (waits) rest = heap[0].due <= moment ? 0 : heap[0].due - moment < rest ? heap[0].due - moment : rest;
        struct timespec wait = {0, (long)rest};
        int count = epoll_pwait2(epoll, events, 64, &wait, NULL);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener) accept_all(epoll, listener);
            else read_request(events[i].data.fd);
        while (waits && heap[0].due <= now()) answer(pop());
    }
    // Those that still wait were never answered.
    while (waits) passed[pop().request] = 0;
    FILE *log = fopen(argv[2], "w");
    if (!log) fail(argv[2]);
    for (uint32_t i = 0; i < requests; i++) fprintf(log, "%lu\n", passed[i]);
    return fclose(log) ? 1 : 0;
}

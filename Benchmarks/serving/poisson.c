// An open-loop generator over HTTP/2: requests leave when they are due, whether or not others were answered.
//
//     poisson PORT PATH BODY RATE SECONDS [connections N] [deadline MS] [high SHARE] [background 1]
//
// Arrivals are a Poisson process of RATE a second over N connections (8). A latency runs from the moment at which the
// request was due, not from when it was sent, so a generator that falls behind cannot hide a wait (coordinated omission).
// `high`: that share of the requests says serin-priority: high. `background`: it only makes load, and has no real-time
// priority. Prints one line of JSON; see `report`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, OUT = 1 << 22 };

struct request {
    uint64_t due, ended;
    uint32_t sent;
    uint16_t status;
    uint8_t high, fallback;
};

struct connection {
    int socket;
    nghttp2_session *session;
    uint8_t *out;
    size_t from, to;
};

static const char *body, *path;
static size_t body_length;
static char deadline_text[16];
static struct connection connections[CONNECTIONS_MAX];
static struct request *requests;
static size_t request_count, ended_count;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static double uniform(void) {
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (double)((state >> 11) + 1) / 9007199254740993.0;
}

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *buffer, size_t room, uint32_t *flags,
                         nghttp2_data_source *source, void *user) {
    struct request *request = source->ptr;
    size_t left = body_length - request->sent, size = left < room ? left : room;
    memcpy(buffer, body + request->sent, size);
    request->sent += size;
    if (request->sent == body_length) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)size;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name, size_t name_length,
                     const uint8_t *value, size_t value_length, uint8_t flags, void *user) {
    struct request *request = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);
    if (!request) return 0;
    if (name_length == 7 && !memcmp(name, ":status", 7)) request->status = (uint16_t)atoi((const char *)value);
    if (name_length == 10 && !memcmp(name, "serin-tier", 10)) request->fallback = value[1] == 'a';
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t code, void *user) {
    struct request *request = nghttp2_session_get_stream_user_data(s, id);
    if (!request) return 0;
    request->ended = now();
    if (code) request->status = 1;
    ended_count++;
    return 0;
}

static void flush(struct connection *c) {
    for (;;) {
        while (c->from < c->to) {
            ssize_t count = send(c->socket, c->out + c->from, c->to - c->from, MSG_NOSIGNAL);
            if (count < 0) {
                if (errno == EAGAIN) return;
                perror("send"), exit(1);
            }
            c->from += (size_t)count;
        }
        c->from = c->to = 0;
        const uint8_t *data;
        ssize_t length;
        while (c->to < OUT / 2 && (length = nghttp2_session_mem_send(c->session, &data)) > 0) {
            memcpy(c->out + c->to, data, (size_t)length);
            c->to += (size_t)length;
        }
        if (c->to == 0) return;
    }
}

static void receive(struct connection *c) {
    static uint8_t buffer[1 << 18];
    for (;;) {
        ssize_t count = recv(c->socket, buffer, sizeof buffer, 0);
        if (count < 0 && errno == EAGAIN) break;
        if (count <= 0 || nghttp2_session_mem_recv(c->session, buffer, (size_t)count) < 0) {
            fprintf(stderr, "a connection has ended\n"), exit(1);
        }
        if ((size_t)count < sizeof buffer) break;
    }
    flush(c);
}

static void open_connection(struct connection *c, int port, int epoll) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->socket, (struct sockaddr *)&to, sizeof to) != 0) perror("connect"), exit(1);
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    nghttp2_session_callbacks *callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&c->session, callbacks, c);
    nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20};
    nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &window, 1);
    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, 1 << 28);
    c->out = malloc(OUT);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->socket, &event);
    flush(c);
}

#define FIELD(name, value, length) {(uint8_t *)name, (uint8_t *)(value), sizeof name - 1, length, NGHTTP2_NV_FLAG_NO_COPY_NAME}

static void submit(struct connection *c, struct request *request) {
    const char *priority = request->high ? "high" : "normal";
    nghttp2_nv fields[] = {
        FIELD(":method", "POST", 4), FIELD(":scheme", "http", 4), FIELD(":authority", "localhost", 9),
        FIELD(":path", path, strlen(path)), FIELD("serin-priority", priority, strlen(priority)),
        FIELD("content-type", "application/json", 16),
        FIELD("serin-timeout-ms", deadline_text, strlen(deadline_text))};
    nghttp2_data_provider provider = {.source.ptr = request, .read_callback = read_body};
    size_t count = sizeof fields / sizeof *fields - (deadline_text[0] == 0);
    nghttp2_submit_request(c->session, NULL, fields, count, &provider, request);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Percentiles in milliseconds of the requests with this status (0: any answer 200), in [from, to).
static void spread(const char *name, int status, int high, size_t from, size_t to) {
    double *found = malloc(sizeof *found * (to - from + 1));
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        struct request *r = requests + i;
        if (r->ended && r->status == status && r->high == high) found[count++] = (double)(r->ended - r->due) / 1e6;
    }
    qsort(found, count, sizeof *found, by_size);
    double at[] = {0.5, 0.9, 0.99, 0.999, 1};
    printf(", \"%s\": {\"count\": %zu", name, count);
    for (int i = 0; i < 5 && count; i++) {
        size_t place = (size_t)(at[i] * (double)(count - 1));
        printf(", \"%s\": %.3f", (const char *[]){"p50", "p90", "p99", "p999", "max"}[i], found[place]);
    }
    printf("}");
    free(found);
}

static void report(double seconds, double deadline_ms) {
    size_t fallback = 0, in_time = 0, lost = 0;
    for (size_t i = 0; i < request_count; i++) {
        struct request *r = requests + i;
        double ms = (double)(r->ended - r->due) / 1e6;
        lost += r->ended == 0;
        fallback += r->ended && r->fallback;
        in_time += r->ended && r->status == 200 && !r->fallback && (deadline_ms == 0 || ms <= deadline_ms);
    }
    printf("{\"offered\": %.0f, \"goodput\": %.0f, \"in_time\": %zu, \"fallback\": %zu, \"lost\": %zu",
           (double)request_count / seconds, (double)in_time / seconds, in_time, fallback, lost);
    spread("ok", 200, 0, 0, request_count);
    spread("ok_high", 200, 1, 0, request_count);
    spread("refused", 503, 0, 0, request_count);
    spread("late", 504, 0, 0, request_count);
    spread("reset", 1, 0, 0, request_count);
    printf("}\n");
}

int main(int argc, char **argv) {
    if (argc < 6) return fprintf(stderr, "usage: poisson PORT PATH BODY RATE SECONDS [option value]...\n"), 2;
    path = argv[2];
    double rate = atof(argv[4]), seconds = atof(argv[5]), high = 0, deadline = 0, background = 0;
    int count = 8;
    for (int i = 6; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "connections")) count = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "deadline")) deadline = atof(argv[i + 1]);
        if (!strcmp(argv[i], "high")) high = atof(argv[i + 1]);
        if (!strcmp(argv[i], "background")) background = atof(argv[i + 1]);
    }
    if (deadline > 0) snprintf(deadline_text, sizeof deadline_text, "%g", deadline);
    FILE *file = fopen(argv[3], "rb");
    if (!file) return perror(argv[3]), 1;
    char *bytes = malloc(1 << 20);
    body_length = fread(bytes, 1, 1 << 20, file);
    body = bytes;
    requests = calloc((size_t)(rate * seconds * 1.5) + 1000, sizeof *requests);
    int epoll = epoll_create1(0);
    for (int i = 0; i < count && i < CONNECTIONS_MAX; i++) open_connection(connections + i, atoi(argv[1]), epoll);
    // It stands for other machines: what it measures must not delay it.
    if (background == 0 && sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}) != 0) {
        fprintf(stderr, "poisson: no real-time priority (CAP_SYS_NICE): its own delays count as the server's\n");
    }
    struct epoll_event events[64];
    uint64_t start = now() + 10000000, end = start + (uint64_t)(seconds * 1e9), give_up = end + 3000000000ull;
    double next = (double)start;
    while (now() < give_up && (next < (double)end || ended_count < request_count)) {
        uint64_t time = now();
        int touched = 0;
        while (next <= (double)time && next < (double)end) {
            struct request *request = requests + request_count;
            request->due = (uint64_t)next;
            request->high = uniform() < high;
            submit(connections + request_count++ % (size_t)count, request);
            next += -log(uniform()) / rate * 1e9;
            touched = 1;
        }
        for (int i = 0; touched && i < count; i++) flush(connections + i);
        time = now();
        double wait = next < (double)end ? next - (double)time : 1e6;
        struct timespec span = {.tv_nsec = wait > 0 ? (long)(wait < 1e7 ? wait : 1e7) : 0};
        int ready = epoll_pwait2(epoll, events, 64, &span, NULL);
        for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
    }
    report(seconds, deadline);
    return 0;
}

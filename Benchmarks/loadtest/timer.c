// A bare timer loop: sleeps by epoll_pwait2 until each of 5,000 moments a second and says how late it woke.
//
//     timer RATE SECONDS    prints p50 and p99 of the lateness in microseconds
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long rate = atol(argv[1]), count = rate * atol(argv[2]);
    uint64_t *late = malloc((size_t)count * sizeof *late), start = now() + 20000000;
    int epoll = epoll_create1(0);
    prctl(PR_SET_TIMERSLACK, 1ul);
    for (long i = 0; i < count; i++) {
        uint64_t due = start + (uint64_t)i * 1000000000ull / (uint64_t)rate, moment;
        while ((moment = now()) < due) {
            struct timespec wait = {0, (long)(due - moment)};
            struct epoll_event event;
            epoll_pwait2(epoll, &event, 1, &wait, NULL);
        }
        late[i] = moment - due;
    }
    qsort(late, (size_t)count, sizeof *late, ascending);
    printf("%.1f %.1f\n", (double)late[count / 2] / 1000, (double)late[count / 100 * 99] / 1000);
    return 0;
}

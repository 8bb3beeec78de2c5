#define _GNU_SOURCE
#include "clinux.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>

int clinux_affinity_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

int clinux_pin_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int clinux_nice_thread(int more) {
    // Linux keeps a nice value for each thread, and 0 is the calling one.
    errno = 0;
    int now = getpriority(PRIO_PROCESS, 0);
    if (now == -1 && errno != 0) return errno;
    return setpriority(PRIO_PROCESS, 0, now + more) == 0 ? 0 : errno;
}

void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int clinux_epoll_wait(int epoll, struct epoll_event *events, int count, uint64_t nanos) {
    // Set once and for all by whichever thread is told first; an int that is only ever set to 1.
    static _Atomic int is_old;
    // Whole milliseconds, and long sleeps, need no more than the plain call.
    if (nanos > 0 && nanos < 100000000ull && !is_old) {
        struct timespec span = {.tv_nsec = (long)nanos};
        int ready = epoll_pwait2(epoll, events, count, &span, NULL);
        if (ready >= 0 || errno != ENOSYS) return ready;
        is_old = 1;
    }
    return epoll_wait(epoll, events, count, (int)((nanos + 999999) / 1000000));
}

int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    return accept4(fd, address, length, flags);
}

int clinux_set_timer_slack(unsigned long nanos) { return prctl(PR_SET_TIMERSLACK, nanos) == 0 ? 0 : errno; }

/* jemalloc's, where the program is linked with it. */
extern int mallctl(const char *name, void *old, size_t *old_length, void *new, size_t new_length) __attribute__((weak));

void clinux_release_memory(void) {
    if (!mallctl) {
        malloc_trim(0);
        return;
    }
    unsigned arena;
    size_t length = sizeof arena;
    char name[32];
    if (mallctl("thread.arena", &arena, &length, NULL, 0) != 0) return;
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    snprintf(name, sizeof name, "arena.%u.purge", arena);
    mallctl(name, NULL, NULL, NULL, 0);
}

uint64_t clinux_thread_cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

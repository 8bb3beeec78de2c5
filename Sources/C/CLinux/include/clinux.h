// What Glibc's Swift module leaves out: epoll, eventfd, signalfd, accept4, affinity, prctl.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/// The epoll event for descriptor-and-generation `token`: `epoll_data` is a union Swift cannot fill.
static inline struct epoll_event clinux_epoll_event(uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return event;
}
static inline uint64_t clinux_epoll_token(const struct epoll_event *event) { return event->data.u64; }

/// epoll_wait(2) for at most so many nanoseconds: to the microsecond where the kernel can (epoll_pwait2, Linux 5.11), else
/// to the next millisecond.
int clinux_epoll_wait(int epoll, struct epoll_event *events, int count, uint64_t nanos);

/// accept4(2), which hides behind _GNU_SOURCE.
int clinux_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);

/// How many processors this process may run on; at least 1.
int clinux_affinity_count(void);
/// Pins the calling thread to one processor; 0 or an errno.
int clinux_pin_thread(int cpu);
/// Adds to the calling thread's nice value: other threads come first; 0 or an errno.
int clinux_nice_thread(int more);
/// How late the kernel may wake the calling thread to save wake-ups (50 us unless told otherwise); 0 or an errno.
int clinux_set_timer_slack(unsigned long nanos);
/// Nanoseconds of processor time of the calling thread.
uint64_t clinux_thread_cpu(void);
/// Gives the kernel back what the calling thread's part of the allocator has free. An idle thread's part keeps it
/// otherwise: jemalloc lets go of memory only while it is asked for more.
void clinux_release_memory(void);
/// Names the calling thread, as seen in ps and gdb.
void clinux_name_thread(const char *name);

/// Sleeps while `*word` is `expected`, at most `nanos` nanoseconds (UINT64_MAX: for ever); may return for no reason.
void clinux_futex_wait(const uint32_t *word, uint32_t expected, uint64_t nanos);
/// Wakes at most `count` threads that sleep on the word.
void clinux_futex_wake(const uint32_t *word, int count);
/// Tells the processor that the thread spins.
static inline void clinux_pause(void) { __builtin_ia32_pause(); }

/// errno, which Swift cannot name as an lvalue from every module.
static inline int clinux_errno(void) { return errno; }

/// Nanoseconds of CLOCK_MONOTONIC, and of CLOCK_BOOTTIME (which runs on through suspend).
static inline uint64_t clinux_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/// The most descriptors of one message.
#define CLINUX_DESCRIPTORS_MAX 128
/// Sends a message over a unix socket, and copies of the descriptors with it; bytes sent, or -1 and errno.
ssize_t clinux_send_descriptors(int socket, const void *text, size_t length, const int *descriptors, size_t count);
/// Receives a message; `descriptors` has room for CLINUX_DESCRIPTORS_MAX. Bytes received, or -1 and errno.
ssize_t clinux_receive_descriptors(int socket, void *text, size_t room, int *descriptors, size_t *count);
/// The user at the other end of a unix socket; -1: unknown.
int clinux_peer_user(int socket);

// futex(2), which Glibc does not wrap: a thread sleeps until another says that a word has changed.
#define _GNU_SOURCE
#include "clinux.h"

#include <linux/futex.h>
#include <sys/syscall.h>

void clinux_futex_wait(const uint32_t *word, uint32_t expected, uint64_t nanos) {
    struct timespec span = {.tv_sec = (time_t)(nanos / 1000000000ull), .tv_nsec = (long)(nanos % 1000000000ull)};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nanos == UINT64_MAX ? NULL : &span, NULL, 0);
}

void clinux_futex_wake(const uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

// Waiting for Synchronization's `Mutex`, where the thread sanitizer sees it.
//
// Taking a free mutex and giving it back are inlined into their callers, and instrumented there.  Waiting is a function of
// the library, which is not: what the holder wrote seems unordered with what the waiter reads.  In builds with the thread
// sanitizer this definition takes the place of that function; others do not have it.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include <stdint.h>
#include <unistd.h>

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"

/// Takes the mutex for the thread `self_id`; nobody is ever said to wait, so giving it back is the inlined part alone.
__attribute__((swiftcall)) void serin_wait_for_mutex(
    uint32_t self_id, __attribute__((swift_context)) uint32_t *word) __asm__(LOCK_SLOW);

__attribute__((swiftcall)) void serin_wait_for_mutex(
    uint32_t self_id, __attribute__((swift_context)) uint32_t *word) {
    for (;;) {
        uint32_t nobody = 0;
        if (__atomic_compare_exchange_n(word, &nobody, self_id, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
        usleep(20);
    }
}

#endif
#endif

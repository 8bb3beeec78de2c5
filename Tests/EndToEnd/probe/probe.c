// Counts, for each thread, the calls that a warm request must not make.
//
//     LD_PRELOAD=probe.so PROBE_FILE=page serin serve …
//
//     malloc() ─► count it in this thread's slot of the shared page ─► the real malloc
//
// The page is a file that the test maps too: it sets `armed` before the requests and clears it after
// them, and reads the slots.  `total` counts from the start of the process, so that a test can tell
// "none was made" from "none was seen" (a statically linked library cannot be interposed).  While armed,
// calls are also counted by the stack they come from, for addr2line.
//
// Not seen: locks that are only atomics and futexes (Swift's Mutex while nobody waits for it).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum kind {
    ALLOCATE, RELEASE, MAP, LOCK, RETAIN, POLL, KINDS  // in the order of counts.py
};
enum { THREADS = 64, SITES = 64, FRAMES = 10, OWN_FRAMES = 2 };

struct site {
    uint64_t kind;
    uint64_t count;
    uint64_t depth;
    uint64_t frames[FRAMES];
};
struct slot {
    uint64_t tid;
    uint64_t armed[KINDS];
    uint64_t total[KINDS];
    uint64_t site_count;
    struct site sites[SITES];
};
struct page {
    _Atomic uint64_t armed;
    _Atomic uint64_t slot_count;
    struct slot slots[THREADS];
};

static struct page *page;
static __thread struct slot *mine __attribute__((tls_model("initial-exec")));
static __thread int inside __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void open_page(void) {
    void *warm[2];
    backtrace(warm, 2);  // loads the unwinder now, not inside a count
    const char *path = getenv("PROBE_FILE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *memory = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory != MAP_FAILED) page = memory;
}

static struct slot *claim(void) {
    uint64_t index = atomic_fetch_add(&page->slot_count, 1);
    if (index >= THREADS) return NULL;
    mine = &page->slots[index];
    mine->tid = (uint64_t)gettid();
    return mine;
}

// Counts the stack above the interposed call; the last site takes what has no place of its own.
static __attribute__((noinline)) void count_site(struct slot *slot, enum kind kind) {
    void *stack[FRAMES + OWN_FRAMES + 1];  // this function, count() and the interposed one come first
    int depth = backtrace(stack, FRAMES + OWN_FRAMES + 1) - OWN_FRAMES - 1;
    if (depth < 0) depth = 0;
    size_t bytes = (size_t)depth * sizeof stack[0];
    const void *frames = stack + OWN_FRAMES + 1;
    uint64_t index = 0;
    for (; index < slot->site_count; index++) {
        struct site *site = &slot->sites[index];
        if (site->kind == kind && site->depth == (uint64_t)depth && !memcmp(site->frames, frames, bytes)) break;
    }
    if (index == SITES) index = SITES - 1;
    struct site *site = &slot->sites[index];
    if (index == slot->site_count) {
        site->kind = kind;
        site->depth = (uint64_t)depth;
        memcpy(site->frames, frames, bytes);
        slot->site_count++;
    }
    site->count++;
}

// Only the thread itself writes its slot; the test reads after it has disarmed.
static __attribute__((noinline)) void count(enum kind kind) {
    if (!page || inside) return;
    inside = 1;
    struct slot *slot = mine ? mine : claim();
    if (slot) {
        slot->total[kind]++;
        if (atomic_load_explicit(&page->armed, memory_order_relaxed)) {
            slot->armed[kind]++;
            if (kind != POLL) count_site(slot, kind);
        }
    }
    inside = 0;
}

// dlsym may allocate before malloc is known: such bytes come from here, and are never given back.
static char early[65536] __attribute__((aligned(16)));
static size_t early_used;
static int is_early(const void *p) { return (const char *)p >= early && (const char *)p < early + sizeof early; }
static void *early_allocate(size_t size) {
    size_t start = early_used;
    early_used += (size + 15) & ~(size_t)15;
    return early_used <= sizeof early ? early + start : NULL;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)find(#name)

static __thread int finding __attribute__((tls_model("initial-exec")));
static void *find(const char *name) {
    finding = 1;
    void *symbol = dlsym(RTLD_NEXT, name);
    finding = 0;
    return symbol;
}

void *malloc(size_t size) {
    if (finding) return early_allocate(size);
    REAL(malloc);
    count(ALLOCATE);
    return real(size);
}
void *calloc(size_t number, size_t size) {
    if (finding) return early_allocate(number * size);
    REAL(calloc);
    count(ALLOCATE);
    return real(number, size);
}
void *realloc(void *pointer, size_t size) {
    REAL(realloc);
    count(ALLOCATE);
    if (is_early(pointer)) {
        void *moved = malloc(size);
        size_t there = (size_t)(early + sizeof early - (char *)pointer);
        if (moved) memcpy(moved, pointer, size < there ? size : there);
        return moved;
    }
    return real(pointer, size);
}
void free(void *pointer) {
    if (!pointer || is_early(pointer)) return;
    REAL(free);
    count(RELEASE);
    real(pointer);
}
int posix_memalign(void **pointer, size_t alignment, size_t size) {
    REAL(posix_memalign);
    count(ALLOCATE);
    return real(pointer, alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    REAL(aligned_alloc);
    count(ALLOCATE);
    return real(alignment, size);
}
void *memalign(size_t alignment, size_t size) {
    static void *(*real)(size_t, size_t);
    if (!real) real = (void *(*)(size_t, size_t))find("memalign");
    count(ALLOCATE);
    return real(alignment, size);
}
void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    REAL(mmap);
    count(MAP);
    return real(address, length, protection, flags, file, offset);
}
int munmap(void *address, size_t length) {
    REAL(munmap);
    count(MAP);
    return real(address, length);
}

// jemalloc's own entry points, and C++'s, which jemalloc defines without passing malloc.
#define FORWARD(kind, result, name, parameters, arguments) \
    result name parameters { \
        static result (*real) parameters; \
        if (!real) real = (result (*) parameters)find(#name); \
        count(kind); \
        return real arguments; \
    }
FORWARD(ALLOCATE, void *, mallocx, (size_t size, int flags), (size, flags))
FORWARD(ALLOCATE, void *, rallocx, (void *p, size_t size, int flags), (p, size, flags))
FORWARD(RELEASE, void, dallocx, (void *p, int flags), (p, flags))
FORWARD(RELEASE, void, sdallocx, (void *p, size_t size, int flags), (p, size, flags))
FORWARD(ALLOCATE, void *, _Znwm, (size_t size), (size))
FORWARD(ALLOCATE, void *, _Znam, (size_t size), (size))
FORWARD(ALLOCATE, void *, _ZnwmRKSt9nothrow_t, (size_t size, const void *tag), (size, tag))
FORWARD(ALLOCATE, void *, _ZnamRKSt9nothrow_t, (size_t size, const void *tag), (size, tag))
FORWARD(ALLOCATE, void *, _ZnwmSt11align_val_t, (size_t size, size_t alignment), (size, alignment))
FORWARD(RELEASE, void, _ZdlPv, (void *p), (p))
FORWARD(RELEASE, void, _ZdaPv, (void *p), (p))
FORWARD(RELEASE, void, _ZdlPvm, (void *p, size_t size), (p, size))
FORWARD(RELEASE, void, _ZdlPvSt11align_val_t, (void *p, size_t alignment), (p, alignment))

FORWARD(LOCK, int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
FORWARD(LOCK, int, pthread_mutex_trylock, (pthread_mutex_t *m), (m))
FORWARD(LOCK, int, pthread_rwlock_rdlock, (pthread_rwlock_t *l), (l))
FORWARD(LOCK, int, pthread_rwlock_wrlock, (pthread_rwlock_t *l), (l))
FORWARD(LOCK, int, pthread_spin_lock, (pthread_spinlock_t *l), (l))

// Swift's reference counts: C calling convention on x86-64 and arm64 Linux.
FORWARD(RETAIN, void *, swift_retain, (void *object), (object))
FORWARD(RETAIN, void *, swift_retain_n, (void *object, uint32_t n), (object, n))
FORWARD(RETAIN, void, swift_release, (void *object), (object))
FORWARD(RETAIN, void, swift_release_n, (void *object, uint32_t n), (object, n))
FORWARD(RETAIN, void *, swift_bridgeObjectRetain, (void *object), (object))
FORWARD(RETAIN, void, swift_bridgeObjectRelease, (void *object), (object))
FORWARD(RETAIN, void *, swift_unknownObjectRetain, (void *object), (object))
FORWARD(RETAIN, void, swift_unknownObjectRelease, (void *object), (object))

FORWARD(POLL, int, epoll_wait, (int e, struct epoll_event *events, int n, int timeout), (e, events, n, timeout))
FORWARD(POLL, int, epoll_pwait, (int e, struct epoll_event *events, int n, int timeout, const sigset_t *mask),
        (e, events, n, timeout, mask))
FORWARD(POLL, int, epoll_pwait2,
        (int e, struct epoll_event *events, int n, const struct timespec *timeout, const sigset_t *mask),
        (e, events, n, timeout, mask))

// Known numbers of calls, for a test of the probe itself: 1,000 allocations (and as many releases),
// 500 locks, 200 polls while armed, and as many again while not.
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

static void work(int poll) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    for (int round = 0; round < 250; round++) {
        void *volatile blocks[4];
        blocks[0] = malloc(100);
        blocks[1] = calloc(10, 10);
        if (posix_memalign((void **)&blocks[2], 64, 100)) abort();
        blocks[3] = aligned_alloc(64, 128);
        for (int index = 0; index < 4; index++) free(blocks[index]);
        for (int index = 0; index < 2; index++) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_unlock(&mutex);
        }
    }
    struct epoll_event event;
    for (int round = 0; round < 200; round++) epoll_wait(poll, &event, 1, 0);
}

int main(void) {
    int poll = epoll_create1(0);
    int file = open(getenv("PROBE_FILE"), O_RDWR);
    volatile uint64_t *armed = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    work(poll);
    *armed = 1;
    work(poll);
    *armed = 0;
    return 0;
}

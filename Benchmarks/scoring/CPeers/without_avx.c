// ONNX Runtime as on a machine without AVX: the copy that peers/without_avx.py made, whose cpuid instructions are ud2.
//
// Each of them ends here, as SIGILL: the processor's own answer goes into the registers, less AVX and everything
// that comes with it, and the library goes on behind the instruction.
#define _GNU_SOURCE
#include "peer.h"

#define LIBRARY "libonnxruntime-sse.so"

bool peer_open_onnxruntime_sse(peer *one, peer_place place) {
    return peer_disarm(one) && peer_open_onnxruntime_library(one, place, LIBRARY);
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

enum { basic_features = 1, extended_features = 7 };
/// ecx of leaf 1: FMA, XSAVE as the system uses it, AVX, half floats.
static const uint32_t basic_ecx = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29;
/// ebx of leaf 7: AVX2 and the parts of AVX-512.
static const uint32_t extended_ebx =
    1u << 5 | 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;

static bool is_in_copy(const void *address) {
    Dl_info found;
    if (!dladdr(address, &found) || !found.dli_fname) return false;
    const char *name = strrchr(found.dli_fname, '/');
    return strcmp(name ? name + 1 : found.dli_fname, LIBRARY) == 0;
}

static void answer(int signal_number, siginfo_t *info, void *context) {
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *at = (const uint8_t *)registers[REG_RIP];
    static const uint8_t ud2[] = {0x0f, 0x0b};
    if (memcmp(at, ud2, sizeof ud2) != 0 || !is_in_copy(at)) {
        signal(signal_number, SIG_DFL);
        return;
    }
    const uint32_t leaf = (uint32_t)registers[REG_RAX];
    uint32_t eax, ebx, ecx, edx;
    __cpuid_count(leaf, (uint32_t)registers[REG_RCX], eax, ebx, ecx, edx);
    if (leaf == basic_features) ecx &= ~basic_ecx;
    if (leaf == extended_features) {
        // What is left of the other registers are AVX-512's and AMX's parts, and AVX's newer forms.
        eax = ecx = edx = 0;
        ebx &= ~extended_ebx;
    }
    registers[REG_RAX] = eax;
    registers[REG_RBX] = ebx;
    registers[REG_RCX] = ecx;
    registers[REG_RDX] = edx;
    registers[REG_RIP] += sizeof ud2;
}

bool peer_disarm(peer *one) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGILL, &action, NULL) != 0) return peer_fail(one, "SIGILL cannot be answered");
    return true;
}
#else
bool peer_disarm(peer *one) {
    (void)one;
    return true;
}
#endif

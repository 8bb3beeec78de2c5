// Descriptors that travel over a unix socket (unix(7), SCM_RIGHTS): the macros that lay them out are C's.
#define _GNU_SOURCE
#include "clinux.h"

#include <string.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * CLINUX_DESCRIPTORS_MAX)];
};

ssize_t clinux_send_descriptors(int socket, const void *text, size_t length, const int *descriptors, size_t count) {
    if (count > CLINUX_DESCRIPTORS_MAX) {
        errno = EINVAL;
        return -1;
    }
    union control control;
    struct iovec part = {.iov_base = (void *)text, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t clinux_receive_descriptors(int socket, void *text, size_t room, int *descriptors, size_t *count) {
    union control control;
    struct iovec part = {.iov_base = text, .iov_len = room};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    *count = 0;
    ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (length < 0) return length;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t size = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(descriptors + *count, CMSG_DATA(header), size * sizeof(int));
        *count += size;
    }
    if (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
        for (size_t i = 0; i < *count; i++) close(descriptors[i]);
        *count = 0;
        errno = EMSGSIZE;
        return -1;
    }
    return length;
}

int clinux_peer_user(int socket) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? (int)peer.uid : -1;
}

/* peers.c - see peers.h. make defines PEER_<name> for each library that it found. */
#include "peers.h"

#include <string.h>

static const struct bench_peer *const peers[] = {
#ifdef PEER_libevent
    peer_libevent,
#endif
#ifdef PEER_gio
    peer_gio,
#endif
#ifdef PEER_apr
    peer_apr,
#endif
#ifdef PEER_node
    peer_node,
#endif
    NULL
};

size_t bench_peers(struct bench_variant *list, size_t room, const char *workload)
{
    size_t count = 0;

    for (size_t i = 0; peers[i]; i++)
        for (const struct bench_peer *peer = peers[i]; peer->workload; peer++)
            if (strcmp(peer->workload, workload) == 0 && count < room)
                list[count++] = peer->variant;
    return count;
}

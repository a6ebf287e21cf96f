/*
 * watch.c - loop.h: watches, and what the backend is told of them.
 *
 * The loop has a place for each descriptor number, up to the highest that was watched. A place has
 * the watches of its descriptor and knows what the backend waits for.
 *
 *      places  [ 0 | 1 | ... | 7 | 8 | ... ]
 *                              |
 *                              first -> watch -> watch      the latest first
 *                              readers 1, writers 0, registered: read
 *
 * Telling the backend may cost a system call, so it is told late and of little:
 *
 *      add          when the first watch is added, for reading: most begin so. A descriptor that
 *                   the system refuses is told to whoever adds the watch.
 *      wanted       if the backend does not wait for it yet, the place becomes pending, and is
 *                   settled before the next wait. While no turn runs it is settled at once: the
 *                   host may be sleeping on cst_loop_fd.
 *      not wanted   to write: the place becomes pending, since it would be ready at once. To read:
 *                   nothing. Most read again soon. If something comes first, in vain, the backend
 *                   is told then.
 *      remove       when the last watch is removed, at once: the descriptor will be closed
 *
 * A descriptor for which the backend cannot wait counts as ready. If it is wanted it is pending
 * until it is served.
 */
#include "posix_internal.h"

#include <string.h>

enum { FIRST_PLACES = 32, ALL_EVENTS = CST_WATCH_READ | CST_WATCH_WRITE };

/* --- places ----------------------------------------------------------------------------------- */

static unsigned wanted_events(const struct cst__place *place)
{
    return (place->readers ? (unsigned)CST_WATCH_READ : 0u) |
           (place->writers ? (unsigned)CST_WATCH_WRITE : 0u);
}

/* Return what the backend should wait for. */
static unsigned target_events(const cst_loop *loop, const struct cst__place *place)
{
    unsigned wanted = wanted_events(place);

    if (loop->backend->keeps && !place->is_vain)
        wanted |= place->registered & CST_WATCH_READ;
    return wanted;
}

static cst_status grow_places(cst_loop *loop, size_t least)
{
    size_t cap = loop->place_cap ? loop->place_cap : FIRST_PLACES;
    struct cst__place *places;

    while (cap < least && cap <= SIZE_MAX / 2)
        cap *= 2;
    if (cap < least || cap > SIZE_MAX / sizeof(*places))
        return CST_E_NOMEM;
    if (cap == loop->place_cap)
        return CST_OK;
    places = cst__loop_resize(loop, loop->places, loop->place_cap * sizeof(*places),
                              cap * sizeof(*places));
    if (!places)
        return CST_E_NOMEM;
    loop->places = places;
    loop->place_cap = cap;
    return CST_OK;
}

static void push_pending(cst_loop *loop, int fd)
{
    struct cst__place *place = &loop->places[fd];

    if (place->is_pending)
        return;
    place->is_pending = true;
    place->next = loop->pending;
    loop->pending = fd;
}

static int pop_pending(cst_loop *loop, int *list)
{
    int fd = *list;

    *list = loop->places[fd].next;
    loop->places[fd].is_pending = false;
    return fd;
}

/*
 * Tell the backend what to wait for. If it refuses, the descriptor counts as ready from now on:
 * whoever waits reads or writes then, and is told what is wrong.
 */
static void settle(cst_loop *loop, int fd)
{
    struct cst__place *place = &loop->places[fd];
    unsigned target = target_events(loop, place);

    place->is_vain = false;
    if (place->is_always || target == place->registered)
        return;
    if (loop->backend->change(loop, fd, place->registered, target) < 0)
        place->is_always = true;
    else
        place->registered = target & ALL_EVENTS;
}

/* What is wanted has changed, or something came in vain. */
static void reconsider(cst_loop *loop, int fd)
{
    struct cst__place *place = &loop->places[fd];

    if (place->is_pending || !place->is_added)
        return;
    if (!place->is_always && !loop->running)
        settle(loop, fd);
    if (place->is_always ? wanted_events(place) != 0
                         : target_events(loop, place) != place->registered)
        push_pending(loop, fd);
}

bool cst__watches_settle(cst_loop *loop)
{
    int list = loop->pending;

    loop->pending = CST__NO_PLACE;
    while (list != CST__NO_PLACE) {
        int fd = pop_pending(loop, &list);

        settle(loop, fd);
        if (loop->places[fd].is_always && wanted_events(&loop->places[fd]))
            push_pending(loop, fd);
    }
    return loop->pending != CST__NO_PLACE;
}

cst_status cst__loop_reserve(cst_loop *loop, int fd, unsigned events)
{
    struct cst__place *place;
    cst_status st = grow_places(loop, (size_t)fd + 1);

    if (st < 0)
        return st;
    place = &loop->places[fd];
    if (place->is_added)
        return CST_OK;
    if (events)
        st = loop->backend->add(loop, fd, loop->backend->keeps ? events : 0);
    else
        st = CST_E_UNSUPPORTED;
    if (st < 0 && st != CST_E_UNSUPPORTED)
        return st;
    place->is_added = true;
    place->is_always = st < 0;
    place->registered = place->is_always || !loop->backend->keeps ? 0 : events & ALL_EVENTS;
    loop->added++;
    return CST_OK;
}

void cst__loop_unreserve(cst_loop *loop, int fd)
{
    struct cst__place *place = &loop->places[fd];

    if (place->first || !place->is_added)
        return;
    if (!place->is_always || place->registered)
        loop->backend->remove(loop, fd, place->registered);
    place->generation++;
    place->registered = 0;
    place->is_added = place->is_always = place->is_vain = false;
    loop->added--;
}

/* --- watches ---------------------------------------------------------------------------------- */

cst_status cst_watch_add(cst_watch *watch, cst_loop *loop, int fd, cst_watch_fn *fn, void *arg)
{
    struct cst__place *place;
    cst_status st;

    if (!watch || !loop || !fn || fd < 0 || watch->loop)
        return CST_E_INVALID_ARG;
    st = cst__loop_reserve(loop, fd, CST_WATCH_READ);
    if (st < 0)
        return st;
    place = &loop->places[fd];
    *watch = (cst_watch){ .loop = loop, .fn = fn, .arg = arg, .next = place->first, .fd = fd };
    if (place->first)
        place->first->prev = watch;
    place->first = watch;
    return CST_OK;
}

cst_status cst_watch_want(cst_watch *watch, unsigned events)
{
    struct cst__place *place;

    if (!watch || !watch->loop)
        return CST_E_INVALID_ARG;
    events &= ALL_EVENTS & ~(unsigned)watch->wanted;
    if (!events)
        return CST_OK;
    place = &watch->loop->places[watch->fd];
    watch->loop->waiting += !watch->wanted;
    watch->wanted = (uint8_t)(watch->wanted | events);
    place->readers += (events & CST_WATCH_READ) != 0;
    place->writers += (events & CST_WATCH_WRITE) != 0;
    reconsider(watch->loop, watch->fd);
    cst__loop_tell_host(watch->loop);
    return CST_OK;
}

static void want_less(cst_watch *watch, unsigned events)
{
    struct cst__place *place = &watch->loop->places[watch->fd];

    events &= watch->wanted;
    if (!events)
        return;
    watch->wanted = (uint8_t)(watch->wanted & ~events);
    watch->loop->waiting -= !watch->wanted;
    place->readers -= (events & CST_WATCH_READ) != 0;
    place->writers -= (events & CST_WATCH_WRITE) != 0;
    reconsider(watch->loop, watch->fd);
    cst__loop_tell_host(watch->loop);
}

cst_status cst_watch_want_nothing(cst_watch *watch)
{
    if (!watch || !watch->loop)
        return CST_E_INVALID_ARG;
    want_less(watch, ALL_EVENTS);
    return CST_OK;
}

void cst_watch_remove(cst_watch *watch)
{
    cst_loop *loop;
    struct cst__place *place;

    if (!watch || !watch->loop)
        return;
    loop = watch->loop;
    place = &loop->places[watch->fd];
    want_less(watch, ALL_EVENTS);
    if (loop->next_watch == watch)
        loop->next_watch = watch->next;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        place->first = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    watch->loop = NULL;
    cst__loop_unreserve(loop, watch->fd);
}

/* --- serving them ----------------------------------------------------------------------------- */

/* Watches that are added from now on, or want something only from now on, are not called. */
void cst__watches_begin(cst_loop *loop, const struct cst__came *came)
{
    struct cst__place *place = &loop->places[came->fd];

    loop->next_watch = NULL;
    if (!place->is_added || came->generation != place->generation)
        return;
    if (came->events & place->registered & ~wanted_events(place)) {
        place->is_vain = true;
        reconsider(loop, came->fd);
    }
    loop->next_watch = place->first;
    for (cst_watch *watch = place->first; watch; watch = watch->next)
        watch->came = (uint8_t)(watch->wanted & came->events);
}

cst_watch *cst__watches_next(cst_loop *loop, unsigned *came)
{
    cst_watch *watch;

    while ((watch = loop->next_watch)) {
        loop->next_watch = watch->next;
        *came = watch->came & watch->wanted;
        watch->came = 0;
        if (!*came)
            continue;
        want_less(watch, *came);
        return watch;
    }
    return NULL;
}

bool cst__watches_take_ready(cst_loop *loop, int *list, struct cst__came *came)
{
    while (*list != CST__NO_PLACE) {
        int fd = pop_pending(loop, list);

        if (loop->places[fd].is_always) {
            *came = (struct cst__came){ fd, loop->places[fd].generation, ALL_EVENTS };
            return true;
        }
        reconsider(loop, fd); /* it is another descriptor's now */
    }
    return false;
}

void cst__watches_check(const cst_loop *loop)
{
#ifdef CST_CHECK
    size_t added = 0, waiting = 0;

    for (size_t fd = 0; fd < loop->place_cap; fd++) {
        const struct cst__place *place = &loop->places[fd];
        uint32_t readers = 0, writers = 0;

        for (const cst_watch *watch = place->first; watch; watch = watch->next) {
            assert(watch->loop == loop && watch->fd == (int)fd);
            assert(!watch->next || watch->next->prev == watch);
            readers += (watch->wanted & CST_WATCH_READ) != 0;
            writers += (watch->wanted & CST_WATCH_WRITE) != 0;
            waiting += watch->wanted != 0;
        }
        assert(place->readers == readers && place->writers == writers);
        assert(place->is_added || (!place->first && !place->registered && !place->is_always));
        assert(!place->is_added || place->is_pending || place->is_always ||
               target_events(loop, place) == place->registered);
        added += place->is_added;
    }
    assert(loop->added == added && loop->waiting == waiting);
#else
    (void)loop;
#endif
}

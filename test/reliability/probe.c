/*
 * probe.c - linked into a server with the sanitizers. At SIGUSR1 it prints a line on standard
 * error: the bytes of all live blocks, and whether some are lost, that is, no pointer leads to
 * them. So a server can be checked that ends only by a signal.

 *
 * Send the signal while the server waits for its peers: then a handler may do all this.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* Declared here, as not every compiler with the sanitizers has their headers. */
int __lsan_do_recoverable_leak_check(void);
size_t __sanitizer_get_current_allocated_bytes(void);

static void on_asked(int number)
{
    int has_lost = __lsan_do_recoverable_leak_check();
    char line[80];
    int len =
        snprintf(line, sizeof(line), "probe: %zu bytes live, %s\n",
                 __sanitizer_get_current_allocated_bytes(), has_lost ? "some lost" : "none lost");

    (void)number;
    if (write(STDERR_FILENO, line, (size_t)len) < 0)
        _exit(3);
}

__attribute__((constructor)) static void begin(void)
{
    struct sigaction action = { .sa_handler = on_asked, .sa_flags = SA_RESTART };

    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
}

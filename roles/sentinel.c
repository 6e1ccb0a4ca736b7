/* sentinel - a process in the namespace that does nothing: while it lives, so does the namespace.
 *
 * The bind mount of the namespace's name holds it too; whoever takes that away by mistake leaves the
 * NICs where they are, and bulkhead-netns gives the namespace its name back from here. Started by
 * the supervisor, in the namespace, with its uid as the only argument; says one byte on standard
 * output when it has given up everything. It outlives the supervisor. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/log.h"
#include "base/sandbox.h"

static const int syscalls[] = { SCMP_SYS(write),	   SCMP_SYS(close),	 SCMP_SYS(ppoll),
				SCMP_SYS(restart_syscall), SCMP_SYS(exit_group), -1 };

int main(int argc, char **argv)
{
	struct sandbox sandbox = { .syscalls = syscalls, .n_fds_max = 3 };

	log_open("sentinel");
	if (argc != 2)
		die("it is started by bulkheadd");
	sandbox.uid = (uid_t)strtoul(argv[1], NULL, 10);
	sandbox_enter(&sandbox);
	if (write(STDOUT_FILENO, "!", 1) != 1)
		die("say that it is there: %m");
	(void)close(STDOUT_FILENO); /* whoever reads one of the two must not wait for our end */
	(void)close(STDERR_FILENO);
	for (;;)
		(void)ppoll(NULL, 0, NULL, NULL);
}

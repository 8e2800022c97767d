// SPDX-License-Identifier: GPL-2.0
/*
 * meter COMMAND...: runs a command and prints how long the guest's only CPU ran tasks meanwhile, in
 * ns.
 *
 * Under QEMU's -icount shift=0 the CPU's time stamp counter, and the scheduler's clock that is made
 * of it, goes on by 1 ns an instruction. What the CPU idles is not in the figure; what interrupts
 * and softirqs do on top of a task is: a packet's whole way over veth devices is such work.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The seventh number of the CPU's line (the kernel's Documentation/scheduler/sched-stats.rst). */
static unsigned long long busy(int schedstat)
{
	static char text[1 << 16];
	ssize_t len = pread(schedstat, text, sizeof(text) - 1, 0);
	unsigned long long ran;
	const char *line;

	if (len <= 0)
		err(1, "/proc/schedstat");
	text[len] = 0;
	line = strstr(text, "\ncpu0 ");
	if (!line || sscanf(line, " cpu0 %*u %*u %*u %*u %*u %*u %llu", &ran) != 1)
		errx(1, "/proc/schedstat has no line of cpu0 as it should be");
	return ran;
}

int main(int argc, char **argv)
{
	int schedstat = open("/proc/schedstat", O_RDONLY | O_CLOEXEC), status;
	unsigned long long before;
	pid_t child;

	if (schedstat < 0)
		err(1, "/proc/schedstat");
	if (argc < 2)
		errx(1, "which command?");
	/* What a task has run counts when it makes way for another. */
	usleep(1000);
	before = busy(schedstat);
	child = fork();
	if (!child) {
		if (!freopen("/dev/null", "w", stdout))
			err(1, "/dev/null");
		execvp(argv[1], argv + 1);
		err(1, "%s", argv[1]);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		err(1, "%s", argv[1]);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "%s failed", argv[1]);
	usleep(1000);
	printf("%llu\n", busy(schedstat) - before);
	return 0;
}

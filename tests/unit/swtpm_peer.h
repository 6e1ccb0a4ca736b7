/* swtpm_peer.h - a software TPM of a test's own: started, measured into, cut off, started again. */
#ifndef TESTS_UNIT_SWTPM_PEER_H
#define TESTS_UNIT_SWTPM_PEER_H

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct swtpm_peer {
	char dir[64];
	pid_t pid;
	int fd; /* our end */
};

/* Power on: TPM2_Startup(CLEAR) is done. Exits with 77 where swtpm is not installed. */
static inline void swtpm_peer_on(struct swtpm_peer *peer)
{
	char state[96], fd[48];
	int pair[2];

	if (access("/usr/bin/swtpm", X_OK) < 0) {
		puts("swtpm is not installed");
		exit(77);
	}
	if (peer->dir[0] == '\0') {
		strcpy(peer->dir, "/tmp/bulkhead-swtpm.XXXXXX");
		if (!mkdtemp(peer->dir))
			abort();
	}
	(void)snprintf(state, sizeof(state), "dir=%s", peer->dir);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	(void)snprintf(fd, sizeof(fd), "%d", pair[1]);
	peer->pid = fork();
	if (peer->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(pair[0]);
		(void)execl("/usr/bin/swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state,
			    "--fd", fd, "--flags", "not-need-init,startup-clear", "--seccomp",
			    "action=none", (char *)NULL);
		_exit(127);
	}
	(void)close(pair[1]);
	peer->fd = pair[0];
}

/* The plug is pulled: nothing is saved that the TPM has not saved by itself. */
static inline void swtpm_peer_cut(struct swtpm_peer *peer)
{
	(void)kill(peer->pid, SIGKILL);
	(void)waitpid(peer->pid, NULL, 0);
	(void)close(peer->fd);
	peer->pid = 0;
}

static inline void swtpm_peer_end(struct swtpm_peer *peer)
{
	char command[128];

	swtpm_peer_cut(peer);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", peer->dir);
	if (system(command) != 0)
		abort();
	peer->dir[0] = '\0';
}

/* A bare command, as firmware sends it. Returns the response code. */
static inline uint32_t swtpm_peer_send(struct swtpm_peer *peer, const void *command, size_t n)
{
	uint8_t answer[4096];

	if (write(peer->fd, command, n) != (ssize_t)n ||
	    read(peer->fd, answer, sizeof(answer)) < 10)
		abort();
	return (uint32_t)answer[6] << 24 | (uint32_t)answer[7] << 16 | (uint32_t)answer[8] << 8 |
	       answer[9];
}

/* TPM2_PCR_Extend of one SHA-256 value, all bytes `fill`. */
static inline void swtpm_peer_measure(struct swtpm_peer *peer, uint8_t pcr, uint8_t fill)
{
	uint8_t command[65] = {
		0x80, 0x02, 0, 0, 0,   65,  0, 0, 1,
		0x82, 0,    0, 0, pcr, 0,   0, 0, 9, /* authorisation: password, empty */
		0x40, 0,    0, 9, 0,   0,   0, 0, 0, /* */
		0,    0,    0, 1, 0,   0x0b
	};

	memset(command + 33, fill, 32);
	if (swtpm_peer_send(peer, command, sizeof(command)) != 0)
		abort();
}

#endif

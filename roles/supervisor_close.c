/* Closing when those who should close do not: decide and nft. */
#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/loop.h"

enum { EVENTS_PER_ROUND = 64 }; /* then the children have their turn */

void supervisor_close_begin(struct supervisor *s)
{
	s->events_fd = supervisor_open_rtnetlink(s);
}

static void replace(struct supervisor *s, enum role_id role)
{
	struct child *c = supervisor_find(s, role, "");

	if (c->pid > 0)
		(void)kill(c->pid, SIGKILL);
	c->replaced = true;
	if (c->pid == 0)
		supervisor_start_child(s, c);
}

/* Nothing leaves by a link that is down, whatever the rules say; the next nft begins with closed rules,
 * and only then takes the links up again. */
static void close_net(struct supervisor *s)
{
	struct child *nft = supervisor_find(s, ROLE_NFT, "");

	if (nft->pid > 0)
		(void)kill(nft->pid, SIGKILL); /* first: it would take them up */
	supervisor_close_uplinks(s);
	replace(s, ROLE_NFT);
}

void supervisor_close_last(struct supervisor *s)
{
	struct child *nft = supervisor_find(s, ROLE_NFT, "");

	log_err(0, "nft does not close: the uplinks are taken down without it");
	if (nft->pid > 0)
		(void)kill(nft->pid, SIGKILL);
	supervisor_close_uplinks(s);
}

static void ask(struct supervisor *s)
{
	struct msg_sup msg = { .verb = SUP_ASK };

	supervisor_send(supervisor_find(s, ROLE_DECIDE, ""), &msg, -1);
}

void supervisor_close_asked(struct supervisor *s, struct child *decide)
{
	struct msg_sup msg = { .verb = SUP_ASK, .what = s->decide_hung };

	supervisor_watch_started(&s->watch);
	supervisor_send(decide, &msg, -1);
}

void supervisor_close_news(struct supervisor *s)
{
	if (supervisor_watch_news(&s->watch, loop_now_boot_ms()))
		ask(s);
}

bool supervisor_close_answered(struct supervisor *s)
{
	bool again;

	if (!supervisor_watch_answered(&s->watch, loop_now_boot_ms(), &again))
		return false;
	s->decide_hung = false; /* told */
	if (again)
		ask(s);
	return true;
}

/* What the kernel tells does not matter here: it is a reason to ask. News that were lost, too. */
void supervisor_close_events(struct supervisor *s)
{
	char event[16];

	for (unsigned i = 0; i < EVENTS_PER_ROUND; i++)
		if (recv(s->events_fd, event, sizeof(event), 0) < 0 && errno != ENOBUFS)
			break;
	supervisor_close_news(s);
}

/* Does the process wait for a CPU (or have one), or for the disk? proc(5), "stat": the letter behind the
 * name in brackets. What cannot be told is a no. */
static bool is_waiting(pid_t pid)
{
	char path[32], text[256];
	OWNS_FD int fd = -1;
	const char *at;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	at = strrchr(text, ')');
	return at && (strncmp(at, ") R", 3) == 0 || strncmp(at, ") D", 3) == 0);
}

/* Something of it lies unread: its answer may be behind that. It may have come while a child was started,
 * so the loop does not know. */
static bool has_said(const struct child *c)
{
	struct pollfd said = { .fd = c->sup_fd, .events = POLLIN };

	return poll(&said, 1, 0) > 0;
}

void supervisor_close_doubt(struct supervisor *s)
{
	struct msg_sup msg = { .verb = SUP_ASK };

	if (supervisor_watch_doubt(&s->nft_watch, loop_now_boot_ms()))
		supervisor_send(supervisor_find(s, ROLE_NFT, ""), &msg, -1);
}

bool supervisor_close_nft_answered(struct supervisor *s)
{
	bool again;

	return supervisor_watch_answered(&s->nft_watch, loop_now_boot_ms(), &again);
}

/* Asked and not through: one that sleeps was woken by the question, and waits for a CPU now. */
static bool hangs(const struct child *c, struct supervisor_watch *w)
{
	uint64_t now = loop_now_boot_ms();

	return supervisor_watch_due(w, now) && !(c->sup_fd >= 0 && has_said(c)) &&
	       supervisor_watch_over(w, now, is_waiting(c->pid));
}

static void without_nft(struct supervisor *s)
{
	struct msg_sup msg = { .verb = SUP_NET_CLOSED };

	log_err(0, "nft does not close: the uplinks are taken down without it, and it is replaced");
	supervisor_watch_ended(&s->nft_watch);
	close_net(s);
	supervisor_send(supervisor_find(s, ROLE_DECIDE, ""), &msg, -1);
}

static void without_decide(struct supervisor *s)
{
	log_err(0, "decide does not answer: the uplinks are taken down without it, and it is "
		   "replaced");
	supervisor_watch_ended(&s->watch); /* what it still says is no answer */
	s->decide_hung = true;
	close_net(s);
	replace(s, ROLE_DECIDE);
}

void supervisor_close_tick(struct supervisor *s)
{
	if (hangs(supervisor_find(s, ROLE_NFT, ""), &s->nft_watch))
		without_nft(s);
	if (hangs(supervisor_find(s, ROLE_DECIDE, ""), &s->watch))
		without_decide(s);
}

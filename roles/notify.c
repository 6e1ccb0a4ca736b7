/* bulkhead-notify - tells the person at the desktop when the personal side loses its network, and
 * when it has it again. An ordinary program of the session, with nothing but the status that
 * everybody may read; its own package, for its libraries. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnotify/notify.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/loop.h"
#include "base/reason.h"
#include "roles/cli_connect.h"
#include "roles/notify_text.h"

enum { AGAIN_MS = 2000 }; /* the daemon may be starting anew */

struct notifier {
	const char *path;
	bool met;		    /* the daemon has answered before */
	NotifyNotification *bubble; /* one, replaced in place: news, not a history */
	struct notify_text told;
	struct notify_text now;
	uint64_t due_boot_ms; /* tell .now then; 0: it is told */
};

static int usage(FILE *to)
{
	fputs("usage: bulkhead-notify [--socket PATH]\n"
	      "  --socket PATH  bulkheadd's control socket (default /run/bulkhead/control.sock)\n",
	      to);
	return to == stdout ? EXIT_SUCCESS : 2;
}

static const char *path_of(int argc, char **argv)
{
	static const struct option known[] = { { "socket", required_argument, NULL, 's' },
					       { "help", no_argument, NULL, 'h' },
					       { 0 } };
	const char *path = "/run/bulkhead/control.sock";
	int c;

	while ((c = getopt_long(argc, argv, "s:h", known, NULL)) != -1) {
		if (c != 's')
			exit(usage(c == 'h' ? stdout : stderr));
		path = optarg;
	}
	if (optind != argc)
		exit(usage(stderr));
	return path;
}

static void show(struct notifier *n)
{
	GError *error = NULL;

	n->due_boot_ms = 0;
	n->told = n->now;
	if (!n->bubble)
		n->bubble = notify_notification_new(n->now.summary, n->now.body, NULL);
	else
		(void)notify_notification_update(n->bubble, n->now.summary, n->now.body, NULL);
	notify_notification_set_urgency(n->bubble,
					n->now.open ? NOTIFY_URGENCY_LOW : NOTIFY_URGENCY_NORMAL);
	if (!notify_notification_show(n->bubble, &error)) {
		fprintf(stderr, "bulkhead-notify: show '%s': %s\n", n->now.summary, error->message);
		g_error_free(error);
	}
}

/* That all is well is news only to who was told that it is not. */
static void take(struct notifier *n, const struct notify_text *text)
{
	bool news = !notify_text_same(&n->told, text) && !(n->told.open && text->open);

	if (news && n->due_boot_ms != 0 && notify_text_same(&n->now, text))
		return; /* its time runs already */
	n->now = *text;
	n->due_boot_ms = news ? loop_now_boot_ms() + text->patience_ms : 0;
}

static void take_status(struct notifier *n, const struct msg_ctl_reply *status)
{
	struct notify_text text;

	notify_text_of(status, &text);
	take(n, &text);
	n->met = true;
}

/* Its grants end by themselves within seconds, so it is closed, whatever was said last. */
static void take_silence(struct notifier *n)
{
	struct notify_text text;

	notify_text_silence(&text);
	take(n, &text);
	if (n->due_boot_ms != 0 && loop_now_boot_ms() >= n->due_boot_ms)
		show(n);
}

/* Wait for news or for the time to tell some. False when the talk ended. */
static bool listen_once(struct notifier *n, int fd)
{
	static struct msg_ctl_reply status;
	struct loop loop;
	int r;

	loop_reset(&loop);
	loop_want(&loop, fd);
	if (n->due_boot_ms != 0)
		loop_wake_at(&loop, n->due_boot_ms);
	if (loop_wait(&loop) < 0)
		return true;
	if (n->due_boot_ms != 0 && loop_now_boot_ms() >= n->due_boot_ms)
		show(n);
	if (!loop_ready(&loop, fd))
		return true;
	r = ipc_recv(fd, &status, sizeof(status), NULL);
	if (r == -EAGAIN)
		return true;
	if (r < 0 || !cli_connect_reply_ok(&status) || status.reason != REASON_OK)
		return false;
	take_status(n, &status);
	return true;
}

static void talk(struct notifier *n)
{
	struct msg_ctl request = { .verb = CTL_MONITOR, .id = 1 };
	OWNS_FD int fd = -1;

	if (cli_connect(n->path, &fd) < 0 || ipc_send(fd, &request, sizeof(request), -1) < 0)
		return;
	while (listen_once(n, fd))
		;
}

int main(int argc, char **argv)
{
	struct notifier n = { .path = path_of(argc, argv), .told.open = true };

	if (!notify_init("Bulkhead")) {
		fputs("bulkhead-notify: start libnotify: it did not say why\n", stderr);
		return EXIT_FAILURE;
	}
	for (;;) {
		talk(&n);
		if (n.met)
			take_silence(&n);
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

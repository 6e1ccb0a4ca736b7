#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/reason.h"
#include "roles/notify_text.h"

static struct msg_ctl_reply closed_by(enum reason reason)
{
	struct msg_ctl_reply s = { .n_uplinks = 1, .n_ports = 2 };

	s.uplink[0] = (struct msg_uplink_status){ .ifname = "en0",
						  .zone = ZONE_SUSPECT,
						  .carrier = 1,
						  .sign = SIGN_LLDP,
						  .source = "sw-floor2" };
	s.port[0] = (struct msg_port_status){ .ifname = "vif1.0", .net_class = NET_CLASS_WORK };
	s.port[1] = (struct msg_port_status){ .ifname = "host0",
					      .net_class = NET_CLASS_PERSONAL,
					      .reason = reason,
					      .by_uplink = "en0" };
	return s;
}

static void a_corporate_sign_is_told_soon_with_its_source(void **state)
{
	struct msg_ctl_reply s = closed_by(REASON_NET_SUSPECT);
	struct notify_text t;

	(void)state;
	notify_text_of(&s, &t);
	assert_false(t.open);
	assert_string_equal(t.summary, "Personal network is closed");
	assert_non_null(strstr(t.body, "en0"));
	assert_non_null(strstr(t.body, "sw-floor2"));
	assert_true(t.patience_ms <= 2000);
}

static void a_network_that_is_looked_at_is_no_news_yet(void **state)
{
	struct msg_ctl_reply s = closed_by(REASON_NET_UNKNOWN);
	struct notify_text t;

	(void)state;
	notify_text_of(&s, &t);
	assert_false(t.open);
	assert_true(t.patience_ms >= 20000); /* twice the default window */
}

static void work_alone_is_not_spoken_of(void **state)
{
	struct msg_ctl_reply s = closed_by(REASON_NET_SUSPECT);
	struct notify_text t;

	(void)state;
	s.n_ports = 1;
	notify_text_of(&s, &t);
	assert_true(t.open);
}

static void of_two_ports_the_closed_one_counts(void **state)
{
	struct msg_ctl_reply s = closed_by(REASON_NET_SUSPECT);
	struct notify_text t;

	(void)state;
	s.port[0] = s.port[1];
	s.port[0].allowed = 1;
	notify_text_of(&s, &t);
	assert_false(t.open);
}

static void open_and_silent_are_told_apart(void **state)
{
	struct msg_ctl_reply s = closed_by(REASON_OK);
	struct notify_text open, silent;

	(void)state;
	s.port[1].allowed = 1;
	notify_text_of(&s, &open);
	notify_text_silence(&silent);
	assert_true(open.open);
	assert_string_equal(open.summary, "Personal network is open");
	assert_false(silent.open);
	assert_false(notify_text_same(&open, &silent));
	assert_true(notify_text_same(&open, &open));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_corporate_sign_is_told_soon_with_its_source),
		cmocka_unit_test(a_network_that_is_looked_at_is_no_news_yet),
		cmocka_unit_test(work_alone_is_not_spoken_of),
		cmocka_unit_test(of_two_ports_the_closed_one_counts),
		cmocka_unit_test(open_and_silent_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

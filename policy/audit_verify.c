#include "policy/audit_verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *audit_fault_name(enum audit_fault fault)
{
	static const char *const names[N_AUDIT_FAULTS] = {
		[AUDIT_FAULT_NONE] = "none",
		[AUDIT_FAULT_SYNTAX] = "syntax",
		[AUDIT_FAULT_EDITED] = "edited",
		[AUDIT_FAULT_CUT] = "cut",
		[AUDIT_FAULT_REORDERED] = "reordered",
		[AUDIT_FAULT_TORN] = "torn",
		[AUDIT_FAULT_CHECKPOINT] = "checkpoint",
		[AUDIT_FAULT_TAIL] = "tail-cut",
	};

	if ((unsigned)fault >= N_AUDIT_FAULTS)
		abort(); /* not an enum audit_fault */
	return names[fault];
}

__attribute__((format(printf, 4, 5))) static void
note(struct audit_verify *v, enum audit_fault fault, uint64_t seq, const char *fmt, ...)
{
	va_list args;

	v->n_breaks++;
	if (v->first.fault != AUDIT_FAULT_NONE)
		return;
	v->first.fault = fault;
	v->first.line = v->n_lines;
	v->first.seq = seq;
	va_start(args, fmt);
	(void)vsnprintf(v->first.text, sizeof(v->first.text), fmt, args);
	va_end(args);
}

static unsigned long long llu(uint64_t v)
{
	return v;
}

void audit_verify_begin(struct audit_verify *ret, const struct audit_anchor *anchor)
{
	memset(ret, 0, sizeof(*ret));
	audit_chain_begin(&ret->chain);
	ret->has_anchor = anchor != NULL;
	if (anchor)
		ret->anchor = *anchor;
}

static void check_place(struct audit_verify *v, const struct audit_line *line)
{
	uint64_t want = v->chain.next_seq;
	bool linked = memcmp(line->prev, v->chain.head, sizeof(line->prev)) == 0;

	if (line->seq == want && linked)
		return;
	if (line->seq != want && linked) {
		note(v, AUDIT_FAULT_EDITED, want, "the number of record %llu was changed to %llu",
		     llu(want), llu(line->seq));
	} else if (line->seq > want) {
		if (v->first.fault == AUDIT_FAULT_NONE) {
			v->missing_from = want;
			v->missing_to = line->seq - 1;
		}
		if (line->seq - want == 1)
			note(v, AUDIT_FAULT_CUT, want, "record %llu is missing before line %llu",
			     llu(want), llu(v->n_lines));
		else
			note(v, AUDIT_FAULT_CUT, want,
			     "records %llu to %llu are missing before line %llu", llu(want),
			     llu(line->seq - 1), llu(v->n_lines));
	} else if (line->seq < want) {
		/* what seemed missing stands further down: it was moved, not cut */
		if (v->first.fault == AUDIT_FAULT_CUT && line->seq >= v->missing_from &&
		    line->seq <= v->missing_to) {
			v->first.fault = AUDIT_FAULT_REORDERED;
			v->first.seq = line->seq;
			(void)snprintf(v->first.text, sizeof(v->first.text),
				       "record %llu stands in line %llu, behind later ones",
				       llu(line->seq), llu(v->n_lines));
		}
		note(v, AUDIT_FAULT_REORDERED, line->seq,
		     "record %llu stands in line %llu, where record %llu belongs", llu(line->seq),
		     llu(v->n_lines), llu(want));
	} else if (want == 1) {
		note(v, AUDIT_FAULT_EDITED, 1, "the first record does not begin a chain");
	} else {
		note(v, AUDIT_FAULT_EDITED, want - 1,
		     "record %llu is not what record %llu has hashed: one of the two was changed",
		     llu(want - 1), llu(want));
	}
}

static const uint8_t *recent_head(const struct audit_verify *v, uint64_t seq)
{
	return seq > 0 && v->recent_seq[seq % AUDIT_RECENT] == seq ? v->recent[seq % AUDIT_RECENT]
								   : NULL;
}

/* Is `want` the value after extending `from` by this head? */
static bool extends_to(const uint8_t from[AUDIT_HASH_BYTES], const uint8_t head[AUDIT_HASH_BYTES],
		       const uint8_t want[AUDIT_HASH_BYTES])
{
	uint8_t value[AUDIT_HASH_BYTES];

	memcpy(value, from, sizeof(value));
	audit_extend(value, head);
	return memcmp(value, want, sizeof(value)) == 0;
}

/* Do n extensions, by heads of records from seq to last in their order, and then that of then_head (NULL:
 * none), lead to `want`? Calls itself at most AUDIT_UNRECORDED deep. */
static bool steps_to(const struct audit_verify *v, const uint8_t from[AUDIT_HASH_BYTES],
		     uint64_t seq, uint64_t last, uint64_t n, const uint8_t *then_head,
		     const uint8_t want[AUDIT_HASH_BYTES])
{
	if (n == 0)
		return then_head ? extends_to(from, then_head, want)
				 : memcmp(from, want, AUDIT_HASH_BYTES) == 0;
	for (; seq <= last; seq++) {
		const uint8_t *head = recent_head(v, seq);
		uint8_t value[AUDIT_HASH_BYTES];

		if (!head)
			continue;
		memcpy(value, from, sizeof(value));
		audit_extend(value, head);
		if (steps_to(v, value, seq, last, n - 1, then_head, want))
			return true;
	}
	return false;
}

/* A crash, or decide's end, may fall between a checkpoint and its record. Then n extensions, each by the
 * head of a recent record, are in the TPM only: find them, and step over them. */
static bool find_unrecorded(const struct audit_verify *v, uint64_t n, uint64_t last,
			    const uint8_t *then_head, const uint8_t want[AUDIT_HASH_BYTES])
{
	uint64_t from = last < AUDIT_RECENT ? 1 : last - AUDIT_RECENT + 1;

	return n <= AUDIT_UNRECORDED &&
	       steps_to(v, v->extended, v->anchored_seq > from ? v->anchored_seq : from, last, n,
			then_head, want);
}

/* How many came before the first that has a record is not known: the TPM may have counted for others. */
static bool find_first(const struct audit_verify *v, uint64_t last, const uint8_t *then_head,
		       const uint8_t want[AUDIT_HASH_BYTES])
{
	for (uint64_t n = then_head ? 0 : 1; n <= AUDIT_UNRECORDED; n++)
		if (find_unrecorded(v, n, last, then_head, want))
			return true;
	return false;
}

static void check_checkpoint(struct audit_verify *v, const struct audit_line *line)
{
	const uint8_t *head = recent_head(v, line->anchored_seq);
	uint64_t steps = line->counter - v->counter;
	bool fits = false;

	/* a break is known already: what is searched for in vain takes seconds */
	if (head && v->first.fault == AUDIT_FAULT_NONE)
		fits = v->n_checkpoints == 0
			       ? find_first(v, line->anchored_seq, head, line->extended)
			       : steps > 0 && find_unrecorded(v, steps - 1, line->anchored_seq,
							      head, line->extended);
	if (!fits)
		note(v, AUDIT_FAULT_CHECKPOINT, line->seq,
		     "the checkpoint in record %llu (counter %llu, of record %llu) is not one of "
		     "this log's",
		     llu(line->seq), llu(line->counter), llu(line->anchored_seq));
	v->n_checkpoints++;
	v->counter = line->counter;
	memcpy(v->extended, line->extended, sizeof(v->extended));
	v->anchored_seq = line->anchored_seq;
	if (v->has_anchor && v->anchor.counter == v->counter)
		v->anchor_met = memcmp(v->anchor.extended, v->extended, sizeof(v->extended)) == 0;
}

int audit_verify_line(struct audit_verify *v, const char *line, size_t len_bytes,
		      struct audit_line *ret_line)
{
	struct audit_line l;
	uint64_t at;

	v->n_lines++;
	if (audit_line_parse(line, len_bytes, &l) < 0 || l.seq == 0 || l.seq == UINT64_MAX) {
		note(v, AUDIT_FAULT_SYNTAX, v->chain.next_seq,
		     "line %llu is not a record that audit writes", llu(v->n_lines));
		audit_chain_advance(&v->chain, line, len_bytes);
		return -EBADMSG;
	}
	check_place(v, &l);
	if (audit_line_is_anchor(&l.record))
		check_checkpoint(v, &l);
	v->chain.next_seq = l.seq;
	audit_chain_advance(&v->chain, line, len_bytes);
	at = l.seq % AUDIT_RECENT;
	v->recent_seq[at] = l.seq;
	memcpy(v->recent[at], v->chain.head, AUDIT_HASH_BYTES);
	if (ret_line)
		*ret_line = l;
	return 0;
}

static void check_anchor(struct audit_verify *v)
{
	static const uint8_t zeros[AUDIT_HASH_BYTES];
	uint64_t last = v->chain.next_seq - 1;

	if (v->anchor_met)
		return;
	if (v->n_checkpoints == 0 && memcmp(v->anchor.extended, zeros, sizeof(zeros)) == 0)
		return; /* nothing was anchored yet */
	if (v->n_checkpoints == 0 ? find_first(v, last, NULL, v->anchor.extended)
				  : v->anchor.counter > v->counter &&
					    find_unrecorded(v, v->anchor.counter - v->counter, last,
							    NULL, v->anchor.extended))
		return;
	if (v->n_checkpoints > 0 && v->anchor.counter <= v->counter)
		note(v, AUDIT_FAULT_CHECKPOINT, last,
		     "the TPM's checkpoint %llu is not one of this log's", llu(v->anchor.counter));
	else
		note(v, AUDIT_FAULT_TAIL, last,
		     "the log ends at record %llu (checkpoint %llu), the TPM has counted %llu: the "
		     "tail was cut",
		     llu(last), llu(v->counter), llu(v->anchor.counter));
}

int audit_verify_end(struct audit_verify *v, size_t torn_bytes, struct audit_break *ret_break)
{
	if (torn_bytes > 0) {
		v->n_lines++;
		note(v, AUDIT_FAULT_TORN, v->chain.next_seq,
		     "the last %zu bytes are no whole record: writing was interrupted, or they "
		     "were cut",
		     torn_bytes);
	}
	if (v->has_anchor)
		check_anchor(v);
	if (v->first.fault == AUDIT_FAULT_NONE)
		return 0;
	*ret_break = v->first;
	return -EBADMSG;
}

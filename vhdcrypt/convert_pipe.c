#include <errno.h>
#include <pthread.h>

#include "vhdcrypt/convert_state.h"

enum {
	WORKERS = 2, /* one cannot read and encrypt as fast as a good disk writes */
	RING = 3,    /* windows: one for each of them and one that is written */
};

enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_READY };

struct slot {
	enum slot_state state;
	int error;
	struct convert_window *window;
};

struct pipe {
	struct convert *convert;
	int (*work)(struct convert *c, struct convert_window *w);
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot slot[RING];
	uint64_t next_byte, next_seq; /* to be planned */
	bool planned_all;	      /* or nobody wants more */
};

static struct slot *slot_of(struct pipe *p, uint64_t seq)
{
	return &p->slot[seq % RING];
}

/* Under lock. The next window, or NULL when there is none left to plan. */
static struct slot *take(struct pipe *p)
{
	struct slot *s;

	while (!p->planned_all && slot_of(p, p->next_seq)->state != SLOT_FREE)
		(void)pthread_cond_wait(&p->changed, &p->lock);
	if (p->planned_all)
		return NULL;
	s = slot_of(p, p->next_seq);
	s->error = convert_window_plan(p->convert, p->next_byte, p->next_seq, s->window);
	if (s->error < 0 || s->window->len_bytes == 0) {
		p->planned_all = true; /* an error, too, is met by who commits, in its turn */
		s->state = s->error < 0 ? SLOT_READY : SLOT_FREE;
		(void)pthread_cond_broadcast(&p->changed);
		return NULL;
	}
	s->state = SLOT_BUSY;
	p->next_byte = s->window->end_byte;
	p->next_seq++;
	return s;
}

static void *worker(void *context)
{
	struct pipe *p = context;
	struct slot *s;

	(void)pthread_mutex_lock(&p->lock);
	while ((s = take(p)) != NULL) {
		(void)pthread_mutex_unlock(&p->lock);
		s->error = p->work(p->convert, s->window);
		(void)pthread_mutex_lock(&p->lock);
		s->state = SLOT_READY;
		(void)pthread_cond_broadcast(&p->changed);
	}
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* The window of this number when it is ready; NULL: it was the end. */
static struct slot *await(struct pipe *p, uint64_t seq)
{
	struct slot *s = slot_of(p, seq);

	(void)pthread_mutex_lock(&p->lock);
	while (s->state == SLOT_BUSY || (s->state == SLOT_FREE && !p->planned_all))
		(void)pthread_cond_wait(&p->changed, &p->lock);
	if (s->state == SLOT_FREE)
		s = NULL;
	(void)pthread_mutex_unlock(&p->lock);
	return s;
}

static void set(struct pipe *p, struct slot *s, bool stop)
{
	(void)pthread_mutex_lock(&p->lock);
	if (s)
		s->state = SLOT_FREE;
	if (stop)
		p->planned_all = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
}

static int consume(struct pipe *p, uint64_t seq,
		   int (*commit)(struct convert *c, struct convert_window *w, void *context),
		   void *context)
{
	struct slot *s;
	int r = 0;

	while (r == 0 && (s = await(p, seq)) != NULL) {
		r = s->error;
		if (r == 0)
			r = commit(p->convert, s->window, context);
		seq++;
		set(p, s, false);
	}
	set(p, NULL, true);
	return r;
}

int convert_pipe(struct convert *c, int (*work)(struct convert *c, struct convert_window *w),
		 int (*commit)(struct convert *c, struct convert_window *w, void *context),
		 void *context)
{
	struct pipe p = { .convert = c,
			  .work = work,
			  .lock = PTHREAD_MUTEX_INITIALIZER,
			  .changed = PTHREAD_COND_INITIALIZER,
			  .next_byte = c->next_byte,
			  .next_seq = c->next_seq };
	pthread_t thread[WORKERS];
	unsigned n = 0;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < RING; i++)
		r = convert_window_new(c, &p.slot[i].window);
	while (r == 0 && n < WORKERS && pthread_create(&thread[n], NULL, worker, &p) == 0)
		n++;
	if (r == 0)
		r = n > 0 ? consume(&p, c->next_seq, commit, context) : -EAGAIN;
	for (unsigned i = 0; i < n; i++)
		(void)pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < RING; i++)
		convert_window_free(p.slot[i].window);
	return r;
}

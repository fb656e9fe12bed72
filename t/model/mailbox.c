/* SPDX-License-Identifier: ISC
 *
 * The mailbox against a model of it: operations drawn at random, by sessions in
 * this process and in others, and by other programs in the Maildir, some of
 * them at once, some killed; what each session then sees is compared with a
 * plain list of messages.
 *
 *	mailbox [-v] [-k KEYWORDS] [-s SEED] OPERATIONS SECONDS
 *
 * -v prints every operation.  It ends after so many operations or seconds.
 * Exit code: 0 all was as it should be; 1 a rule was broken: the seed, the
 * number of the operation, the last ones and what was wrong are on standard
 * output, and with KEEP in the environment the Maildir stays.
 */
#include "ask.h"

/* ---- other programs ---- */

static char
letter_of(uint64_t mark)
{
	return mark == MAILBOX_ANSWERED ? 'R' : mark == MAILBOX_FLAGGED ? 'F' :
	    mark == MAILBOX_DELETED ? 'T' : mark == MAILBOX_SEEN ? 'S' : 'D';
}

static void
outside_mark(int folder)
{
	uint64_t mark = (uint64_t)1 << draw(5);
	struct entry *e = draw_entry(folder, mark);
	int set;

	if (e == NULL)
		return;
	set = outside_toggle(&folders[folder].place, e->token,
	    letter_of(mark));
	note(" outside %s message %u %c: %d", folder_names[folder], e->token,
	    letter_of(mark), set);
	if (set == -1)
		fail("message %u has no file: %s", e->token, strerror(errno));
	e->maybe &= ~mark;
	e->flags = set ? e->flags | mark : e->flags & ~mark;
}

static void
outside_new(int folder)
{
	unsigned sizes = (unsigned)draw(4);
	const char *info = chance(70) ? NULL : chance(50) ? ":2,S" : ":2,";
	struct entry *e = add_entry(folder, next_token++,
	    info != NULL && info[3] == 'S' ? MAILBOX_SEEN : 0);

	e->reserved = ~(uint64_t)0;
	note(" outside %s deliver %u%s", folder_names[folder], e->token,
	    info == NULL ? "" : info);
	if (outside_deliver(&folders[folder].place, e->token, sizes, info) ==
	    -1)
		fail("deliver: %s", strerror(errno));
}

static void
outside_remove(int folder)
{
	struct entry *e = draw_entry(folder, ~(uint64_t)0);

	if (e == NULL || count_entries(folder) < AMOUNT / 4)
		return;
	note(" outside %s remove %u", folder_names[folder], e->token);
	if (outside_unlink(&folders[folder].place, e->token) == -1)
		fail("message %u has no file: %s", e->token, strerror(errno));
	remove_entry(e);
}

/* What may go on beside sessions at work. */
static void
outside_any(void)
{
	int folder = (int)draw(FOLDERS);

	switch (draw(3)) {
	case 0:
		outside_mark(folder);
		break;
	case 1:
		outside_new(folder);
		break;
	default:
		outside_remove(folder);
	}
}

static void
touch(int dir, const char *what)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

	if (chance(50)) {
		times[1].tv_sec = time(NULL) - 100 - (time_t)draw(100000);
		times[1].tv_nsec = 0;
	}
	note(" touch %s %lld", what, (long long)times[1].tv_sec);
	(void)futimens(dir, times);
}

static void
copy_by_hand(int folder)
{
	uint64_t mark = (uint64_t)1 << draw(5);
	struct entry *e = draw_entry(folder, ~(uint64_t)0), *copy;
	struct handle *h;
	int set, i;

	/* Its flags must be known: which of the two is which is not. */
	if (e == NULL || e->maybe != 0 || may_lose(e->flags) != 0)
		return;
	set = outside_copy(&folders[folder].place, e->token, letter_of(mark));
	note(" copy %u by hand: %d", e->token, set);
	if (set == -1)
		return;
	copy = add_entry(folder, e->token, set ? e->flags | mark :
	    e->flags & ~mark);
	copy->reserved = ~(uint64_t)0;
	copy->uid = e->uid = 0;
	/* Who meets it first gives it a name, and sees it the next time. */
	h = &handles[draw(HANDLES)];
	if (h->open && h->folder != folder)
		close_handle(h);
	if (!h->open)
		open_at(h, folder, 0, false);
	for (i = 0; i < 2; i++) {
		request(h, REFRESH);
		ask(h, false);
	}
}

static void
remove_derived(const struct place *p)
{
	static const char *const files[] = { "stdmail.index", "stdmail.cache",
	    "stdmail.journal" };
	size_t i, n = nkeywords > 26 ? 2 : 3;

	for (i = 0; i < n; i++) {
		if (!chance(50))
			continue;
		note(" rm %s", files[i]);
		(void)unlinkat(p->dir, files[i], 0);
	}
}

/* What only one at a time makes sense. */
static void
outside_alone(void)
{
	int folder = (int)draw(FOLDERS);
	struct place *p = &folders[folder].place;
	struct entry *e;

	note(" outside %s", folder_names[folder]);
	switch (draw(8)) {
	case 0:
		touch(chance(50) ? p->cur : p->new, "folder");
		break;
	case 1:
		if (!lively)
			copy_by_hand(folder);
		break;
	case 2:
	case 3:
		remove_derived(p);
		break;
	case 4:
		note(" a dead one's lock");
		outside_lock(p, chance(30));
		break;
	case 5:
		if (lively || nkeywords > 26 ||
		    (e = draw_entry(folder, ~(uint64_t)0)) == NULL)
			break;
		note(" %u back to new", e->token);
		if (outside_unread(p, e->token) == 0)
			e->flags = e->maybe = 0;
		break;
	case 6:
		if (!lively)
			note(" another list: %d", outside_rewrite(p));
		break;
	default:
		note(" tear");
		outside_tear(p, "stdmail.journal");
	}
}

/* ---- operations ---- */

static void
set_lively(bool on)
{
	int status;

	if (on == lively)
		return;
	lively = on;
	note(" renames %s", on ? "go on" : "stop");
	(void)kill(renaming, on ? SIGCONT : SIGSTOP);
	if (!on)
		(void)waitpid(renaming, &status, WUNTRACED);
}

/* Several at once. */
static void
at_once(void)
{
	bool busy[HANDLES] = { false };
	struct handle *h;
	size_t i, n = 2 + draw(3);

	together = true;
	while (n-- > 0) {
		h = draw_handle(false);
		if (busy[h - handles])
			continue;
		busy[h - handles] = true;
		prepare(h, false);
		if (h->pid != 0)
			send_request(h);
	}
	for (i = draw(4); i > 0; i--)
		outside_any();
	for (i = 0; i < HANDLES; i++)
		if (busy[i])
			finish(&handles[i], false);
	together = false;
}

/* A session dies at its work. */
static void
kill_one(void)
{
	struct handle *h = &handles[LOCAL + draw(HANDLES - LOCAL)];
	bool keep = chance(50);

	if (!h->open || (h->flags & MAILBOX_READONLY))
		return;
	prepare(h, true);
	send_request(h);
	note(" and dies");
	usleep((useconds_t)draw(keep ? 600 : 3000));
	(void)kill(h->pid, SIGKILL);
	(void)waitpid(h->pid, NULL, 0);
	close(h->fd);
	h->open = false;
	nkills++;
	for (int i = 0; i < FOLDERS; i++)
		(void)outside_clean_tmp(&folders[i].place);
}

static void
make_keyword(void)
{
	struct handle *h = draw_handle(true);

	if (nkeywords == 0)
		return;
	request(h, MAKE_KEYWORD)->n = (uint32_t)draw(nkeywords);
	note(" keyword %u", h->request.n);
	ask(h, false);
}

static void
one_request(void)
{
	struct handle *h = draw_handle(false);

	prepare(h, false);
	ask(h, true);
}

/* Everyone looks, and all see the same. */
static void
quiet(void)
{
	struct handle *h, *fresh = &handles[draw(HANDLES)];
	size_t i;
	int n;

	set_lively(false);
	note(" all look");
	if (fresh->open)
		close_handle(fresh);
	for (i = 0; i < HANDLES; i++) {
		h = &handles[i];
		if (!h->open)
			open_handle(h);
		request(h, chance(20) ? SIZES : REFRESH);
		ask(h, true);
	}
	for (i = 0; i < FOLDERS; i++)
		if ((n = outside_clean_tmp(&folders[i].place)) != 0)
			fail("%d files in tmp of %s", n, folder_names[i]);
}

static void
operate(void)
{
	uint64_t what = draw(100);

	if (verbose && operation > 0)
		printf("%6ld %s\n", operation - 1,
		    history[(operation - 1) % HISTORY]);
	history[operation % HISTORY][0] = '\0';
	end_reservations();
	if (what < 45)
		one_request();
	else if (what < 65)
		outside_any();
	else if (what < 75)
		outside_alone();
	else if (what < 87)
		at_once();
	else if (what < 90)
		kill_one();
	else if (what < 92)
		make_keyword();
	else if (what < 94)
		close_handle(draw_handle(false));
	else if (what < 96)
		set_lively(!lively && chance(60));
	else if (what < 98)
		quiet();
	else if (!lively)
		usleep(12000);		/* stamps become clean */
}

/* ---- begin and end ---- */

static void
begin(void)
{
	char path[512];
	struct place places[FOLDERS];
	pid_t parent = getpid();
	const char *tmp = getenv("TMPDIR");
	int i;

	snprintf(top, sizeof(top), "%.40s/stdmail-model.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(top) == NULL ||
	    mailbox_root_open(top, MAILBOX_CREATE, &root) != MAILBOX_OK)
		err(1, "%s", top);
	for (i = 0; i < FOLDERS; i++) {
		if (i > 0 && mailbox_create(root, folder_names[i]) !=
		    MAILBOX_OK)
			errx(1, "%s: cannot create", folder_names[i]);
		snprintf(path, sizeof(path), "%s/%s%s", top, i == 0 ? "" : ".",
		    i == 0 ? "" : folder_names[i]);
		if (place_open(&places[i], path) == -1)
			err(1, "%s", path);
		folders[i].place = places[i];
	}
	if ((renaming = fork()) == 0)
		renamer(places, FOLDERS, parent);
	lively = true;
	set_lively(false);
}

static void
end(void)
{
	int i;

	history[operation % HISTORY][0] = '\0';
	end_reservations();
	note("at the end:");
	quiet();
	for (i = 0; i < HANDLES; i++)
		close_handle(&handles[i]);
	for (i = 0; i < FOLDERS; i++)
		remove_derived(&folders[i].place);
	quiet();
	for (i = 0; i < HANDLES; i++)
		close_handle(&handles[i]);
	end_children();
	mailbox_root_close(root);
	remove_top();
}

int
main(int argc, char **argv)
{
	long limit;
	long long until;
	int c;

	seed = ((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) & 0xffffffff;
	while ((c = getopt(argc, argv, "k:s:v")) != -1) {
		if (c == 'k')
			nkeywords = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'v')
			verbose = true;
		else
			return 64;
	}
	if (argc - optind != 2 || nkeywords > KEYWORDS)
		errx(64, "mailbox [-v] [-k keywords] [-s seed] operations "
		    "seconds");
	limit = strtol(argv[optind], NULL, 10);
	until = now_ms() + 1000 * strtol(argv[optind + 1], NULL, 10);
	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("SEED=%llu\n", (unsigned long long)seed);
	(void)signal(SIGPIPE, SIG_IGN);
	begin();
	for (; operation < limit && now_ms() < until; operation++)
		operate();
	end();
	printf("%ld operations, %ld views, %ld of them exact, %ld kills\n",
	    operation, nrefreshes, nexact, nkills);
	return 0;
}

#include "daemon/supervise-desk.h"

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A datagram longer than this is not ours. */
enum { MOST_BYTES = 65536, MOST_WORDS = 1000, MOST_A_TURN = 200 };

bool lk_notify_open(lk_supervisor *supervisor, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int on = 1, bound;

	supervisor->notify_path = g_build_filename(supervisor->conf->site.run_dir, "notify", NULL);
	if (strlen(supervisor->notify_path) >= sizeof address.sun_path) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "site.run_dir \"%s\" is too long for a socket; choose a path of at "
			    "most 90 characters",
			    supervisor->conf->site.run_dir);
		return false;
	}
	memcpy(address.sun_path, supervisor->notify_path, strlen(supervisor->notify_path));
	supervisor->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (supervisor->notify_fd < 0) {
		g_set_error(error, LK_ERROR, LK_ERR_RETRY, "no socket for the children: %s",
			    g_strerror(errno));
		return false;
	}
	/* We hold the lock of run_dir: what lies here is of a luukkud that is dead. */
	(void)unlink(supervisor->notify_path);
	mask = umask(0177);
	bound = bind(supervisor->notify_fd, (struct sockaddr *)&address, sizeof address);
	(void)umask(mask);
	if (bound != 0) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
			    "%s cannot be made: %s; let site.run_dir belong to the user that "
			    "luukkud runs as",
			    supervisor->notify_path, g_strerror(errno));
		return false;
	}
	(void)setsockopt(supervisor->notify_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
	return true;
}

static void want_lease(const char *mailbox, int64_t epoch, void *data)
{
	lk_supervisor *supervisor = data;
	const lk_conf_mailbox *conf = lk_conf_find_mailbox(supervisor->conf, mailbox);
	lk_child *child = lk_child_find(supervisor, LK_CHILD_FETCH, mailbox, 0);

	if (conf == NULL || conf->protocol == LK_CONF_NO_SERVER)
		return;
	if (child == NULL) {
		child = lk_child_add(supervisor, LK_CHILD_FETCH, mailbox, epoch, 0);
		lk_info("lease.taken", "mailbox=%s epoch=%" PRId64, mailbox, epoch);
	} else if (child->epoch != epoch) {
		/* It could not write any more; the new one gets the new epoch. */
		lk_info("lease.renewed", "mailbox=%s epoch=%" PRId64, mailbox, epoch);
		child->epoch = epoch;
		lk_child_stop(supervisor, child);
	}
	child->is_unwanted = false;
}

static void ignore_lease(const char *mailbox, int64_t epoch, void *data)
{
}

/* The whole set each time: a fetcher that is not in it has lost its lease. */
static void set_leases(lk_supervisor *supervisor, const char *text)
{
	if (!lk_supervise_leases(text, ignore_lease, NULL)) {
		lk_error("lease.malformed", "bytes=%zu", strlen(text));
		return;
	}
	for (unsigned i = 0; i < supervisor->children->len; i++) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->kind == LK_CHILD_FETCH)
			child->is_unwanted = true;
	}
	(void)lk_supervise_leases(text, want_lease, supervisor);
	for (unsigned i = supervisor->children->len; i-- > 0;) {
		lk_child *child = g_ptr_array_index(supervisor->children, i);

		if (child->kind != LK_CHILD_FETCH || !child->is_unwanted ||
		    child->state == LK_CHILD_STOPPING)
			continue;
		lk_info("lease.lost", "mailbox=%s epoch=%" PRId64, child->mailbox, child->epoch);
		if (child->pid != 0)
			lk_child_stop(supervisor, child);
		else
			(void)g_ptr_array_remove_index(supervisor->children, i);
		supervisor->is_changed = true;
	}
}

static void set_text(char **text, const char *value)
{
	g_autofree char *cut = lk_text_cut(value, MOST_WORDS);

	g_free(*text);
	*text = *cut != '\0' ? g_steal_pointer(&cut) : NULL;
}

static void hear_line(lk_supervisor *supervisor, lk_child *child, const char *key,
		      const char *value)
{
	int64_t did;

	if (strcmp(key, "READY") == 0) {
		child->history.did_cycle = true;
		if (child->is_own_error)
			set_text(&child->error, "");
	} else if (strcmp(key, "X_OK") == 0) {
		child->history.did_cycle = true;
		child->last_ok_at = lk_now();
	} else if (strcmp(key, "STATUS") == 0) {
		set_text(&child->status, value);
	} else if (strcmp(key, "X_ERROR") == 0) {
		set_text(&child->error, value);
		child->is_own_error = false;
	} else if (strcmp(key, "X_DID") == 0 && lk_parse_int(value, 0, G_MAXINT32, &did, NULL)) {
		child->did += did;
	} else if (strcmp(key, "X_CONF") == 0) {
		lk_reload_hear(supervisor, child, value);
	} else if (strcmp(key, "X_LEASES") == 0 && child->kind == LK_CHILD_SCHED) {
		set_leases(supervisor, value);
	}
}

static void hear(lk_supervisor *supervisor, lk_child *child, const char *bytes, size_t n)
{
	g_autofree char *text = lk_text_clean(bytes, n);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		char *equals = strchr(*line, '=');

		if (equals == NULL)
			continue;
		*equals = '\0';
		hear_line(supervisor, child, *line, equals + 1);
	}
	supervisor->is_changed = true;
}

static bool hear_one(lk_supervisor *supervisor)
{
	g_autofree char *bytes = g_malloc(MOST_BYTES);
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec part = {.iov_base = bytes, .iov_len = MOST_BYTES};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	ssize_t n = recvmsg(supervisor->notify_fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head;
	struct ucred who = {0};
	lk_child *child;

	if (n < 0)
		return errno == EINTR;
	for (head = CMSG_FIRSTHDR(&message); head != NULL; head = CMSG_NXTHDR(&message, head)) {
		if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(head), sizeof who);
	}
	child = who.pid > 0 ? lk_child_by_pid(supervisor, who.pid) : NULL;
	if (child != NULL && (message.msg_flags & MSG_TRUNC) == 0)
		hear(supervisor, child, bytes, (size_t)n);
	return true;
}

void lk_notify_read(lk_supervisor *supervisor)
{
	for (int i = 0; i < MOST_A_TURN && hear_one(supervisor); i++)
		;
}

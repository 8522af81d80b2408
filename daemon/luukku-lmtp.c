/*
 * luukku-lmtp: takes mails over LMTP and answers after the commit. The listener only accepts; each
 * connection is served by this program executed anew with the socket as descriptor 3, so that a
 * bad client or mail stops nothing but itself.
 */
#include "daemon/listen.h"
#include "daemon/process.h"
#include "daemon/program.h"
#include "daemon/take.h"
#include "lib/base/err.h"
#include "lib/base/fault.h"
#include "lib/base/hash.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/units.h"
#include "lib/net/lmtp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CONNECTION_FD = 3,
	MOST_WORKERS = 10,
	WORKER_MS = 30 * 60 * 1000, /* a whole connection */
	IO_MS = 60 * 1000,
	HASH_STEP = 64 * 1024
};

/* What `luukkuctl deliver --mailbox NAME` puts in front of NAME@localhost. */
static const char mailbox_prefix[] = "luukku-mailbox+";
static const char mailbox_suffix[] = "@localhost";

static gboolean is_worker;
static const GOptionEntry own_options[] = {
	{"connection", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &is_worker, NULL, NULL},
	{0},
};

/* --- one connection ------------------------------------------------------------------------- */

typedef struct {
	lk_program *program;
	lk_conf_mailbox nameless; /* where no mailbox without a server is configured */
	/* Of the mail under way. */
	bool is_refused;
} connection;

/* The mailbox of the configuration that an internal address names, else NULL. */
static const lk_conf_mailbox *named_mailbox(const lk_program *program, const char *recipient)
{
	g_autofree char *name = NULL;

	if (!g_str_has_prefix(recipient, mailbox_prefix) ||
	    !g_str_has_suffix(recipient, mailbox_suffix))
		return NULL;
	name = g_strndup(recipient + strlen(mailbox_prefix),
			 strlen(recipient) - strlen(mailbox_prefix) - strlen(mailbox_suffix));
	return lk_conf_find_mailbox(program->conf, name);
}

static bool accept_recipient(const char *recipient, void *data)
{
	const connection *state = data;
	g_autoptr(GError) unused = NULL;
	bool is_new = false;

	/* What cannot be had now is wanted again, and told, when the mail is taken. */
	(void)lk_program_renew(state->program, &is_new, &unused);
	return named_mailbox(state->program, recipient) != NULL ||
	       lk_policy_is_own_address(state->program->policy, recipient);
}

/* By the internal address, else the first mailbox without a server. */
static const lk_conf_mailbox *choose_mailbox(connection *state, const lk_lmtp_mail *mail)
{
	const GPtrArray *mailboxes = state->program->conf->mailboxes;

	for (size_t i = 0; i < mail->n_recipients; i++) {
		const lk_conf_mailbox *named = named_mailbox(state->program, mail->recipients[i]);

		if (named != NULL)
			return named;
	}
	for (unsigned i = 0; i < mailboxes->len; i++) {
		const lk_conf_mailbox *mailbox = g_ptr_array_index(mailboxes, i);

		if (mailbox->protocol == LK_CONF_NO_SERVER)
			return mailbox;
	}
	return &state->nameless;
}

static char **real_recipients(const connection *state, const lk_lmtp_mail *mail)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (size_t i = 0; i < mail->n_recipients; i++) {
		if (named_mailbox(state->program, mail->recipients[i]) == NULL)
			g_ptr_array_add(list, g_strdup(mail->recipients[i]));
	}
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

/* The same mail to the same recipients again (our answer was lost) has the same one. */
static bool make_uid(const lk_lmtp_mail *mail, char **ret_uid, GError **error)
{
	g_autoptr(lk_hash) hash = lk_hash_new();
	g_autofree uint8_t *block = g_malloc(HASH_STEP);
	uint8_t digest[LK_HASH_BYTES], key[LK_KEY_HASH_BYTES];
	g_autofree char *hex = NULL;

	for (uint64_t at = 0; at < mail->size; at += HASH_STEP) {
		size_t n = (size_t)MIN(mail->size - at, HASH_STEP);

		if (!lk_pread_all(mail->fd, block, n, at, error))
			return false;
		lk_hash_add(hash, block, n);
	}
	for (size_t i = 0; i < mail->n_recipients; i++)
		lk_hash_add(hash, mail->recipients[i], strlen(mail->recipients[i]) + 1);
	lk_hash_end(hash, digest);
	hex = lk_hex(digest, sizeof digest);
	lk_key_hash(hex, key);
	*ret_uid = lk_hex(key, sizeof key);
	return true;
}

static void mail_done(const lk_take_mail *mail, void *data)
{
	connection *state = data;

	state->is_refused = mail->is_refused;
}

static bool take_mail(connection *state, const lk_lmtp_mail *given, GError **error)
{
	const lk_take_options how = {
		.program = state->program,
		.mailbox = choose_mailbox(state, given),
		.waits = false,
		.done = mail_done,
		.data = state,
	};
	g_autoptr(lk_take) take = lk_take_new(&how);
	g_autoptr(lk_take_mail) mail = lk_take_mail_new();

	mail->folder = g_strdup("");
	mail->server_action = g_strdup("keep");
	mail->received_at = lk_now();
	mail->recipients = real_recipients(state, given);
	mail->size = given->size;
	/* The descriptor stays the server's: ours is a copy. */
	mail->mail_fd = fcntl(given->fd, F_DUPFD_CLOEXEC, 0);
	if (mail->mail_fd < 0 || !make_uid(given, &mail->uid, error)) {
		if (mail->mail_fd < 0)
			g_set_error(error, LK_ERROR, LK_ERR_RETRY, "no descriptor: %s",
				    g_strerror(errno));
		return false;
	}
	lk_fault("lmtp.body");
	if (!lk_take_parse_begin(take, mail, error) || !lk_take_parse_end(take, mail, error))
		return false;
	lk_fault("lmtp.parsed");
	return lk_take_add(take, g_steal_pointer(&mail), error) && lk_take_commit(take, error);
}

static void deliver(const lk_lmtp_mail *mail, lk_lmtp_reply *replies, void *data)
{
	connection *state = data;
	g_autoptr(GError) failed = NULL;
	const char *text = "2.0.0 taken";
	int code = 250;

	state->is_refused = false;
	if (!take_mail(state, mail, &failed)) {
		g_autofree char *why = lk_process_error_text(failed);

		lk_error("lmtp.not_taken", "bytes=%" PRIu64 " error=\"%s\"", mail->size, why);
		code = 451;
		text = "4.3.0 luukku cannot store mail at the moment; try again later";
	} else if (state->is_refused) {
		code = 554;
		text = "5.6.0 this mail cannot be stored";
	}
	for (size_t i = 0; i < mail->n_recipients; i++) {
		replies[i].code = code;
		replies[i].text = g_strdup(text);
	}
	lk_fault("lmtp.answering");
}

static bool serve_connection(lk_program *program, GError **error)
{
	const lk_conf_mailbox *first = NULL;
	connection state = {.program = program};
	uint64_t max_size = 0;
	bool is_done;

	/* luukku-parse shall not have it. */
	(void)fcntl(CONNECTION_FD, F_SETFD, FD_CLOEXEC);
	state.nameless.name = (char *)"lmtp";
	state.nameless.protocol = LK_CONF_NO_SERVER;
	state.nameless.own_lists = g_ptr_array_new();
	state.nameless.strip = g_ptr_array_new();
	for (unsigned i = 0; i < program->conf->mailboxes->len; i++) {
		first = g_ptr_array_index(program->conf->mailboxes, i);
		max_size = MAX(max_size, (uint64_t)first->max_size);
	}
	const lk_lmtp_options how = {
		.host_name = program->host,
		.spool_dir = program->conf->site.spool_dir,
		.max_size = max_size > 0 ? max_size : 50 * 1024 * 1024,
		.io_timeout_ms = IO_MS,
		.wake_fd = program->stop_fd,
		.accept = accept_recipient,
		.deliver = deliver,
		.data = &state,
	};

	is_done = lk_lmtp_serve(CONNECTION_FD, &how, error);
	g_ptr_array_unref(state.nameless.own_lists);
	g_ptr_array_unref(state.nameless.strip);
	return is_done;
}

/* --- the listener --------------------------------------------------------------------------- */

typedef struct {
	int pid;
	int64_t until_ms;
} worker;

static bool listen_failed(const char *where, GError **error)
{
	g_set_error(error, LK_ERROR, LK_ERR_CONFIG,
		    "lmtp.listen %s: %s; let its folder belong to the user that luukkud runs as, "
		    "and no other program listen there",
		    where, g_strerror(errno));
	return false;
}

static bool listen_unix(const char *path, int *ret_fd, GError **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	lk_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_autofree char *new = g_strconcat(path, "~", NULL);
	mode_t mask;
	int bound;

	if (strlen(new) >= sizeof address.sun_path)
		errno = ENAMETOOLONG;
	if (fd < 0 || strlen(new) >= sizeof address.sun_path)
		return listen_failed(path, error);
	memcpy(address.sun_path, new, strlen(new));
	/* What a dead one of us left; luukkud lets only one live. */
	(void)unlink(new);
	/*
	 * Right from its first moment: nobody finds it with another mode, or before it answers. The
	 * rename also takes the place of a socket that a dead one of us left.
	 */
	mask = umask(0117);
	bound = bind(fd, (struct sockaddr *)&address, sizeof address);
	(void)umask(mask);
	if (bound != 0 || listen(fd, LK_LISTEN_BACKLOG) != 0 || rename(new, path) != 0)
		return listen_failed(path, error);
	*ret_fd = fd;
	fd = -1;
	return true;
}

static void start_worker(const lk_program *program, GArray *workers, int fd)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	const char *const argv[] = {self != NULL ? self : "", "--connection", "-c",
				    program->config_file, NULL};
	const lk_spawn spawn = {.argv = argv, .out_fd = -1, .extra_fd = fd};
	g_autoptr(GError) failed = NULL;
	worker new = {.until_ms = lk_monotonic_ms() + WORKER_MS};

	if (!lk_process_spawn(&spawn, &new.pid, &failed)) {
		g_autofree char *text = lk_process_error_text(failed);

		lk_error("lmtp.no_worker", "error=\"%s\"", text);
		return;
	}
	g_array_append_val(workers, new);
}

/* Workers that have ended or take too long. */
static void reap(GArray *workers)
{
	for (unsigned i = workers->len; i-- > 0;) {
		const worker *one = &g_array_index(workers, worker, i);
		int status;

		if (lk_monotonic_ms() >= one->until_ms)
			(void)kill(one->pid, SIGKILL);
		if (waitpid(one->pid, &status, WNOHANG) != one->pid)
			continue;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			lk_warning("lmtp.worker_died", "status=%d", status);
		(void)g_array_remove_index_fast(workers, i);
	}
}

static void stop_workers(GArray *workers)
{
	for (unsigned i = 0; i < workers->len; i++)
		(void)kill(g_array_index(workers, worker, i).pid, SIGTERM);
	for (unsigned i = 0; i < workers->len; i++)
		(void)waitpid(g_array_index(workers, worker, i).pid, NULL, 0);
}

static bool serve_all(lk_program *program, GError **error)
{
	const char *where = program->conf->lmtp.listen;
	g_autoptr(GArray) workers = g_array_new(FALSE, FALSE, sizeof(worker));
	lk_autofd int listener = -1;

	if (where == NULL) {
		g_set_error(error, LK_ERROR, LK_ERR_CONFIG, "lmtp.listen is not set");
		return false;
	}
	if (where[0] == '/' ? !listen_unix(where, &listener, error)
			    : !lk_listen_tcp("lmtp.listen", where, &listener, error))
		return false;
	lk_info("lmtp.listening", "listen=\"%s\"", where);
	lk_program_ready(program);
	while (!lk_program_is_stopping(program)) {
		bool is_full = workers->len >= MOST_WORKERS, is_new = false;
		struct pollfd watch[] = {
			{.fd = program->wake_fd, .events = POLLIN},
			{.fd = is_full ? -1 : listener, .events = POLLIN},
		};

		/* A worker that ended is seen at the next turn, soon where one is waited for. */
		(void)poll(watch, G_N_ELEMENTS(watch), workers->len > 0 ? 200 : -1);
		reap(workers);
		/* The workers look for themselves, before each mail. */
		if (!lk_program_renew(program, &is_new, error)) {
			stop_workers(workers);
			return false;
		}
		if (watch[1].revents != 0) {
			lk_autofd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0)
				start_worker(program, workers, fd);
		}
	}
	if (where[0] == '/')
		(void)unlink(where);
	stop_workers(workers);
	return true;
}

static bool routes(void)
{
	return is_worker;
}

static bool run(lk_program *program, GError **error)
{
	return is_worker ? serve_connection(program, error) : serve_all(program, error);
}

int main(int argc, char **argv)
{
	static const lk_query_group groups[] = {LK_QG_LEASE,  LK_QG_BLOB,   LK_QG_INGEST,
						LK_QG_THREAD, LK_QG_TICKET, LK_QG_OUTBOX,
						LK_QG_INTAKE, LK_QG_COMMAND};
	static const lk_program_spec spec = {
		.name = "luukku-lmtp",
		.role = "luukku_lmtp",
		.groups = groups,
		.n_groups = G_N_ELEMENTS(groups),
		.options = own_options,
		.keep_fd = CONNECTION_FD,
		.needs_keys = true,
		.needs_rules = routes,
		.run = run,
	};

	return lk_program_main(&spec, argc, argv);
}

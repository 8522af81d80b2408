#include "lib/conf/schema.h"

#define FOREVER LK_CONF_FOREVER
#define YEARS(n) ((n)*INT64_C(31622400))
#define DAYS(n) ((n)*INT64_C(86400))
#define MEGA(n) ((n)*INT64_C(1048576))

/* Where a setting goes; the next is for members of match, set and expect. */
#define IN(owner, member) .offset = offsetof(owner, member)
#define OBJECTS(owner, member, object) IN(owner, member), .size = sizeof(object)

#define SERVER_SETTINGS(at, owner, tls_default)                                                    \
	{at ".tls",                                                                                \
	 LK_SET_ENUM,                                                                              \
	 IN(owner, tls),                                                                           \
	 .choices = tls_choices,                                                                   \
	 .fallback = tls_default,                                                                  \
	 .flags = RESTART,                                                                         \
	 .prose = "how the connection is protected; none only to this host or a unix socket"},     \
		{at ".ca_file",	   LK_SET_TEXT,                                                    \
		 LK_FORM_PATH,	   IN(owner, ca_file),                                             \
		 .flags = RESTART, .prose = "certificates to trust instead of the system's"},      \
		{at ".pin",	   LK_SET_TEXT,                                                    \
		 LK_FORM_PIN,	   IN(owner, pin),                                                 \
		 .flags = RESTART, .prose = "the only public key accepted, sha256:HEX"},           \
		{at ".password", LK_SET_SECRET, IN(owner, password), .flags = RESTART,             \
		 .prose = "the password"},                                                         \
		{at ".oauth2", LK_SET_GROUP, IN(owner, oauth2), .flags = RESTART,                  \
		 .prose = "where to get the token of auth = \"xoauth2\""},                         \
		{at ".oauth2.token_url",                                                           \
		 LK_SET_TEXT,                                                                      \
		 LK_FORM_URL,                                                                      \
		 IN(lk_conf_oauth2, token_url),                                                    \
		 .flags = REQUIRED | RESTART,                                                      \
		 .prose = "the token endpoint, https"},                                            \
		{at ".oauth2.client_id", LK_SET_TEXT, IN(lk_conf_oauth2, client_id),               \
		 .flags = REQUIRED | RESTART, .prose = "the application's id"},                    \
		{at ".oauth2.client_secret", LK_SET_SECRET, IN(lk_conf_oauth2, client_secret),     \
		 .flags = REQUIRED | RESTART, .prose = "the application's secret"},                \
		{at ".oauth2.grant",                                                               \
		 LK_SET_ENUM,                                                                      \
		 IN(lk_conf_oauth2, grant),                                                        \
		 .choices = grant_choices,                                                         \
		 .fallback = "client_credentials",                                                 \
		 .flags = RESTART,                                                                 \
		 .prose = "the OAuth 2.0 grant"},                                                  \
	{                                                                                          \
		at ".oauth2.scope", LK_SET_TEXT, IN(lk_conf_oauth2, scope),                        \
			.flags = RESTART, .prose = "the scope asked for"                           \
	}

enum {
	REQUIRED = LK_SETTING_REQUIRED,
	RESTART = LK_SETTING_RESTART,
	DERIVED = LK_SETTING_DERIVED,
	FILLED = LK_SETTING_FILLED,
	OR_FOREVER = LK_SETTING_FOREVER
};

static const char *const tls_choices[] = {"none", "starttls", "implicit", NULL};
static const char *const auth_choices[] = {"none", "plain", "login", "xoauth2", NULL};
static const char *const grant_choices[] = {"client_credentials", NULL};
static const char *const lang_choices[] = {"fi", "sv", "en", NULL};
static const char *const protocol_choices[] = {"imap", "pop3", "none", NULL};
static const char *const backlog_choices[] = {"silent", "leave", "normal", NULL};
static const char *const priority_choices[] = {"urgent", "high", "normal", "low", NULL};
static const char *const notify_choices[] = {"agents", "managers", "none", NULL};
static const char *const assign_choices[] = {"none", "round_robin", "least_loaded", "skill", NULL};
static const char *const machine_choices[] = {"ticket", "rule", "quarantine", NULL};
static const char *const survey_choices[] = {"none", "resolved", "closed", NULL};
static const char *const skip_choices[] = {"supplier", NULL};
static const char *const on_choices[] = {"new", "reply", NULL};
static const char *const person_choices[] = {"vip", "blocked", "shared", NULL};
static const char *const kind_choices[] = {"normal", "auto_reply", "bounce",
					   "list",   "calendar",   NULL};
static const char *const importance_choices[] = {"high", "normal", "low", NULL};
static const char *const result_choices[] = {"pass", "fail", "none", NULL};
static const char *const status_choices[] = {
	"new",	"open", "waiting_customer", "waiting_supplier", "on_hold", "resolved", "closed",
	"junk", NULL};
static const char *const evidence_choices[] = {
	"token",     "message_id", "reference", "subject", "supplier_reference",
	"duplicate", "none",	   NULL};
static const char *const quarantine_choices[] = {
	"list",	   "calendar",	   "auto_reply", "unproven_bounce", "own_mail", "dropped",
	"blocked", "machine_mail", NULL};

static const lk_setting table[] = {
	{"site", LK_SET_GROUP, IN(lk_conf, site), .flags = REQUIRED,
	 .prose = "the organisation and what every queue shares"},
	{"site.name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_site, name), .flags = DERIVED,
	 .prose = "the organisation's name in mails; the domain when left out"},
	{"site.prefix", LK_SET_TEXT, LK_FORM_PREFIX, IN(lk_conf_site, prefix), .fallback = "TUKI",
	 .prose = "letters of references such as TUKI-1042"},
	{"site.domain", LK_SET_TEXT, LK_FORM_DOMAIN, IN(lk_conf_site, domain),
	 .flags = REQUIRED | RESTART,
	 .prose = "right-hand side of the Message-IDs that luukku makes"},
	{"site.language", LK_SET_ENUM, IN(lk_conf_site, language), .choices = lang_choices,
	 .fallback = "fi", .prose = "language of templates where nothing else decides"},
	{"site.timezone", LK_SET_TEXT, LK_FORM_TIMEZONE, IN(lk_conf_site, timezone),
	 .fallback = "Europe/Helsinki",
	 .prose = "time zone of calendars, digests and times in mails"},
	{"site.key_file", LK_SET_TEXT, LK_FORM_PATH, IN(lk_conf_site, key_file),
	 .fallback = "site.key", .flags = RESTART,
	 .prose = "site keys, one of 64 hex digits a line: the first signs, all verify"},
	{"site.authserv", LK_SET_LIST, LK_FORM_DOMAIN, IN(lk_conf_site, authserv), .flags = RESTART,
	 .prose = "whose Authentication-Results headers are believed"},
	{"site.relays", LK_SET_LIST, LK_FORM_DOMAIN, IN(lk_conf_site, relays), .flags = RESTART,
	 .prose = "the hosts whose topmost Received line those headers must stand at"},
	{"site.senders_verified", LK_SET_BOOL, IN(lk_conf_site, senders_verified),
	 .fallback = "false",
	 .prose = "the mail system lets nobody send under a colleague's address"},
	{"site.admins", LK_SET_LIST, LK_FORM_ADDRESS, IN(lk_conf_site, admins),
	 .prose = "who is told of breakers, quarantine and expiring credentials"},
	{"site.alarm_command", LK_SET_TEXT, LK_FORM_COMMAND, IN(lk_conf_site, alarm_command),
	 .flags = RESTART,
	 .prose = "program run with the text on standard input when mail itself is broken"},
	{"site.user", LK_SET_TEXT, LK_FORM_WORD, IN(lk_conf_site, user), .fallback = "luukku",
	 .flags = RESTART, .prose = "whom luukkud becomes when it is started as root"},
	{"site.run_dir", LK_SET_TEXT, LK_FORM_PATH, IN(lk_conf_site, run_dir),
	 .fallback = "/run/luukku", .flags = RESTART,
	 .prose = "folder of the pid file, luukkud's status and the LMTP socket"},
	{"site.spool_dir", LK_SET_TEXT, LK_FORM_PATH, IN(lk_conf_site, spool_dir),
	 .fallback = "/var/lib/luukku/spool", .flags = RESTART,
	 .prose = "folder of unlinked temporary files; not a tmpfs"},
	{"site.languages", LK_SET_LIST, LK_FORM_TEMPLATES, IN(lk_conf_site, languages),
	 .fallback = "fi sv en", .flags = FILLED,
	 .prose = "languages that every text of the configuration should have"},
	{"site.bilingual", LK_SET_LIST, LK_FORM_TEMPLATES, IN(lk_conf_site, bilingual),
	 .prose = "languages that both stand in a mail when the customer's is not known"},
	{"site.incident_managers", LK_SET_LIST, LK_FORM_ADDRESS,
	 IN(lk_conf_site, incident_managers),
	 .prose = "agents who get a digest over all queues and may command on every queue"},
	{"site.agent_reports", LK_SET_BOOL, IN(lk_conf_site, agent_reports), .fallback = "false",
	 .prose = "figures per agent may be made"},
	{"site.subaddress", LK_SET_TEXT, LK_FORM_SUBADDRESS, IN(lk_conf_site, subaddress),
	 .fallback = "+",
	 .prose = "what stands between a queue's address and a token; empty where the mail server "
		  "has no subaddresses"},

	{"database", LK_SET_GROUP, IN(lk_conf, database), .flags = REQUIRED, .prose = "PostgreSQL"},
	{"database.conninfo", LK_SET_TEXT, LK_FORM_CONNINFO, IN(lk_conf_database, conninfo),
	 .flags = REQUIRED | RESTART, .prose = "libpq connection string of the login role luukku"},
	{"database.owner_conninfo", LK_SET_TEXT, LK_FORM_CONNINFO,
	 IN(lk_conf_database, owner_conninfo), .flags = DERIVED,
	 .prose = "the same for luukkuctl migrate; conninfo when left out"},
	{"database.keep_raw", LK_SET_DURATION, IN(lk_conf_database, keep_raw_s), .high = YEARS(100),
	 .fallback = "90d", .flags = OR_FOREVER | RESTART,
	 .prose = "how long the original bytes of mails are kept; 0 for not at all"},

	{"smtp", LK_SET_GROUP, IN(lk_conf, smtp), .flags = REQUIRED,
	 .prose = "the server that mail goes out by"},
	{"smtp.host", LK_SET_TEXT, LK_FORM_HOST, IN(lk_conf_smtp, host), .flags = RESTART,
	 .prose = "name, address, or path of a unix socket; needed unless send is false"},
	{"smtp.port", LK_SET_INT, IN(lk_conf_smtp, port), .low = 1, .high = 65535,
	 .flags = DERIVED | RESTART, .prose = "587 for starttls, 465 for implicit, 25 for none"},
	SERVER_SETTINGS("smtp", lk_conf_smtp, "starttls"),
	{"smtp.auth", LK_SET_ENUM, IN(lk_conf_smtp, auth), .choices = auth_choices,
	 .flags = DERIVED | RESTART,
	 .prose = "how to log in; plain where a user is given, else none"},
	{"smtp.user", LK_SET_TEXT, IN(lk_conf_smtp, user), .flags = RESTART,
	 .prose = "the login name"},
	{"smtp.envelope_from", LK_SET_TEXT, LK_FORM_ADDRESS, IN(lk_conf_smtp, envelope_from),
	 .flags = DERIVED | RESTART,
	 .prose = "envelope sender of mails, which must arrive in a mailbox; the first queue's "
		  "address when left out"},
	{"smtp.send", LK_SET_BOOL, IN(lk_conf_smtp, send), .fallback = "true", .flags = RESTART,
	 .prose = "false: mails are queued and shown, and none leaves"},
	{"smtp.connections", LK_SET_INT, IN(lk_conf_smtp, connections), .low = 1, .high = 20,
	 .fallback = "2", .flags = RESTART, .prose = "how many mails may be on their way at once"},
	{"smtp.rate", LK_SET_RATE, IN(lk_conf_smtp, rate), .fallback = "600/m", .flags = RESTART,
	 .prose = "most mails in a time over all connections"},

	{"mailboxes", LK_SET_OBJECTS, OBJECTS(lk_conf, mailboxes, lk_conf_mailbox),
	 .flags = REQUIRED | FILLED, .prose = "where mail comes in"},
	{"mailboxes[].name", LK_SET_TEXT, LK_FORM_WORD, IN(lk_conf_mailbox, name),
	 .flags = REQUIRED | RESTART,
	 .prose = "its name here; the database remembers the mailbox by it"},
	{"mailboxes[].protocol", LK_SET_ENUM, IN(lk_conf_mailbox, protocol),
	 .choices = protocol_choices, .fallback = "imap", .flags = RESTART,
	 .prose = "none is fed by luukku-lmtp or luukkuctl deliver"},
	{"mailboxes[].host", LK_SET_TEXT, LK_FORM_HOST, IN(lk_conf_mailbox, host), .flags = RESTART,
	 .prose = "name, address, or path of a unix socket"},
	{"mailboxes[].port", LK_SET_INT, IN(lk_conf_mailbox, port), .low = 1, .high = 65535,
	 .flags = DERIVED | RESTART,
	 .prose = "IMAP 993 and 143, POP3 995 and 110 as tls is implicit or not"},
	SERVER_SETTINGS("mailboxes[]", lk_conf_mailbox, "implicit"),
	{"mailboxes[].auth", LK_SET_ENUM, IN(lk_conf_mailbox, auth), .choices = auth_choices,
	 .fallback = "plain", .flags = RESTART, .prose = "how to log in"},
	{"mailboxes[].user", LK_SET_TEXT, IN(lk_conf_mailbox, user), .flags = RESTART,
	 .prose = "the login name"},
	{"mailboxes[].folders", LK_SET_LIST, IN(lk_conf_mailbox, folders), .fallback = "INBOX",
	 .flags = RESTART | FILLED, .prose = "IMAP folders that are read"},
	{"mailboxes[].idle", LK_SET_BOOL, IN(lk_conf_mailbox, idle), .fallback = "true",
	 .flags = RESTART, .prose = "IMAP: be told of new mail at once where the server can"},
	{"mailboxes[].poll", LK_SET_DURATION, IN(lk_conf_mailbox, poll_s), .low = 1,
	 .high = DAYS(1), .fallback = "60s", .flags = RESTART,
	 .prose = "time between looks at the mailbox where nobody tells"},
	{"mailboxes[].after", LK_SET_AFTER, IN(lk_conf_mailbox, after), .fallback = "keep",
	 .flags = RESTART,
	 .prose = "what happens on the server to a mail that was taken: keep, seen, delete or "
		  "move:FOLDER"},
	{"mailboxes[].failed", LK_SET_AFTER, IN(lk_conf_mailbox, failed), .fallback = "keep",
	 .flags = RESTART, .prose = "the same for a mail that could be taken in part only"},
	{"mailboxes[].sent", LK_SET_TEXT, IN(lk_conf_mailbox, sent), .flags = RESTART,
	 .prose = "IMAP folder of answers that agents write from the mailbox itself"},
	{"mailboxes[].max_size", LK_SET_SIZE, IN(lk_conf_mailbox, max_size), .low = 65536,
	 .high = MEGA(1024), .fallback = "50M", .flags = RESTART,
	 .prose = "of a larger mail only the header is taken"},
	{"mailboxes[].backlog", LK_SET_DURATION, IN(lk_conf_mailbox, backlog_s), .high = YEARS(100),
	 .fallback = "1d", .flags = RESTART,
	 .prose = "at first contact: mail older than this is backlog"},
	{"mailboxes[].on_backlog", LK_SET_ENUM, IN(lk_conf_mailbox, on_backlog),
	 .choices = backlog_choices, .fallback = "silent", .flags = RESTART,
	 .prose = "what to do with it: a ticket and no mail out, leave it, or as any mail"},
	{"mailboxes[].own_lists", LK_SET_LIST, LK_FORM_DOMAIN, IN(lk_conf_mailbox, own_lists),
	 .flags = RESTART, .prose = "List-Ids of the mailbox's own group address"},
	{"mailboxes[].trust_internal", LK_SET_BOOL, IN(lk_conf_mailbox, trust_internal),
	 .fallback = "false", .prose = "believe X-MS-Exchange-Organization-AuthAs: Internal"},
	{"mailboxes[].strip", LK_SET_LIST, LK_FORM_STRIP, IN(lk_conf_mailbox, strip),
	 .flags = RESTART, .prose = "banners of gateways to remove: text or /pattern/"},

	{"calendars", LK_SET_OBJECTS, OBJECTS(lk_conf, calendars, lk_conf_calendar),
	 .prose = "open hours"},
	{"calendars[].name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_calendar, name),
	 .flags = REQUIRED, .prose = "its name"},
	{"calendars[].hours", LK_SET_TEXT, LK_FORM_HOURS, IN(lk_conf_calendar, hours),
	 .flags = REQUIRED, .prose = "open hours of the week"},
	{"calendars[].holidays", LK_SET_LIST, LK_FORM_HOLIDAY, IN(lk_conf_calendar, holidays),
	 .prose = "closed days"},
	{"calendars[].short", LK_SET_LIST, LK_FORM_SHORT, IN(lk_conf_calendar, short_days),
	 .prose = "days with other hours"},

	{"slas", LK_SET_OBJECTS, OBJECTS(lk_conf, slas, lk_conf_sla), .prose = "service levels"},
	{"slas[].name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_sla, name), .flags = REQUIRED,
	 .prose = "its name"},
	{"slas[].calendar", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_sla, calendar), .flags = REQUIRED,
	 .prose = "the calendar whose open hours count"},
	{"slas[].targets", LK_SET_OBJECTS, OBJECTS(lk_conf_sla, targets, lk_conf_target),
	 .flags = REQUIRED | FILLED, .prose = "promises by priority"},
	{"slas[].targets[].priority", LK_SET_ENUM, IN(lk_conf_target, priority),
	 .choices = priority_choices, .flags = REQUIRED, .prose = "the priority"},
	{"slas[].targets[].type", LK_SET_TEXT, LK_FORM_WORD, IN(lk_conf_target, type),
	 .prose = "for tickets of this type alone; for those of every other type when left out"},
	{"slas[].targets[].respond", LK_SET_SPAN, IN(lk_conf_target, respond), .flags = REQUIRED,
	 .prose = "open time to the first answer"},
	{"slas[].targets[].resolve", LK_SET_SPAN, IN(lk_conf_target, resolve), .flags = REQUIRED,
	 .prose = "open time to the resolution"},
	{"slas[].warn_at", LK_SET_INT, IN(lk_conf_sla, warn_at), .low = 1, .high = 100,
	 .fallback = "75",
	 .prose = "percent of a target at which the owner and the managers are warned"},
	{"slas[].pause_on_supplier", LK_SET_BOOL, IN(lk_conf_sla, pause_on_supplier),
	 .fallback = "false",
	 .prose = "whether waiting for a supplier stops its clocks as waiting for the customer "
		  "does"},

	{"organisations", LK_SET_OBJECTS, OBJECTS(lk_conf, organisations, lk_conf_organisation),
	 .prose = "customers' employers"},
	{"organisations[].name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_organisation, name),
	 .flags = REQUIRED, .prose = "its name"},
	{"organisations[].domains", LK_SET_LIST, LK_FORM_DOMAIN, IN(lk_conf_organisation, domains),
	 .prose = "mail domains of its people, subdomains included"},
	{"organisations[].addresses", LK_SET_LIST, LK_FORM_ADDRESS,
	 IN(lk_conf_organisation, addresses), .prose = "single addresses of its people elsewhere"},
	{"organisations[].sla", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_organisation, sla),
	 .prose = "service level instead of the queue's"},
	{"organisations[].language", LK_SET_TEXT, LK_FORM_LANGUAGE,
	 IN(lk_conf_organisation, language), .prose = "language of its people"},

	{"suppliers", LK_SET_OBJECTS, OBJECTS(lk_conf, suppliers, lk_conf_supplier),
	 .prose = "outside firms that the desk asks for help"},
	{"suppliers[].name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_supplier, name),
	 .flags = REQUIRED, .prose = "its name in commands"},
	{"suppliers[].addresses", LK_SET_LIST, LK_FORM_ADDRESS, IN(lk_conf_supplier, addresses),
	 .flags = REQUIRED | FILLED, .prose = "mail goes to the first; all are recognised"},
	{"suppliers[].domains", LK_SET_LIST, LK_FORM_DOMAIN, IN(lk_conf_supplier, domains),
	 .prose = "mail domains of its people"},
	{"suppliers[].reference", LK_SET_TEXT, LK_FORM_SLASHED, IN(lk_conf_supplier, reference),
	 .prose = "/pattern/ of its own references"},
	{"suppliers[].remind", LK_SET_SPANS, IN(lk_conf_supplier, remind),
	 .prose = "open time between reminders"},
	{"suppliers[].public_name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_supplier, public_name),
	 .prose = "its name in mails to customers; without it they are not told"},

	{"agents", LK_SET_OBJECTS, OBJECTS(lk_conf, agents, lk_conf_agent),
	 .prose = "people of the desk"},
	{"agents[].name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_agent, name), .flags = REQUIRED,
	 .prose = "the name customers see"},
	{"agents[].address", LK_SET_TEXT, LK_FORM_ADDRESS, IN(lk_conf_agent, address),
	 .flags = REQUIRED, .prose = "the address on file; notices go there"},
	{"agents[].aliases", LK_SET_LIST, LK_FORM_ADDRESS, IN(lk_conf_agent, aliases),
	 .prose = "other addresses that the agent writes from"},
	{"agents[].skills", LK_SET_LIST, LK_FORM_WORD, IN(lk_conf_agent, skills),
	 .prose = "for assign = \"skill\" and rules"},
	{"agents[].languages", LK_SET_LIST, LK_FORM_LANGUAGE, IN(lk_conf_agent, languages),
	 .prose = "languages, which count as skills"},

	{"queues", LK_SET_OBJECTS, OBJECTS(lk_conf, queues, lk_conf_queue),
	 .flags = REQUIRED | FILLED, .prose = "work lists of teams"},
	{"queues[].name", LK_SET_TEXT, LK_FORM_WORD, IN(lk_conf_queue, name), .flags = REQUIRED,
	 .prose = "its name in commands and rules"},
	{"queues[].title", LK_SET_LOCAL, IN(lk_conf_queue, title), .flags = DERIVED,
	 .prose = "its name in mails; the name when left out"},
	{"queues[].addresses", LK_SET_LIST, LK_FORM_ADDRESS, IN(lk_conf_queue, addresses),
	 .flags = REQUIRED | FILLED, .prose = "addresses that customers write to"},
	{"queues[].from", LK_SET_TEXT, LK_FORM_ADDRESS, IN(lk_conf_queue, from), .flags = DERIVED,
	 .prose = "address that mails go out from; the first of addresses when left out"},
	{"queues[].agents", LK_SET_LIST, LK_FORM_ADDRESS, IN(lk_conf_queue, agents),
	 .prose = "addresses of the agents"},
	{"queues[].managers", LK_SET_LIST, LK_FORM_ADDRESS, IN(lk_conf_queue, managers),
	 .prose = "addresses of agents who manage the queue"},
	{"queues[].sla", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_queue, sla),
	 .prose = "service level; none when left out"},
	{"queues[].language", LK_SET_ENUM, IN(lk_conf_queue, language), .choices = lang_choices,
	 .flags = DERIVED,
	 .prose = "language of mails where the customer's is not known; site.language when left "
		  "out"},
	{"queues[].notify", LK_SET_ENUM, IN(lk_conf_queue, notify), .choices = notify_choices,
	 .fallback = "agents", .prose = "who hears of a new ticket"},
	{"queues[].assign", LK_SET_ENUM, IN(lk_conf_queue, assign), .choices = assign_choices,
	 .fallback = "none", .prose = "how a new ticket gets its owner"},
	{"queues[].types", LK_SET_LIST, LK_FORM_WORD, IN(lk_conf_queue, types),
	 .prose = "types that its tickets may have; any when left out"},
	{"queues[].default_type", LK_SET_TEXT, LK_FORM_WORD, IN(lk_conf_queue, default_type),
	 .prose = "type of a ticket that no rule gave one"},
	{"queues[].default_priority", LK_SET_ENUM, IN(lk_conf_queue, default_priority),
	 .choices = priority_choices, .fallback = "normal",
	 .prose = "priority of a ticket that no rule gave one"},
	{"queues[].required", LK_SET_OBJECTS, OBJECTS(lk_conf_queue, required, lk_conf_required),
	 .prose = "fields that the acknowledgement asks for while they are missing"},
	{"queues[].required[].field", LK_SET_TEXT, LK_FORM_WORD, IN(lk_conf_required, field),
	 .flags = REQUIRED, .prose = "the field"},
	{"queues[].required[].pattern", LK_SET_TEXT, LK_FORM_PATTERN, IN(lk_conf_required, pattern),
	 .flags = REQUIRED,
	 .prose = "finds the value in the mail: group value, else group 1, else all of it"},
	{"queues[].required[].ask", LK_SET_LOCAL, IN(lk_conf_required, ask), .flags = REQUIRED,
	 .prose = "the question"},
	{"queues[].required[].when", LK_SET_TEXT, LK_FORM_WHEN, IN(lk_conf_required, when),
	 .prose = "only for tickets of a type: type:NAME"},
	{"queues[].acknowledge", LK_SET_BOOL, IN(lk_conf_queue, acknowledge), .fallback = "true",
	 .prose = "acknowledge new tickets"},
	{"queues[].machine_mail", LK_SET_ENUM, IN(lk_conf_queue, machine_mail),
	 .choices = machine_choices, .fallback = "ticket",
	 .prose = "what mail that machines start becomes"},
	{"queues[].tell_on_transfer", LK_SET_BOOL, IN(lk_conf_queue, tell_on_transfer),
	 .fallback = "true", .prose = "the customer hears when the ticket moves to another queue"},
	{"queues[].tell_on_wait", LK_SET_BOOL, IN(lk_conf_queue, tell_on_wait), .fallback = "true",
	 .prose = "the customer hears when the ticket waits for others"},
	{"queues[].tell_every", LK_SET_SPAN, IN(lk_conf_queue, tell_every), .fallback = "0",
	 .prose = "open time without a mail after which the customer hears that work goes on; 0 "
		  "for never"},
	{"queues[].reopen", LK_SET_DURATION, IN(lk_conf_queue, reopen_s), .high = YEARS(100),
	 .fallback = "14d", .prose = "how long a reply reopens a resolved ticket"},
	{"queues[].close_after", LK_SET_DURATION, IN(lk_conf_queue, close_after_s),
	 .high = YEARS(100), .fallback = "7d",
	 .prose = "when a resolved ticket is closed; 0 for never"},
	{"queues[].customer_reminders", LK_SET_SPANS, IN(lk_conf_queue, customer_reminders),
	 .prose = "open time between reminders to a customer who is waited for"},
	{"queues[].close_unanswered", LK_SET_BOOL, IN(lk_conf_queue, close_unanswered),
	 .fallback = "false", .prose = "close when the last reminder stayed unanswered"},
	{"queues[].duplicate_window", LK_SET_DURATION, IN(lk_conf_queue, duplicate_window_s),
	 .high = DAYS(366), .fallback = "2d",
	 .prose = "how long a new mail on the same matter joins the open ticket; 0 for never"},
	{"queues[].hold_stale_replies", LK_SET_BOOL, IN(lk_conf_queue, hold_stale_replies),
	 .fallback = "true", .prose = "hold a reply written before a colleague's answer"},
	{"queues[].survey", LK_SET_GROUP, IN(lk_conf_queue, survey),
	 .prose = "the question whether all is in order"},
	{"queues[].survey.send", LK_SET_ENUM, IN(lk_conf_survey, send), .choices = survey_choices,
	 .fallback = "none", .prose = "when it is sent"},
	{"queues[].survey.delay", LK_SET_DURATION, IN(lk_conf_survey, delay_s), .high = DAYS(90),
	 .fallback = "1h", .prose = "how long after that"},
	{"queues[].survey.skip_if", LK_SET_LIST, LK_FORM_CHOICE, IN(lk_conf_survey, skip_if),
	 .choices = skip_choices, .prose = "tickets it is not sent for: supplier"},
	{"queues[].survey.every", LK_SET_DURATION, IN(lk_conf_survey, every_s), .high = YEARS(10),
	 .fallback = "30d", .prose = "one person is asked at most this often"},
	{"queues[].survey.reopen_below", LK_SET_INT, IN(lk_conf_survey, reopen_below), .high = 10,
	 .fallback = "5", .prose = "a lower score reopens the ticket"},
	{"queues[].digest", LK_SET_TEXT, LK_FORM_DIGEST, IN(lk_conf_queue, digest),
	 .prose = "when the daily digest goes out; never when left out"},
	{"queues[].shares_with", LK_SET_LIST, LK_FORM_WORD, IN(lk_conf_queue, shares_with),
	 .prose = "queues whose agents may see this queue's tickets"},
	{"queues[].mass", LK_SET_GROUP, IN(lk_conf_queue, mass),
	 .prose = "when many tickets look like one incident"},
	{"queues[].mass.people", LK_SET_INT, IN(lk_conf_mass, people), .high = 10000,
	 .fallback = "5", .prose = "how many people; 0 for never"},
	{"queues[].mass.within", LK_SET_DURATION, IN(lk_conf_mass, within_s), .low = 60,
	 .high = DAYS(7), .fallback = "1h", .prose = "within what time"},
	{"queues[].mass.similarity", LK_SET_INT, IN(lk_conf_mass, similarity), .low = 1,
	 .high = 100, .fallback = "45", .prose = "how alike their words are, in percent"},
	{"queues[].retention", LK_SET_GROUP, IN(lk_conf_queue, retention),
	 .prose = "how long closed tickets are kept"},
	{"queues[].retention.text", LK_SET_DURATION, IN(lk_conf_retention, text_s), .low = DAYS(1),
	 .high = YEARS(200), .fallback = "forever", .flags = OR_FOREVER,
	 .prose = "texts, after closing"},
	{"queues[].retention.attachments", LK_SET_DURATION, IN(lk_conf_retention, attachments_s),
	 .low = DAYS(1), .high = YEARS(200), .fallback = "forever", .flags = OR_FOREVER,
	 .prose = "attachments, after closing"},
	{"queues[].rules", LK_SET_OBJECTS, OBJECTS(lk_conf_queue, rules, lk_conf_rule),
	 .prose = "this queue's own rules, after the common ones"},

	{"rule_files", LK_SET_TEXT, LK_FORM_PATH, IN(lk_conf, rule_files),
	 .prose = "pattern of files with more rules, read in name order"},
	{"rules", LK_SET_OBJECTS, OBJECTS(lk_conf, rules, lk_conf_rule), .prose = "routing rules"},
	{"rules[].name", LK_SET_TEXT, LK_FORM_NAME, IN(lk_conf_rule, name), .flags = REQUIRED,
	 .prose = "its name in events and reports"},
	{"rules[].on", LK_SET_ENUM, IN(lk_conf_rule, on), .choices = on_choices, .fallback = "new",
	 .prose = "new: new tickets only; reply: replies too"},
	{"rules[].match", LK_SET_MATCH, IN(lk_conf_rule, match),
	 .prose = "tests that must all hold"},
	{"rules[].match.any", LK_SET_VALUES, LK_FORM_NAMED,
	 .prose = "groups of tests of which one must hold"},
	{"rules[].match.all", LK_SET_VALUES, LK_FORM_NAMED,
	 .prose = "groups of tests that must all hold"},
	{"rules[].match.none", LK_SET_VALUES, LK_FORM_NAMED,
	 .prose = "groups of tests of which none may hold"},
	{"rules[].match.person", LK_SET_VALUES, LK_FORM_CHOICE, .choices = person_choices,
	 .prose = "how the sender is marked"},
	{"rules[].match.from", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "the sender's address"},
	{"rules[].match.from_domain", LK_SET_VALUES, LK_FORM_MATCHER,
	 .prose = "the domain of the sender's address"},
	{"rules[].match.organisation", LK_SET_VALUES, LK_FORM_MATCHER,
	 .prose = "the sender's organisation"},
	{"rules[].match.to", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "an address in To"},
	{"rules[].match.cc", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "an address in Cc"},
	{"rules[].match.recipient", LK_SET_VALUES, LK_FORM_MATCHER,
	 .prose = "an address in To, Cc or the envelope"},
	{"rules[].match.mailbox", LK_SET_VALUES, LK_FORM_MATCHER,
	 .prose = "the mailbox it came by"},
	{"rules[].match.queue", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "the queue so far"},
	{"rules[].match.subject", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "the subject"},
	{"rules[].match.body", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "the new words"},
	{"rules[].match.text", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "all of the text"},
	{"rules[].match.header", LK_SET_VALUES, LK_FORM_NAMED, .prose = "headers by name"},
	{"rules[].match.attachment", LK_SET_VALUES, LK_FORM_MATCHER,
	 .prose = "the file name of an attachment"},
	{"rules[].match.attachment_type", LK_SET_VALUES, LK_FORM_MATCHER,
	 .prose = "the media type of an attachment"},
	{"rules[].match.size", LK_SET_VALUES, LK_FORM_SIZE_TEST, .prose = "the size of the mail"},
	{"rules[].match.language", LK_SET_VALUES, LK_FORM_LANGUAGE,
	 .prose = "the language of the new words"},
	{"rules[].match.kind", LK_SET_VALUES, LK_FORM_CHOICE, .choices = kind_choices,
	 .prose = "the kind of mail"},
	{"rules[].match.type", LK_SET_VALUES, LK_FORM_MATCHER, .prose = "the type so far"},
	{"rules[].match.priority", LK_SET_VALUES, LK_FORM_CHOICE, .choices = priority_choices,
	 .prose = "the priority so far"},
	{"rules[].match.importance", LK_SET_VALUES, LK_FORM_CHOICE, .choices = importance_choices,
	 .prose = "the importance that the sender gave"},
	{"rules[].match.auth", LK_SET_VALUES, LK_FORM_CHOICE, .choices = result_choices,
	 .prose = "the trusted Authentication-Results"},
	{"rules[].match.spam_score", LK_SET_VALUES, LK_FORM_SCORE_TEST,
	 .prose = "the score of the spam filter"},
	{"rules[].match.time", LK_SET_VALUES, LK_FORM_OFFICE,
	 .prose = "open hours of a calendar, or with ! all others"},
	{"rules[].match.is_reply", LK_SET_VALUES, LK_FORM_BOOL, .prose = "it is a reply"},
	{"rules[].match.agent", LK_SET_VALUES, LK_FORM_BOOL_OR_MATCHER,
	 .prose = "it is by an agent, or by which"},
	{"rules[].match.supplier", LK_SET_VALUES, LK_FORM_BOOL_OR_MATCHER,
	 .prose = "it is by a supplier, or by which"},
	{"rules[].set", LK_SET_SETS, IN(lk_conf_rule, set), .prose = "what the rule decides"},
	{"rules[].set.queue", LK_SET_VALUES, LK_FORM_WORD, .prose = "the queue"},
	{"rules[].set.owner", LK_SET_VALUES, LK_FORM_ADDRESS, .prose = "the agent who owns it"},
	{"rules[].set.skill", LK_SET_VALUES, LK_FORM_WORD, .prose = "the skill it needs"},
	{"rules[].set.type", LK_SET_VALUES, LK_FORM_WORD, .prose = "the type"},
	{"rules[].set.priority", LK_SET_VALUES, LK_FORM_CHOICE, .choices = priority_choices,
	 .prose = "the priority"},
	{"rules[].set.status", LK_SET_VALUES, LK_FORM_CHOICE, .choices = status_choices,
	 .prose = "the status"},
	{"rules[].set.tags", LK_SET_VALUES, LK_FORM_ANY, .prose = "tags to add"},
	{"rules[].set.fields", LK_SET_VALUES, LK_FORM_NAMED, .prose = "fields by name"},
	{"rules[].set.subject", LK_SET_VALUES, LK_FORM_ANY, .prose = "the internal title"},
	{"rules[].set.language", LK_SET_VALUES, LK_FORM_LANGUAGE,
	 .prose = "the customer's language"},
	{"rules[].set.acknowledge", LK_SET_VALUES, LK_FORM_BOOL, .prose = "acknowledge it"},
	{"rules[].set.notify", LK_SET_VALUES, LK_FORM_CHOICE, .choices = notify_choices,
	 .prose = "who hears of it"},
	{"rules[].set.cc", LK_SET_VALUES, LK_FORM_ADDRESS, .prose = "participants to add"},
	{"rules[].set.forward", LK_SET_VALUES, LK_FORM_ADDRESS,
	 .prose = "addresses that get a copy"},
	{"rules[].set.supplier", LK_SET_VALUES, LK_FORM_NAME,
	 .prose = "the supplier it is handed to"},
	{"rules[].set.template", LK_SET_VALUES, LK_FORM_WORD,
	 .prose = "the template of the acknowledgement"},
	{"rules[].set.sla", LK_SET_VALUES, LK_FORM_NAME, .prose = "the service level"},
	{"rules[].set.open", LK_SET_VALUES, LK_FORM_BOOL,
	 .prose = "open a ticket from list or calendar mail"},
	{"rules[].set.drop", LK_SET_VALUES, LK_FORM_ANY,
	 .prose = "no ticket: quarantine, with this reason"},
	{"rules[].stop", LK_SET_BOOL, IN(lk_conf_rule, stop), .fallback = "false",
	 .prose = "no later rule is looked at"},

	{"tests", LK_SET_OBJECTS, OBJECTS(lk_conf, tests, lk_conf_example),
	 .prose = "mails and what must become of them; run by check and reload"},
	{"tests[].mail", LK_SET_TEXT, LK_FORM_PATH, IN(lk_conf_example, mail), .flags = REQUIRED,
	 .prose = "file of the mail"},
	{"tests[].expect", LK_SET_SETS, IN(lk_conf_example, expect), .flags = REQUIRED,
	 .prose = "what explain must say"},
	{"tests[].expect.kind", LK_SET_VALUES, LK_FORM_CHOICE, .choices = kind_choices,
	 .prose = "the kind of mail"},
	{"tests[].expect.evidence", LK_SET_VALUES, LK_FORM_CHOICE, .choices = evidence_choices,
	 .prose = "what ties it to a ticket"},
	{"tests[].expect.joins", LK_SET_VALUES, LK_FORM_BOOL, .prose = "it joins a ticket"},
	{"tests[].expect.queue", LK_SET_VALUES, LK_FORM_WORD, .prose = "the queue"},
	{"tests[].expect.type", LK_SET_VALUES, LK_FORM_WORD, .prose = "the type"},
	{"tests[].expect.priority", LK_SET_VALUES, LK_FORM_CHOICE, .choices = priority_choices,
	 .prose = "the priority"},
	{"tests[].expect.owner", LK_SET_VALUES, LK_FORM_ADDRESS, .prose = "the owner"},
	{"tests[].expect.status", LK_SET_VALUES, LK_FORM_CHOICE, .choices = status_choices,
	 .prose = "the status"},
	{"tests[].expect.tags", LK_SET_VALUES, LK_FORM_ANY, .prose = "tags, all of them present"},
	{"tests[].expect.fields", LK_SET_VALUES, LK_FORM_NAMED, .prose = "fields by name"},
	{"tests[].expect.organisation", LK_SET_VALUES, LK_FORM_NAME, .prose = "the organisation"},
	{"tests[].expect.language", LK_SET_VALUES, LK_FORM_LANGUAGE, .prose = "the language"},
	{"tests[].expect.missing_fields", LK_SET_VALUES, LK_FORM_WORD,
	 .prose = "required fields that are missing"},
	{"tests[].expect.acknowledge", LK_SET_VALUES, LK_FORM_BOOL, .prose = "it is acknowledged"},
	{"tests[].expect.quarantine", LK_SET_VALUES, LK_FORM_CHOICE, .choices = quarantine_choices,
	 .prose = "it is kept out, for this reason"},

	{"reload_limit", LK_SET_INT, IN(lk_conf, reload_limit), .high = 100, .fallback = "20",
	 .prose = "percent of last week's mail whose route may change before a reload wants "
		  "--force"},
	{"breaker", LK_SET_RATES, IN(lk_conf, breaker),
	 .fallback = "10/10m 15/30m 25/60m 50/180m 100/600m", .flags = FILLED,
	 .prose = "most mails out per address and ticket in a time; an address gets three times "
		  "as many over all tickets"},

	{"lmtp", LK_SET_GROUP, IN(lk_conf, lmtp), .prose = "mail handed in by a mail server"},
	{"lmtp.listen", LK_SET_TEXT, LK_FORM_SOCKET, IN(lk_conf_lmtp, listen),
	 .flags = DERIVED | RESTART,
	 .prose = "path of the socket; lmtp in site.run_dir when left out"},

	{"web", LK_SET_GROUP, IN(lk_conf, web), .prose = "pages"},
	{"web.listen", LK_SET_TEXT, LK_FORM_LISTEN, IN(lk_conf_web, listen), .flags = RESTART,
	 .prose = "survey pages, behind a proxy; none when left out"},
	{"web.public_url", LK_SET_TEXT, LK_FORM_URL, IN(lk_conf_web, public_url),
	 .prose = "how the proxy publishes them"},
	{"web.accessibility_url", LK_SET_TEXT, LK_FORM_URL, IN(lk_conf_web, accessibility_url),
	 .prose = "accessibility statement that pages link to"},
	{"web.internal", LK_SET_TEXT, LK_FORM_LISTEN, IN(lk_conf_web, internal), .flags = RESTART,
	 .prose = "board, /metrics, /healthz and /readyz; none when left out"},
	{"web.board_token", LK_SET_SECRET, IN(lk_conf_web, board_token), .flags = RESTART,
	 .prose = "what the board asks for"},

	{"templates", LK_SET_TEXT, LK_FORM_PATH, IN(lk_conf, templates),
	 .prose = "folder of templates used instead of the installed ones"},
};

const lk_setting *lk_settings(unsigned *ret_n)
{
	*ret_n = G_N_ELEMENTS(table);
	return table;
}

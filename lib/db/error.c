#include "lib/db/private.h"

#include "lib/base/err.h"
#include "lib/base/text.h"

#include <string.h>

enum { MOST_MESSAGE_BYTES = 400 };

char *lk_pg_one_line(const char *message)
{
	g_autofree char *clean = lk_text_clean(message, strlen(message));
	g_autofree char *line = lk_text_squeeze(clean);

	return lk_text_cut(line, MOST_MESSAGE_BYTES);
}

static bool is_class(const char *sqlstate, const char *prefix)
{
	return strncmp(sqlstate, prefix, strlen(prefix)) == 0;
}

lk_err lk_pg_classify(const char *sqlstate)
{
	/* A limit that one mail ran into is no reason to try it again. */
	static const char *const message[] = {"22", "23", "44", "54", "P0001", NULL};
	/* Nothing gets better before a person has done something. */
	static const char *const config[] = {"0A", "0P", "26", "28", "3D", "3F", "42", NULL};

	if (sqlstate == NULL)
		return LK_ERR_RETRY;
	for (unsigned i = 0; message[i] != NULL; i++)
		if (is_class(sqlstate, message[i]))
			return LK_ERR_MESSAGE;
	for (unsigned i = 0; config[i] != NULL; i++)
		if (is_class(sqlstate, config[i]))
			return LK_ERR_CONFIG;
	return LK_ERR_RETRY;
}

const char *lk_pg_advice(const char *sqlstate)
{
	static const struct {
		const char *prefix;
		const char *text;
	} advice[] = {
		{"53100",
		 "the database's disk is full: free space on the database host; mail waits "
		 "on the mail server until then"},
		{"53300",
		 "too many connections: raise max_connections of PostgreSQL or start fewer "
		 "programs"},
		{"53", "the database is short of resources; look at its log"},
		{"55P03", "another transaction held a lock too long; it will be tried again"},
		{"57014", "it took longer than the statement time-out; it will be tried again"},
		{"57P", "the database stops or starts; it will be tried again"},
		{"58", "the database cannot use its files; look at its log"},
		{"25006", "this server is a read-only standby: name the primary or add "
			  "target_session_attrs=read-write to database.conninfo"},
		{"26", "the connection was changed on the way: a pooler must keep sessions"},
		{"28", "check user and password in database.conninfo, and pg_hba.conf"},
		{"3D000", "create the database or correct dbname in database.conninfo"},
		{"42501", "a right is missing: luukkuctl migrate gives them, as the owner of the "
			  "database (database.owner_conninfo)"},
		{"42P01", "the schema does not fit this program: run luukkuctl migrate"},
		{"42703", "the schema does not fit this program: run luukkuctl migrate"},
		{"42883", "the schema does not fit this program: run luukkuctl migrate"},
		{"XX", "the database reports damage: look at its log now"},
	};

	if (sqlstate == NULL)
		return NULL;
	for (unsigned i = 0; i < G_N_ELEMENTS(advice); i++)
		if (is_class(sqlstate, advice[i].prefix))
			return advice[i].text;
	return NULL;
}

bool lk_pg_fail(lk_db *db, const PGresult *result, const char *query, GError **error)
{
	const char *sqlstate = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

	if (db->is_dead || sqlstate == NULL || PQstatus(db->conn) != CONNECTION_OK) {
		const char *raw = db->is_dead ? "no answer in time" : PQerrorMessage(db->conn);
		g_autofree char *line = lk_pg_one_line(raw);
		const char *advice = lk_pg_advice(sqlstate);

		g_set_error(error, LK_ERROR, LK_ERR_RETRY,
			    "lost the connection to the database (%s): %s; %s", query, line,
			    advice ? advice : "it will be tried again");
		return false;
	}
	/* The primary message only: the detail holds values of rows. */
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	g_autofree char *line = lk_pg_one_line(primary ? primary : "no message");
	const char *advice = lk_pg_advice(sqlstate);

	g_set_error(error, LK_ERROR, lk_pg_classify(sqlstate), "database: %s (%s, SQLSTATE %s)%s%s",
		    line, query, sqlstate, advice ? ": " : "", advice ? advice : "");
	return false;
}

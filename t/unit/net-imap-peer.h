/* What the scripts of all IMAP tests begin with. */
#ifndef T_UNIT_NET_IMAP_PEER_H
#define T_UNIT_NET_IMAP_PEER_H

#include "lib/net/imap.h"
#include "t/unit/net-peer.h"

#define CAPABILITIES "IMAP4rev1 IDLE MOVE UIDPLUS SASL-IR AUTH=PLAIN"

G_GNUC_UNUSED static void greet(script *s, const char *capabilities)
{
	say(s, "* OK hi\r\n");
	hear(s, "CAPABILITY");
	g_autofree char *answer =
		g_strdup_printf("* CAPABILITY %s\r\n%%T OK done\r\n", capabilities);
	say(s, answer);
}

G_GNUC_UNUSED static void log_in(script *s)
{
	greet(s, CAPABILITIES);
	hear(s, "AUTHENTICATE PLAIN AHVzZXIAc2VjcmV0");
	say(s, "%T OK [CAPABILITY " CAPABILITIES "] in\r\n");
}

G_GNUC_UNUSED static void select_folder(script *s)
{
	log_in(s);
	hear(s, "SELECT \"INBOX\"");
	say(s, "* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 12] x\r\n"
	       "%T OK [READ-WRITE] done\r\n");
}

typedef struct {
	peer p;
	lk_imap *imap;
	lk_imap_folder folder;
} fixture;

/* A session with INBOX selected; the script has played select_folder. */
G_GNUC_UNUSED static void open_folder(fixture *f, play run)
{
	GError *error = NULL;
	f->p = peer_start(run);
	g_assert_true(lk_imap_open(&f->p.server, &f->imap, &error));
	g_assert_no_error(error);
	g_assert_true(lk_imap_select(f->imap, "INBOX", &f->folder, &error));
	g_assert_no_error(error);
}

G_GNUC_UNUSED static void close_folder(fixture *f)
{
	lk_imap_free(f->imap);
	g_assert_true(peer_stop(&f->p));
}

#endif

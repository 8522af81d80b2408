#!/usr/bin/perl

# Mails that kill the parser, or that the database refuses: each is a ticket with what could be
# read, or stands where people find it, and the mails around it are taken.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until);
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Pg;
use Test::More;

my $pg = Luukku::Test::Pg->start;

sub desk {
	return Luukku::Test::Desk->start(pg => $pg, mailboxes => <<'CONF');
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; after = "move:Luukku/Done"; failed = "move:Luukku/Failed"; on_backlog = "normal"; }
CONF
}

sub one {
	my ($desk, $sql) = @_;
	return scalar $desk->db->sql($sql);
}

# The database refuses messages with this text, as it refuses what PostgreSQL cannot hold.
sub refuse {
	my ($desk, $column, $word, $code, $more) = @_;
	$more //= '';
	$desk->db->sql(qq{CREATE SEQUENCE refusals; GRANT USAGE ON SEQUENCE refusals TO PUBLIC});
	$desk->db->sql(qq{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$
		BEGIN
			IF NEW.$column LIKE '%$word%' $more THEN
				RAISE EXCEPTION 'refused by the test' USING ERRCODE = '$code';
			END IF;
			RETURN NEW;
		END \$\$});
	$desk->db->sql('CREATE TRIGGER refuse BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION refuse()');
	return;
}

# --- the parser dies on every mail
{
	my $desk = desk();
	$desk->deliver('ict', mail(subject => "tappaja $_")) for 1 .. 3;
	my $done = $desk->once(env => { LUUKKU_FAULT_MODE => 'parse-crash' });
	is $done->{status}, 0, 'a parser that dies stops nothing' or diag $done->{err};
	is one($desk, "SELECT count(*) FROM ticket WHERE subject LIKE 'tappaja %' AND queue = 'ict'"), 3, 'each mail is a ticket in its queue, with its subject';
	is one($desk, "SELECT count(*) FROM message WHERE from_address LIKE 'asiakas%' AND raw_blob IS NOT NULL"), 3, 'with its sender and the raw mail';
	is one($desk, "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sent')"), 0, 'and no answer';
	is scalar(() = $done->{err} =~ /mail\.unparsed/g), 3, 'the log says so';
	is $desk->dovecot->count('ict@example.fi', 'Luukku/Done'), 3, 'the server is told';
}

# --- the database refuses what the parser read: the mail is stored as unparsed
{
	my $desk = desk();
	refuse($desk, 'text', 'myrkkyteksti', '22P05');
	$desk->deliver('ict', mail(subject => "ennen $_")) for 1 .. 3;
	$desk->deliver('ict', mail(subject => 'myrkky', text => "tässä on myrkkyteksti\n"));
	$desk->deliver('ict', mail(subject => "jälkeen $_")) for 1 .. 3;
	my $done = $desk->once;
	is $done->{status}, 0, 'a text that the database refuses stops nothing' or diag $done->{err};
	is one($desk, 'SELECT count(*) FROM ticket'), 7, 'all are tickets';
	is one($desk, "SELECT length(text) FROM message WHERE subject = 'myrkky'"), 0, 'the refused one without its text';
	like $done->{err}, qr/mail\.unstorable mailbox=ict uid="4" next=minimal/, 'the log says which';
	is one($desk, 'SELECT count(*) FROM arrival'), 7, 'each arrived once';
	is $desk->dovecot->count('ict@example.fi', 'Luukku/Done'), 7, 'and the server is told';
}

# --- the database refuses it in any form: it goes where people find it
{
	my $desk = desk();
	refuse($desk, 'subject', 'myrkky', '23514');
	$desk->deliver('ict', mail(subject => "ennen $_")) for 1 .. 3;
	$desk->deliver('ict', mail(subject => 'myrkky'));
	$desk->deliver('ict', mail(subject => "jälkeen $_")) for 1 .. 3;
	$desk->deliver('ict', mail(subject => 'myrkky viimeisenä'));
	$desk->up;
	wait_until(sub { one($desk, 'SELECT count(*) FROM ticket') == 6 }, 60, 'the tickets') or diag $desk->log;
	wait_until(sub { $desk->dovecot->count('ict@example.fi', 'Luukku/Failed') == 2 }, 30, 'the mails to be moved');
	pass 'the mail that cannot be stored goes where failed says';
	like $desk->log, qr/mail\.refused mailbox=ict uid="4" error="/, 'the log says so loudly';
	wait_until(sub { $desk->dovecot->count('ict@example.fi', 'Luukku/Done') == 6 }, 30, 'the others to be moved');
	wait_until(sub { one($desk, 'SELECT last_uid FROM folder') == 8 }, 30, 'the mark of the folder');
	pass 'the folder has been passed';
	$desk->down;
	is $desk->dovecot->count('ict@example.fi', 'INBOX', live => 1), 0, 'nothing is left';
}

# --- a conflict that passes: tried again, nothing lost
{
	my $desk = desk();
	refuse($desk, 'subject', 'ristiriita', '40001', "AND nextval('refusals') <= 2");
	$desk->deliver('ict', mail(subject => "ristiriita $_")) for 1 .. 4;
	my $done = $desk->once;
	is $done->{status}, 0, 'a conflict is tried again' or diag $done->{err};
	is one($desk, 'SELECT count(*) FROM ticket'), 4, 'all are tickets';
	is one($desk, 'SELECT count(*) FROM arrival'), 4, 'once each';
	unlike $done->{err}, qr/unparsed|unstorable/, 'whole';
}

# --- a full database: nothing is told to the server, and it is seen
{
	my $desk = desk();
	refuse($desk, 'subject', '', '53100');
	$desk->deliver('ict', mail(subject => "levy $_")) for 1 .. 3;
	my $done = $desk->once;
	is $done->{status}, 75, 'a full disk: try again later';
	is one($desk, 'SELECT count(*) FROM arrival'), 0, 'nothing is stored';
	is $desk->dovecot->count('ict@example.fi', 'INBOX', live => 1), 3, 'the mails stay on the server';
	like one($desk, "SELECT error FROM mailbox WHERE name = 'ict'"), qr/disk|full|refused by the test/, 'the status says why';
	$desk->db->sql('DROP TRIGGER refuse ON message');
	is $desk->once->{status}, 0, 'room again';
	is one($desk, 'SELECT count(*) FROM ticket'), 3, 'and all are taken';
	is one($desk, "SELECT count(*) FROM mailbox WHERE error IS NULL"), 1, 'the error has gone';
}

done_testing;

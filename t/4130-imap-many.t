#!/usr/bin/perl

# A mailbox with many mails at first contact: silent, said so, and nothing held up. 500 mails;
# 10,000 under LUUKKU_LONG.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until slurp);
use Luukku::Test::Desk qw(mail);
use Test::More;

my $n = $ENV{LUUKKU_LONG} ? 10_000 : 500;
my $desk = Luukku::Test::Desk->start(mailboxes => <<'CONF');
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; poll = "60s"; after = "move:Luukku/Done"; backlog = "1d"; on_backlog = "silent"; },
  { name = "hr"; protocol = "pop3"; host = "127.0.0.1"; port = @POP3@; tls = "none"; user = "hr@example.fi";
    password_file = "hr.pass"; poll = "1s"; after = "delete"; on_backlog = "normal"; }
CONF

sub one {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

my $old = time - 3 * 86400;
$desk->deliver('ict', mail(subject => "vanha $_"), at => $old + $_) for 1 .. $n;
$desk->deliver('ict', mail(subject => "uusi $_")) for 1 .. 5;
$desk->up;

# --- the other mailbox is served meanwhile
$desk->deliver('hr', mail(subject => 'palkka', to => 'hr@example.fi'));
wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'palkka'") }, 60, 'the other mailbox');
ok one('SELECT count(*) FROM ticket') < $n, 'a mailbox with many mails holds up no other';

# --- how it goes is seen
my $seen = wait_until(sub {
	my $row = one("SELECT waiting FROM mailbox WHERE name = 'ict' AND waiting > 0 AND lag_seconds > 2 * 86400");
	my $done = one("SELECT count(*) FROM ticket WHERE subject LIKE '%i %'") == $n + 5;
	return $row ? $row : $done ? -1 : 0;
}, 120, 'the progress to be seen');
cmp_ok $seen, '>', 0, "mails waiting and their age stand in the table ($seen of $n)";
like $desk->log, qr/mailbox\.backlog mailbox=ict folder="INBOX" mails=$n before=\S+ what="become tickets without any mail out"/,
	'the log says how many old mails there are';

# --- luukkud is stopped in the middle, and goes on where it was
$desk->down;
my $half = one('SELECT count(*) FROM ticket');
$desk->up;
wait_until(sub { one('SELECT count(*) FROM ticket') == $n + 6 && one("SELECT count(*) FROM arrival WHERE server <> 'done'") == 0 },
	60 + $n / 10, 'all mails to be taken');
cmp_ok $half, '<', $n + 6, "stopped at $half";
wait_until(sub { one(q{SELECT count(*) FROM outbox WHERE state = 'sent'}) >= 6 }, 60, 'the acknowledgements');
$desk->down;
is one('SELECT count(*) FROM ticket WHERE is_silent'), $n, 'old mails are silent tickets';
is $desk->smtp->count, 6, 'acknowledgements went to the new mails alone';
is $desk->dovecot->count('ict@example.fi', 'Luukku/Done'), $n + 5, 'all were moved';
is $desk->dovecot->count('ict@example.fi', 'INBOX', live => 1), 0, 'and none is left';
is one('SELECT count(*) FROM message WHERE direction = \'in\''), $n + 6, 'nothing was taken twice';
is one("SELECT count(DISTINCT (mailbox, folder, uidvalidity, uid)) FROM arrival"), $n + 6, 'each arrived once';
$desk->show_log if !Test::More->builder->is_passing;
done_testing;

#!/usr/bin/perl

# The whole desk running: a mail becomes a ticket and an acknowledgement as soon as the server
# announces it, a reply joins, a reload with the real check, and what an idle fetcher holds.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(wait_until run program slurp spew);
use Luukku::Test::Desk qw(mail header);
use Test::More;
use Time::HiRes qw(time);

my $desk = Luukku::Test::Desk->start(mailboxes => <<'CONF');
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; user = "ict@example.fi";
    password_file = "ict.pass"; poll = "300s"; after = "move:Luukku/Done"; on_backlog = "normal"; },
  { name = "hr"; protocol = "pop3"; host = "127.0.0.1"; port = @POP3@; tls = "none"; user = "hr@example.fi";
    password_file = "hr.pass"; poll = "1s"; after = "delete"; on_backlog = "normal"; }
CONF

sub one {
	my ($sql) = @_;
	return scalar $desk->db->sql($sql);
}

sub fetcher {
	my ($name) = @_;
	my $status = JSON::PP->new->utf8->decode(slurp($desk->dir . '/run/status.json'));
	my ($found) = grep { $_->{name} eq "luukku-fetch $name" } @{ $status->{daemons} };
	return $found // {};
}

my $pid = $desk->up;
wait_until(sub { fetcher('ict')->{last_ok_at} && fetcher('hr')->{last_ok_at} }, 30, 'both mailboxes to be visited');

# --- a mail comes while the fetcher idles; the poll is five minutes away
for my $round (1 .. 3) {
	my $start = time;
	$desk->deliver('ict', mail(subject => "idle $round", from => 'Ada <ada@asiakas.example>'));
	wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'idle $round'") }, 30, "ticket $round by IDLE");
	ok time - $start < 100, "IDLE: ticket $round before any poll";
}
my ($first) = $desk->smtp->wait_mails(3);
is $first->{rcpt}[0], 'ada@asiakas.example', 'it is acknowledged';
wait_until(sub { $desk->dovecot->count('ict@example.fi', 'Luukku/Done') == 3 }, 20, 'the mails to be moved');

# --- a reply to the signed address joins, whatever its subject says
my $reply_to = header($first->{data}, 'Reply-To');
my $ticket = one("SELECT min(id) FROM ticket");
$desk->deliver('ict', mail(subject => 'aivan muuta', from => 'Ada <ada@asiakas.example>', to => $reply_to,
	headers => 'In-Reply-To: ' . header($first->{data}, 'Message-ID') . "\n"));
wait_until(sub { one("SELECT count(*) FROM message WHERE subject = 'aivan muuta' AND ticket_id = $ticket") }, 30, 'the reply to join');
is one('SELECT count(*) FROM ticket'), 3, 'a reply opens no ticket';

# --- POP3 at the same time
$desk->deliver('hr', mail(subject => 'palkka', to => 'hr@example.fi'));
wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'palkka' AND queue = 'hr'") }, 30, 'the ticket by POP3');
wait_until(sub { $desk->dovecot->count('hr@example.fi', 'INBOX') == 0 }, 20, 'the mail to be deleted');
pass 'POP3: taken and deleted';

# --- idle, the database connection is let go
wait_until(sub { one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'luukku-fetch' AND datname = current_database()") == 0 },
	40, 'idle fetchers to let go of the database');
pass 'an idle fetcher holds no database connection';
my $ict = fetcher('ict')->{pid};
wait_until(sub { !-e "/proc/$ict/task/$ict/children" || slurp("/proc/$ict/task/$ict/children") !~ /\d/ },
	20, 'the parser to be let go');
pass 'and no parser';
$desk->deliver('ict', mail(subject => 'after the rest'));
wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'after the rest'") }, 30, 'the ticket after the rest');
pass 'both come back when a mail does';

# --- reload with a broken file: everything goes on as it was
my $good = slurp($desk->conf);
(my $bad = $good) =~ s/prefix = "TUKI"/prefixx = "TUKI"/;
spew($desk->conf, "$bad\nqueues_of_nobody = 1;\n", 0600);
$desk->give_away($desk->conf);
kill 'HUP', $pid;
wait_until(sub { $desk->log =~ /reload\.refused/ }, 60, 'the broken file to be refused');
like $desk->log, qr/reload\.problem.*luukku\.conf:\d+: .*prefixx.*prefix/, 'each error with file and line';
like $desk->log, qr/reload\.problem.*queues_of_nobody/, 'all of them';
is fetcher('ict')->{pid}, $ict, 'the fetcher was not touched';
$desk->deliver('ict', mail(subject => 'under the old configuration'));
wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'under the old configuration'") }, 30, 'the ticket meanwhile');
pass 'and works on';

# --- repaired, with a change of one mailbox
my $hr = fetcher('hr')->{pid};
(my $changed = $good) =~ s/poll = "300s"/poll = "200s"/;
spew($desk->conf, $changed, 0600);
$desk->give_away($desk->conf);
kill 'HUP', $pid;
wait_until(sub { my $now = fetcher('ict')->{pid}; $now && $now != $ict }, 60, 'the changed fetcher to restart');
is fetcher('hr')->{pid}, $hr, 'the other one keeps running';
$desk->deliver('ict', mail(subject => 'under the new configuration'));
wait_until(sub { one("SELECT count(*) FROM ticket WHERE subject = 'under the new configuration'") }, 30, 'the ticket afterwards');

# --- a second luukkud on the same run_dir
my $second = run([program('luukkud'), '-f', '-c', $desk->conf]);
is $second->{status}, 75, 'a second luukkud is refused';
like $second->{err}, qr/already running here \(pid $pid/, 'and told which one runs';
is $desk->once->{status}, 75, '--once too';
is run([program('luukkud'), '-t', '-c', $desk->conf])->{status}, 0, 'luukkud -t checks beside it';

# --- stop
my $start = time;
$desk->down;
ok time - $start < 40, 'it stops without waiting';
unlike $desk->log, qr/child\.killed|child\.died/, 'no child had to be killed';
is one(q{SELECT count(*) FROM arrival WHERE server <> 'done'}), 0, 'nothing is left undone';
$desk->show_log if !Test::More->builder->is_passing;
done_testing;

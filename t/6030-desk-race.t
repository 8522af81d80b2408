#!/usr/bin/perl
# The same mail taken at one moment in several mailboxes: one message, one ticket, one answer.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use POSIX ();
use Luukku::Test::Base qw(wait_until);
use Luukku::Test::Intake;

my $desk = Luukku::Test::Intake->start;

# Runs each piece of code in a process of its own, all at once; true when all succeeded.
sub at_once {
	my (@code) = @_;
	my @pids;
	for my $code (@code) {
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			my $is_done = eval { $code->(); 1 };
			print STDERR "# $@" if !$is_done;
			POSIX::_exit($is_done ? 0 : 1);
		}
		push @pids, $pid;
	}
	my $failed = 0;
	for my $pid (@pids) {
		waitpid $pid, 0;
		$failed++ if $?;
	}
	return !$failed;
}

for my $round (1 .. 3) {
	my %m = (from => "r$round\@example.org", subject => "kierros $round", id => "race$round\@x",
		to => 'ict@example.fi, hr@example.fi, alarm@example.fi');
	my @mailboxes = qw(ict hr alarm);
	ok(at_once(map { my $n = $_; sub { $desk->take(%m, mailbox => $mailboxes[$n % 3],
		uid => "$round.$n", body => 'sama') } } 0 .. 5), "round $round: six intakes at once");
	is_deeply([$desk->row("SELECT count(*), count(DISTINCT ticket_id) FROM message
		WHERE message_id = 'race$round\@x'")], [1, 1], 'one message on one ticket');
	is_deeply([$desk->row("SELECT count(*) FILTER (WHERE outcome = 'ticket'),
		count(*) FILTER (WHERE outcome = 'duplicate') FROM arrival WHERE uid LIKE '$round.%'")],
		[1, 5], 'one ticket, five duplicates');
}
is_deeply([$desk->row('SELECT (SELECT count(*) FROM ticket), (SELECT count(*) FROM outbox)')], [3, 3],
	'three tickets and three answers in all');

# The mailbox's lease moved while a fetcher was paused: both take the very same UID.
ok(at_once(map { sub { $desk->take(from => 'u@example.org', subject => 'x', id => 'uid@x', uid => 'same',
	body => 'x') } } 1 .. 4), 'four intakes of one UID');
is(($desk->row("SELECT count(*) FROM arrival WHERE uid = 'same'"))[0], 1, 'one arrival');

# One alarm to two mailboxes in two wordings: the second joins.
ok(at_once(map { my $n = $_; sub { $desk->take(from => 'nagios@mon.example', subject => "Disk $n% full",
	headers => ['Auto-Submitted: auto-generated'], mailbox => $n % 2 ? 'ict' : 'hr', uid => "a$n") } } 1 .. 4),
	'four alarms at once');
is(($desk->row("SELECT count(DISTINCT ticket_id) FROM message WHERE from_address = 'nagios\@mon.example'"))[0],
	1, 'one ticket');

# One new customer in many mails at once: one person.
ok(at_once(map { my $n = $_; sub { $desk->take(from => 'New <new@sairaala.example>', subject => "asia $n",
	cc => 'a@sairaala.example, b@sairaala.example', uid => "n$n") } } 1 .. 6), 'six mails of a new customer');
is(($desk->row("SELECT count(*) FROM person WHERE address LIKE '%\@sairaala.example'"))[0], 3, 'three people');
is(($desk->row("SELECT count(*) FROM participant c JOIN person p ON p.id = c.person_id
	WHERE p.address LIKE '%\@sairaala.example'"))[0], 18, 'who take part in each ticket');
is(($desk->row('SELECT count(*) FROM organisation'))[0], 1, 'one organisation');

# Several senders at once: no row is claimed twice.
my ($waiting) = $desk->row("SELECT count(*) FROM outbox WHERE state = 'queued'");
ok(at_once(map { my $n = $_; sub { $desk->claim(by => "host/$n", most => 3) } } 1 .. 4), 'four senders');
is_deeply([$desk->row('SELECT count(*) FILTER (WHERE attempts > 1), count(*) FILTER (WHERE attempts = 1) FROM outbox')],
	[0, $waiting], 'each row once');
is(($desk->row("SELECT count(*) FROM message WHERE direction = 'out'"))[0], $waiting, 'composed once');

done_testing;

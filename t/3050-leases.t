#!/usr/bin/perl
# Who polls a mailbox: one holder at a time, and a holder that was paused writes nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open2;
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;
my $sched = { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_sched' };
my $fetch = { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_fetch' };

sub renew {
	my ($host, $instance, @mailboxes) = @_;
	my $done = $db->helper('renew', $host, $instance, @mailboxes, env => $sched);
	diag $done->{err} if $done->{status};
	return join ' ', split /\n/, $done->{out};
}

sub check {
	my (@lease) = @_;
	return $db->helper('check', @lease, env => $fetch);
}

sub expire {
	$db->sql("UPDATE lease SET expires_at = clock_timestamp() - interval '1 second'");
	return;
}

is(renew('a', 'a1', qw(ict hr)), 'hr:1 ict:1', 'free mailboxes are taken');
is(renew('a', 'a1', qw(ict hr)), 'hr:1 ict:1', 'and kept');
is(renew('b', 'b1', qw(ict hr x)), 'x:1', 'another host gets only what is free');
ok($db->sql("SELECT bool_and(expires_at > clock_timestamp() + interval '25 seconds'
	AND expires_at <= clock_timestamp() + interval '30 seconds') FROM lease") eq 't',
	'for thirty seconds by the database\'s clock');
is(check('ict', 'a', 1)->{out}, "ours\n", 'the holder may write');
is(check('ict', 'b', 1)->{status}, 75, 'another host may not');
is(check('ict', 'a', 0)->{status}, 75, 'nor another epoch');

is(renew('a', 'a2', qw(ict)), 'ict:2', 'a restarted luukkud takes its host\'s leases at once');
my $lost = check('ict', 'a', 1);
is($lost->{status}, 75, 'its old fetchers may not write any more');
like($lost->{err}, qr/^RETRY: lease lost: mailbox ict is polled by another host or instance/, 'and hear why');
is(check('ict', 'a', 2)->{status}, 0, 'its new ones may');

expire();
is(renew('a', 'a2', qw(ict)), 'ict:2', 'a holder that was slow keeps what nobody took');
expire();
is(renew('b', 'b1', qw(ict hr x)), 'hr:2 ict:3 x:1', 'another host takes what has run out');
is(renew('a', 'a2', qw(ict hr)), '', 'the slow one comes too late');
is(check('ict', 'a', 2)->{status}, 75, 'and cannot write');

# An ingest under way: renewals pass it, a take-over waits for its end.
{
	local %ENV = (%ENV, %$fetch);
	my $mail = "INSERT INTO event (at, actor, event, reason) VALUES (now(), 'x', 'x', 'x')";
	$db->sql("UPDATE lease SET host = 'here', epoch = 1, instance = 'i1',
		expires_at = clock_timestamp() + interval '30 seconds' WHERE mailbox = 'ict'");
	my $pid = open2(my $out, my $in, Luukku::Test::Pg::Database::helper_path(), 'commit', 'ict', 'here');
	is(scalar readline $out, "in transaction\n", 'an ingest is under way');
	is(renew('here', 'i1', 'ict'), 'ict:1', 'its lease is renewed meanwhile');
	expire();
	is(renew('b', 'b1', qw(hr ict)), 'hr:2', 'nobody takes it over meanwhile, and nothing else waits');
	close $in;
	waitpid $pid, 0;
	is($?, 0, 'it commits');
	is(renew('b', 'b1', qw(hr ict)), 'hr:2 ict:2', 'then it is taken over');
}

# Many hosts at once.
$db->sql('DELETE FROM lease');
my $dir = temp_dir();
my @names = map { "box$_" } 1 .. 20;
my @pids;
for my $host (1 .. 5) {
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		spew("$dir/host$host", renew("host$host", 'i', @names));
		POSIX::_exit(0);
	}
	push @pids, $pid;
}
waitpid $_, 0 for @pids;
my @taken = map { split ' ', slurp("$dir/host$_") } 1 .. 5;
is_deeply([sort @taken], [sort map { "$_:1" } @names], 'each mailbox has exactly one holder');

done_testing;

#!/usr/bin/perl
# Storms: a robot that changes its address each time, two desks that write to each other, an owner's
# full mailbox. What goes out, the one digest, and that it resumes by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use POSIX ();

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" );',
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    notify = "none"; mass: { people = 500; within = "1h"; similarity = 99; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; }
CONF
	extra => 'breaker = ( "3/10m" );',
);
my $db = $desk->db;
my $base = 1_785_740_400; # 2026-08-03 10:00 in Helsinki
my $now = $base;

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub turn {
	my ($minutes, @mails) = @_;
	$now = $base + 60 * $minutes;
	$desk->deliver('ict', $_, at => $now) for @mails;
	my $done = $desk->once(env => { LUUKKU_NOW => iso($now) });
	is($done->{status}, 0, "the desk after $minutes minutes") or diag $done->{err};
	# Each program begins at that time: what the first of them wrote is due a moment later.
	$done = run([program('luukku-send'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($now + 30) });
	is($done->{status}, 0, 'its mails') or diag $done->{err};
	return;
}

sub sched {
	my ($minutes) = @_;
	my $done = run([program('luukku-sched'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($base + 60 * $minutes) });
	is($done->{status}, 0, "luukku-sched after $minutes minutes") or diag $done->{err};
	return;
}

sub states { return { map { @$_ } $db->sql("SELECT state, count(*) FROM outbox WHERE $_[0] GROUP BY 1") } }

sub digests { return [map { $_->[0] } $db->sql("SELECT recipient FROM outbox WHERE template = 'breaker-digest' ORDER BY id")] }

# --- a robot that changes its address each time -------------------------------------------------------

sub robot { return mail(from => "bot$_[0]\@r$_[0].example", subject => "Your case #$_[0] was received", text => "Case $_[0].\n") }
turn(0, map { robot($_) } 1 .. 41);
is_deeply(states(q{recipient ~ '^bot'}), { sent => 30, held => 11 }, 'ten times the budget for one fingerprint, and no more');
is($db->sql(q{SELECT count(*) FROM ticket}), 41, 'each mail is a ticket all the same');
like(scalar $db->sql(q{SELECT reason FROM event WHERE event = 'held' LIMIT 1}),
	qr/already 30 automatic answers to mails of this subject within 10m/, 'with the reason');
is_deeply(digests(), [], 'nobody is called for the first of them');
turn(3, mail(from => 'maija@asiakas.example', subject => 'Tulostin'));
is_deeply(digests(), ['admin@example.fi', 'bo@example.fi'], 'one digest to the admins and the managers');
my ($digest) = map { $_->{data} } grep { $_->{rcpt}[0] =~ /^admin/ } $desk->smtp->mails;
ok($digest, 'it goes out');
like($db->sql(q{SELECT variables->'total' FROM outbox WHERE template = 'breaker-digest' LIMIT 1}), qr/\A11\z/, 'how many are held');
is_deeply(states(q{recipient ~ '^maija'}), { sent => 1 }, 'another customer is answered meanwhile');
turn(5, map { robot($_) } 42 .. 51);
is_deeply(states(q{recipient ~ '^bot'}), { sent => 30, held => 21 }, 'it goes on');
sched(30);
is(scalar @{ digests() }, 2, 'no second digest within the hour');
sched(64);
is(scalar @{ digests() }, 4, 'then one more of what came since');
turn(66, robot(52));
is_deeply(states(q{recipient ~ '^bot'}), { sent => 31, held => 21 }, 'it has resumed by itself');
sched(130);
is_deeply([$db->sql(q{SELECT kind FROM timer WHERE kind = 'breaker-digest'})], [], 'and is over');
is(scalar @{ digests() }, 4, 'without another word');

# --- two desks that write to each other -----------------------------------------------------------------

# The other desk answers each acknowledgement by a new mail of its own, unmarked.
my $n = 0;
turn(200, mail(from => 'desk@other.example', subject => 'Request 1', text => "We have a question.\n"));
for my $round (1 .. 12) {
	my @acks = grep { $_->{rcpt}[0] eq 'desk@other.example' } $desk->smtp->mails;
	last if @acks == $n;
	$n = @acks;
	turn(200, mail(from => 'desk@other.example', subject => 'Received: ' . ('x' x $round) . ' your mail', text => "Our case is $round$round.\n"));
}
is($n, 9, 'nine mails, and it has ended');
is_deeply(states(q{recipient = 'desk@other.example'}), { sent => 9, held => 1 }, 'the tenth is held');

# --- a mail that does not arrive; an owner's full mailbox ---------------------------------------------------

$desk->smtp->rules({ at => 'rcpt', match => 'gone@', reply => '550 5.1.1 no such user' },
	{ at => 'rcpt', match => 'aino@', reply => '452 4.2.2 mailbox full' });
$db->sql(q{UPDATE ticket SET owner = 'aino@example.fi' WHERE id = (SELECT min(id) FROM ticket)});
turn(300, mail(from => 'gone@asiakas.example', subject => 'Olen jo poissa'));
my $gone = $db->sql(q{SELECT max(id) FROM ticket});
is_deeply(states("ticket_id = $gone AND purpose = 'customer'"), { failed => 1 }, '5xx is final at once');
sched(301);
sched(302);
is_deeply([$db->sql(q{SELECT recipient, variables->'tickets'->0->>'recipient' FROM outbox WHERE template = 'delivery-failed'})],
	[['bo@example.fi', 'gone@asiakas.example']], 'the manager of a ticket without owner hears, once');
is($db->sql("SELECT count(*) FROM event WHERE ticket_id = $gone AND event = 'failure_told'"), 1, 'with a line of history');
turn(303);
like(join('', map { $_->{data} } grep { $_->{rcpt}[0] =~ /^bo@/ } $desk->smtp->mails), qr/no such user/, 'in the words of the server');

my ($first) = map { $_->[0] } $db->sql(q{SELECT min(id) FROM ticket});
for my $i (1 .. 14) {
	$desk->deliver('ict', mail(from => 'bot1@r1.example', subject => "[TUKI-$first] Again " . ('y' x $i), text => "Something new $i.\n"), at => $base + 60 * 310);
}
turn(310);
is_deeply(states(q{recipient = 'aino@example.fi' AND template = 'notice'}), { retry => 3, held => 11 }, 'a full mailbox: three wait, the breaker holds the rest');
is($db->sql("SELECT count(*) FROM message WHERE ticket_id = $first AND direction = 'in'"), 15, 'no mail in is lost');
is($db->sql(q{SELECT count(*) FROM outbox WHERE template = 'delivery-failed'}), 1, 'nobody is told of mails to the team');
$desk->smtp->rules;
turn(330);
is_deeply(states(q{recipient = 'aino@example.fi' AND template = 'notice'}), { sent => 3, held => 11 }, 'when it has room again, they go');
turn(331, mail(from => 'bot1@r1.example', subject => "[TUKI-$first] Again and again", text => "Something else.\n"));
is_deeply(states(q{recipient = 'aino@example.fi' AND template = 'notice'}), { sent => 4, held => 11 }, 'and new ones, too');

done_testing();

#!/usr/bin/perl
# A desk's clocks on a journey through time: due times, stages, warnings, waits and closing, against
# a table worked out by hand. Office hours 8-16 in Helsinki, 8-14 on the Thursday before Easter.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use Luukku::Test::Proc qw(spawn stop_pid is_running);
use Time::HiRes ();
use Time::Local qw(timegm);

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "bo@example.fi" );',
	queues => <<'CONF',
  { name = "ict"; title = "ICT-palvelupiste"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" );
    managers = ( "bo@example.fi" ); sla = "standard"; close_after = "7d"; acknowledge = false; notify = "none"; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); sla = "round";
    acknowledge = false; notify = "none"; }
CONF
	extra => <<'CONF',
calendars: (
  { name = "office"; hours = "Mon-Fri 08:00-16:00"; holidays = ( "fi" ); short = ( "easter-3 08:00-14:00" ); },
  { name = "always"; hours = "Mon-Sun 00:00-24:00"; }
);
slas: (
  { name = "standard"; calendar = "office"; targets = (
      { priority = "urgent"; respond = "30m"; resolve = "4h"; },
      { priority = "normal"; respond = "8h"; resolve = "40h"; } ); warn_at = 75; },
  { name = "round"; calendar = "always"; targets = (
      { priority = "normal"; respond = "1d"; resolve = "24h"; } ); warn_at = 75; }
);
CONF
);
my $db = $desk->db;
my $sched = program('luukku-sched');
my $clocks = build_dir() . '/t-helper/clocks';
skip_or_die("$clocks is not built; run t/run") if !-x $clocks;

sub epoch {
	my ($y, $mo, $d, $h, $mi, $s) = $_[0] =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z\z/ or die $_[0];
	return timegm($s, $mi, $h, $d, $mo - 1, $y);
}

# luukku-sched at that time, until nothing is due.
sub sched_at {
	my ($now) = @_;
	my $done = run([$sched, '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => $now });
	is($done->{status}, 0, "luukku-sched at $now") or diag $done->{err};
	return $done;
}

sub clocks {
	my ($now, $do, %with) = @_;
	my $done = run([$clocks, '-c', $desk->conf, '--do', $do, map { ('--with', "$_=$with{$_}") } sort keys %with],
		env => { LUUKKU_NOW => $now });
	is($done->{status}, 0, "$do at $now") or diag $done->{err};
	return $done->{out};
}

# Mails of these templates since the last call: "template to tickets".
my $seen = 0;
sub alarms {
	my @rows = $db->sql(qq{SELECT id, template, recipient, coalesce(ticket_id::text, '-'), variables FROM outbox
		WHERE id > $seen AND template LIKE 'sla-%' ORDER BY id});
	$seen = $rows[-1][0] if @rows;
	return map { "$_->[1] $_->[2] $_->[3]" } @rows;
}

sub show_at {
	my ($now, $ref) = @_;
	my $done = $desk->ctl('show', '--json', $ref, { env => { LUUKKU_NOW => $now } });
	is($done->{status}, 0, "show $ref") or diag $done->{err};
	return JSON::PP->new->utf8->decode($done->{out});
}

sub events {
	my ($ticket, $like) = @_;
	return map { $_->[0] } $db->sql(
		"SELECT event || ': ' || reason FROM event WHERE ticket_id = $ticket AND event ~ '$like' ORDER BY id");
}

# --- a ticket of Friday 15:50, over a weekend, a clock change and Easter, with two waits ----------

my $friday = '2026-03-27T13:50:00Z';
$desk->deliver('ict', mail(id => 'a@asiakas.example'), at => epoch($friday));
$desk->deliver('ict', mail(id => 'b@asiakas.example'), at => epoch($friday) + 1);
is($desk->once(env => { LUUKKU_NOW => '2026-03-27T13:51:00Z' })->{status}, 0, 'two mails of Friday 15:50');
my ($a, $b) = map { $_->[0] } $db->sql('SELECT id FROM ticket ORDER BY opened_at');
my $shown = show_at('2026-03-27T13:51:00Z', "TUKI-$a");
is($shown->{opened_at}, $friday, 'opened when the mail server got it');
is_deeply($shown->{due}, { respond => '2026-03-30T12:50:00Z', resolve => '2026-04-08T06:50:00Z' },
	'due over the weekend, summer time, the short Thursday and Easter');
is_deeply([events($a, '^due')], ['due_set: service level standard of queue ict: priority normal, '
	. 'respond within 8h, resolve within 40h'], 'with the reason');

sched_at('2026-03-30T05:59:00Z');
is_deeply([alarms()], [], 'nothing to say on Monday morning');
clocks('2026-03-30T06:00:00Z', 'respond', ticket => $a);
clocks('2026-03-30T06:00:00Z', 'move', ticket => $a, status => 'waiting_customer');

$db->sql("UPDATE ticket SET owner = 'aino\@example.fi' WHERE id = $a");
sched_at('2026-03-30T10:49:50Z');
is_deeply([alarms()], [], 'not yet at 74 percent');
sched_at('2026-03-30T10:50:02Z');
is_deeply([alarms()], ["sla-warning bo\@example.fi $b"], '75 percent of 8 hours: the manager hears, once');
sched_at('2026-03-30T11:00:00Z');
is_deeply([alarms()], [], 'and not again');
sched_at('2026-03-30T12:50:02Z');
is_deeply([alarms()], ["sla-breach bo\@example.fi $b"], 'the first answer of the other ticket is overdue');
is_deeply([events($b, '^sla')], ['sla_respond_warning: the target of the first answer is near',
	'sla_respond_breach: the target of the first answer has passed'], 'history says so');

clocks('2026-03-30T08:00:00Z', 'move', ticket => $a, status => 'open');
clocks('2026-04-02T09:00:00Z', 'move', ticket => $a, status => 'waiting_customer');
sched_at('2026-04-07T05:00:00Z');
is_deeply([grep { /\b$a\z/ } alarms()], [], 'a wait over Easter warns nobody');
$shown = show_at('2026-04-07T05:30:00Z', "TUKI-$a");
is($shown->{waiting_on}, 'customer', 'it waits');
is_deeply([$db->sql("SELECT ticket_id, due_at IS NULL FROM ticket_urgency WHERE ticket_id IN ($a, $b) ORDER BY 1")],
	[[$a, 't'], [$b, 'f']], 'and is not urgent by what stands still');
is($shown->{stages}[-1]{business_seconds}, 2 * 3600 + 1800, 'open time of the stage that lasts');
clocks('2026-04-07T06:00:00Z', 'move', ticket => $a, status => 'open');
$shown = show_at('2026-04-07T06:00:00Z', "TUKI-$a");
is_deeply($shown->{due}, { respond => '2026-03-30T12:50:00Z', resolve => '2026-04-08T11:50:00Z' },
	'five hours of waiting have moved the resolution, and not the answer');
my @due = grep { $_->{event} eq 'due_changed' } @{ $shown->{events} };
is($due[-1]{detail}{resolve}{to}, '2026-04-08T11:50:00Z', 'told in the history');
like($due[-1]{reason}, qr/5h of waiting for the customer did not count/, 'with how long');

sched_at('2026-04-07T09:49:50Z');
is_deeply([grep { /\b$a\z/ } alarms()], [], 'the warning moved along');
sched_at('2026-04-07T09:50:02Z');
is_deeply([alarms()], ["sla-warning aino\@example.fi $a", "sla-warning bo\@example.fi $a"],
	'owner and manager are warned');

clocks('2026-04-08T07:00:00Z', 'move', ticket => $a, status => 'resolved');
sched_at('2026-04-08T12:00:00Z');
is_deeply([grep { /\b$a\z/ } alarms()], [], 'a resolved ticket breaches nothing');
sched_at('2026-04-15T06:59:50Z');
is(show_at('2026-04-15T06:59:50Z', "TUKI-$a")->{status}, 'resolved', 'close_after is calendar time');
sched_at('2026-04-15T09:00:00Z');
$shown = show_at('2026-04-16T09:00:00Z', "TUKI-$a");
is($shown->{status}, 'closed', 'closed after seven days');
is($shown->{closed_at}, '2026-04-15T07:00:00Z', 'as of when it was due, though the desk was off for two hours');
is($shown->{due}{resolve}, '2026-04-08T11:50:00Z', 'its target stays what it was');
is_deeply([$db->sql("SELECT template FROM outbox WHERE ticket_id = $a AND purpose = 'customer'")], [],
	'closing is silent');
is_deeply([map { [@$_{qw(status from to business_seconds)}] } @{ $shown->{stages} }[0 .. 5]], [
	['new', '2026-03-27T13:50:00Z', '2026-03-30T06:00:00Z', 600 + 3600],
	['waiting_customer', '2026-03-30T06:00:00Z', '2026-03-30T08:00:00Z', 2 * 3600],
	['open', '2026-03-30T08:00:00Z', '2026-04-02T09:00:00Z', 25 * 3600],
	['waiting_customer', '2026-04-02T09:00:00Z', '2026-04-07T06:00:00Z', 3 * 3600],
	['open', '2026-04-07T06:00:00Z', '2026-04-08T07:00:00Z', 9 * 3600],
	['resolved', '2026-04-08T07:00:00Z', '2026-04-15T07:00:00Z', 40 * 3600],
], 'the stages, second by second');
is($shown->{stages}[6]{status}, 'closed', 'and the last one');

# --- winter time, changes of priority and queue, a date -------------------------------------------

my $autumn = '2026-10-23T12:50:00Z';
$desk->deliver('ict', mail(id => "$_\@asiakas.example"), at => epoch($autumn)) for qw(c d);
is($desk->once(env => { LUUKKU_NOW => '2026-10-23T12:51:00Z' })->{status}, 0, 'two mails of Friday 15:50 in October');
my ($c, $d) = map { $_->[0] } $db->sql("SELECT id FROM ticket WHERE opened_at = '$autumn' ORDER BY id");
is_deeply(show_at($autumn, "TUKI-$c")->{due}, { respond => '2026-10-26T13:50:00Z', resolve => '2026-10-30T13:50:00Z' },
	'due over the change to winter time');

clocks('2026-10-23T12:55:00Z', 'change', ticket => $c, what => 'priority', value => 'urgent');
$shown = show_at('2026-10-23T12:55:00Z', "TUKI-$c");
is_deeply($shown->{due}, { respond => '2026-10-26T06:20:00Z', resolve => '2026-10-26T09:50:00Z' },
	'urgent: counted anew from the opening');
is((events($c, '^due_changed'))[-1], 'due_changed: priority changed from normal to urgent: service level '
	. 'standard of queue ict: priority urgent, respond within 30m, resolve within 4h', 'with the reason');
like(clocks('2026-10-23T12:56:00Z', 'change', ticket => $c, what => 'priority', value => 'urgent'), qr/changed 0/,
	'the same again changes nothing');
clocks('2026-10-23T12:57:00Z', 'change', ticket => $c, what => 'queue', value => 'hr');
$shown = show_at('2026-10-23T12:57:00Z', "TUKI-$c");
is_deeply([map { "$_->{queue} $_->{status}" } @{ $shown->{stages} }], ['ict new', 'hr new'], 'a queue begins a stage');
is($shown->{stages}[0]{business_seconds}, 420, 'the one before has its open time by its own calendar');
is_deeply($shown->{due}, { respond => undef, resolve => undef }, 'that level has no target for urgent tickets');
clocks('2026-10-23T12:58:00Z', 'change', ticket => $c, what => 'priority', value => 'normal');
is_deeply(show_at('2026-10-23T12:58:00Z', "TUKI-$c")->{due},
	{ respond => '2026-10-24T12:50:00Z', resolve => '2026-10-24T12:50:00Z' }, 'the other queue never closes');
# An open day of a calendar without nights is at the same hour, 24 hours are 24 hours.
clocks('2026-10-24T12:00:00Z', 'move', ticket => $c, status => 'junk');
is_deeply([$db->sql("SELECT kind FROM timer WHERE ticket_id = $c")], [], 'nothing is to be done with junk');

clocks('2026-10-26T08:00:00Z', 'move', ticket => $d, status => 'on_hold', until => '2026-10-28T06:00:00Z');
clocks('2026-10-26T08:01:00Z', 'move', ticket => $d, status => 'on_hold', until => '2026-10-29T06:00:00Z');
is((events($d, 'wait_until'))[0], 'wait_until: a test moves it', 'another date is told');
sched_at('2026-10-29T05:59:50Z');
is(show_at('2026-10-29T05:59:50Z', "TUKI-$d")->{status}, 'on_hold', 'it waits for the second date');
sched_at('2026-10-29T06:00:01Z');
$shown = show_at('2026-10-29T06:00:01Z', "TUKI-$d");
is($shown->{status}, 'open', 'and opens on that day');
is($shown->{stages}[-1]{from}, '2026-10-29T06:00:00Z', 'at the hour');
is_deeply([$db->sql(q{SELECT kind FROM timer WHERE status = 'on_hold'})], [], 'the timer has gone with the wait');
clocks('2026-10-29T06:10:00Z', 'move', ticket => $d, status => 'closed');
alarms();

# --- a desk left off for three days: 500 jobs ------------------------------------------------------

# The mornings' reminders are another test's (t/6705).
$db->sql("DELETE FROM timer WHERE kind = 'team_reminder'");
$db->sql(q{WITH t AS (
		INSERT INTO ticket (queue, subject, subject_hash, opened_at, changed_at)
		SELECT 'ict', 'Asia ' || n, decode(md5(n::text), 'hex'), at, at
		  FROM (SELECT n, '2026-11-09 06:00Z'::timestamptz + n * interval '1 second' AS at
			  FROM generate_series(1, 250) n) s
		RETURNING id, opened_at)
	INSERT INTO stage (ticket_id, status, queue, from_at) SELECT id, 'new', 'ict', opened_at FROM t});
like($desk->ctl('status', { env => { LUUKKU_NOW => '2026-11-12T06:00:00Z' } })->{out}, qr/^timers: \d+ set, 0 late, 0 failing$/m,
	'status for people');
my $faults = $desk->scratch('faults');
my $killed = run([$sched, '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => '2026-11-12T06:00:00Z',
	LUUKKU_FAULT_DIR => $faults, LUUKKU_FAULT => 'timer.done:1' });
is($killed->{signal}, 9, 'killed when all is done and nothing committed');
is_deeply([alarms()], [], 'nobody was told');
# Two hosts at once.
my @both = map { spawn(command => [$sched, '-c', $desk->conf, '--once', '-i', "run$_"], log => $desk->dir . "/both$_.log",
	env => { LUUKKU_NOW => '2026-11-12T06:00:00Z' }) } 1, 2;
wait_until(sub { !grep { is_running($_) } @both }, 60, 'both to end');
my $done = sched_at('2026-11-12T06:00:00Z');
my %kinds = map { ($_ => 1) } alarms();
is_deeply([keys %kinds], ["sla-breach bo\@example.fi -"], 'the manager is told of all that is overdue, and of no outdated warning');
like(join('', map { slurp($desk->dir . "/both$_.log") } 1, 2), qr/sched\.timers.*jobs=/, 'the log says how much was done');
is_deeply([map { "@$_" } $db->sql(q{SELECT event, count(*), to_char(min(at), 'YYYY-MM-DD HH24:MI:SS')
	FROM event WHERE event ~ '^sla' AND at > '2026-11-01' GROUP BY 1 ORDER BY 1})],
	['sla_respond_breach 250 2026-11-10 06:00:01', 'sla_respond_warning 250 2026-11-09 12:00:01'], '500 jobs, each as of when it was due by arrival');
is_deeply([$db->sql(q{SELECT count(*) FROM event WHERE event = 'sla_respond_warning' AND reason LIKE 'outdated%'
	AND at > '2026-11-01'})], [[250]], 'the warnings are recorded as outdated');
# Each host tells in one mail of what it did; which of them does how much is a matter of luck.
my @told = map { JSON::PP->new->utf8->decode($_->[0]) }
	$db->sql("SELECT variables FROM outbox WHERE template = 'sla-breach' AND created_at >= '2026-11-12' ORDER BY id");
my $n_told = 0;
$n_told += @{ $_->{tickets} } + ($_->{rest} || 0) for @told;
is($n_told, 250, 'each of them is told of, by name or by number');
ok((grep { $_->{tickets}[0]{subject} eq 'Asia 1' } @told), 'the oldest first');
ok(!(grep { @{ $_->{tickets} } > 100 } @told), 'up to a hundred');
sched_at('2026-11-12T06:00:05Z');
is_deeply([alarms()], [], 'nothing twice');

# --- what the mails say ------------------------------------------------------------------------------

is($desk->once(env => { LUUKKU_NOW => '2026-11-12T06:01:00Z' })->{status}, 0, 'the mails go out');
my %is_alarm = map { ("<$_->[0]>" => 1) } $db->sql("SELECT header_message_id FROM outbox WHERE template LIKE 'sla-%'");
my @mails = grep { $is_alarm{ header($_, 'Message-ID') } } map { $_->{data} } $desk->smtp->mails;
my %under;
$under{ header($_, 'Subject') =~ /(\[TUKI-\d+\]|=\?UTF)/ ? $1 : 'other' }++ for @mails;
$under{'=?UTF'} -= @told - 1;
is_deeply(\%under, { "[TUKI-$b]" => 4, "[TUKI-$a]" => 2, "[TUKI-$d]" => 1, '=?UTF' => 1 },
	'each alarm under its ticket, the many under their number') or diag explain \%under;
is(header($mails[0], 'To') =~ /bo\@example/ && header($mails[0], 'Auto-Submitted') ? 1 : 0, 1, 'marked as automatic');
like($mails[1], qr/Ensimm.*?vastaus olisi pit.*?ma 30\.3\.2026 klo 15\.50/s, 'what was due, and when');

# --- on time ---------------------------------------------------------------------------------------

my $base = '2026-11-17T07:00:00Z';
my $log = $desk->dir . '/sched.log';
my $pid = spawn(command => [$sched, '-c', $desk->conf], log => $log, env => { LUUKKU_NOW => $base });
my $started = Time::HiRes::time();
wait_until(sub { $db->sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'luukku-sched' AND wait_event = 'ClientRead'") },
	20, 'luukku-sched to be idle');
# Nothing is due: it asks nothing for seconds, but renews its leases every ten.
wait_until(sub { $db->sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'luukku-sched'
	AND clock_timestamp() - state_change > interval '4 s'") }, 20, 'luukku-sched to sleep');
pass('idle costs nothing');
my @late = map { $_->[0] } $db->sql(q{SELECT id FROM ticket WHERE opened_at > '2026-11-09' ORDER BY id LIMIT 40});
my $from = Time::HiRes::time() - $started + 3;
# Forty waits that end within a second, three seconds from now by that clock.
$db->sql(qq{UPDATE ticket SET status = 'on_hold', waiting_on = 'until' WHERE id = ANY ('{@{[join ',', @late]}}')});
$db->sql(qq{UPDATE stage SET status = 'on_hold' WHERE to_at IS NULL AND ticket_id = ANY ('{@{[join ',', @late]}}')});
$db->sql(qq{INSERT INTO timer (kind, ticket_id, status, due_at)
	SELECT 'wait_until', id, 'on_hold', '$base'::timestamptz + interval '$from s' + n * interval '25 ms'
	  FROM unnest('{@{[join ',', @late]}}'::bigint[]) WITH ORDINALITY AS u (id, n)});
$db->sql(q{NOTIFY luukku_work, 'timer'});
wait_until(sub { !$db->sql(q{SELECT 1 FROM timer WHERE kind = 'wait_until'}) }, 20, 'the waits to end');
my $took = Time::HiRes::time() - $started - $from;
cmp_ok($took, '>', 0.5, 'not before they were due');
cmp_ok($took, '<', 60, 'and soon (t/bench/sched measures how soon)');
is_deeply([$db->sql(qq{SELECT DISTINCT status FROM ticket WHERE id = ANY ('{@{[join ',', @late]}}')})], [['open']],
	'all are open');
stop_pid($pid, 10);

done_testing();

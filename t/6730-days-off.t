#!/usr/bin/perl
# A desk that was off from Monday morning until Thursday morning, with 500 jobs that became due meanwhile, and mail that
# came: what it sends on return and in what order, the budgets of the breaker, reminders that have become outdated, breaches
# as of when the mail arrived. Office hours 8-16 in Helsinki, winter time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use Time::Local qw(timegm);

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" );',
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" ); sla = "standard";
    acknowledge = false; notify = "none"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" ); acknowledge = false;
    notify = "none"; customer_reminders = ( "1d", "1d" ); close_unanswered = true; tell_every = "2d"; close_after = "3d"; mass: { people = 0; }; }
CONF
	extra => <<'CONF',
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; holidays = ( "fi" ); } );
slas: ( { name = "standard"; calendar = "office"; targets = ( { priority = "normal"; respond = "8h"; resolve = "80h"; } ); warn_at = 75; } );
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "1d", "1d", "1d" ); } );
breaker = ( "4/10m" );
CONF
);
my $db = $desk->db;
my $back = '2026-11-12T06:00:10Z'; # Thursday, ten seconds past eight

sub sched_at {
	my ($now) = @_;
	my $done = run([program('luukku-sched'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => $now }, seconds => 120);
	is($done->{status}, 0, "luukku-sched at $now") or diag $done->{err};
	my ($jobs) = $done->{err} =~ /sched\.timers.*jobs=(\d+)/;
	return $jobs // 0;
}

my $seen = 0;
# What went into the outbox since: template => { n, tickets in order, recipients }.
sub news {
	my %news;
	for my $row ($db->sql("SELECT id, template, recipient, coalesce(ticket_id, 0), state FROM outbox WHERE id > $seen ORDER BY id")) {
		my ($id, $template, $recipient, $ticket, $state) = @$row;
		$seen = $id;
		push @{ $news{$template} }, [$recipient =~ s/\@.*//r, $ticket, $state];
	}
	return \%news;
}

# --- how things stood on Monday morning --------------------------------------------------------------------

# So many tickets, a minute after each other, with a job that is due at that time; rest: columns of the ticket, of the stage.
sub tickets {
	my (%t) = @_;
	my $set = join '', map { ", $_" } sort keys %{ $t{columns} // {} };
	my $values = join '', map { ", $t{columns}{$_}" } sort keys %{ $t{columns} // {} };
	my $person = $t{person} // "'$t{name}' || n || '\@asiakas.example'";
	$db->sql(qq{
		WITH s AS (SELECT n, '$t{at}'::timestamptz + n * interval '1 minute' AS at, '$t{due}'::timestamptz + n * interval '1 minute' AS due
			     FROM generate_series(1, $t{n}) n),
		p AS (INSERT INTO person (address_hash, address, created_at)
			SELECT DISTINCT decode(md5($person), 'hex'), $person, '$t{at}'::timestamptz FROM s RETURNING id, address),
		t AS (INSERT INTO ticket (queue, status, subject, subject_hash, requester_id, opened_at, changed_at$set)
			SELECT '$t{queue}', '$t{status}', '$t{name} ' || n, decode(md5('$t{name}' || n), 'hex'), p.id, at, at$values
			  FROM s JOIN p ON p.address = $person ORDER BY n RETURNING id, subject, opened_at)
		INSERT INTO stage (ticket_id, status, queue, from_at) SELECT id, '$t{status}', '$t{queue}', opened_at FROM t});
	return if !$t{kind};
	$db->sql(qq{UPDATE ticket SET clocked_at = opened_at WHERE subject LIKE '$t{name} %'});
	$db->sql(qq{INSERT INTO timer (kind, ticket_id, status, due_at)
		SELECT '$t{kind}', id, } . ($t{bound} ? "'$t{bound}'" : 'NULL') . qq{, '$t{due}'::timestamptz + split_part(subject, ' ', 2)::integer * interval '1 minute'
		  FROM ticket WHERE subject LIKE '$t{name} %'});
	return;
}
# Nobody answered these of Monday 8:01 and later: 75 percent of 8 h and 8 h have passed. 300 jobs.
tickets(name => 'uusi', n => 150, queue => 'ict', status => 'new', at => '2026-11-09 06:00Z', due => '2026-11-09 06:00Z');
# Who was asked on Friday and is reminded on Monday and on Tuesday, and closed on Wednesday: 50 people, and one with 20 tickets.
my %waiting = (n => 50, queue => 'hr', status => 'waiting_customer', at => '2026-11-06 08:00Z', due => '2026-11-09 08:00Z', kind => 'customer_reminder',
	bound => 'waiting_customer', columns => { waiting_on => "'customer'" });
tickets(%waiting, name => 'kysytty');
tickets(%waiting, name => 'monta', n => 20, person => "'monta\@asiakas.example'", at => '2026-11-06 09:00Z', due => '2026-11-09 09:00Z');
# Thirty that wait for one supplier since Friday.
tickets(name => 'tilaus', n => 30, queue => 'hr', status => 'waiting_supplier', at => '2026-11-06 09:30Z', due => '2026-11-09 09:30Z', kind => 'supplier_reminder',
	bound => 'waiting_supplier', columns => { waiting_on => "'supplier'", supplier => "'atk'" });
$db->sql(q{INSERT INTO outbox (ticket_id, template, purpose, queue, language, recipient, recipient_hash, state, reason, created_at, due_at, sent_at)
	SELECT id, 'supplier', 'supplier', 'hr', 'fi', 'tuki@toimittaja.example', decode(md5('x'), 'hex'), 'sent', 'asked', opened_at, opened_at, opened_at
	  FROM ticket WHERE supplier = 'atk'});
# Twenty whose date came on Tuesday at eight, ten of each agent.
tickets(name => 'paiva', n => 20, queue => 'hr', status => 'on_hold', at => '2026-11-06 10:00Z', due => '2026-11-10 05:59Z', kind => 'wait_until', bound => 'on_hold',
	columns => { waiting_on => "'until'", waiting_until => "'2026-11-10 05:59Z'::timestamptz + n * interval '1 minute'",
		owner => "CASE WHEN n % 2 = 0 THEN 'aino\@example.fi' ELSE 'bo\@example.fi' END" });
# Fifty resolved on Friday, to be closed on Monday; thirty that nobody has heard of since Thursday.
tickets(name => 'valmis', n => 50, queue => 'hr', status => 'resolved', at => '2026-11-06 11:00Z', due => '2026-11-09 11:00Z', kind => 'close_after', bound => 'resolved',
	columns => { resolved_at => 'at' });
tickets(name => 'hiljaa', n => 30, queue => 'hr', status => 'open', at => '2026-11-05 12:00Z', due => '2026-11-09 12:00Z', kind => 'still_working');
# Five answered tickets, after 1 to 5 hours: for the promise of acknowledgements.
tickets(name => 'nopea', n => 5, queue => 'hr', status => 'closed', at => '2026-11-04 06:00Z', due => '2026-11-04 06:00Z',
	columns => { first_response_at => "at + n * interval '1 hour'", clocked_at => 'at' });
$seen = $db->sql('SELECT max(id) FROM outbox');
is($db->sql("SELECT count(*) + 300 FROM timer WHERE due_at < '$back'"), 500, 'five hundred jobs: 200 are set, 300 the clocks of new tickets will set');

# --- Thursday morning ---------------------------------------------------------------------------------------------

is(sched_at($back), 500, 'all of them are done on return');
my $news = news();
my @table = (['mail', 'how many', 'to', 'tickets']);
sub show { my ($when, $what) = @_; push @table, [$when, '', '', ''], map { my @m = @{ $what->{$_} }; my %who = map { $_->[0] => 1 } @m;
	["  $_", scalar @m, keys %who > 3 ? keys(%who) . ' people' : join(' ', sort keys %who), @m > 1 ? "$m[0][1] .. $m[-1][1]" : $m[0][1] || 'many'] } sort keys %$what; return }
show('Thursday 8:00', $news);
is_deeply({ map { $_ => scalar @{ $news->{$_} } } keys %$news },
	{ 'sla-breach' => 1, 'customer-reminder' => 62, 'supplier-reminder' => 12, notice => 20, 'still-working' => 30 },
	'one mail of breaches, one reminder each, within the budgets') or diag explain $news;
is_deeply([grep { $_->[2] ne 'queued' } map { @$_ } values %$news], [], 'nothing is held: what is too much for an address waits');
is(scalar(grep { $_->[0] eq 'monta' } @{ $news->{'customer-reminder'} }), 12, 'one person with twenty tickets gets twelve mails now');
my @order = map { $_->[1] } @{ $news->{'customer-reminder'} };
is_deeply(\@order, [sort { $a <=> $b } @order], 'the oldest first');
is_deeply([map { @$_ } $db->sql(q{SELECT event, count(*), count(DISTINCT ticket_id) FROM event WHERE event = 'customer_reminded' GROUP BY 1})],
	['customer_reminded', 62, 62], 'Monday\'s and Tuesday\'s reminder are one, nobody is closed without the second');
my ($variables) = map { JSON::PP->new->utf8->decode($_->[0]) } $db->sql("SELECT variables FROM outbox WHERE template = 'sla-breach'");
is_deeply([$variables->{tickets}[0]{subject}, scalar @{ $variables->{tickets} }, $variables->{rest}], ['uusi 1', 100, 50], 'the breaches in one mail, the oldest first');
is_deeply([map { @$_ } $db->sql(q{SELECT to_char(min(at) AT TIME ZONE 'UTC', 'DD HH24:MI'), to_char(max(at) AT TIME ZONE 'UTC', 'DD HH24:MI'), count(*) FROM event
	WHERE event = 'sla_respond_breach'})], ['10 06:01', '10 08:30', 150], 'as of Tuesday, eight open hours after each came');
is($db->sql("SELECT count(*) FROM event WHERE event = 'sla_respond_warning' AND reason LIKE 'outdated%'"), 150, 'outdated warnings are a line of history alone');
is_deeply([map { @$_ } $db->sql(q{SELECT count(*), to_char(min(closed_at) AT TIME ZONE 'UTC', 'DD HH24:MI') FROM ticket WHERE subject LIKE 'valmis %' AND status = 'closed'})],
	[50, '09 11:01'], 'what was to be closed is closed as of Monday');
is_deeply([map { @$_ } $db->sql(q{SELECT count(*), to_char(min(s.from_at) AT TIME ZONE 'UTC', 'DD HH24:MI') FROM ticket t JOIN stage s ON s.ticket_id = t.id AND s.to_at IS NULL
	WHERE t.subject LIKE 'paiva %' AND t.status = 'open'})], [20, '10 06:00'], 'whose date came is open as of Tuesday');

# --- the mail of those days -----------------------------------------------------------------------------------------

for my $n (1 .. 9) {
	$desk->deliver('ict', mail(from => "tuli$n\@asiakas.example", subject => "Tuli $n", text => "Hei, laite $n on rikki.\n"),
		at => timegm(0, 0, 5 + $n, 9, 10, 2026));
}
is($desk->once(env => { LUUKKU_NOW => '2026-11-12T06:01:00Z' })->{status}, 0, 'the mail of Monday is taken');
sched_at('2026-11-12T06:02:00Z');
$news = news();
show('and mail of Monday', $news);
is(scalar @{ $news->{'sla-breach'} // [] }, 1, 'it is overdue, and told of in one mail');
is_deeply([map { $_->[0] } $db->sql(q{SELECT to_char(e.at AT TIME ZONE 'UTC', 'DD HH24:MI') FROM event e JOIN ticket t ON t.id = e.ticket_id
	WHERE e.event = 'sla_respond_breach' AND t.subject LIKE 'Tuli %' ORDER BY t.opened_at})],
	['09 14:00', map { sprintf '10 %02d:00', 5 + $_ } 2 .. 9], 'breached as of when it arrived, not when it was fetched');

# --- the rest, by budgets ---------------------------------------------------------------------------------------------

# Whose date came on Tuesday are told two open days later that work goes on: three by now, nine, eight.
for my $wait ([11, { 'customer-reminder' => 8, 'supplier-reminder' => 12, 'still-working' => 9 }],
		[22, { 'supplier-reminder' => 6, 'still-working' => 8 }], [33, {}]) {
	my ($minutes, $wanted) = @$wait;
	sched_at(sprintf '2026-11-12T06:%02d:30Z', $minutes);
	$news = news();
	show("$minutes minutes later", $news);
	is_deeply({ map { $_ => scalar @{ $news->{$_} } } keys %$news }, $wanted, "after $minutes minutes");
}
is_deeply([$db->sql("SELECT count(*), count(DISTINCT ticket_id) FROM outbox WHERE template = 'customer-reminder'")], [[70, 70]], 'everybody was reminded once');
is_deeply([$db->sql("SELECT 1 FROM outbox WHERE state = 'held' OR template = 'breaker-digest'")], [], 'and nobody called for help');
my %later = map { $_->[0] => $_->[1] } $db->sql(q{SELECT kind, to_char(min(due_at) AT TIME ZONE 'UTC', 'DD HH24:MI') FROM timer WHERE kind IN ('customer_reminder', 'supplier_reminder') GROUP BY 1});
is_deeply(\%later, { customer_reminder => '13 06:00', supplier_reminder => '13 06:00' }, 'the next ones count from now: Friday');
note sprintf '%-26s %8s  %-16s %s', @$_ for @table;

# --- how fast the desk answers, each open morning ---------------------------------------------------------------------

sched_at('2026-11-13T06:00:10Z');
is_deeply([$db->sql("SELECT queue, respond_s, tickets FROM queue_pace")], [['hr', 4 * 3600, 5]], 'four of five first answers came within four hours');

done_testing();

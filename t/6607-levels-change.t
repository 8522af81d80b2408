#!/usr/bin/perl
# Service levels and calendars that change in the configuration: open tickets follow with the reason in their history,
# nobody hears twice, what is closed stays as it was, and other changes move nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

sub levels {
	my (%l) = (hours => 'Mon-Fri 08:00-16:00', holidays => '"fi"', respond => '8h', resolve => '40h', @_);
	return <<"CONF";
calendars: ( { name = "office"; hours = "$l{hours}"; holidays = ( $l{holidays} ); } );
slas: ( { name = "standard"; calendar = "office"; warn_at = 75; targets = (
  { priority = "normal"; respond = "$l{respond}"; resolve = "$l{resolve}"; } ); } );
CONF
}
my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" ); sla = "standard";
    acknowledge = false; notify = "none"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); acknowledge = false; notify = "none"; }
CONF
my $desk = Luukku::Test::Desk->start(queues => $queues, extra => levels());
my $db = $desk->db;

sub sched_at {
	my ($now) = @_;
	my $done = run([program('luukku-sched'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => $now }, seconds => 60);
	is($done->{status}, 0, "luukku-sched at $now") or diag $done->{err};
	my $n = 0;
	$n += $1 while $done->{err} =~ /sched\.levels_changed tickets=(\d+)/g;
	return $n;
}
sub due { return join ' ', map { $_ // '-' } map { @$_ } $db->sql("SELECT to_char(due_respond AT TIME ZONE 'UTC', 'DD HH24:MI'), to_char(due_resolve AT TIME ZONE 'UTC', 'DD HH24:MI')
	FROM ticket WHERE id = $_[0]") }
sub changes { return [map { $_->[0] } $db->sql("SELECT reason FROM event WHERE ticket_id = $_[0] AND event = 'due_changed' ORDER BY id")] }
sub breaches { return scalar $db->sql("SELECT count(*) FROM event WHERE ticket_id = $_[0] AND event = 'sla_respond_breach'") }

# Monday 2026-03-23, ten in Helsinki, and 450 more tickets of that hour.
my $opened = '2026-03-23T08:00:00Z';
$desk->deliver('ict', mail(id => "$_\@asiakas.example", from => "$_\@asiakas.example", subject => "Asia $_"), at => 1_774_252_800) for qw(a b);
is($desk->once(env => { LUUKKU_NOW => '2026-03-23T08:01:00Z' })->{status}, 0, 'two tickets');
my ($open, $closed) = map { $_->[0] } $db->sql('SELECT id FROM ticket ORDER BY id');
is($desk->ctl('do', "TUKI-$closed", 'close', { env => { LUUKKU_NOW => '2026-03-23T08:02:00Z' } })->{status}, 0, 'one of them is closed');
$db->sql(qq{WITH t AS (
		INSERT INTO ticket (queue, subject, subject_hash, opened_at, changed_at)
		SELECT 'ict', 'Asia ' || n, decode(md5(n::text), 'hex'), '$opened', '$opened' FROM generate_series(1, 450) n
		RETURNING id, opened_at)
	INSERT INTO stage (ticket_id, status, queue, from_at) SELECT id, 'new', 'ict', opened_at FROM t});
is(sched_at('2026-03-23T08:05:00Z'), 0, 'nothing has changed yet');
is(due($open), '24 08:00 30 07:00', 'due by the levels of the configuration');
my $was = due($closed);

$desk->configure(extra => levels(respond => '1h'));
is(sched_at('2026-03-23T08:10:00Z'), 451, 'another target: all open tickets are looked at');
is(due($open), '23 09:00 30 07:00', '... and due sooner');
is_deeply(changes($open), ['the configuration changed: service level standard of queue ict: priority normal, respond within 1h, resolve within 40h'],
	'... with the reason');
is($db->sql("SELECT count(*) FROM ticket WHERE due_respond = '2026-03-23T09:00:00Z'"), 451, '... every one of them');
is(due($closed), $was, '... but what is closed stays');
is(sched_at('2026-03-23T08:11:00Z'), 0, 'once');

sched_at('2026-03-23T09:00:02Z');
is(breaches($open), 1, 'it passes');
$desk->configure(extra => levels(respond => '8h', holidays => '"fi", "2026-03-24"'));
is(sched_at('2026-03-23T09:05:00Z'), 451, 'back again, and a holiday more');
is(due($open), '25 08:00 31 07:00', 'a day later'); # ten o'clock in summer time
sched_at('2026-03-25T08:00:02Z');
is(breaches($open), 1, 'who was told once is not told again');

$desk->configure(extra => levels(respond => '8h', holidays => '"fi", "2026-03-24"'), site => 'admins = ( "admin@example.fi" );');
is(sched_at('2026-03-25T08:05:00Z'), 0, 'a change of something else moves nothing');
(my $without = $queues) =~ s/ sla = "standard";//;
$desk->configure(queues => $without);
is(sched_at('2026-03-25T08:10:00Z'), 451, 'a queue that has no service level any more');
is(due($open), ' ', '... has no targets');
is_deeply([$db->sql("SELECT kind FROM timer WHERE ticket_id = $open AND kind ~ 'sla'")], [], '... and nothing to warn of');
is(scalar @{ changes($open) }, 3, 'three changes stand in its history');

done_testing();

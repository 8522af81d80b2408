#!/usr/bin/perl
# A clock that was years ahead for an hour and is right again: mail that was written meanwhile goes at once and somebody
# hears of it, the breaker does not count what is yet to come, and what a queue gets each morning comes tomorrow.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use POSIX ();
use Time::Local qw(timegm);

my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" ); notify = "agents";
    digest = "Mon-Fri 07:45"; sla = "standard"; mass: { people = 0; }; }
CONF
my $desk = Luukku::Test::Desk->start(queues => $queues, extra => <<'CONF');
breaker = ( "3/10m" );
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; } );
slas: ( { name = "standard"; calendar = "office"; targets = ( { priority = "normal"; respond = "8h"; resolve = "40h"; } ); } );
CONF
my $scratch = $desk->scratch('alarm');
spew("$scratch/alarm", "#!/bin/sh\necho run >> $scratch/runs\nexec cat > $scratch/text\n", 0755);
$desk->configure(site => "alarm_command = \"$scratch/alarm\"; admins = ( \"admin\@example.fi\" );");
my $db = $desk->db;
my $smtp = $desk->smtp;
my $wrong = timegm(0, 0, 8, 6, 0, 2031);    # a Monday
my $right = timegm(0, 0, 8, 3, 7, 2026);    # a Monday

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

sub take {
	my ($at, @who) = @_;
	$desk->deliver('ict', mail(from => "$_\@asiakas.example", subject => "Asia ($_)", text => "Hei, tässä $_.\n"), at => $at) for @who;
	return $desk->once(env => { LUUKKU_NOW => iso($at) });
}

sub states { return { map { @$_ } $db->sql("SELECT state, count(*) FROM outbox WHERE $_[0] GROUP BY 1") } }

sub alarms { return -e "$scratch/runs" ? (slurp("$scratch/runs") =~ tr/\n//) : 0 }

# Everybody is told later, and one mail was sent: as much as one agent may get within ten minutes.
take($wrong, 'ensin');
$smtp->rules({ at => 'rcpt', reply => '451 4.3.0 later' });
take($wrong + 60, map { "ennen$_" } 1 .. 8);
is_deeply(states('true'), { sent => 2, retry => 16 }, 'acknowledgements and notices of eight tickets wait, in the year 2031') or diag explain states('true');
$smtp->rules;
$db->sql("UPDATE timer SET due_at = due_at + interval '1 day' WHERE kind = 'team_reminder'") if !$db->sql("SELECT count(*) FROM timer WHERE kind = 'team_reminder' AND due_at > '2031-01-01'");

my $done = take($right, 'sitten');
is($done->{status}, 0, 'the clock is right again, and the desk works') or diag $done->{err};
like($done->{err}, qr/send\.clock_back.* mails=16\b/, '... which it says');
is_deeply(states('true'), { sent => 20 }, '... all mail has gone, that of the time before and new, and nothing is held') or diag explain [$db->sql("SELECT id, state, reason FROM outbox WHERE state <> 'sent'")];
is(alarms(), 1, 'the alarm ran once');
like(slurp("$scratch/text"), qr/clock/, '... with what is wrong') if alarms();
is_deeply([map { $_->[0] } $db->sql("SELECT DISTINCT to_char(due_at AT TIME ZONE 'Europe/Helsinki', 'YYYY-MM-DD') FROM timer WHERE kind IN ('team_reminder', 'digest')")],
	['2026-08-04'], 'what comes each morning comes tomorrow morning');
is($db->sql("SELECT count(*) FROM ticket"), 10, 'no mail is lost');
is_deeply([map { @$_ } $db->sql("SELECT count(*), count(due_respond) FROM ticket WHERE opened_at < '2027-01-01'")], [1, 1], 'the new ticket has its clocks');

# What would be told of a mail that failed, or of the breaker, does not wait for that year either.
$db->sql("INSERT INTO timer (kind, due_at, detail) VALUES ('breaker-digest', '2031-01-06', '{\"since\": \"2031-01-06T00:00:00Z\"}')");
$db->sql("INSERT INTO timer (kind, ticket_id, key, due_at) SELECT 'delivery_failed', min(id), '1', '2031-01-06' FROM ticket");
take($right + 600);
is($db->sql("SELECT count(*) FROM timer WHERE kind IN ('breaker-digest', 'delivery_failed')"), 0, 'nor does what tells of mail that was held or failed');
is(alarms(), 1, 'and nobody is called again');

done_testing();

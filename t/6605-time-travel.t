#!/usr/bin/perl
# Two tickets of a Friday at 15:50 with two waits each: over a weekend, Easter and both changes of the clock
# in Helsinki. What luukku says stands beside a table that was worked out by hand. Office hours 8-16, 8-14 on
# the Thursday before Easter; first answer within 8 h, resolution within 40 h.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use Time::Local qw(timegm);

my $desk = Luukku::Test::Desk->start(
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); sla = "standard"; close_after = "7d";
    acknowledge = false; notify = "none"; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; }
CONF
	extra => <<'CONF',
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; holidays = ( "fi" ); short = ( "easter-3 08:00-14:00" ); } );
slas: ( { name = "standard"; calendar = "office"; targets = ( { priority = "normal"; respond = "8h"; resolve = "40h"; } ); } );
CONF
);
my $db = $desk->db;
my $clocks = build_dir() . '/t-helper/clocks';
skip_or_die("$clocks is not built; run t/run") if !-x $clocks;

# "27.3. 15:50 +2" of 2026: local time and what the clock is ahead of UTC.
sub utc {
	my ($day, $month, $hour, $minute, $ahead) = $_[0] =~ /\A(\d+)\.(\d+)\. (\d+):(\d+) \+(\d)\z/ or die $_[0];
	return timegm(0, $minute, $hour, $day, $month - 1, 2026) - 3600 * $ahead;
}

sub iso { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime utc($_[0])) }

sub do_at {
	my ($now, $do, %with) = @_;
	my $done = run([$clocks, '-c', $desk->conf, '--do', $do, map { ('--with', "$_=$with{$_}") } sort keys %with], env => { LUUKKU_NOW => iso($now) });
	is($done->{status}, 0, "$do at $now") or diag $done->{err};
	return;
}

sub show_at {
	my ($now, $ticket) = @_;
	my $done = $desk->ctl('show', '--json', "TUKI-$ticket", { env => { LUUKKU_NOW => iso($now) } });
	return JSON::PP->new->utf8->decode($done->{out});
}

# As people there read it.
sub local_time {
	my ($at) = @_;
	my ($y, $mo, $d, $h, $mi) = $at =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+)/ or return '';
	local $ENV{TZ} = 'Europe/Helsinki';
	POSIX::tzset();
	return POSIX::strftime('%e.%m. %H:%M %Z', localtime timegm(0, $mi, $h, $d, $mo - 1, $y));
}

sub hours { return sprintf '%d:%02d', $_[0] / 3600, $_[0] % 3600 / 60 }

# What happens, when the answer and the resolution are due from then on, by hand; open time of the stage that ended.
my @journeys = (
	# Easter, and from summer to winter time in the second wait.
	['27.3. 15:50 +2', [
		# 0:10 Fri, 7:50 Mon; 0:10 Fri, 8 Mon, 8 Tue, 8 Wed, 6 Thu, Good Friday, Easter Monday, 8 Tue, 1:50 Wed
		['27.3. 15:50 +2', 'opened', '30.3. 15:50 +3', '8.4. 09:50 +3'],
		['30.3. 09:00 +3', 'waiting_customer', '30.3. 15:50 +3', '8.4. 09:50 +3', '1:10'],
		# 7 Mon, 8, 8, 6, 1 Tue; 8.4. 9:50 and 30 h more: 6:10 Wed, 8 Thu, 8 Fri, 7:50 Mon
		['7.4. 09:00 +3', 'open', '30.3. 15:50 +3', '13.4. 15:50 +3', '30:00'],
		['8.4. 10:00 +3', 'waiting_customer', '30.3. 15:50 +3', '13.4. 15:50 +3', '9:00'],
		# 6 Wed, 142 weekdays less 1.5., 14.5. and 19.6. of 8 h, 1 Mon; left of 40 h: 29:50 = 7 Mon, 8, 8, 6:50 Thu
		['26.10. 09:00 +2', 'open', '30.3. 15:50 +3', '29.10. 14:50 +2', '1119:00'],
		['28.10. 12:00 +2', 'resolved', '30.3. 15:50 +3', '29.10. 14:50 +2', '19:00'],
		# 4 Wed, 8 Thu, 8 Fri, 8 Mon, 8 Tue, 4 Wed
		['4.11. 12:00 +2', 'closed', '30.3. 15:50 +3', '29.10. 14:50 +2', '40:00'],
	]],
	# The weekend with 25 hours on Sunday.
	['23.10. 15:50 +3', [
		['23.10. 15:50 +3', 'opened', '26.10. 15:50 +2', '30.10. 15:50 +2'],
		['23.10. 15:55 +3', 'waiting_customer', '26.10. 15:50 +2', '30.10. 15:50 +2', '0:05'],
		# 0:05 Fri, 0:30 Mon; 0:10 Fri (Mon) and 0:25 of the next day
		['26.10. 08:30 +2', 'open', '27.10. 08:25 +2', '2.11. 08:25 +2', '0:35'],
		['27.10. 12:00 +2', 'waiting_customer', '27.10. 08:25 +2', '2.11. 08:25 +2', '11:30'],
		# 4 Tue, 1 Wed
		['28.10. 09:00 +2', 'open', '27.10. 08:25 +2', '2.11. 13:25 +2', '5:00'],
		['29.10. 16:00 +2', 'resolved', '27.10. 08:25 +2', '2.11. 13:25 +2', '15:00'],
	]],
);

for my $journey (@journeys) {
	my ($opened, $steps) = @$journey;
	$desk->deliver('ict', mail(), at => utc($opened));
	is($desk->once(env => { LUUKKU_NOW => iso($opened) })->{status}, 0, "a mail of Friday $opened");
	my $ticket = $db->sql('SELECT max(id) FROM ticket');
	my @table = ([qw(at what), 'answer due', 'by hand', 'resolution due', 'by hand', 'stage took', 'by hand']);
	for my $step (@$steps) {
		my ($at, $what, $respond, $resolve, $took) = @$step;
		if ($what eq 'closed') {
			run([program('luukku-sched'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => iso($at =~ s/:00/:01/r) });
		}
		elsif ($what ne 'opened') {
			do_at($at, 'respond', ticket => $ticket) if $at eq '30.3. 09:00 +3' || $at eq '26.10. 08:30 +2';
			do_at($at, 'move', ticket => $ticket, status => $what);
		}
		my $shown = show_at($at, $ticket);
		my @ended = grep { $_->{to} } @{ $shown->{stages} };
		my $seen = $took ? hours($ended[-1]{business_seconds}) : '';
		is($shown->{due}{respond}, iso($respond), "$at $what: answer due $respond");
		is($shown->{due}{resolve}, iso($resolve), "... resolution due $resolve");
		is($shown->{status}, $what eq 'opened' ? 'new' : $what, "... and it is $what");
		is($seen, $took, "... after $took of open time") if $took;
		is($ended[-1]{business_seconds} % 60, 0, '... to the second') if $took;
		is($ended[-1]{to}, iso($at), '... the stage ended then') if $took;
		push @table, [$at, $what, local_time($shown->{due}{respond}), $respond, local_time($shown->{due}{resolve}), $resolve, $seen, $took // ''];
	}
	note sprintf '%-16s %-16s %-21s %-15s %-21s %-15s %10s %8s', @$_ for @table;
}

done_testing();

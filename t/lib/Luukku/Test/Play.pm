package Luukku::Test::Play;

# What happens at a desk as a list of lines, played by t/helper/play.c through the desk's own calls;
# and open hours worked out by another way than luukku's: the C library's time zones, minute by minute.
#
#   my $desk = Luukku::Test::Play::desk;              a desk with the queues ict and hr, see below
#   my $play = Luukku::Test::Play->new;
#   $play->at('2026-03-02 09:00', open => 'a', 'ict@example.fi', 'maija@kund.example', 'Maija', 'subject', 'text');
#   my $number = $play->run_on($desk);                label => number of the ticket
#   local_time('2026-03-02 09:00')                    as seconds since 1970, in Helsinki
#   open_seconds($from, $to)                          Mon-Fri 8-16 in Helsinki, no holidays

use strict;
use warnings;
use Exporter 'import';
use Luukku::Test::Base qw(run build_dir skip_or_die);
use Luukku::Test::Desk;
use POSIX ();

our @EXPORT_OK = qw(local_time open_seconds stamp);

# Office hours, a service level, two rules, a supplier; mails out only stand in the outbox.
sub desk {
	my (%option) = @_;
	return Luukku::Test::Desk->start(
		site => 'languages = ( "fi" );' . ($option{site} // ''),
		smtp => 'host = "127.0.0.1"; port = 9; tls = "none"; auth = "none"; envelope_from = "luukku-bounces@example.fi"; send = false;',
		agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; },
  { name = "Cecilia Ceder"; address = "cecilia@example.fi"; },
  { name = "Bo Berg"; address = "bo@example.fi"; }
CONF
		queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi", "cecilia@example.fi" );
    managers = ( "cecilia@example.fi" ); sla = "standard"; survey: { send = "resolved"; delay = "1h"; skip_if = ( "supplier" ); reopen_below = 5; }; notify = "none"; types = ( "incident", "request" ); default_type = "request";
    duplicate_window = "0s"; mass: { people = 0; }; close_after = "7d"; acknowledge = false; tell_on_transfer = false; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi", "aino@example.fi" );
    sla = "standard"; notify = "none"; types = ( "incident", "request" ); default_type = "request";
    duplicate_window = "0s"; mass: { people = 0; }; close_after = "7d"; acknowledge = false; tell_on_transfer = false; }
CONF
		extra => <<'CONF',
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; } );
slas: ( { name = "standard"; calendar = "office"; warn_at = 75; targets = (
  { priority = "urgent"; respond = "30m"; resolve = "4h"; }, { priority = "high"; respond = "2h"; resolve = "8h"; },
  { priority = "normal"; respond = "8h"; resolve = "40h"; }, { priority = "low"; respond = "16h"; resolve = "80h"; } ); } );
organisations: ( { name = "Pohjoinen sairaala"; domains = ( "sairaala.example" ); },
  { name = "Kund Ab"; domains = ( "kund.example" ); } );
suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); domains = ( "valo.example" ); remind = (); },
  { name = "kaapeli"; addresses = ( "apu@kaapeli.example" ); domains = ( "kaapeli.example" ); remind = (); } );
rules: ( { name = "outage"; match: { subject = "*häiriö*"; }; set: { type = "incident"; priority = "high"; }; },
  { name = "incident"; match: { subject = "*vika*"; }; set: { type = "incident"; tags = ( "broken" ); }; },
  { name = "payroll"; match: { subject = "*palkka*"; }; set: { queue = "hr"; tags = ( "payroll" ); }; } );
CONF
		%option);
}

sub new { return bless { lines => [], n => 0 }, shift }

# "2026-03-02 09:00[:30]" in Helsinki.
sub local_time {
	my ($y, $mo, $d, $h, $mi, $s) = $_[0] =~ /\A(\d+)-(\d+)-(\d+) (\d+):(\d+)(?::(\d+))?\z/ or die "what time is $_[0]?";
	local $ENV{TZ} = 'Europe/Helsinki';
	POSIX::tzset();
	my $at = POSIX::mktime($s // 0, $mi, $h, $d, $mo - 1, $y - 1900, 0, 0, -1);
	delete local $ENV{TZ};
	POSIX::tzset();
	return $at;
}

sub stamp { return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# A time is one of Helsinki, or seconds since 1970.
sub at {
	my ($self, $time, $what, @arguments) = @_;
	my $at = $time =~ /-/ ? local_time($time) : $time;
	s/\n/\\n/g for @arguments;
	push @{ $self->{lines} }, [$at, $self->{n}++, join "\t", $what, @arguments];
	return;
}

sub script {
	my ($self) = @_;
	return join '', map { stamp($_->[0]) . "\t$_->[2]\n" } sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] } @{ $self->{lines} };
}

sub run_on {
	my ($self, $desk, %option) = @_;
	my $helper = build_dir() . '/t-helper/play';
	skip_or_die("$helper is not built; run t/run") if !-x $helper;
	my $script = $self->script;
	utf8::encode($script) if utf8::is_utf8($script);
	my $done = run([$helper, '-c', $desk->conf], in => $script, seconds => $option{seconds} // 120);
	die "the play stopped: $done->{err}\n" if $done->{status} != 0 || $done->{signal};
	return { map { split /\t/ } split /\n/, $done->{out} };
}

# By hour: the next midnight of Helsinki, and the opening hours of the day.
my %opening;

# When the day of that moment opens and closes; nothing on a weekend.
sub _hours_of {
	my ($at) = @_;
	local $ENV{TZ} = 'Europe/Helsinki';
	POSIX::tzset();
	my (undef, undef, undef, $d, $mo, $y, $weekday) = localtime $at;
	my $next = POSIX::mktime(0, 0, 0, $d + 1, $mo, $y, 0, 0, -1);
	my @hours = $weekday == 0 || $weekday == 6 ? () : map { POSIX::mktime(0, 0, $_, $d, $mo, $y, 0, 0, -1) } 8, 16;
	delete local $ENV{TZ};
	POSIX::tzset();
	return ($next, @hours);
}

sub open_seconds {
	my ($from, $to) = @_;
	my $sum = 0;
	while ($from < $to) {
		my $key = int($from / 3600);
		my ($next, $opens, $closes) = @{ $opening{$key} //= [_hours_of($from)] };
		if (defined $opens) {
			my $begin = $from > $opens ? $from : $opens;
			my $end = $to < $closes ? $to : $closes;
			$sum += $end - $begin if $end > $begin;
		}
		$from = $next;
	}
	return $sum;
}

1;

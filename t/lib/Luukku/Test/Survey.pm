package Luukku::Test::Survey;

# A desk that asks its customers, and the days of one who works there; shared by the tests of surveys.
# Time is the test's.
#
#   begin();                                 sets $desk, $db, $dir, %port
#   my $ref = ask('ict', subject => 'x');    a mail to that queue, and the ticket it becomes
#   do_ticket($ref, 'resolve'); later($hour); work();
#   surveys($ref), answer_of($ref), why_not($ref), mail_to('bo@example.fi', $ref)

use strict;
use warnings;
use utf8;
use Encode ();
use Exporter 'import';
use Luukku::Test::Base qw(run program spew temp_dir);
use Luukku::Test::Desk qw(mail parts);
use Luukku::Test::Web;
use Test::More;
use Time::Local qw(timegm);

our @EXPORT = qw(begin $desk $db $dir %port $clock $hour $day
	iso later env work ask do_ticket number status surveys answer_of why_not mail_to text_of);
our ($desk, $db, $dir, %port);

sub begin {
	binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

	%port = Luukku::Test::Web::ports();
	$desk = Luukku::Test::Desk->start(
		site => 'bilingual = ( "fi", "sv" ); incident_managers = ( "iida@example.fi" ); admins = ( "admin@example.fi" );',
		agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; },
  { name = "Bo Berg"; address = "bo@example.fi"; },
  { name = "Mari Mattila"; address = "mari@example.fi"; languages = ( "sv" ); },
  { name = "Iida Iso"; address = "iida@example.fi"; }
CONF
		queues => <<'CONF',
  { name = "ict"; title = "ICT-palvelupiste"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" );
    managers = ( "bo@example.fi", "mari@example.fi" ); acknowledge = false; notify = "none"; mass: { people = 0; };
    close_after = "0s"; duplicate_window = "0s";
    survey: { send = "resolved"; delay = "1h"; skip_if = ( "supplier" ); every = "30d"; reopen_below = 5; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); acknowledge = false; notify = "none";
    mass: { people = 0; }; duplicate_window = "0s"; close_after = "7d"; close_unanswered = true;
    customer_reminders = ( "1d", "1d" ); survey: { send = "closed"; delay = "2h"; }; }
CONF
		extra => Luukku::Test::Web::conf(%port) . <<'CONF',
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); domains = ( "toimittaja.example" ); } );
CONF
	);
	$db = $desk->db;
	$dir = temp_dir();
	return;
}

sub iso   { my @t = gmtime $_[0]; return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0] }
our $clock = timegm(0, 0, 7, 5, 9, 2026);    # a Monday, 10:00 in Helsinki
our ($hour, $day) = (3600, 86400);
sub later { $clock += $_[0]; return }
sub env { return (env => { LUUKKU_NOW => iso($clock) }) }

# What is due, and what it sends; fetches mail only where there is some.
sub work {
	my ($fetch) = @_;
	# As if the mailbox had been visited: from one that is away nobody is reminded.
	$db->sql("UPDATE mailbox SET last_ok_at = '" . iso($clock) . "'") if !$fetch;
	my @runs = $fetch ? ($desk->once(env()))
		: map { later(5); run([program($_), '-c', $desk->conf, '--once'], env()) } qw(luukku-sched luukku-send);
	my @bad = grep { $_->{status} != 0 } @runs;
	is(scalar @bad, 0, 'the desk at ' . iso($clock)) or diag map { $_->{err} } @bad;
	return;
}

sub ask {
	my ($queue, %mail) = @_;
	$mail{from} //= 'Maija <maija@asiakas.example>';
	$desk->deliver($queue, mail(to => "$queue\@example.fi", %mail), at => $clock);
	later(60);
	work(1);
	return 'TUKI-' . $db->sql('SELECT max(id) FROM ticket');
}

sub do_ticket {
	my ($ref, @commands) = @_;
	spew("$dir/text", Encode::encode('UTF-8', "Vaihdoimme väriaineen, ja nyt tulostus toimii.\n"));
	my $text = grep { /^resolve/ } @commands;
	my $done = $desk->ctl('do', $ref, @commands, '--as', 'aino@example.fi', $text ? ('--text', "$dir/text") : (), { env() });
	is($done->{status}, 0, "$ref @commands") or diag $done->{err};
	later(60);
	return;
}

sub number { my ($n) = $_[0] =~ /(\d+)$/; return $n }
sub status { return scalar $db->sql('SELECT status FROM ticket WHERE id = ' . number($_[0])) }
sub surveys { return scalar $db->sql('SELECT count(*) FROM survey WHERE ticket_id = ' . number($_[0])) }
sub answer_of {
	my ($row) = $db->sql("SELECT coalesce(outcome, 'none'), coalesce(score::text, '-'), coalesce(comment, '-'), coalesce(answered_by, '-')
		FROM survey WHERE ticket_id = " . number($_[0]) . ' ORDER BY id DESC LIMIT 1');
	return Encode::decode('UTF-8', join ' | ', @$row);
}
sub why_not {
	return scalar $db->sql("SELECT reason FROM event WHERE event = 'survey_skipped' AND ticket_id = " . number($_[0])
		. ' ORDER BY id DESC LIMIT 1');
}
# The newest mail about the ticket to that address.
sub mail_to {
	my ($address, $ref) = @_;
	my ($found) = grep { lc $_->{rcpt}[0] eq $address && $_->{data} =~ /\[\Q$ref\E\]/ } reverse $desk->smtp->mails;
	return $found ? $found->{data} : undef;
}
sub text_of { my ($mail) = @_; my ($part) = grep { $_->{type} eq 'text/plain' } parts($mail); return $part->{text} }

1;

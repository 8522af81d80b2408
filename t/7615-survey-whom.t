#!/usr/bin/perl
# Who is asked by a survey, when, and who is not (desk.md 16), each with the reason in the history.
# Time is the test's.

use strict;
use warnings;
use utf8;
use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(run program spew slurp temp_dir);
use Luukku::Test::Desk qw(mail header parts);
use Luukku::Test::Http;
use Luukku::Test::Web;
use Test::More;
use Time::Local qw(timegm);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my %port = Luukku::Test::Web::ports();
my $desk = Luukku::Test::Desk->start(
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
my $db = $desk->db;
my $dir = temp_dir();

sub iso   { my @t = gmtime $_[0]; return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0] }
my $clock = timegm(0, 0, 7, 5, 9, 2026);    # a Monday, 10:00 in Helsinki
my ($hour, $day) = (3600, 86400);
sub later { $clock += $_[0]; return }
sub env { return (env => { LUUKKU_NOW => iso($clock) }) }

# What is due, and what it sends; fetches mail only where there is some.
sub work {
	my ($fetch) = @_;
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

# One mail each, fetched together: the numbers in their order.
sub ask_all {
	my @mails = @_;
	for my $mail (@mails) {
		my ($queue, %mail) = @$mail;
		$desk->deliver($queue, mail(to => "$queue\@example.fi", %mail), at => $clock + 1);
		later(1);
	}
	later(60);
	work(1);
	my %ref = map { $_->[1] => "TUKI-$_->[0]" } $db->sql('SELECT id, subject FROM ticket');
	return map { my ($queue, %mail) = @$_; $ref{ $mail{subject} } // die "no ticket $mail{subject}" } @mails;
}
sub from { my ($who, $subject, %more) = @_; return ['ict', from => "$who <$who\@asiakas.example>", subject => $subject, %more] }
sub as_bo {
	my ($ref, @commands) = @_;
	my $done = $desk->ctl('do', $ref, @commands, '--as', 'bo@example.fi', '--text', "$dir/text", { env() });
	is($done->{status}, 0, "$ref @commands by bo") or diag $done->{err};
	return;
}
is($desk->ctl('person', 'set', 'osasto@asiakas.example', 'shared')->{status}, 0, 'a ward');

my ($maija1, $maija2, $ward1, $ward2, $silent, $spam, $into, $merged, $alarm, $supplier, $reopened, $parent, $child, $other, $unanswerable,
	$unanswered, $closing) = ask_all(
	from('maija', 'Yksi'), from('maija', 'Kaksi'), from('osasto', 'Kolme'), from('osasto', 'Nelja'), from('silent', 'Viisi'),
	from('spam', 'Kuusi'), from('merge', 'Seitseman'), from('merge', 'Kahdeksan'),
	from('valvonta', 'Levy taynna', headers => "Auto-Submitted: auto-generated\n"), from('supplier', 'Yhdeksan'),
	from('reopened', 'Kymmenen'), from('perhe', 'Iso vika'), from('perhe', 'Sama vika'), from('toinen', 'Vika taallakin'),
	from('lista', 'Yksitoista', headers => "X-Auto-Response-Suppress: All\n"),
	['hr', from => 'H <vastaamaton@asiakas.example>', subject => 'Palkka'], ['hr', from => 'I <suljettu@asiakas.example>', subject => 'Loma']);
do_ticket($maija1, 'resolve');
do_ticket($_, 'resolve') for $ward1, $ward2, $alarm, $unanswerable;
do_ticket($silent, 'resolve silent');
do_ticket($spam, 'spam');
do_ticket($merged, "merge $into");
do_ticket($supplier, 'wait supplier atk');
do_ticket($supplier, 'resolve');
do_ticket($_, "parent $parent") for $child, $other;
do_ticket($parent, 'resolve');
do_ticket($reopened, 'resolve');
later($hour / 2);
do_ticket($reopened, 'reopen');
work();
as_bo($unanswered, 'wait customer');
as_bo($closing, 'resolve');
later($hour);
work();
is(surveys($maija1), 1, 'the first one is asked about');
do_ticket($maija2, 'resolve');
do_ticket($reopened, 'resolve');
later($hour - 300);
work();
is(surveys($reopened), 0, 'reopened within the delay: it begins anew');
later(600);
work();
is(surveys($reopened), 1, '... and then it is asked');

my @table;
for my $case (
	[$maija2, qr/every/, 'twice within `every`'], [$silent, qr/silent/, '#resolve silent'], [$spam, undef, 'spam'],
	[$merged, undef, 'merged'], [$alarm, undef, 'a machine'], [$supplier, qr/supplier/, 'a supplier took part'],
	[$unanswerable, qr/no automatic mail/, 'a mail that wants no automatic one'],
) {
	my ($ref, $pattern, $what) = @$case;
	is(surveys($ref), 0, "not asked: $what");
	my $why = why_not($ref) // '';
	like($why, $pattern // qr/\A\z/, '... and the history says why');
	push @table, sprintf '%-40s %s', $what, $why || '(its status or kind says it)';
}
is(surveys($ward1) + surveys($ward2), 2, '`every` does not bind shared addresses');
is(surveys($parent) + surveys($child), 1, 'a parent and its children ask one requester once');
is(surveys($other), 1, '... and each requester');

is(surveys($closing), 0, 'send = "closed": not asked when it is resolved');
for (1 .. 8) {
	later($day);
	work();
}
is(status($unanswered), 'closed', 'closed unanswered');
is(status($closing), 'closed', 'closed after a week');
later(3 * $hour);
work();
is(surveys($closing), 1, '... and asked then');
is(surveys($unanswered), 0, 'not asked: after close_unanswered');
like(why_not($unanswered), qr/did not answer/, '... and the history says why');
push @table, sprintf '%-40s %s', 'close_unanswered', why_not($unanswered);

later(31 * $day);
my ($again) = ask_all(from('maija', 'Kuukauden paasta'));
do_ticket($again, 'resolve');
later($hour);
work();
is(surveys($again), 1, 'asked again after `every`');

# Where there is neither a page nor an address for the answer.
{
	my ($nowhere) = ask_all(from('pekka', 'Ei vastaustapaa'));
	do_ticket($nowhere, 'resolve');
	$desk->configure(site => 'subaddress = "";', extra => 'suppliers: ();');
	later($hour);
	work();
	is(surveys($nowhere), 0, 'not asked where nobody could answer');
	like(why_not($nowhere), qr/web\.public_url/, '... and the history says what to set');
}
note join "\n", 'not asked                                because', @table;

done_testing;

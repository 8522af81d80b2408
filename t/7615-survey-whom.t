#!/usr/bin/perl
# Who is asked by a survey, when, and who is not (desk.md 16), each with the reason in the history.
# Time is the test's.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Survey;
use Test::More;

begin();

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

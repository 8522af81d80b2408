#!/usr/bin/perl
# The report against a desk's month worked out by hand: a table of tickets, what each comes to, and the
# sums. Office hours Mon-Fri 8-16 in Helsinki; clocks go forward on 29 March 2026.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Play;
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $desk = Luukku::Test::Play::desk();
my $db = $desk->db;
my $play = Luukku::Test::Play->new;
my ($ict, $hr) = ('ict@example.fi', 'hr@example.fi');
my ($aino, $bo) = ('aino@example.fi', 'bo@example.fi');
my $n = 0;
my %requester;

sub opens {
	my ($at, $label, $to, $subject, %option) = @_;
	my $from = $option{from} // 'asiakas' . ++$n . '@kund.example';
	$requester{$label} = $from;
	$play->at("2026-03-$at", $option{machine} ? 'machine' : 'open', $label, $to, $from, 'Asiakas', $subject,
		"Hei,\n\nvoisitteko auttaa minua tässä asiassa: $subject?\n");
	return;
}

sub agent { my ($at, $label, $text, $who) = @_; $play->at("2026-03-$at", 'agent', $label, $who // $aino, $text); return }
sub customer { my ($at, $label, $text) = @_; $play->at("2026-03-$at", 'customer', $label, $requester{$label}, $text); return }

# simple: answered and resolved at once, Monday 9:00 to 10:30
opens('02 09:00', 'simple', $ict, 'Ohje puhelimen vaihtoon');
agent('02 10:30', 'simple', "Ohje on intranetissä.\n\n#resolve");
# weekend: Friday 15:30, answered Monday 8:15, resolved Monday 12:00
opens('06 15:30', 'weekend', $ict, 'Uusi näppäimistö tilaukseen');
agent('09 08:15', 'weekend', 'Tilaamme sen tänään.');
agent('09 12:00', 'weekend', "Näppäimistö on pöydälläsi.\n\n#resolve");
# waits: taken, asked, a wait of two days, answered, resolved
opens('03 10:00', 'waits', $ict, 'Näyttö on pimeä');
agent('03 10:05', 'waits', '#take');
agent('03 11:00', 'waits', "Mikä näytön malli on?\n\n#wait customer");
customer('05 09:00', 'waits', 'Malli on P2419H ja tunnus NP-7781.');
agent('05 10:00', 'waits', "Vaihdoimme kaapelin.\n\n#resolve");
# asks: a question in a plain answer
opens('04 08:30', 'asks', $ict, 'Jaettu kansio puuttuu');
agent('04 09:00', 'asks', 'Mikä kansion nimi on?');
customer('04 09:30', 'asks', 'Kansion nimi on Talous 2026.');
agent('04 12:00', 'asks', "Oikeudet on lisätty.\n\n#resolve");
# dst: over the weekend on which clocks go forward
opens('27 14:00', 'dst', $ict, 'Tunnuksen avaaminen uudelle harjoittelijalle');
agent('30 09:00', 'dst', "Tunnus on avattu.\n\n#resolve");
# twin is merged into whole
opens('10 08:30', 'whole', $ict, 'Verkkolevy ei avaudu lainkaan');
agent('10 08:40', 'whole', '#take');
opens('10 09:00', 'twin', $ict, 'Levyasema kateissa');
agent('10 09:30', 'twin', '#merge @whole');
agent('10 11:00', 'whole', "Levy on taas näkyvissä.\n\n#resolve");
# parent and child are resolved by one
opens('11 09:00', 'parent', $ict, 'Kokoushuoneen kamera');
opens('11 09:10', 'child', $ict, 'Videokokouksessa ei ole kuvaa');
agent('11 09:20', 'child', '#parent @parent');
agent('11 10:00', 'parent', "Kamera on vaihdettu.\n\n#resolve");
# again: resolved, reopened by its customer, resolved
opens('12 09:00', 'again', $ict, 'Tulostaminen takkuaa');
agent('12 09:30', 'again', "Tulostusjono on tyhjennetty.\n\n#resolve");
customer('12 13:00', 'again', 'Ei valitettavasti tulosta vieläkään, sama virhe näkyy edelleen.');
agent('12 14:00', 'again', "Ajuri on päivitetty.\n\n#resolve");
# chased: its customer asks for progress after a first answer; that is no answer
opens('16 08:00', 'chased', $ict, 'Puhelinliittymän siirto');
agent('16 09:00', 'chased', 'Selvitämme operaattorilta.');
customer('17 08:00', 'chased', 'Onko asia edennyt?');
agent('17 09:00', 'chased', "Liittymä on siirretty.\n\n#resolve");
# moved: a rule sends it to hr, a person sends it back; stays: the same rule, rightly
opens('18 08:00', 'moved', $ict, 'Palkkalaskelma ei aukea koneella');
agent('18 09:00', 'moved', '#queue ict', $bo);
agent('18 10:00', 'moved', "PDF-lukija on asennettu.\n\n#resolve");
opens('18 08:00', 'stays', $ict, 'Palkkaerittely puuttuu', from => 'hoitaja@sairaala.example');
agent('18 08:30', 'stays', "Se tulee huomenna.\n\n#resolve", $bo);
# consults: a colleague is asked and answers
opens('19 09:00', 'consults', $ict, 'Lisenssi taitto-ohjelmaan');
agent('19 09:30', 'consults', "Onko lisenssejä vapaana?\n\n#ask bo\@example.fi");
$play->at('2026-03-19 11:00', 'consulted', 'consults', $bo, 'Yksi on vapaana.');
agent('19 12:00', 'consults', "Lisenssi on asennettu.\n\n#resolve");
# outside: a supplier answers twice in a row, is asked again and answers
opens('20 08:00', 'outside', $ict, 'Kulunvalvonnan lukija on epäkunnossa', from => 'vahti@sairaala.example');
agent('20 08:30', 'outside', "Lukija 12 ei toimi.\n\n#supplier valo\n#wait supplier");
$play->at('2026-03-23 10:00', 'supplier', 'outside', 'tuki@valo.example', 'Huoltomies tulee iltapäivällä, tapaus on kirjattu.');
$play->at('2026-03-23 11:00', 'supplier', 'outside', 'tuki@valo.example', 'Hän tuleekin jo aamulla, muutimme aikaa.');
agent('23 12:00', 'outside', "Onko lukija vaihdettu?\n\n#supplier valo\n#wait supplier");
$play->at('2026-03-23 12:30', 'supplier', 'outside', 'tuki@valo.example', 'Lukija on vaihdettu.');
agent('23 14:00', 'outside', "Lukija toimii taas.\n\n#resolve");
# late: high priority by a rule, both targets (2 h and 8 h) missed
opens('24 08:00', 'late', $ict, 'Häiriö puhelinvaihteessa');
agent('24 11:00', 'late', 'Vikaa etsitään.');
agent('25 09:00', 'late', "Vaihde toimii.\n\n#resolve");
# thanks: an absence and thanks while it is open are no answers; resolved without more words
opens('25 09:00', 'thanks', $ict, 'Sovelluksen asennus');
agent('25 09:30', 'thanks', 'Asensimme sovelluksen koneellesi.');
$play->at('2026-03-25 09:31', 'vacation', 'thanks', $requester{thanks}, 'Olen lomalla 3.4. asti.');
customer('25 10:00', 'thanks', 'Kiitos!');
agent('25 11:00', 'thanks', '#resolve');
# what counts apart, and what is still open when the month ends
opens('26 07:00', 'alarm', $ict, 'ALARM disk full on srv1', machine => 1, from => 'monitor@kund.example');
opens('26 09:00', 'spam', $ict, 'Osta nyt halvalla');
agent('26 09:05', 'spam', '#spam');
opens('31 15:00', 'new', $ict, 'Uusi kannettava tietokone');
# April: not in the month, but the tickets are closed and reminded of meanwhile
$play->at("2026-$_ 12:00", 'sched', '-') for qw(03-13 03-20 03-27 03-31);
opens('31 23:59', 'last', $hr, 'Lomarahan maksupäivä');
$play->at('2026-04-01 00:00', 'open', 'april', $hr, 'asiakas99@kund.example', 'Asiakas', 'Työtodistus', "Hei,\n\ntarvitsen todistuksen.\n");
$play->at('2026-04-01 09:00', 'agent', 'last', $bo, "Se maksetaan heinäkuussa.\n\n#resolve");

my $number = $play->run_on($desk);
is(scalar(keys %$number), 22, 'the month was played');

sub report {
	my (@arguments) = @_;
	my $done = $desk->ctl('report', @arguments, '--from', '2026-03-01', '--to', '2026-03-31', '--format', 'json');
	is($done->{status}, 0, "report @arguments") or diag $done->{err};
	return JSON::PP->new->utf8->decode($done->{out});
}
report('queues');

# First action and first reply, resolution (without waits for the customer), all by the clock on the
# wall; r reply in target, R resolution in target; then: c customer again, s supplier, m moved, q asked,
# 1 first time right, f first contact.
my @table = split /\n/, <<'END';
simple     5400   5400   5400    5400  y y  1f
weekend    2700   2700  16200  246600  y y  1
waits       300   3600   7200  172800  y y  c1
asks       1800   1800  12600   12600  y y  c1
dst       10800  10800  10800  237600  y y  1f
whole       600   9000   9000    9000  y y  1f
parent     1200   3600   3600    3600  y y  1f
child       600   3000   3000    3000  y y  1f
again      1800   1800   5400   18000  y y  -
chased     3600   3600  32400   90000  y y  1
moved      3600   7200   7200    7200  y y  m1
stays      1800   1800   1800    1800  y y  1f
consults   1800  10800  10800   10800  y y  q1f
outside    1800  50400  50400  280800  n y  s1
late      10800  10800  32400   90000  n n  1
thanks     1800   1800   7200    7200  y y  1f
new           -      -      -       -  - -  -
last       3600   3600   3600   32460  y y  1f
END
my %seen = map { $_->[0] => $_ } $db->sql(q{SELECT ticket_id, first_action_seconds, first_reply_seconds, resolution_seconds,
	elapsed_seconds, is_reply_in_target, is_resolution_in_target, needed_customer, needed_supplier, is_moved, is_consulted,
	is_first_time_right, is_first_contact FROM report_ticket WHERE opened_at < '2026-03-31T21:00:00Z'});
note sprintf '%-10s %7s %7s %7s %7s  %s %s  %s', qw(ticket action reply resolve elapsed r R what);
for my $line (@table) {
	my ($label, @want) = split ' ', $line;
	my (undef, @got) = map { length($_ // '') ? $_ : '-' } @{ delete $seen{ $number->{$label} } // [] };
	my @flags = splice @got, 6;
	my $flags = join '', map { $flags[$_] eq 't' ? (qw(c s m q 1 f))[$_] : '' } 0 .. 5;
	my $got = join ' ', map({ $_ eq 't' ? 'y' : $_ eq 'f' ? 'n' : $_ } @got), $flags eq '' ? '-' : $flags;
	is($got, join(' ', @want), $label);
	note sprintf '%-10s %7s %7s %7s %7s  %s %s  %s', $label, @want;
}
is_deeply([keys %seen], [], 'and no other ticket counts');

# --- sums, by hand from the table -------------------------------------------------------------------
my %row = map { $_->{queue} => $_ } @{ report('queues') };
my %want = (
	ict => { received => 16, resolved => 15, open => 1, machine => 1, junk => 1, merged => 1, needed_customer => 2,
		needed_customer_percent => 12.5, needed_supplier => 1, reopened => 1, first_time_right => 14, first_contact => 7,
		chased => 1, moved => 1, consulted => 1, first_reply_targets => 15, first_reply_in_target => 13,
		resolution_targets => 15, resolution_in_target => 14, first_reply_in_target_percent => 86.7,
		# the eighth of fifteen; nine of ten: six tenths of the way from the 13th to the 14th
		first_action_median => 1800, first_reply_median => 3600, resolution_median => 9000, resolution_p90 => 32400,
		first_action_p90 => 8640, first_reply_p90 => 10800, elapsed_median => 12600 },
	hr => { received => 2, resolved => 1, open => 1, machine => 0, junk => 0, merged => 0, needed_customer => 0,
		first_contact => 1, first_time_right => 1, moved => 0, resolution_median => 1800, first_reply_median => 2700 },
);
for my $queue (sort keys %want) {
	is($row{$queue}{$_}, $want{$queue}{$_}, "$queue: $_") for sort keys %{ $want{$queue} };
}
my ($april) = @{ JSON::PP->new->decode($desk->ctl('report', 'queues', '--from', '2026-04-01', '--to', '2026-04-30', '--json')->{out}) };
is(join(' ', @$april{qw(queue received resolved open)}), 'hr 1 1 1', 'a minute past midnight is April');

my %organisation = map { ($_->{organisation} // '-') => $_ } @{ report('organisations') };
is($organisation{'Pohjoinen sairaala'}{received} . ' ' . $organisation{'Pohjoinen sairaala'}{needed_supplier}, '2 1', 'by organisation');
my %by_type = map { ("$_->{queue} $_->{group_value}" => $_->{received}) } @{ report('queues', '--by', 'type') };
is_deeply(\%by_type, { 'ict request' => 15, 'ict incident' => 1, 'hr request' => 2 }, '... and by type');
my ($all) = @{ report('queues', '--total') };
is(join(' ', @$all{qw(queue received resolved first_contact resolution_median)}), '* 18 16 8 8100', 'and all together');

my %stage = map { ("$_->{queue} $_->{stage}" => $_) } @{ report('stages') };
is(join(' ', @{ $stage{'ict waiting_customer'} }{qw(tickets ended open_median elapsed_median)}), '1 1 50400 165600', 'the wait for the customer');
is(join(' ', @{ $stage{'ict waiting_supplier'} }{qw(tickets ended open_sum)}), '1 2 36000', 'the waits for the supplier');
is(join(' ', @{ $stage{'ict consultation'} }{qw(tickets ended lasting open_median)}), '1 1 0 5400', 'the consultation is an interval of its own');
is(join(' ', @{ $stage{'hr new'} }{qw(tickets ended lasting)}), '3 3 0', 'a stage counts where it was');

my ($valo) = @{ report('suppliers') };
is(join(' ', @$valo{qw(supplier tickets asked answered unanswered answer_median answer_p90)}), 'valo 1 2 2 0 18000 30960',
	'the supplier: asked twice, a second answer in a row is none');
my %rule = map { ($_->{rule} // '-') => $_ } @{ report('rules') };
is(join(' ', @{ $rule{payroll} }{qw(received moved moved_percent)}), '2 1 50', 'whose tickets are moved by hand: the rule');
is($rule{'-'}{moved}, 0, '... and the addresses');
my %sla = map { ("$_->{queue} $_->{priority}" => $_) } @{ report('sla') };
is(join(' ', @{ $sla{'ict high'} }{qw(received first_reply_targets first_reply_in_target resolution_targets resolution_in_target)}),
	'1 1 0 1 0', 'the breached one');

# --- surveys: nine answers of fourteen, one of them excluded, one of them "no", one low ---------------
my %survey = map { ($_->[0] => $_->[1]) } $db->sql('SELECT ticket_id, id FROM survey');
is(scalar(keys %survey), 14, 'surveys went out; the supplier\'s ticket and machines had none') or diag join ' ', sort keys %survey;
my $answers = Luukku::Test::Play->new;
my $minute = 0;
sub answers {
	my ($label, $verdict, $score, $comment) = @_;
	$answers->at(sprintf('2026-04-01 10:%02d', $minute++), 'survey', '-', $survey{ $number->{$label} }, $verdict, $score, $comment // '');
	return;
}
answers(@$_) for ['simple', 'yes', 9, 'Nopea apu'], ['weekend', 'yes', 8], ['waits', 'yes', 10], ['asks', 'yes', 7], ['whole', 'yes', 3, 'Kesti'],
	['again', 'no', '', 'Ei toimi'], ['thanks', 'yes', ''], ['chased', 'yes', 5];
$answers->at('2026-04-01 11:00', 'agent', $number->{chased}, 'cecilia@example.fi', '#survey exclude vastasi väärästä asiasta');
$answers->run_on($desk);
my $survey_of = sub {
	my ($row) = grep { $_->{queue} eq 'ict' } @{ report('survey') };
	return join ' ', map { $row->{$_} // '-' } qw(sent answered in_order not_in_order low excluded counted average);
};
is($survey_of->(), '14 8 5 1 1 1 4 -', 'four counted answers have no average');
is_deeply(report('comments'), [], '... and show no comment');
$answers = Luukku::Test::Play->new;
answers('dst', 'yes', 6, 'Kiitos kaikille');
$answers->at('2026-04-01 12:00', 'sched', '-');
$answers->run_on($desk);
is($survey_of->(), '14 9 6 1 1 1 5 8', 'five have one: (9 + 8 + 10 + 7 + 6) / 5');
is_deeply([sort map { $_->{comment} } @{ report('comments') }], ['Kiitos kaikille', 'Nopea apu'], '... and comments, without those of bad answers');
my $words = $desk->ctl('report', 'comments', '--from', '2026-03-01', '--to', '2026-03-31', '--format', 'html')->{out};
like($words, qr{<tr><th scope="col">[^<]+</th><th scope="col">[^<]+</th></tr></thead>\n<tbody>}, 'as a page: a heading for queue and comment');
is(join(' ', sort $words =~ m{<tr><td>ict</td><td>([^<]+)</td></tr>}g), 'Kiitos kaikille Nopea apu', '... and a row for each');
my ($by_type) = @{ report('survey', '--by', 'priority') };
is(join(' ', @$by_type{qw(group_value answered)}) . ($by_type->{average} // '-'), 'high 0-', 'a group of few has none');
$db->sql('GRANT luukku_read TO luukku_owner');
my ($rows, $error) = $db->try_sql("SELECT queue, counted, average FROM report_survey WHERE period_from = '2026-03-01'",
	user => 'luukku_owner', role => 'luukku_read');
is_deeply($rows, [['ict', 5, '8.0']], 'the reporting role sees the average of the month');
($rows, $error) = $db->try_sql("SET luukku.report_by = 'type'; SELECT * FROM report_survey",
	user => 'luukku_owner', role => 'luukku_read');
is_deeply($rows, [], '... and of nothing smaller') or diag $error;
my %after = map { $_->{queue} => $_ } @{ report('queues') };
is(join(' ', @{ $after{ict} }{qw(resolved open reopened)}), '13 1 2', 'the two that were not in order are open again, and were not when March ended');

done_testing;

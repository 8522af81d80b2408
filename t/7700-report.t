#!/usr/bin/perl
# luukkuctl report over a small simulated month: what was put in is found, to the ticket; formats,
# options, who may see what. t/bench/month does the same with 15,000 tickets.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Month;
use Luukku::Test::Play;
use Test::More;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $desk = Luukku::Test::Play::desk();
my $db = $desk->db;
my $month = Luukku::Test::Month->new(tickets => 300, seed => 7);
my $number = $month->play->run_on($desk, seconds => 600);
cmp_ok(scalar(keys %$number), '>', 300, 'a month of 300 tickets was played');

my @found = $month->compare($desk);
note $_ for $month->table(@found);
cmp_ok(scalar @found, '>', 130, 'figures are compared');
is($_->[3], $_->[2], "$_->[0]: $_->[1]") for @found;

my @dates = ('--from', '2026-03-01', '--to', '2026-03-31');

sub report {
	my (@arguments) = @_;
	my $done = $desk->ctl('report', @arguments);
	is($done->{status}, 0, "report @arguments") or diag $done->{err};
	return $done->{out};
}

sub rows { return @{ JSON::PP->new->utf8->decode(report(@_, '--json')) } }

# --- grouping and limits ------------------------------------------------------------------------------
my $sum = 0;
$sum += $_->{received} for rows('queues', '--by', 'priority', @dates);
is($sum, 300, 'priorities add up');
my %tag = map { ($_->{group_value} // '-' => $_->{received}) } rows('queues', '--total', '--by', 'tag', @dates);
is($tag{payroll}, scalar(grep { $_->{rule} } $month->tickets), 'by tag');
my ($ict) = rows('organisations', '--queue', 'ict', '--organisation', 'Kund Ab', @dates);
is($ict->{received}, scalar(grep { $_->{queue} eq 'ict' && $_->{from} =~ /kund/ } $month->tickets), 'one queue and one organisation');
$db->sql(q{UPDATE ticket SET fields = '{"device": "=cmd|x", "room": "A \"1\", <b>"}' WHERE queue = 'hr'});
my %field = map { ($_->{group_value} // '-' => $_->{received}) } rows('queues', '--by', 'field:device', @dates);
is($field{'=cmd|x'}, scalar(grep { $_->{queue} eq 'hr' } $month->tickets), 'by a field');
my @rules = rows('rules', @dates);
is(join(' ', map { join ' ', map { $_ // '-' } @$_{qw(rule received moved)} } @rules),
	sprintf('payroll %d %d - %d 0', $tag{payroll}, scalar(grep { $_->{moved} } $month->tickets), 300 - $tag{payroll}), 'by rule');

# --- formats --------------------------------------------------------------------------------------------
my $csv = report('queues', '--by', 'field:device', '--format', 'csv', @dates);
like($csv, qr/\Aperiod_from,period_to,queue,grouped_by,group_value,received,.*\r\n2026-03-01,2026-03-31,hr,field,"'=cmd\|x",/,
	'CSV: a heading, CRLF, and no formula');
my $other = report('queues', '--by', 'field:room', '--format', 'csv', @dates);
like($other, qr/"A ""1"", <b>"/, 'CSV: quotes are doubled');
my @lines = split /\r\n/, $csv;
is(scalar @lines, 3, 'CSV: a row a group');
my $html = report('queues', '--by', 'field:room', '--format', 'html', @dates);
like($html, qr/\A<!DOCTYPE html>\n<html lang="en">/, 'HTML: a page with a language');
like($html, qr/A &quot;1&quot;, &lt;b&gt;/, '... customers\' words are escaped');
unlike($html, qr/<script|<link|src=|https?:|\bon\w+=/i, '... no script, nothing from elsewhere');
like($html, qr/<th scope="row">.*<caption|<caption.*<th scope="row">/s, '... a caption and headings');
SKIP: {
	skip 'xmllint is not installed', 1 if !-x '/usr/bin/xmllint';
	my $done = run(['xmllint', '--html', '--noout', '-'], in => $html);
	unlike($done->{err}, qr/error (?!: Tag main)/, '... well formed');
}
my $text = report('queues', @dates);
like($text, qr/\AEsimerkki Oy: queues, 2026-03-01 to 2026-03-31\n/, 'text: what it is about');
like($text, qr/^needed customer +\d+ \(\d+\.\d %\) +\d+ \(\d+\.\d %\)$/m, '... count and share');
like($text, qr/^  needed customer: Of received: those that needed the customer again/m, '... what the figures mean');
my ($row) = rows('queues', '--total', @dates);
my @columns = map { $_->[0] } $db->sql(q{SELECT attname FROM pg_attribute
	WHERE attrelid = 'report_queues'::regclass AND attnum > 0 ORDER BY attnum});
is_deeply([sort keys %$row], [sort @columns], 'JSON has the columns of the view');
my $page = slurp(source_dir() . '/sql/luukku-schema.7');
like($page, qr/^\.It Va $_ /m, "luukku-schema.7 explains $_") for @columns;

# --- periods ----------------------------------------------------------------------------------------------
my $done = run([program('luukkuctl'), '-c', $desk->conf, 'report', 'queues', '--total', '--json'],
	env => { LUUKKU_NOW => '2026-04-02T08:00:00Z' });
($row) = @{ JSON::PP->new->utf8->decode($done->{out}) };
is(join(' ', @$row{qw(period_from period_to received)}), '2026-03-01 2026-03-31 300', 'without dates: the last whole month');
my ($half) = rows('queues', '--total', '--from', '2026-03-01', '--to', '15.3.2026');
my $until = Luukku::Test::Play::local_time('2026-03-16 00:00');
is($half->{received}, scalar(grep { $_->{at} < $until } $month->tickets), 'half of it');
is(report('queues', '--from', '2020-01-01', '--to', '2020-12-31'), "Esimerkki Oy: queues, 2020-01-01 to 2020-12-31\n\nThere is nothing to count in that period.\n",
	'nothing is said so');

# --- what is refused ----------------------------------------------------------------------------------------
for my $case (
	[64, qr/there is no "queue", did you mean "queues"/, 'queue'], [64, qr/neither a day/, 'queues', '--from', 'yesterday'],
	[64, qr/ends before it begins/, 'queues', '--from', '2026-03-02', '--to', '2026-03-01'],
	[64, qr/there is no "kind"/, 'queues', '--by', 'kind'], [64, qr/--by field:NAME/, 'queues', '--by', 'field'],
	[64, qr/--format: there is no "xml"/, 'queues', '--format', 'xml'],
	[77, qr/site\.agent_reports = true/, 'agents']) {
	my ($status, $says, @arguments) = @$case;
	my $refused = $desk->ctl('report', @arguments);
	is($refused->{status}, $status, "report @arguments: $status");
	like($refused->{err}, $says, '... and says why');
}
$desk->configure(site => 'languages = ( "fi" ); agent_reports = true;');
my @agents = rows('agents', @dates);
my %resolved;
$resolved{ $_->{agent} }++ for grep { $_->{resolved} < Luukku::Test::Play::local_time('2026-04-01 00:00') } $month->tickets;
is_deeply({ map { ($_->{agent} => $_->{resolved}) } @agents }, \%resolved, 'report agents, where it is agreed');
is((grep { /score|survey|average/ } keys %{ $agents[0] }), 0, '... without a survey column');

# --- the reporting role --------------------------------------------------------------------------------------
$db->sql('GRANT luukku_read TO luukku_owner');
my ($rows, $error) = $db->try_sql("SELECT sum(received) FROM report_queues WHERE period_from = '2026-03-01'",
	user => 'luukku_owner', role => 'luukku_read');
is($error // '', '', 'the reporting role reads the views');
is($rows->[0][0], 300, '... the same figure, by month');
for my $sql ('SELECT * FROM report_agents', 'SELECT fields FROM report_ticket', 'SELECT * FROM report_comments', 'SELECT score FROM survey') {
	($rows, $error) = $db->try_sql($sql, user => 'luukku_owner', role => 'luukku_read');
	like($error // '', qr/permission denied/, "... but not $sql");
}
($rows, $error) = $db->try_sql("SET luukku.report_by = 'field'; SET luukku.report_field = 'device'; SELECT DISTINCT group_value FROM report_queues",
	user => 'luukku_owner', role => 'luukku_read');
is(join(',', map { $_->[0] // '' } @{ $rows // [['?']] }), '', '... and no field of a customer');

# --- open hours: what has begun stays, what is to come follows the configuration -------------------------------
my $hours = sub { return join ' ', map { @$_ } $db->sql("SELECT count(*), sum(extract(epoch FROM to_at - from_at))::bigint
	FROM open_hours WHERE queue = 'ict' AND from_at < '2026-05-01' AND seconds_before IS NOT NULL") };
my $before = $hours->();
my $extra = $desk->{option}{extra};
(my $shorter = $extra) =~ s/Mon-Fri 08:00-16:00/Mon-Fri 09:00-15:00/;
$desk->configure(extra => $shorter);
is_deeply([$month->compare($desk)], \@found, 'other hours change no figure of the past');
is($hours->(), $before, '... nor the hours');
is($db->sql("SELECT open_seconds('ict', '2027-03-01 00:00+02', '2027-03-02 00:00+02')"), 6 * 3600, '... but those to come');
$db->sql(q{UPDATE ticket SET opened_at = '2019-06-03 09:00+03' WHERE id = (SELECT min(id) FROM ticket)});
report('queues', @dates);
is($db->sql("SELECT open_seconds('ict', '2019-06-03 09:00+03', '2019-06-04 10:00+03')"), 7 * 3600, 'older tickets bring older hours');
is($db->sql("SELECT open_seconds('ict', '2026-03-02 09:00+02', '2026-03-03 09:00+02')"), 8 * 3600, '... and change no others');
is($db->sql("SELECT open_seconds('ict', '2010-01-01', '2010-01-05')"), undef, 'what is not known is not made up');

# --- opened again after the period ----------------------------------------------------------------------
$desk->configure(site => 'languages = ( "fi" ); agent_reports = true;');
# A ticket that was resolved in the month and opened again after it was not open at its end, for whoever counts.
my $open = sub { my $n = 0; $n += $_->{open} for rows($_[0], @dates); return $n };
my ($of_queues, $of_agents) = map { $open->($_) } qw(queues agents);
my $again = $db->sql(q{SELECT min(id) FROM ticket WHERE status IN ('resolved', 'closed') AND owner IS NOT NULL
	AND resolved_at < '2026-03-30' AND opened_at > '2026-03-01'});
$db->sql($_) for "UPDATE ticket SET status = 'open', resolved_at = NULL, closed_at = NULL, reopened = reopened + 1 WHERE id = $again",
	"UPDATE stage SET to_at = '2026-04-10 09:00+03' WHERE ticket_id = $again AND to_at IS NULL",
	"INSERT INTO stage (ticket_id, queue, status, from_at) SELECT id, queue, 'open', '2026-04-10 09:00+03' FROM ticket WHERE id = $again";
is($open->('queues'), $of_queues, 'report queues: open at the end of the month, not now');
is($open->('agents'), $of_agents, 'report agents: the same');

done_testing;

#!/usr/bin/perl
# luukkuctl replay: a thousand stored mails routed again under changed rules, without writing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes ();
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

my $rules = <<'CONF';
rules: (
  { name = "printers"; match: { subject = "*tulostin*"; }; set: { tags = ( "printer" ); owner = "aino@example.fi"; }; },
  { name = "outage"; match: { body = "/\\bvika\\b/i"; }; set: { type = "incident"; priority = "high"; }; },
  { name = "payroll"; match: { subject = "/palkka(lasku|laskelma)/i"; }; set: { queue = "hr"; }; }
);
CONF
my $desk = Luukku::Test::Desk->start(extra => $rules,
	smtp => 'send = false; envelope_from = "luukku-bounces@example.fi";');
my $mails = 1000;
my @people = map { "asiakas$_\@yritys.example" } 1 .. 50;

# Every tenth is about a printer, every hundredth about the payroll.
my %about;
for my $n (1 .. $mails) {
	my $about = $n % 100 == 0 ? 'Palkkalaskelma puuttuu' : $n % 10 == 0 ? 'Tulostin ei tulosta' : 'Kysymys';
	my $id = "replay$n\@yritys.example";
	$about{$id} = $about;
	$desk->deliver('ict', mail(id => $id, from => $people[$n % @people], to => 'ict@example.fi',
		subject => "$about, asia numero $n", text => "Hei,\n\n$about ja muuta tekstiä.\n\nTerveisin $n\n"));
}
my $done = $desk->once;
is($done->{status}, 0, 'the mails are taken') or diag $done->{err};
is(scalar $desk->db->sql('SELECT count(*) FROM arrival'), $mails, 'all of them');
is(scalar $desk->db->sql("SELECT count(*) FROM ticket WHERE queue = 'hr'"), 10, 'the rules have routed some of them');
# A mail's original bytes go after keep_raw; replay does not need them.
$desk->db->sql('UPDATE message SET raw_blob = NULL');

sub tables {
	return scalar $desk->db->sql(<<'END');
SELECT string_agg(relname || ' ' || n, ', ' ORDER BY relname) FROM (
	SELECT relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) || '':'' || coalesce(md5(string_agg(t::text, '''' ORDER BY t::text)), '''') AS n FROM %I AS t', relname),
		false, true, '')))[1]::text AS n
	FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS t
END
}
my $before = tables();

my $same = $desk->json('replay', '--since', '7d');
is_deeply($same, { mails => $mails, changed => 0, changes => [] }, 'nothing changed: no difference, and the keys of the contract');

# --- one changed rule, in a file of rules alone -------------------------------------------------

(my $changed = $rules) =~ s/set: \{ tags = \( "printer" \); owner/set: { tags = ( "printer" ); priority = "high"; owner/;
isnt($changed, $rules, 'a rule was changed');
my $file = $desk->dir . '/changed.conf';
spew($file, $changed, 0644);
my $begin = Time::HiRes::time();
my $diff = $desk->json('replay', '--since', '30d', '--rules', $file);
my $seconds = Time::HiRes::time() - $begin;
note sprintf '%d mails replayed, %d differences, %.2f s', $diff->{mails}, $diff->{changed}, $seconds;
cmp_ok($seconds, '<', 120, 'in a few seconds');
is($diff->{mails}, $mails, 'every mail was routed again');
my @wanted = sort grep { $about{$_} =~ /Tulostin/ } keys %about;
is($diff->{changed}, scalar @wanted, 'as many differences as mails about printers');
is_deeply([sort map { $_->{message_id} } @{ $diff->{changes} }], \@wanted, '... these mails');
my @odd = grep { $_->{rule} ne 'printers' || $_->{before}{priority} ne 'normal' || $_->{after}{priority} ne 'high'
	|| $_->{before}{queue} ne 'ict' || $_->{after}{queue} ne 'ict' || $_->{subject} !~ /^Tulostin/ } @{ $diff->{changes} };
is_deeply(\@odd, [], 'each with before, after, its subject and the rule');
is_deeply([sort keys %{ $diff->{changes}[0] }], [qw(after before message_id rule subject)], 'the keys of a difference');

my $people = $desk->ctl('replay', '--since', '30d', '--rules', $file, '--limit', '5');
is($people->{status}, 0, 'for people');
like($people->{out}, qr/^SUBJECT +DIFFERENCE +RULE +MESSAGE-ID\n/, '... a table');
like($people->{out}, qr/priority normal -> high +printers /, '... with the difference and the rule');
like($people->{out}, qr/^\.\.\. and @{[@wanted - 5]} more/m, '... that says what it leaves out');
like($people->{out}, qr/^1000 mails since .*: @{[scalar @wanted]} would go another way \(9\.0 %\)/m, '... and sums up');

# --- a rule gone, a queue for another, a whole configuration ------------------------------------

(my $gone = slurp($desk->conf)) =~ s/^  \{ name = "payroll".*\n//m;
$gone =~ s/("outage".*\}; \}),\n/$1\n/;
spew($desk->dir . '/gone.conf', $gone, 0600);
$diff = $desk->json('replay', '--since', '30d', '--rules', $desk->dir . '/gone.conf');
is($diff->{changed}, 10, 'a whole configuration without a rule');
is("$diff->{changes}[0]{before}{queue} $diff->{changes}[0]{after}{queue} $diff->{changes}[0]{rule}", 'hr ict payroll',
	'... names the rule that is gone');
is(scalar(grep { $_->{rule} ne 'payroll' } @{ $diff->{changes} }), 0, '... each time');

# The file edited in place, nothing running: against what was decided then.
my $kept = slurp($desk->conf);
spew($desk->conf, $gone, 0600);
$desk->give_away($desk->conf);
$diff = $desk->json('replay', '--since', '30d');
is($diff->{changed}, 10, 'edited in place: compared with what was decided then');
is($diff->{changes}[0]{rule}, 'payroll', '... and the rule is known from what was stored');
spew($desk->conf, $kept, 0600);
$desk->give_away($desk->conf);

# --- the edges -----------------------------------------------------------------------------------

is($desk->json('replay', '--since', '2099-01-01')->{mails}, 0, 'a time without mail');
is($desk->ctl('replay')->{status}, 64, 'without --since');
spew($file, 'rules: ( { name = "broken"; match: { subject = "/(/"; }; } );', 0644);
my $broken = $desk->ctl('replay', '--since', '7d', '--rules', $file);
is($broken->{status}, 78, 'rules with an error: exit status');
like($broken->{err}, qr/^\Q$file\E:1: /m, '... and where it is');
is(tables(), $before, 'nothing was written by all this');

done_testing;

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

my $desk = Luukku::Test::Desk->start(smtp => 'send = false; envelope_from = "luukku-bounces@example.fi";');
my $mails = 1000;
my @people = map { "asiakas$_\@yritys.example" } 1 .. 50;

# Every tenth is about a printer, every hundredth about the payroll, sent to the wrong queue.
my %wanted;
for my $n (1 .. $mails) {
	my $about = $n % 100 == 0 ? 'Palkkalaskelma puuttuu' : $n % 10 == 0 ? 'Tulostin ei tulosta' : 'Kysymys';
	my $id = "replay$n\@yritys.example";
	$wanted{$about}{$id} = 1;
	$desk->deliver('ict', mail(id => $id, from => $people[$n % @people], to => 'ict@example.fi',
		subject => "$about, asia numero $n", text => "Hei,\n\n$about ja muuta tekstiä.\n\nTerveisin $n\n"));
}
my $done = $desk->once;
is($done->{status}, 0, 'the mails are taken') or diag $done->{err};
is(scalar $desk->db->sql('SELECT count(*) FROM arrival'), $mails, 'all of them');

sub tables {
	return scalar $desk->db->sql(<<'END');
SELECT string_agg(relname || ' ' || n, ', ' ORDER BY relname) FROM (
	SELECT relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %I', relname),
		false, true, '')))[1]::text AS n
	FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS t
END
}
my $before = tables();

my $same = $desk->json('replay', '--since', '7d');
is_deeply($same, { mails => $mails, changed => 0, changes => [] }, 'nothing changed: no difference');
is_deeply([sort keys %$same], [qw(changed changes mails)], 'the keys of the contract');

done_testing;

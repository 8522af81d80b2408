#!/usr/bin/perl
# luukkuctl replay under the same configuration finds no difference: an imported organisation, an
# answer that filled a field, a reply whose rule moved the ticket, an owner who got it in turn.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

my $desk = Luukku::Test::Desk->start(extra => <<'EXTRA', queues => <<'QUEUES');
organisations: ( { name = "Hospital"; domains = ( "hospital.example" ); language = "sv"; }, { name = "Net"; language = "en"; } );
rules: (
  { name = "net"; match: { organisation = "Net"; }; set: { tags = ( "net" ); }; },
  { name = "moves"; on = "reply"; match: { body = "*payroll*"; }; set: { queue = "hr"; fields: { source = "mail"; }; }; }
);
EXTRA
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi", "bo@example.fi" ); notify = "none"; assign = "round_robin";
    required = ( { field = "room"; pattern = "(?i)room (\\S+)"; ask = "Room"; } ); },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none";
    required = ( { field = "number"; pattern = "P-[0-9]+"; ask = "Number"; } ); }
QUEUES
my $file = $desk->dir . '/people.csv';
spew($file, "address,organisation\nmoved\@hospital.example,Net\n", 0644);
is($desk->ctl('person', 'import', $file)->{status}, 0, 'one is imported into another organisation');
for my $who (qw(moved stays)) {
	$desk->deliver('ict', mail(id => "$who\@hospital.example", from => "$who\@hospital.example", to => 'ict@example.fi',
		subject => "Printer of $who", text => "It is broken.\n"));
}
is($desk->once->{status}, 0, 'two mails');
for my $who (qw(moved stays)) {
	my $words = $who eq 'moved' ? "We are in room B7.\n" : "It is about the payroll, P-77, room C9.\n";
	$desk->deliver('ict', mail(id => "answer.$who\@hospital.example", from => "$who\@hospital.example", to => 'ict@example.fi',
		subject => "Re: Printer of $who", headers => "In-Reply-To: <$who\@hospital.example>\n", text => $words));
}
is($desk->once->{status}, 0, 'two answers');
my %now = map { $_->[0] => $_ } $desk->db->sql(q{SELECT split_part(p.address, '@', 1), t.queue, t.fields, t.missing_fields::text, t.tags::text, o.name
	FROM ticket t JOIN person p ON p.id = t.requester_id JOIN organisation o ON o.id = t.organisation_id});
is_deeply($now{moved}, ['moved', 'ict', '{"room": "B7"}', '{}', '{net}', 'Net'], 'the import decides the organisation; the answer filled the room');
is_deeply([@{ $now{stays} }[1, 3, 4, 5]], ['hr', '{}', '{}', 'Hospital'], 'a reply moved the other one');
is_deeply(JSON::PP->new->decode($now{stays}[2]), { room => 'C9', source => 'mail', number => 'P-77' },
	'... whose words fill what the new queue wants to know');
my $replay = $desk->json('replay', '--since', '1d');
is($replay->{mails}, 4, 'four mails are routed again');
is_deeply($replay->{changes}, [], '... and none of them goes another way');
done_testing();

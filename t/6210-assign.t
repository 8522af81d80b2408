#!/usr/bin/perl
# Assignment of new tickets: in turn, to the least loaded, by skill and language; who is away is
# passed over; two fetchers at once never give the same turn twice; each with its reason.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

my $config = sub {
	my ($assign, $rules) = @_;
	return (queues => <<"CONF", extra => $rules // '');
  { name = "ict"; addresses = ( "ict\@example.fi" ); assign = "$assign";
    agents = ( "aino\@example.fi", "bo\@example.fi", "carl\@example.fi" ); },
  { name = "hr"; addresses = ( "hr\@example.fi" ); agents = ( "bo\@example.fi" ); }
CONF
};
my $desk = Luukku::Test::Desk->start($config->('round_robin'));

# The desk's own list of agents knows neither skills nor a third agent.
sub configure {
	$desk->configure($config->(@_));
	my $text = slurp($desk->conf);
	$text =~ s/^agents: \(.*?\);\n(?=queues:)/<<'CONF'/mse or die 'no agents in the configuration';
agents: ( { name = "Aino Aalto"; address = "aino@example.fi"; skills = ( "printer" ); languages = ( "fi", "en" ); },
  { name = "Bo Berg"; address = "bo@example.fi"; aliases = ( "bo.berg@example.fi" ); languages = ( "sv" ); },
  { name = "Carl Celsius"; address = "carl@example.fi"; skills = ( "printer", "network" ); } );
CONF
	spew($desk->conf, $text, 0600);
	$desk->give_away($desk->conf);
	return;
}

my $n = 0;

sub deliver {
	my (%option) = @_;
	$n++;
	$desk->deliver($option{mailbox} // 'ict', mail(from => "customer$n\@asiakas.example",
		subject => "Asia $n", %option));
	return "customer$n\@asiakas.example";
}

sub once {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, "luukkud --once: $what") or diag $done->{err};
	return;
}

sub owners {
	return join ' ', map { $_->[0] =~ s/\@.*//r || '-' } $desk->db->sql('SELECT owner FROM ticket ORDER BY id');
}

sub assigned {
	my ($from) = @_;
	my ($row) = $desk->db->sql("SELECT t.owner, e.event, e.actor, e.reason, e.detail->>'owner'
		FROM ticket t JOIN person p ON p.id = t.requester_id
		LEFT JOIN event e ON e.ticket_id = t.id AND e.event IN ('assigned', 'unassigned')
		WHERE p.address = '$from'");
	return $row;
}

# --- in turn -------------------------------------------------------------------------------------

configure('round_robin');
my $first = deliver();
deliver() for 1 .. 4;
once('five tickets in turn');
is(owners(), 'aino bo carl aino bo', 'in the order of the configuration');
is_deeply(assigned($first), ['aino@example.fi', 'assigned', "customer:$first",
	'queue ict assigns in turn: the turn after nobody', 'aino@example.fi'], 'the event: who, by what, why');
is_deeply([$desk->db->sql('SELECT last, assigned FROM turn')], [['bo@example.fi', 5]], 'the turn is remembered');
is_deeply([$desk->db->sql("SELECT explain->>'owner', explain->>'owner_reason' FROM arrival ORDER BY id LIMIT 1")],
	[['aino@example.fi', 'queue ict assigns in turn: the turn after nobody']], 'explain says the same');
is(scalar @{ $desk->json('list', '--owner', 'aino@example.fi') }, 2, 'list --owner');

# A mail that joins, a mail to another queue and a quarantined one take no turn.
$desk->deliver('hr', mail(from => 'palkka@asiakas.example', to => 'hr@example.fi', subject => 'Palkka'));
deliver(headers => "List-Id: <uutiset.example>\nPrecedence: list\n");
once('mail that takes no turn');
is($desk->db->sql('SELECT assigned FROM turn'), 5, 'no turn was taken');
is($desk->db->sql("SELECT count(*) FROM turn WHERE queue = 'hr'"), 0, 'a queue that assigns nothing has none');
ok(!defined assigned('palkka@asiakas.example')->[0] || assigned('palkka@asiakas.example')->[0] eq '',
	'its tickets have no owner');

# Who is away is passed over, until they are back.
$desk->db->sql(q{INSERT INTO absence (agent, first_day, last_day, added_by, added_at)
	VALUES ('carl@example.fi', '2020-01-01', '2099-12-31', 'agent:carl@example.fi', '2020-01-01')});
my $next = deliver();
deliver();
once('with one agent away');
is_deeply([@{ assigned($next) }[0, 3]], ['aino@example.fi',
	'queue ict assigns in turn: the turn after bo@example.fi; away: 1 of its agents'], 'the one who is away is passed over');
$desk->db->sql(qq{INSERT INTO absence (agent, first_day, last_day, added_by, added_at)
	VALUES ('$_\@example.fi', '2020-01-01', '2099-12-31', 'x', '2020-01-01')}) for qw(aino bo);
my $nobody = deliver();
once('with everybody away');
is_deeply([@{ assigned($nobody) }[1, 3]], ['unassigned', 'queue ict has nobody to assign it to; away: 3 of its agents'],
	'everybody away: nobody gets it, and the history says so');
$desk->db->sql('DELETE FROM absence');

# --- two fetchers at once --------------------------------------------------------------------------

$desk->start_over;
deliver() for 1 .. 12;
for (1 .. 12) {
	$n++;
	$desk->deliver('hr', mail(from => "customer$n\@asiakas.example", to => 'ict@example.fi', subject => "Toinen $n"));
}
once('two mailboxes at once, one queue');
is($desk->db->sql('SELECT count(*) FROM ticket'), 24, '24 tickets from two fetchers');
is_deeply([map { "@$_" } $desk->db->sql('SELECT owner, count(*) FROM ticket GROUP BY owner ORDER BY owner')],
	['aino@example.fi 8', 'bo@example.fi 8', 'carl@example.fi 8'], 'everybody got as many');
is($desk->db->sql("SELECT count(DISTINCT (detail->>'owner', reason)) FROM event WHERE event = 'assigned'
	AND reason LIKE '%after nobody'"), 1, 'there was one first turn');
is($desk->db->sql('SELECT assigned FROM turn'), 24, 'and 24 in all');

# --- the least loaded ----------------------------------------------------------------------------

$desk->start_over;
configure('least_loaded');
deliver() for 1 .. 3;
once('three tickets');
is(owners(), 'aino bo carl', 'equals take turns');
$desk->db->sql("UPDATE ticket SET status = 'resolved' WHERE owner = 'bo\@example.fi'");
my $least = deliver();
once('one of them resolved');
is_deeply([@{ assigned($least) }[0, 3]], ['bo@example.fi', 'queue ict assigns to the agent with the fewest open tickets (0)'],
	'who has the fewest open tickets gets the next');

# --- skills and rules ----------------------------------------------------------------------------

$desk->start_over;
configure('skill', <<'CONF');
rules: (
  { name = "printers"; match: { subject = "*tulostin*"; }; set: { skill = "printer"; }; },
  { name = "networks"; match: { subject = "*verkko*"; }; set: { skill = "network"; }; },
  { name = "welding"; match: { subject = "*hitsaus*"; }; set: { skill = "welding"; }; },
  { name = "for Bo"; match: { subject = "*Bolle*"; }; set: { owner = "bo@example.fi"; }; },
  { name = "junk"; match: { subject = "*roskaa*"; }; set: { status = "junk"; }; }
);
CONF
my $swedish = "Hej,\n\nkan ni vara snälla och hjälpa mig med mina uppgifter så snart som möjligt? Jag vet inte vad jag ska göra.\n";
my %by = (
	printer => deliver(subject => 'Oma tulostin jumissa', text => "Hei,\n\ntulostimemme ei toimi, voisitteko tulla katsomaan?\n"),
	network => deliver(subject => 'Verkko poikki', text => 'x'),
	welding => deliver(subject => 'Hitsaus', text => 'x'),
	swedish => deliver(subject => 'Hjälp', text => $swedish),
	rule => deliver(subject => 'Bolle terveisia', text => 'x'),
	junk => deliver(subject => 'roskaa', text => 'x'),
);
once('skills');
is_deeply([@{ assigned($by{printer}) }[0, 3]], ['aino@example.fi', 'queue ict assigns to the agent with skill "printer" who speak fi with the '
	. 'fewest open tickets (0); without skill "printer": 1'], 'a rule\'s skill, and the customer\'s language');
is(assigned($by{network})->[0], 'carl@example.fi', 'the only one with the skill');
is_deeply([@{ assigned($by{welding}) }[0, 1, 3]], ['', 'unassigned', 'queue ict has nobody to assign it to; without skill "welding": 3'],
	'nobody has the skill: nobody\'s');
is(assigned($by{swedish})->[0], 'bo@example.fi', 'without a skill, who speaks the language');
is_deeply([@{ assigned($by{rule}) }[0 .. 3]], ['bo@example.fi', 'assigned', 'rule:for Bo', 'a rule names the owner'],
	'a rule\'s owner: the rule is the actor');
is_deeply([@{ assigned($by{junk}) }[0, 1]], ['', ''], 'junk is given to nobody');
$desk->db->sql(q{INSERT INTO absence (agent, first_day, last_day, deputy, added_by, added_at)
	VALUES ('bo@example.fi', '2020-01-01', '2099-12-31', 'carl@example.fi', 'x', '2020-01-01')});
my $deputy = deliver(subject => 'Bolle taas', text => 'x');
once('the rule\'s owner is away');
is_deeply([@{ assigned($deputy) }[0, 3]], ['carl@example.fi', 'a rule names the owner, bo@example.fi, who is away: carl@example.fi stands in'],
	'the deputy of a rule\'s owner stands in');

done_testing;

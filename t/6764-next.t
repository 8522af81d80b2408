#!/usr/bin/perl
# A team of twenty: all of them mail #next at the same moment through several fetchers until nothing is
# left; nobody gets a ticket that another got, and the most urgent go first. Then a manager sorts thirty
# new tickets with one mail. prove -v shows both as tables.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Desk qw(header mail parts);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

use constant { AGENTS => 20, TICKETS => 100, ROUNDS => 5, NEW => 30, BOXES => 4 };
my @agents = map { sprintf 'agent%02d@example.fi', $_ } 1 .. AGENTS;
my @boxes = map { "box$_" } 1 .. BOXES;

my $agents = join ",\n", map { "  { name = \"Agentti $_\"; address = \"$agents[$_ - 1]\"; languages = ( \"fi\", \"sv\", \"en\" ); }" } 1 .. AGENTS;
my $team = join ', ', map { "\"$_\"" } @agents;
my $desk = Luukku::Test::Desk->start(
	site => 'senders_verified = true; authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" ); languages = ( "fi", "sv", "en" );',
	# Several fetchers on one server: each its own folder.
	mailboxes => join(",\n", map { <<"CONF" =~ s/\n\z//r } @boxes),
  { name = "$_"; protocol = "imap"; host = "127.0.0.1"; port = \@IMAP\@; tls = "none"; user = "ict\@example.fi";
    password_file = "ict.pass"; folders = ( "$_" ); poll = "5s"; after = "delete"; failed = "move:Failed"; on_backlog = "normal"; }
CONF
	agents => "$agents,\n  { name = \"Mari Manner\"; address = \"mari\@example.fi\"; languages = ( \"fi\" ); }",
	queues => <<"CONF",
  { name = "ict"; title = "ICT"; addresses = ( "ict\@example.fi" ); agents = ( $team ); managers = ( "mari\@example.fi" );
    notify = "none"; acknowledge = false; mass: { people = 0; }; sla = "std"; },
  { name = "hr"; title = "HR"; addresses = ( "hr\@example.fi" ); agents = ( "mari\@example.fi" ); notify = "none"; acknowledge = false; mass: { people = 0; }; }
CONF
	extra => <<'CONF',
breaker = ( "2000/10m" );
calendars: ( { name = "always"; hours = "Mon-Sun 00:00-24:00"; } );
slas: ( { name = "std"; calendar = "always"; targets = ( { priority = "urgent"; respond = "30m"; resolve = "4h"; },
  { priority = "high"; respond = "2h"; resolve = "8h"; }, { priority = "normal"; respond = "8h"; resolve = "40h"; },
  { priority = "low"; respond = "16h"; resolve = "80h"; } ); } );
rules: (
  { name = "urgent"; match: { subject = "*kiire*"; }; set: { priority = "urgent"; }; },
  { name = "high"; match: { subject = "*tärkeä*"; }; set: { priority = "high"; }; },
  { name = "low"; match: { subject = "*joskus*"; }; set: { priority = "low"; }; } );
CONF
);
my $db = $desk->db;
my $proof = "Authentication-Results: mx.example.fi; dkim=pass header.d=example.fi\n"
	. "Received: from client by mx.example.fi; Fri, 20 Nov 2026 09:00:00 +0000\n";
my $n = 0;

# Into the folder of one of the fetchers, in turn.
sub deliver {
	my (%m) = @_;
	my $at = delete $m{at};
	$desk->dovecot->deliver('ict@example.fi', mail(%m), folder => $boxes[$n++ % BOXES], $at ? (at => $at) : ());
	return;
}

sub round {
	my ($what, $fast) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, $what) or diag $done->{err};
	return;
}

# --- a hundred tickets ----------------------------------------------------------------------------
my @kinds = ('kiire', 'tärkeä', 'tavallinen', 'joskus');
for my $i (1 .. TICKETS) {
	deliver(from => "Asiakas $i <asiakas$i\@client.example>", subject => encode('MIME-Q', "$kinds[$i % 4] asia $i"), at => time - 60 * (TICKETS - $i) - 3000,
		text => "Hei,\n\nasiani numero $i odottaa. Voitteko auttaa?\n");
}
round('a hundred mails are taken by ' . BOXES . ' fetchers');
is($db->sql("SELECT count(*) FROM ticket WHERE owner IS NULL AND status = 'new'"), TICKETS, 'a hundred tickets without owner');
my %place;
my @order = map { $_->[0] } $db->sql('SELECT t.id FROM ticket t JOIN ticket_urgency u ON u.ticket_id = t.id ORDER BY urgency(u, now()), t.id');
@place{@order} = 1 .. @order;

# --- twenty agents at once ------------------------------------------------------------------------
for my $round (1 .. ROUNDS) {
	deliver(from => $_, subject => "seuraava $round", headers => $proof, text => "#next\n") for @agents;
	round("round $round: all twenty write #next");
	my $taken = $db->sql('SELECT count(*) FROM ticket WHERE owner IS NOT NULL');
	is($taken, $round * AGENTS, "... $taken tickets have an owner");
	my @left = map { $_->[0] } $db->sql('SELECT id FROM ticket WHERE owner IS NULL');
	is(scalar(grep { $place{$_} <= $round * AGENTS } @left), 0, '... and none that is left is more urgent than one that was taken');
}
is($db->sql('SELECT count(*) FROM ticket WHERE owner IS NULL'), 0, 'nothing is left');
is_deeply([map { "@$_" } $db->sql("SELECT ticket_id, count(*) FROM event WHERE event = 'owner' GROUP BY ticket_id HAVING count(*) > 1")], [],
	'no ticket was given twice');
my @share = $db->sql("SELECT owner, count(*), string_agg(id::text, ' ' ORDER BY id) FROM ticket GROUP BY owner ORDER BY owner");
is(scalar @share, AGENTS, 'every agent has some');
is_deeply([map { $_->[1] } @share], [(ROUNDS) x AGENTS], '... as many as they asked for');
my %notices;
for my $mail ($desk->smtp->mails) {
	my ($ticket) = (header($mail->{data}, 'X-Luukku-Ticket') // '') =~ /TUKI-(\d+)/ or next;
	my ($text) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } parts($mail->{data});
	push @{ $notices{$ticket} }, $mail->{rcpt}[0] if $text =~ /^Tukipyyntö on nyt sinun/;
}
is_deeply([grep { @{ $notices{$_} // [] } != 1 } @order], [], 'each ticket\'s full notice went out once');
my %owner = map { $_->[0] => $_->[1] } $db->sql('SELECT id, owner FROM ticket');
is_deeply([grep { ($notices{$_}[0] // '') ne $owner{$_} } @order], [], '... to the agent who owns it now');
deliver(from => $agents[0], subject => 'vielä', headers => $proof, text => "#seuraava\n");
round('one more #next');
ok((grep { $_->{rcpt}[0] eq $agents[0] && (map { $_->{text} } parts($_->{data}))[0] =~ /ei odota yhtään tukipyyntöä/ } $desk->smtp->mails), 'says that nothing waits');
note sprintf '%-22s | %s', 'agent', 'tickets, with their place in the order of urgency';
note sprintf '%-22s | %s', $_->[0], join ' ', map { "TUKI-$_ (" . $place{$_} . ')' } split / /, $_->[2] for @share;

# --- a manager sorts thirty with one mail ----------------------------------------------------------
for my $i (1 .. NEW) {
	deliver(from => "Uusi $i <uusi$i\@client.example>", subject => "Uusi asia $i", text => "Hei,\n\nuusi asiani on $i. Voitteko auttaa?\n");
}
round('thirty new tickets');
my @new = map { $_->[0] } $db->sql("SELECT id FROM ticket WHERE owner IS NULL ORDER BY id");
is(scalar @new, NEW, 'thirty without owner');
my @refs = map { "TUKI-$_" } @new;
my $text = join "\n",
	"@refs[0 .. 9] #assign agent01", "@refs[10 .. 19] #osoita agent02", join(', ', @refs[20 .. 24]) . ' #queue hr',
	"@refs[25 .. 27] #tag +kesä", "$refs[25] #priority kiirus", "@refs[25 .. 27] #assign agent03", "$refs[28] #merge $refs[29]", "@refs[0 .. 4] #priority urgent", '', '-- ', 'Mari Manner', '';
my $before = $db->sql("SELECT string_agg(row(t.*)::text, ' ') FROM ticket t");
deliver(from => 'Mari Manner <mari@example.fi>', subject => 'uudet', headers => $proof, text => encode('UTF-8', $text));
round('one mail with a line that is wrong');
is($db->sql("SELECT string_agg(row(t.*)::text, ' ') FROM ticket t"), $before, 'one bad line and none is run');
my ($error) = grep { $_->{rcpt}[0] eq 'mari@example.fi' && decode('MIME-Header', header($_->{data}, 'Subject')) =~ /uudet/ } reverse $desk->smtp->mails;
like(join("\n", map { $_->{text} } parts($error->{data})), qr/"kiirus" ei ole tärkeys/, '... and the line is named');
$desk->smtp->clear;
$text =~ s/^.*kiirus\n//m;
deliver(from => 'Mari Manner <mari@example.fi>', subject => 'uudet', headers => $proof, text => encode('UTF-8', $text), id => "sort.$$\@example.fi");
round('the same mended');
my @mails = grep { $_->{rcpt}[0] eq 'mari@example.fi' } $desk->smtp->mails;
is(scalar(grep { decode('MIME-Header', header($_->{data}, 'Subject')) =~ /uudet/ } @mails), 1, 'one receipt for all');
my ($receipt) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } map { parts($_->{data}) }
	grep { decode('MIME-Header', header($_->{data}, 'Subject')) =~ /uudet/ } @mails;
is(scalar(() = $receipt =~ /^TUKI-\d+: /mg), NEW, '... with the new state of each')
	or diag $receipt;
is($db->sql("SELECT string_agg(n::text || ' ' || what, ', ' ORDER BY what) FROM (SELECT count(*) AS n, queue || ' ' || coalesce(owner, '-') || ' ' || status AS what
	FROM ticket WHERE id = ANY ('{" . join(',', @new) . "}') GROUP BY 2) AS x"), join(', ', '5 hr - new', '1 ict - merged', '1 ict - new', '10 ict agent01@example.fi open',
	'10 ict agent02@example.fi open', '3 ict agent03@example.fi open'), 'all are where the mail says');
is($db->sql("SELECT count(*) FROM ticket WHERE priority = 'urgent' AND id = ANY ('{" . join(',', @new[0 .. 4]) . "}')"), 5, 'five are urgent now');
is($db->sql("SELECT count(*) FROM command_run WHERE actor = 'agent:mari\@example.fi'"), 1, 'one run, which one #undo takes back');
note "the manager's mail:";
note $_ for split /\n/, $text;
note 'the receipt:';
note $_ for split /\n/, $receipt;
deliver(from => 'Mari Manner <mari@example.fi>', subject => 'takaisin', headers => $proof, text => "#peru\n");
round('and taken back');
is($db->sql("SELECT count(*) FROM ticket WHERE id = ANY ('{" . join(',', @new) . "}') AND owner IS NULL AND status = 'new' AND queue = 'ict' AND priority = 'normal' AND tags = '{}'"),
	NEW, 'all thirty are as they were');
done_testing;

#!/usr/bin/perl
# Many people, nearly the same words, a short time: the managers are asked once, nothing is linked.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;
use MIME::QuotedPrint ();
use MIME::Base64 ();

my $desk = Luukku::Test::Intake->start;
my $people = 0;

sub row { return $desk->row(@_) }

# A mail of somebody new, or of NAME, at a minute past ten.
sub take {
	my ($minute, $subject, $body, %m) = @_;
	my $name = $m{from} // 'p' . ++$people . '@example.org';
	$desk->{now} = sprintf '2026-03-27T1%d:%02d:00Z', int($minute / 60), $minute % 60;
	return $desk->take(to => 'tuki@example.fi', mailbox => 'tuki', %m, from => $name, subject => $subject, body => $body);
}

sub text_of {
	my ($wire) = @_;
	my ($head, $body) = $wire =~ m{(Content-Type: text/plain.*?)\r?\n\r?\n(.*?)(?:\r?\n--|\z)}s or return $wire;
	return $head =~ /base64/i ? MIME::Base64::decode($body)
		: $head =~ /quoted-printable/i ? MIME::QuotedPrint::decode($body) : $body;
}

sub proposals { return (row("SELECT count(*) FROM outbox WHERE template = 'mass-incident'"))[0] }

my @outage = (
	['Potilastietojärjestelmä ei aukea', "Hei,\n\npotilastietojärjestelmä ei aukea.\n\nTerveisin\nMaija"],
	['Potilastietojärjestelmä jumissa', 'Potilastietojärjestelmä ei aukea lainkaan.'],
	['potilastietojärjestelmään ei pääse', 'Huomenta, potilastietojärjestelmä ei aukea kenelläkään osastolla.'],
	['Potilastietojärjestelmä ei aukea!!', 'Ei aukea.'],
);

# --- what proposes nothing ------------------------------------------------------------------------
take(0, 'Salasana unohtunut', 'Unohdin salasanani, voitteko nollata sen?');
take(1, 'Uusi näppäimistö', 'Tarvitsisin uuden näppäimistön.');
take(2, 'Palkkalaskelma', 'Palkkalaskelmassani on väärä summa.');
take($_, @{ $outage[0] }, from => 'maija@example.org') for 3 .. 4;
take(5, $outage[1][0], $outage[1][1]);
my $third = take(6, @{ $outage[2] });
is(proposals(), 0, 'different matters, the same person twice and three people propose nothing');

# --- the proposal ---------------------------------------------------------------------------------
my $fourth = take(7, @{ $outage[3] });
is(proposals(), 1, 'the fourth person makes it one proposal');
is((row('SELECT count(*) FROM ticket_link'))[0], 0, '... and nothing is linked');
my ($mail) = grep { $_->{to} eq 'bo@example.fi' } $desk->acknowledge;
ok($mail, 'the manager gets it') or BAIL_OUT('no mail');
my ($mass) = row('SELECT id FROM mass');
my @members = map { $_->[0] } $desk->db->sql("SELECT ticket_id FROM mass_ticket WHERE mass_id = $mass ORDER BY 1");
cmp_ok(scalar @members, '>=', 4, 'the cluster has its members');
my $text = text_of($mail->{wire});
like($text, qr/TUKI-$_\b/, "... TUKI-$_ is listed") for @members;
my @others = @members[1 .. $#members];
my $line = join(' ', map { "TUKI-$_" } @others) . " #parent TUKI-$members[0]";
like($text, qr/^\Q$line\E\r?$/m, 'one line links them');
like($mail->{wire}, qr/^Reply-To:.*tuki\+[a-z2-7]{36}\@example\.fi/mi, '... sent to an address of that manager\'s own');
unlike($text, qr/Salasana|Palkka/, 'other matters are left out');
ok((grep { /^mass_proposed: / } $desk->events($members[0])), 'the history tells');

# --- later ones -----------------------------------------------------------------------------------
my $later = take(20, @{ $outage[0] });
is(proposals(), 1, 'who comes later proposes nothing again');
is((row("SELECT mass_id FROM mass_ticket WHERE ticket_id = $later->{ticket}"))[0], $mass, '... but is one of them');
take(21, 'Salasana hukassa', 'Salasanani on hukassa, nollatkaa se kiitos.');
is((row('SELECT count(*) FROM mass_ticket'))[0], @members + 1, 'other matters are not');

# --- outside the window ---------------------------------------------------------------------------
take(200 + $_, 'Verkkolevy puuttuu', 'Verkkolevy L puuttuu koneelta.') for 1, 2, 3;
take(300, 'Verkkolevy puuttuu', 'Verkkolevy L puuttuu koneelta.');
is(proposals(), 1, 'an hour and a half later it is no longer the same time');
take(301 + $_, 'Verkkolevy puuttuu', 'Verkkolevy L puuttuu koneelta.') for 1, 2, 3;
is(proposals(), 2, 'a second incident is a second proposal');

# --- who does not count ---------------------------------------------------------------------------
my @disk = ('Levy täynnä', 'Palvelimen levy on täynnä.');
take(400, @disk) for 1 .. 3;
take(401, @disk, headers => ['Auto-Submitted: auto-generated']);
take(402, @disk, from => 'aino@example.fi');
take(403, @disk, silent => 1);
take(404, @disk, to => 'ict@example.fi', mailbox => 'ict');
is(proposals(), 2, 'machines, agents, the backlog and other queues make none');

done_testing;

#!/usr/bin/perl
# A mail that says again what its sender's open ticket says joins it, and can be taken off again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Intake;
use MIME::QuotedPrint ();
use MIME::Base64 ();

my $desk = Luukku::Test::Intake->start;
my $from = 'Maija <maija@example.org>';
my @about = (to => 'tuki@example.fi', mailbox => 'tuki', from => $from);
my $printer = 'Hei, kerroksen tulostin ei ota paperia ja näytöllä on virhe. Voitteko tulla katsomaan?';

sub row { return $desk->row(@_) }
sub is_open { my ($took) = @_; return $took->{new} }

# The text part of a mail, decoded.
sub text_of {
	my ($wire) = @_;
	my ($head, $body) = $wire =~ m{(Content-Type: text/plain.*?)\r?\n\r?\n(.*?)(?:\r?\n--|\z)}s or return $wire;
	return $head =~ /base64/i ? MIME::Base64::decode($body)
		: $head =~ /quoted-printable/i ? MIME::QuotedPrint::decode($body) : $body;
}

my $first = $desk->take(@about, subject => 'Tulostin ei toimi', body => $printer);
is($first->{new}, 1, 'a mail opens a ticket');
$desk->acknowledge;

# --- what joins -----------------------------------------------------------------------------------
my $explained = $desk->explain(@about, subject => 'VS: Tulostin ei toimi!', body => $printer);
is_deeply([@$explained{qw(ticket evidence joins)}], ["TUKI-$first->{ticket}", 'duplicate', JSON::PP::true()],
	'explain says what will become of it');
my $again = $desk->take(@about, subject => 'Tulostin ei toimi!!', body => "$printer Kiitos!");
is($again->{ticket}, $first->{ticket}, 'the same again joins');
is_deeply([row("SELECT evidence, writer FROM message WHERE id = $again->{message}")],
	['duplicate', 'requester'], '... as a duplicate');
is((row("SELECT chased FROM ticket WHERE id = $first->{ticket}"))[0], 1, '... and counts as chasing');
like((grep { /^joined/ } $desk->events($first->{ticket}))[0], qr/near-identical subject \(\d+ %\)/, '... with the reason');
my ($joined) = grep { $_->{to} =~ /maija/ } $desk->acknowledge;
ok($joined, 'its sender is told') or BAIL_OUT('no mail');
my $text = text_of($joined->{wire});
like($text, qr/TUKI-$first->{ticket}/, '... where it is');
my ($own) = $text =~ /(tuki\+[a-z2-7]{36}\@example\.fi)/;
ok($own, '... with the address that takes it off');
my ($reply_to) = $joined->{wire} =~ /^Reply-To:.*?(tuki\+[a-z2-7]{36}\@example\.fi)/mi;
isnt($own, $reply_to, '... which is not that of replies');
my $whole = MIME::QuotedPrint::decode($joined->{wire});
is(scalar(() = $whole =~ /mailto:/g), 1, '... one mailto: in all');
my $by_other_subject = $desk->take(@about, subject => 'Muistutus: tulostin ei toimi', body => 'Hei, onko asia edennyt?');
is($by_other_subject->{ticket}, $first->{ticket}, 'a reminder as a new mail joins too');

my $banner = $desk->take(@about, subject => '[EXTERNAL] Tulostin ei toimi', body => "[External]\r\n\r\n$printer");
is($banner->{ticket}, $first->{ticket}, 'a gateway\'s banner hides nothing');
unlike((row("SELECT reply_text FROM message WHERE id = $banner->{message}"))[0], qr/external/i, '... and is gone from the new words');
my $bannered = $desk->take(@about, from => 'teppo@example.org', subject => '[EXTERNAL] Hiiri rikki', body => 'Hiiri on rikki.');
is((row("SELECT subject FROM ticket WHERE id = $bannered->{ticket}"))[0], 'Hiiri rikki', '... and from the subject');

# --- what does not --------------------------------------------------------------------------------
my %new = (
	'another matter' => [subject => 'VPN katkeilee', body => 'VPN-yhteys katkeilee kotona jatkuvasti.'],
	'the same subject, other words' => [subject => 'Tulostin ei toimi',
		body => 'Neuvotteluhuoneen laitteesta on värikasetti lopussa, tilatkaa uusi ja vaihtakaa se.'],
	'another room' => [subject => 'Tulostin ei toimi', body => "$printer Huone 214."],
	'somebody else' => [from => 'liisa@example.org', subject => 'Tulostin ei toimi', body => $printer],
	'a sender that failed dmarc' => [subject => 'Tulostin ei toimi', body => "$printer ", headers => [
		'Received: from x by mx.example.fi; Fri, 27 Mar 2026 09:59:30 +0000',
		'Authentication-Results: mx.example.fi; dmarc=fail']],
	'an agent' => [from => 'aino@example.fi', subject => 'Tulostin ei toimi', body => $printer],
	'a queue without a window' => [from => 'pia@example.org', to => 'ict@example.fi', mailbox => 'ict',
		subject => 'Tulostin ei toimi', body => $printer],
);
for my $name (sort keys %new) {
	is(is_open($desk->take(@about, @{ $new{$name} })), 1, "$name: a new ticket");
}
is($desk->take(from => 'pia@example.org', to => 'ict@example.fi', subject => 'Tulostin ei toimi', body => "$printer!")->{new}, 1,
	'... each time');

for my $subject ('Tukipyyntö', 'Apua', 'Skannattu asiakirja', 'Scan from Xerox', '', 'Hjälp') {
	my @generic = (@about, from => 'ulla@example.org', subject => $subject, body => $printer);
	$desk->take(@generic);
	is($desk->take(@generic, body => "$printer!")->{new}, 1, "never on the subject \"$subject\"");
}

$desk->take(@about, from => 'osasto@example.org', subject => 'Tulostin rikki', body => $printer);
$desk->db->sql("UPDATE person SET standing = 'shared' WHERE address = 'osasto\@example.org'");
is($desk->take(@about, from => 'osasto@example.org', subject => 'Tulostin rikki', body => "$printer!")->{new}, 1,
	'never for a person marked shared');

my @late = (@about, from => 'veli@example.org', subject => 'Tulostin jumissa');
my $early = $desk->take(@late, body => $printer, now => '2026-03-27T10:00:00Z');
is($desk->take(@late, body => "$printer ", now => '2026-03-29T09:58:00Z')->{ticket}, $early->{ticket}, 'within the window');
is($desk->take(@late, body => "$printer!!", now => '2026-04-01T10:00:00Z')->{new}, 1, 'not after it');
$desk->run_or_die('luukku_fetch', 'move', ticket => $first->{ticket}, status => 'resolved');
is($desk->take(@about, subject => 'Tulostin ei toimi', body => "$printer!!!")->{ticket} == $first->{ticket} ? 1 : 0, 0,
	'nor to a ticket that is resolved');
$desk->run_or_die('luukku_fetch', 'move', ticket => $first->{ticket}, status => 'open');

# --- taken off again ------------------------------------------------------------------------------
my @answer = (to => $own, mailbox => 'tuki', subject => "TUKI-$first->{ticket}", body => '');
is($desk->take(@answer, from => 'mallory@example.org')->{ticket}, $first->{ticket},
	'from anybody else the address is a reply address and no more');
is((row("SELECT ticket_id FROM message WHERE id = $again->{message}"))[0], $first->{ticket}, '... the mail stays');
my $apart = $desk->take(@answer, from => $from, body => 'Kyseessä on toinen tulostin.');
isnt($apart->{ticket}, $first->{ticket}, 'its sender takes it off');
is((row("SELECT ticket_id FROM message WHERE id = $again->{message}"))[0], $apart->{ticket}, '... it is on a ticket of its own');
is((row("SELECT ticket_id FROM message WHERE id = $apart->{message}"))[0], $apart->{ticket}, '... with what the sender adds');
is_deeply([row("SELECT status, queue, subject FROM ticket WHERE id = $apart->{ticket}")],
	['new', 'tuki', 'Tulostin ei toimi!!'], '... new, in the same queue, under its subject');
is((row("SELECT opened_at = (SELECT at FROM message WHERE id = $again->{message}) FROM ticket WHERE id = $apart->{ticket}"))[0],
	't', '... as old as the mail');
is((row("SELECT chased FROM ticket WHERE id = $first->{ticket}"))[0], 2, 'one chase less on the old one');
is((row("SELECT count(*) FROM ticket_link WHERE ticket_id = $apart->{ticket} AND other_id = $first->{ticket}"))[0], 1,
	'both are linked');
ok((grep { /^taken_apart: / } $desk->events($first->{ticket})), 'the old history tells');
is((row("SELECT count(*) FROM outbox WHERE ticket_id = $apart->{ticket} AND template = 'acknowledgement'"))[0], 1,
	'the new ticket is acknowledged');
is($desk->take(@answer, from => $from)->{ticket}, $apart->{ticket}, 'a second time it is a reply there');
is((row("SELECT count(*) FROM ticket WHERE subject = 'Tulostin ei toimi!!'"))[0], 1, '... and opens nothing');

done_testing;

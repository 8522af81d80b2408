#!/usr/bin/perl
# Required fields in three languages: the acknowledgement asks, answers of every shape fill, and the
# ticket shows what is known and what is not.
use strict;
use warnings;
use utf8;
use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);

my $rules = <<'CONF';
rules: ( { name = "building"; on = "reply"; match: { body = "/byggnad (\\w+)/i"; }; set: { fields: { location = "hus $1"; }; }; } );
CONF
my $desk = Luukku::Test::Desk->start(queues => <<'CONF', extra => $rules, site => 'languages = ( "fi", "sv", "en" ); bilingual = ( "fi", "sv" );');
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); language = "fi";
    types = ( "incident", "request" ); default_type = "incident";
    required = (
      { field = "device"; pattern = "\\b(?:PC|LT)[0-9]{4,6}\\b"; when = "type:incident";
        ask: { fi = "Laitteen tunniste (esim. PC12345)"; sv = "Apparatens id (t.ex. PC12345)"; en = "Device id (e.g. PC12345)"; }; },
      { field = "location"; pattern = "(?i)(?:huone|rum|room)\\s+(?<value>\\S+)";
        ask: { fi = "Rakennus ja huone"; sv = "Byggnad och rum"; en = "Building and room"; }; },
      { field = "contract"; pattern = "S-[0-9]+"; ask = "Sopimus"; when = "type:request"; } ); },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); }
CONF

sub once {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, "luukkud --once: $what") or diag $done->{err};
	return;
}

sub ticket_of {
	my ($from) = @_;
	return 'TUKI-' . scalar $desk->db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id
		WHERE p.address = '$from' ORDER BY t.id DESC LIMIT 1");
}

# The text of the newest mail that went out to them, and its raw form.
sub acknowledgement {
	my ($to) = @_;
	my ($mail) = reverse grep { $_->{rcpt}[0] eq $to } $desk->smtp->mails;
	my ($row) = $desk->db->sql("SELECT m.text FROM message m JOIN outbox x ON x.message_id = m.id
		WHERE x.recipient = '$to' ORDER BY m.id DESC LIMIT 1");
	return (Encode::decode('UTF-8', $row->[0]), $mail->{data});
}

sub answer {
	my ($to, $ack, $words) = @_;
	my ($reply_to) = header($ack, 'Reply-To') =~ /([^<\s]+\@example\.fi)/;
	my ($id) = header($ack, 'Message-ID') =~ /<(.+)>/;
	$desk->deliver('ict', mail(from => $to, to => $reply_to, subject => 'Re: ' . (header($ack, 'Subject') // ''),
		headers => "In-Reply-To: <$id>\n", text => Encode::encode('UTF-8', $words)));
	return;
}

sub events {
	my ($ref, $event) = @_;
	my ($id) = $ref =~ /(\d+)/;
	return [map { $_->[0] } $desk->db->sql("SELECT concat_ws(' | ', reason, detail->>'field', detail->>'value') FROM event
		WHERE ticket_id = $id AND event = '$event' ORDER BY id")];
}

# --- a mail in each language ---------------------------------------------------------------------

my %mail = (
	fi => ['maija@asiakas.example', 'Tulostin ei toimi', "Hei,\n\ntulostimemme ei enää toimi eikä se tulosta mitään.\n"
		. "Voisitteko ystävällisesti tulla katsomaan sitä mahdollisimman pian?\n"],
	sv => ['karin@kund.example', 'Skrivaren fungerar inte', "Hej,\n\nvår skrivare fungerar inte längre och den skriver inte ut någonting.\n"
		. "Kan ni vara snälla och komma hit och titta på den så snart som möjligt?\n"],
	en => ['john@customer.example', 'The printer does not work', "Hello,\n\nour printer does not work any more and it prints nothing at all.\n"
		. "Could you please come here and look at it as soon as possible?\n"],
);
my %question = (
	fi => ['Tarvitsemme vielä seuraavat tiedot:', 'Laitteen tunniste (esim. PC12345):', 'Rakennus ja huone:'],
	sv => ['Vi behöver ännu följande uppgifter:', 'Apparatens id (t.ex. PC12345):', 'Byggnad och rum:'],
	en => ['We still need the following:', 'Device id (e.g. PC12345):', 'Building and room:'],
);
for my $language (qw(fi sv en)) {
	my ($from, $subject, $text) = @{ $mail{$language} };
	$desk->deliver('ict', mail(from => $from, subject => $subject, text => Encode::encode('UTF-8', $text)));
}
$desk->deliver('ict', mail(from => 'valmis@asiakas.example', subject => 'PC77777 jumissa',
	text => Encode::encode('UTF-8', "Hei,\n\nkoneeni ei käynnisty. Olen paikalla, huone B12 on auki koko päivän.\n")));
$desk->deliver('ict', mail(from => 'kesken@asiakas.example', subject => 'Kone LT2222 hidas', text => "Kone on ollut eilisesta asti todella hidas.\n"));
once('five mails');

my (%ack, %ref);
for my $language (qw(fi sv en)) {
	my ($from) = @{ $mail{$language} };
	my ($text, $raw) = acknowledgement($from);
	($ack{$language}, $ref{$language}) = ($raw, ticket_of($from));
	my ($lead, @asks) = @{ $question{$language} };
	like($text, qr/^\Q$lead\E\n- \Q$asks[0]\E\n- \Q$asks[1]\E\n\S/m, "$language: the acknowledgement asks for both, in their language");
	unlike($text, qr/\Q$question{$_}[2]\E/, "$language: ... and not in $_") for grep { $_ ne $language } qw(fi sv en);
	like($raw, qr/<li\b/, "$language: ... in HTML too");
	my $show = $desk->json('show', $ref{$language});
	is_deeply([$show->{language}, $show->{fields}, $show->{missing_fields}], [$language, {}, ['device', 'location']],
		"$language: the ticket lacks both");
	is_deeply(events($ref{$language}, 'fields_asked'), ['missing: device, location; the acknowledgement asks for it'],
		"$language: ... and its history says that they were asked for");
}
my ($text) = acknowledgement('valmis@asiakas.example');
unlike($text, qr/Tarvitsemme/, 'nothing missing: nothing asked');
like($text, qr/^Näin ymmärsimme viestisi\n- Asia: PC77777 jumissa\n- Laitteen tunniste: PC77777\n- Rakennus ja huone: B12\n- Asiaasi hoitaa: ict\n/m, '... and what was understood is said');
my $full = ticket_of('valmis@asiakas.example');
is_deeply($desk->json('show', $full)->{fields}, { device => 'PC77777', location => 'B12' }, '... found in subject and words');
is_deeply(events($full, 'field_filled'), ['device: found in the subject | device | PC77777',
	'location: found in the new words | location | B12'], '... each an event with its source');
my ($explain) = $desk->db->sql(q{SELECT explain->>'missing_fields', explain->'fields'->>'device' FROM arrival a
	JOIN ticket t ON t.id = a.ticket_id WHERE t.subject LIKE 'Kone LT%'});
is_deeply($explain, ['["location"]', 'LT2222'], 'explain shows filled and missing');
($text, $ack{one}) = acknowledgement('kesken@asiakas.example');
like($text, qr/tiedot:\n- Rakennus ja huone:\n\S/, 'one missing: only that is asked');
my $shown = Encode::decode('UTF-8', $desk->ctl('show', ticket_of('kesken@asiakas.example'))->{out});
like($shown, qr/^Field: +device: LT2222$/m, 'show: what is filled');
like($shown, qr/^Missing: +location$/m, 'show: what is missing');

# --- answers -------------------------------------------------------------------------------------

my $quoted = sub {
	my ($ack_text, %below) = @_;
	my @lines;
	for my $line (split /\n/, $ack_text) {
		push @lines, "> $line";
		push @lines, $below{$_} for grep { $line eq "- $_" } keys %below;
	}
	return join "\n", @lines, '';
};
my ($fi_text) = acknowledgement($mail{fi}[0]);
answer($mail{fi}[0], $ack{fi}, $quoted->($fi_text, 'Laitteen tunniste (esim. PC12345):' => 'PC11111',
	'Rakennus ja huone:' => 'A-talo 5'));
my ($sv_text) = acknowledgement($mail{sv}[0]);
answer($mail{sv}[0], $ack{sv}, "Hej!\n\nRum: 123\n\nMvh Karin\n\n" . $quoted->($sv_text));
my ($en_text) = acknowledgement($mail{en}[0]);
answer($mail{en}[0], $ack{en}, "Hi,\n\nit is LT55555, in room 12 upstairs.\n\n" . $quoted->($en_text));
answer('kesken@asiakas.example', $ack{one}, "314\n");
$desk->deliver('ict', mail(from => 'vieras@muualla.example', to => 'ict@example.fi',
	subject => "Re: [$ref{sv}] Skrivaren", headers => 'In-Reply-To: ' . header($ack{sv}, 'Message-ID') . "\n",
	text => "PC99999\n"));
once('answers');
is_deeply([@{ $desk->json('show', $ref{fi}) }{qw(fields missing_fields)}],
	[{ device => 'PC11111', location => 'A-talo 5' }, []], 'fi: answers below the quoted questions fill both');
is_deeply([@{ $desk->json('show', $ref{sv}) }{qw(fields missing_fields)}], [{ location => '123' }, ['device']],
	'sv: "Rum: 123" fills the place; the example in our question and a guest\'s words fill nothing');
is_deeply([@{ $desk->json('show', $ref{en}) }{qw(fields missing_fields)}],
	[{ device => 'LT55555', location => '12' }, []], 'en: patterns fill from the new words');
is_deeply([@{ $desk->json('show', ticket_of('kesken@asiakas.example')) }{qw(fields missing_fields)}],
	[{ device => 'LT2222', location => '314' }, []], 'the only question is answered by nothing but the value');
is_deeply(events($ref{fi}, 'field_filled'), ['device: found as the answer to the question | device | PC11111',
	'location: found as the answer to the question | location | A-talo 5'], 'fi: each an event');
is_deeply(events($ref{sv}, 'field_filled'), ['location: found behind its name, in the new words | location | 123'], 'sv: an event');
is(scalar @{ events($ref{sv}, 'guest') }, 1, '... (the stranger was a guest)');

# A second answer adds, and changes nothing that is known.
answer($mail{sv}[0], $ack{sv}, "Apparatens id: PC33333\nRum: 999\n");
once('a second answer');
is_deeply([@{ $desk->json('show', $ref{sv}) }{qw(fields missing_fields)}], [{ location => '123', device => 'PC33333' }, []],
	'a second answer fills the rest and overwrites nothing');

# A rule for replies fills, too, and stands above what the pattern would find.
$desk->deliver('ict', mail(from => 'saanto@asiakas.example', subject => 'Kone LT4444', text => "hidas kone\n"));
once('a ticket for a rule');
(undef, $ack{rule}) = acknowledgement('saanto@asiakas.example');
answer('saanto@asiakas.example', $ack{rule}, "byggnad Q, rum 9\n");
once('an answer that a rule reads');
is_deeply([@{ $desk->json('show', ticket_of('saanto@asiakas.example')) }{qw(fields missing_fields)}],
	[{ device => 'LT4444', location => 'hus Q' }, []], 'a field that a rule fills is missing no more');

# --- imported language, unknown language, no acknowledgement --------------------------------------

spew($desk->dir . '/people.csv', "address;language\nimported\@asiakas.example;sv\n");
is($desk->ctl('person', 'import', $desk->dir . '/people.csv')->{status}, 0, 'a person is imported with a language');
$desk->deliver('ict', mail(from => 'imported@asiakas.example', subject => 'Tulostin', text => Encode::encode('UTF-8', $mail{fi}[2])));
$desk->deliver('ict', mail(from => 'lyhyt@asiakas.example', subject => 'x', text => "123 456\n"));
$desk->deliver('ict', mail(from => 'robotti@asiakas.example', subject => 'Disk full', headers => "Auto-Submitted: auto-generated\n",
	text => "disk full\n"));
once('three more');
($text) = acknowledgement('imported@asiakas.example');
like($text, qr/^- Byggnad och rum:$/m, 'the imported language wins over the one of the mail');
($text) = acknowledgement('lyhyt@asiakas.example');
like($text, qr/^- Rakennus ja huone:\n.*^\* \* \*\n.*^- Byggnad och rum:\n/ms, 'language not known: asked in both');
is_deeply(events(ticket_of('robotti@asiakas.example'), 'fields_missing'),
	['missing: device, location; nobody was asked, as nothing was acknowledged'], 'a machine is asked nothing');

# --- another type, another queue -----------------------------------------------------------------

$desk->deliver('ict', mail(from => 'vaihto@asiakas.example', subject => 'Kone LT3333 ja S-77',
	text => Encode::encode('UTF-8', "Hei,\n\nkoneeni on rikki, sopimus S-88.\n")));
once('a mail whose ticket gets another type');
my $other = ticket_of('vaihto@asiakas.example');
is_deeply([@{ $desk->json('show', $other) }{qw(fields missing_fields)}], [{ device => 'LT3333' }, ['location']],
	'an incident asks for device and place');
is($desk->ctl('do', $other, 'type request')->{status}, 0, '... and becomes a request');
is_deeply([@{ $desk->json('show', $other) }{qw(fields missing_fields)}],
	[{ device => 'LT3333', contract => 'S-77' }, ['location']], '... whose contract stood in the subject');
is_deeply(events($other, 'field_filled')->[-1], 'contract: found in the subject | contract | S-77', '... as its history says');
is($desk->ctl('do', $other, 'queue hr')->{status}, 0, '... goes to another queue');
is_deeply($desk->json('show', $other)->{missing_fields}, [], '... that wants to know nothing');
is($desk->ctl('do', $other, 'queue ict')->{status}, 0, '... and comes back');
is_deeply($desk->json('show', $other)->{missing_fields}, ['location'], '... where the place is missing again');
is_deeply(events($other, 'fields_missing')->[-1], 'missing in the new queue: location; nobody was asked', '... with the reason');
is($desk->ctl('do', $other, 'type incident', 'field location=B 2')->{status}, 0, 'type and field in one go');
is_deeply([@{ $desk->json('show', $other) }{qw(fields missing_fields)}],
	[{ device => 'LT3333', contract => 'S-77', location => 'B 2' }, []], '... leave nothing missing');

done_testing;

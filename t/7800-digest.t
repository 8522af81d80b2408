#!/usr/bin/perl
# The managers' digest of a bad day: what it lists and in which order, as text and as a picture; who
# gets which digest, when, and what they do not see.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::BadDay qw(links);
use Luukku::Test::Desk qw(header mail parts);
use Encode ();
use MIME::Base64 ();

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $day = Luukku::Test::BadDay->start(site => 'incident_managers = ( "ida@example.fi" );');
my $db = $day->db;

sub part {
	my ($mail, $type) = @_;
	return join "\n", map { $_->{text} } grep { $_->{type} eq $type } parts($mail->{data});
}

$db->sql("UPDATE person SET standing = 'vip' WHERE address = 'elli\@asiakas.example'");

sub digests { return [sort grep { /^digest/ } @{ $_[0] }] }

# --- when ---------------------------------------------------------------------------------------------
is_deeply(digests($day->sched('2026-08-10 07:44')), [], 'not a minute before');
is_deeply(digests($day->sched('2026-08-10 07:45')), ['digest-agents cecilia', 'digest-agents dan', 'digest-agents liisa',
	'digest-incidents ida', 'digest-managers bo', 'digest-managers liisa'], 'each person one mail; who is away gets none');
is_deeply(digests($day->sched('2026-08-10 07:46')), [], 'once');
$day->at('2026-08-10 07:47');
$day->once;
my $digest = $day->mail_to('bo@example.fi', qr/^Jonojen tilanne, ma 10\.8\.2026$/);
ok($digest, 'it goes out') or BAIL_OUT('no digest');

# --- what ---------------------------------------------------------------------------------------------
my ($text, $html) = map { part($digest, $_) } qw(text/plain text/html);
note($text);
my @parts = $text =~ /^== (.*?) ==$/mg;
is_deeply(\@parts, ['Kiireelliset ilman vastuuhenkilöä (1)', 'Tavoiteaika ylittynyt tai tänään (6)', 'Asiakas on kysynyt kahdesti tai asia ei ole kunnossa (1)',
	'Asiakas ei ole kuullut meistä viiteen työpäivään (4)', 'Toimittaja ei ole vastannut muistutukseen (1)', 'Tänään takaisin odottamasta (1)',
	'Poissa', 'Avoimet ja erääntyvät', 'Viestit, jotka odottavat kirjoittajansa vahvistusta (1)',
	'Viestit, jotka eivät lähteneet tai menneet perille (2)', 'Karanteeni: viestit, joista ei tullut tukipyyntöä (1)',
	'Tukipyynnöt, joiden saapumisesta asiakas ei saanut viestiä (1)', 'Postilaatikot ja lähetys', 'Saapuneet ja ratkaistut'],
	"the parts stand in desk.md's order") or diag $text;
my %section;
{
	my @pieces = split /^== (.*?) ==$/m, $text;
	shift @pieces;
	%section = @pieces;
	%section = map { s/ \(\d+\)//r => $section{$_} } keys %section;
}
my %id = map { $_ => $day->ticket($_) } qw(maija ville nina sami outi elli robert nina2 hanna);
my %has = (
	'Kiireelliset ilman vastuuhenkilöä' => ['elli'], 'Asiakas on kysynyt kahdesti tai asia ei ole kunnossa' => ['ville'],
	'Toimittaja ei ole vastannut muistutukseen' => ['sami'], 'Tänään takaisin odottamasta' => ['outi'],
	'Tukipyynnöt, joiden saapumisesta asiakas ei saanut viestiä' => ['robert'],
);
for my $key (sort keys %has) {
	is_deeply([$section{$key} =~ /^TUKI-(\d+)  /mg], [map { $id{$_} } @{ $has{$key} }], "$key: @{ $has{$key} }");
}
my $due = $section{'Tavoiteaika ylittynyt tai tänään'};
is_deeply([$due =~ /^TUKI-(\d+)  /mg], [@id{qw(elli nina sami outi robert nina2)}], 'in the order of urgency: breached, then priority, then due time');
like($section{'Kiireelliset ilman vastuuhenkilöä'}, qr/, asiakas Elli Meri \[VIP\]$/m, 'a VIP is marked');
is(() = $text =~ /\[VIP\]/g, 2, '... in each part that lists her, and nobody else');
is(() = $html =~ m{, asiakas Elli Meri <strong>VIP</strong>}g, 2, '... in the HTML too');
like($section{'Poissa'}, qr/Aino Aalto: poissa pe 21\.8\.2026 asti, avoimia 2, sijainen Cecilia Ceder/, 'who is away, with what, and who stands in');
like($section{'Avoimet ja erääntyvät'}, qr/Aino Aalto \(poissa\): avoimia 2, .*\n.*Ilman vastuuhenkilöä: avoimia 4/s, 'open and due per agent');
like($section{'Viestit, jotka eivät lähteneet tai menneet perille'}, qr/Pidätetty: nina\@.*\n   Syy: viestisuoja pidätti sen: 10 minuutin aikana osoitteeseen lähti tästä tukipyynnöstä viestejä jo 10;.*Ei mennyt perille: maija\@.*\n   Syy: postipalvelin ei ottanut sitä vastaan: 550 5\.1\.1 no such user$/ms,
	'held and undeliverable, each with its reason');
like($section{'Karanteeni: viestit, joista ei tullut tukipyyntöä'}, qr/Viikon uutiset\n.*uutiset\@lista\.example.*\n.*Syy: postituslistan viestistä/s, 'the quarantine with its reason');
like($section{'Tukipyynnöt, joiden saapumisesta asiakas ei saanut viestiä'}, qr/Syy: viesti pyytää/, "not acknowledged, and why, in the reader's language");
like($section{'Postilaatikot ja lähetys'}, qr/Postilaatikko hr: kirjautumispalvelu ei antanut lupaa postilaatikkoon \(”https:.*the client secret expired on 2026-08-08.*”\)/, 'trouble with a token');
like($section{'Saapuneet ja ratkaistut'}, qr/pe 7\.8\.2026 alkaen saapui 3 ja ratkaistiin 0\..*pe: saapui 3, ratkaistiin 0/s, 'in and out since the last day of work');
my @lines = grep { /^TUKI-\d+  / } split /\n/, $text;
my @without = grep { $text !~ /\Q$_\E\n(?:   (?!.*mailto:).*\n)*   [^\n]*mailto:/ } @lines;
is_deeply(\@without, [], 'each ticket has links');
is(scalar(grep { $_->{to} =~ /\+[a-z2-7]{36}\@/ } links($text)), scalar(grep { $_->{to} !~ /^(?:admin|aino|cecilia|dan)\@/ } links($text)), 'each link to us is signed');
is_deeply([map { "$_->{to} $_->{body}" } links($html)], [map { "$_->{to} $_->{body}" } links($text)], 'the same links in the HTML');
unlike($text . $html, qr/Palkka puuttuu|hanna/i, 'not a word of another queue');
unlike($text . $html, qr/\{\{|\}\}/, 'every placeholder is filled');
like($html, qr/<img src="cid:[^"]+" [^>]*alt="[^"]+"/, 'a chart with words for who does not see it');
like(header($digest->{data}, 'List-Id'), qr/ict\.luukku/, 'a List-Id');
is(header($digest->{data}, 'Precedence'), 'bulk', 'bulk');
ok(length $html < 100_000, 'smaller than what mail clients cut (' . length($html) . ' bytes)');

# --- as a picture -------------------------------------------------------------------------------------
SKIP: {
	skip 'Chromium is not installed', 4 if !-x '/usr/bin/chromium' && !$ENV{LUUKKU_TEST_MUST};
	require Luukku::Test::Browser;
	Luukku::Test::Browser->import;
	my ($png) = grep { $_->{type} eq 'image/png' } parts($digest->{data});
	is(substr($png->{text}, 0, 8), "\x89PNG\r\n\x1a\n", 'the chart is a PNG');
	(my $shown = $html) =~ s/cid:chart[^"]+/'data:image\/png;base64,' . MIME::Base64::encode_base64($png->{text}, '')/e;
	my $browser = Luukku::Test::Browser->start;
	my $out = $ENV{LUUKKU_TEST_PICTURES} // temp_dir();
	for my $how (['wide', 640, 0], ['phone', 320, 0], ['dark', 640, 1]) {
		my ($name, $width, $dark) = @$how;
		my $page = $browser->page(width => $width, height => 800, dark => $dark);
		$page->contents(Encode::encode('UTF-8', $shown));
		is($page->eval('document.documentElement.scrollWidth <= window.innerWidth && document.images[0].naturalWidth'), 280,
			"$name: nothing is cut off, the chart is seen");
		$page->screenshot("$out/managers-digest-$name.png", full => 1);
		note("picture: $out/managers-digest-$name.png");
	}
	$browser->stop;
}

# --- others -------------------------------------------------------------------------------------------
my $other = part($day->mail_to('liisa@example.fi', qr/^Jonojen tilanne/), 'text/plain');
like($other, qr/Palkka puuttuu/, "the other queue's manager sees that one");
unlike($other, qr/Tulostin|Verkko|KATKO|Viikon uutiset/, '... and nothing of this one');
my $deputy = part($day->mail_to('cecilia@example.fi', qr/^Päivän työt/), 'text/plain');
like($deputy, qr/Sijaistat: Aino Aalto, pe 21\.8\.2026 asti ==.*TUKI-$id{maija}.*TUKI-$id{ville}/s, "the deputy's list on the first day");
like($deputy, qr/Toimittaja ei ole vastannut muistutukseen \(1\).*TUKI-$id{sami}/s, 'and her own');
like($deputy, qr/Vapaana 4\./, 'and how much is free');
my $all = part($day->mail_to('ida@example.fi', qr/^Koko palvelun tilanne/), 'text/plain');
note($all);
like($all, qr/Kiireelliset \(1\).*TUKI-$id{elli}/s, "the incident manager's: urgent ones");
like($all, qr/^ICT-tuki: saapui 3, ratkaistiin 0, avoimia 8, .*paikalla 2\/3/m, 'each queue with in, open, people present');
like($all, qr/^Henkilöstö: .*avoimia 1, .*paikalla 1\/1/m, 'all of them');
for my $to (qw(bo liisa cecilia dan ida)) {
	my @mails = grep { $_->{rcpt}[0] eq "$to\@example.fi" } $day->desk->smtp->mails;
	unlike(join('', map { part($_, 'text/plain') . part($_, 'text/html') } @mails), qr/\b(?:arvosana|pisteet|betyg|score)\b/i, "no score in any mail to $to");
}

# --- catching up --------------------------------------------------------------------------------------
is_deeply(digests($day->sched('2026-08-11 07:45')), digests(['digest-agents cecilia', 'digest-agents dan', 'digest-agents liisa', 'digest-incidents ida',
	'digest-managers bo', 'digest-managers liisa']), 'Tuesday');
unlike(join('', map { $_->[0] } $db->sql("SELECT variables FROM outbox WHERE template = 'digest-agents' AND created_at > '2026-08-11'")), qr/"deputy": \{/,
	"the deputy's list comes once");
is_deeply(digests($day->sched('2026-08-12 09:00')), [], 'a holiday of the calendar');
is(scalar @{ digests($day->sched('2026-08-14 09:30')) }, 6, 'Friday, after a night and a day off: one each, late');
is_deeply(digests($day->sched('2026-08-14 15:00')), [], 'not again');
is_deeply(digests($day->sched('2026-08-16 12:00')), [], 'nothing on a Sunday');
is(scalar @{ digests($day->sched('2026-08-19 12:00')) }, 6, 'two missed ones are one');

# --- at once, and once ----------------------------------------------------------------------------------
$day->at('2026-08-22 23:30');
$day->intake(Luukku::Test::BadDay::customer('yrjo', 'KATKO: palvelin sammui'), map { mail(from => "lista$_\@kunta.example", to => 'hr@example.fi',
	subject => "Kysymys $_", headers => "List-Id: HR <hr.ryhma.example.fi>\n") } 1 .. 6);
my $yrjo = $day->ticket('yrjo');
is_deeply([map { $_->[0] } $db->sql("SELECT recipient FROM outbox WHERE ticket_id = $yrjo AND template = 'notice' AND created_at < '2026-08-22T20:31:00Z'")],
	['ida@example.fi'], 'an urgent incident on a Saturday night is told at once');
is($db->sql("SELECT count(*) FROM event WHERE ticket_id = $yrjo AND event = 'incident_told'") + 0, 1, '... and once');
for my $morning ('2026-08-24 07:45', '2026-08-25 07:45') {
	$day->sched($morning);
	my $said = $db->sql("SELECT variables::text FROM outbox WHERE template = 'digest-managers' AND recipient = 'liisa\@example.fi' ORDER BY id DESC LIMIT 1");
	my $names = $said =~ /hr\.ryhma\.example\.fi/;
	ok($morning =~ /24/ ? $names : !$names, 'a List-Id that most mails of a mailbox carry is named in the first digest alone');
}

# --- a mailbox that is visited, but whose server could not be told of a mail ------------------------------
$db->sql("UPDATE mailbox SET error = NULL, error_at = NULL, last_ok_at = '2026-08-26T04:40:00Z'");
$db->sql("UPDATE arrival SET server = 'failed', fetched_at = '2026-08-26T04:30:00Z'
	WHERE id = (SELECT max(id) FROM arrival WHERE mailbox = 'ict')");
$day->sched('2026-08-26 07:45');
$day->at('2026-08-26 07:46');
$day->once;
like(part($day->mail_to('bo@example.fi', qr/^Jonojen tilanne, ke 26\.8\.2026$/), 'text/plain'),
	qr/^Postilaatikko ict\. Tallessa olevia viestejä, joista postipalvelin ei saanut tietoa: 1\./m, 'that it was not visited is not said');
done_testing;

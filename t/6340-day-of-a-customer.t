#!/usr/bin/perl
# A customer's day with a whole desk: a ticket, a duplicate taken off by its link, a chase answered,
# the status list, thanks, a machine's alarms, a mail to two queues, and a possible mass incident that
# the manager's one reply links.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode ();
use MIME::Base64 ();
use MIME::QuotedPrint ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(queues => <<'CONF', extra => <<'RULES');
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    notify = "agents"; assign = "round_robin"; types = ( "incident", "request" ); default_type = "request";
    mass: { people = 4; within = "1h"; similarity = 45; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "agents"; },
  { name = "talous"; addresses = ( "talous@example.fi" ); agents = ( "aino@example.fi", "bo@example.fi" ); notify = "agents"; }
CONF
rules: ( { name = "printers"; match: { subject = "*tulostin*"; };
  set: { priority = "high"; type = "incident"; tags = ( "printer" ); }; } );
RULES
my $db = $desk->db;
my $n = 0;

sub bytes { return Encode::encode('UTF-8', $_[0]) }

# Delivers a mail, lets the desk take and answer it; its Message-ID.
sub write_to {
	my ($to, $from, $subject, $text, %m) = @_;
	my $id = 'day' . ++$n . '@kund.example';
	my $irt = delete $m{irt};
	my $headers = ($m{headers} // '') . ($irt ? "In-Reply-To: $irt\nReferences: $irt\n" : '');
	$desk->deliver($m{mailbox} // 'ict', mail(to => $to, from => $from, id => $id, text => bytes($text), headers => $headers,
		subject => $subject =~ /[^\x00-\x7f]/ ? Encode::encode('MIME-Header', $subject) : $subject));
	my $done = $desk->once;
	is($done->{status}, 0, "$subject: taken") or diag $done->{err};
	return $id;
}

sub one { my @row = $db->sql($_[0]); return @row ? join(' ', map { $_ // '-' } ref $row[0] ? @{ $row[0] } : $row[0]) : undef }
sub ticket_of { return one("SELECT ticket_id FROM message WHERE message_id = '$_[0]'") }

# Templates and recipients of the mails that a mail caused.
sub caused {
	my ($id) = @_;
	return join ', ', sort map { "$_->[0] $_->[1]" } $db->sql("SELECT o.template, o.recipient FROM outbox o
		JOIN message m ON m.id = o.cause_id WHERE m.message_id = '$id'");
}

sub newest_to {
	my ($who) = @_;
	my ($mail) = reverse grep { /^To: .*\Q$who\E/m } map { $_->{data} } $desk->smtp->mails;
	return $mail // '';
}

sub text_of {
	my ($wire) = @_;
	my ($head, $body) = $wire =~ m{(Content-Type: text/plain.*?)\r?\n\r?\n(.*?)(?:\r?\n--|\z)}s or return $wire;
	return Encode::decode('UTF-8', $head =~ /base64/i ? MIME::Base64::decode($body)
		: $head =~ /quoted-printable/i ? MIME::QuotedPrint::decode($body) : $body);
}

# --- a new ticket ---------------------------------------------------------------------------------
my $maija = 'Maija <maija@kund.example>';
my $words = "Hei,\n\nkerroksen tulostin ei ota paperia ja näytöllä on virhe. Voitteko tulla katsomaan?\n\nMaija\n";
my $first_id = write_to('ict@example.fi', $maija, 'Tulostin ei toimi', $words);
my $first = ticket_of($first_id);
is(one("SELECT queue, type, priority, owner FROM ticket WHERE id = $first"), 'ict incident high aino@example.fi', 'a new ticket by the rules');
is(caused($first_id), 'acknowledgement maija@kund.example, notice aino@example.fi', '... its customer and its owner hear of it');
my $ack = newest_to('maija@kund.example');
like(text_of($ack), qr/TUKI-$first/, '... with its number');

# --- a duplicate, and its link --------------------------------------------------------------------
my $again_id = write_to('ict@example.fi', $maija, 'Tulostin ei toimi!', $words =~ s/Voitteko/Voisitteko/r);
is(ticket_of($again_id), $first, 'the same again joins');
is(caused($again_id), 'chase-notice aino@example.fi, joined maija@kund.example', '... which customer and owner are told');
my ($apart) = text_of(newest_to('maija@kund.example')) =~ /(ict\+[a-z2-7]{36}\@example\.fi)/;
ok($apart, '... with a link') or BAIL_OUT('no link');
my $link_id = write_to($apart, $maija, "TUKI-$first", "Kyseessä on toisen kerroksen laite.\n");
my $own = ticket_of($again_id);
isnt($own, $first, 'by the link it becomes a ticket of its own');
is(ticket_of($link_id), $own, '... with the words that came with it');
is(one("SELECT queue, type, priority, owner, status, tags FROM ticket WHERE id = $own"), 'ict incident high aino@example.fi new {printer}',
	'... by the rules, with an owner like any other');
is(one("SELECT count(*) FROM stage WHERE ticket_id = $own AND to_at IS NULL"), 1, '... in its first stage');
is(one("SELECT due_respond IS NOT NULL, due_resolve IS NOT NULL FROM ticket WHERE id = $own"),
	one("SELECT due_respond IS NOT NULL, due_resolve IS NOT NULL FROM ticket WHERE id = $first"), '... its clocks as those of the first');
is(one("SELECT string_agg(template || ' ' || recipient, ', ' ORDER BY template) FROM outbox WHERE ticket_id = $own"),
	'acknowledgement maija@kund.example, notice aino@example.fi', '... and its customer and owner told');
is(join(' ', sort map { $_->[0] } $db->sql("SELECT DISTINCT event FROM event WHERE ticket_id = $own AND event IN ('opened', 'rule', 'assigned')")),
	'assigned opened rule', '... all in its history');

# --- a chase --------------------------------------------------------------------------------------
my $chase_id = write_to('ict@example.fi', $maija, 'Re: Tulostin ei toimi!', "Hei,\n\nonko asia edennyt?\n\nMaija\n",
	irt => header(newest_to('maija@kund.example'), 'Message-ID'));
is(ticket_of($chase_id), $own, 'a question how it goes joins its ticket');
is(caused($chase_id), 'chase-notice aino@example.fi, progress maija@kund.example', '... and is answered');
my $progress = text_of(newest_to('maija@kund.example'));
like($progress, qr/TUKI-$own\b/, '... about that ticket');
like($progress, qr/odottaa vuoroaan meillä/, '... with whom it waits for');
my $soon_id = write_to('ict@example.fi', $maija, 'Re: Tulostin ei toimi!', "Onko asia edennyt?\n",
	irt => header(newest_to('maija@kund.example'), 'Message-ID'));
is(caused($soon_id), 'chase-notice bo@example.fi', 'a second one on the same day is not; the manager hears of it');

# --- the list -------------------------------------------------------------------------------------
my $status_id = write_to('ict@example.fi', $maija, 'tila', "\n");
is(caused($status_id), 'status-list maija@kund.example', 'a question for the status is answered');
my $list = text_of(newest_to('maija@kund.example'));
like($list, qr/TUKI-$_\b/, "... TUKI-$_ is on the list") for $first, $own;

# --- thanks ---------------------------------------------------------------------------------------
is($desk->ctl('do', "TUKI-$first", '#resolve silent')->{status}, 0, 'the ticket is resolved');
my $thanks_id = write_to('ict@example.fi', $maija, 'Re: Tulostin ei toimi', "Kiitos paljon!\n\nMaija\n", irt => header($ack, 'Message-ID'));
is(ticket_of($thanks_id), $first, 'thanks join');
is(one("SELECT status FROM ticket WHERE id = $first"), 'resolved', '... and open nothing again');
is(caused($thanks_id), '', '... nor disturb anybody');

# --- alarms ---------------------------------------------------------------------------------------
my @alarm = ('ict@example.fi', 'valvonta@kone.example', 'ALARM: disk full on srv1', "Disk /dev/sda1 is 99 % full.\n");
my $alarm_id = write_to(@alarm, headers => "Auto-Submitted: auto-generated\n");
my $alarm = ticket_of($alarm_id);
is(one("SELECT is_machine FROM ticket WHERE id = $alarm"), 't', 'an alarm opens a ticket of a machine');
is(caused($alarm_id), 'notice aino@example.fi', '... and is not acknowledged');
my $repeat_id = write_to(@alarm[0 .. 2], "Disk /dev/sda1 is 100 % full.\n", headers => "Auto-Submitted: auto-generated\n");
is(ticket_of($repeat_id), $alarm, 'the next one joins');

# --- released from the quarantine -----------------------------------------------------------------
my $held_id = write_to('ict@example.fi', 'lista@kund.example', 'Toinen tulostin', "Tulostin lainassa.\n", headers => "List-Id: <lista.kund.example>\n");
is(ticket_of($held_id) // '-', '-', 'a list opens no ticket by itself');
my ($held) = map { $_->{id} } @{ $desk->json('quarantine', 'list') };
is($desk->ctl('quarantine', 'release', $held)->{status}, 0, 'released by a person');
my $freed = ticket_of($held_id);
is(one("SELECT queue, type, priority, owner, status, tags FROM ticket WHERE id = $freed"), 'ict incident high aino@example.fi new {printer}',
	'... it is a ticket by the rules, with an owner');
is(caused($held_id), 'notice aino@example.fi', '... who hears of it, and nobody else');

# --- two queues -----------------------------------------------------------------------------------
my $both_id = write_to('ict@example.fi, hr@example.fi', 'Pia <pia@kund.example>', 'Uusi harjoittelija maanantaina',
	"Hei,\n\nMeille tulee harjoittelija, joka tarvitsee tunnukset ja työsopimuksen.\n\nPia\n");
my $both = ticket_of($both_id);
is(caused($both_id), 'acknowledgement pia@kund.example, notice aino@example.fi, notice bo@example.fi', 'a mail to two queues: one ticket, both teams');
my $only_id = write_to('ict@example.fi', 'Olli <olli@kund.example>', 'Sopimuksen tulostaminen', "Hei,\n\nSopimuspohja ei avaudu koneellani.\n\nOlli\n");
my $wide_id = write_to('ict@example.fi, hr@example.fi', 'Olli <olli@kund.example>', 'Sopimuksen tulostaminen', "Hei,\n\nSopimuspohja ei avaudu koneellani!\n\nOlli\n");
is(ticket_of($wide_id), ticket_of($only_id), 'the same again, to two queues, joins');
is(caused($wide_id), 'chase-notice aino@example.fi, joined olli@kund.example, notice bo@example.fi', '... and the other team hears of it');
is(one('SELECT count(*) FROM event WHERE event = \'also_addressed\' AND ticket_id = ' . ticket_of($only_id)), 1, '... as the history tells');

my $shared_id = write_to('hr@example.fi, talous@example.fi', 'Pia <pia@kund.example>', 'Matkalasku jäi maksamatta',
	"Hei,\n\nTammikuun matkalaskua ei ole maksettu, ja esimies vaihtui.\n\nPia\n");
is(caused($shared_id), 'acknowledgement pia@kund.example, notice aino@example.fi, notice bo@example.fi', 'who is of both teams hears of a mail to both once');
is(one("SELECT o.queue FROM outbox o JOIN message m ON m.id = o.cause_id WHERE o.recipient = 'bo\@example.fi' AND m.message_id = '$shared_id'"), 'hr',
	'... by the team whose ticket it is');

# --- many people, one matter ----------------------------------------------------------------------
my @outage = map { ticket_of(write_to('ict@example.fi', "p$_->[0]\@kund.example", $_->[1], $_->[2])) } (
	[1, 'Potilastietojärjestelmä ei aukea', "Hei,\n\npotilastietojärjestelmä ei aukea.\n\nTerveisin\nIida\n"],
	[2, 'Potilastietojärjestelmä jumissa', "Potilastietojärjestelmä ei aukea lainkaan.\n"],
	[3, 'potilastietojärjestelmään ei pääse', "Huomenta, potilastietojärjestelmä ei aukea kenelläkään osastolla.\n"]);
is(one("SELECT count(*) FROM outbox WHERE template = 'mass-incident'"), 0, 'three people are no mass incident yet');
push @outage, ticket_of(write_to('ict@example.fi', 'p4@kund.example', 'Potilastietojärjestelmä ei aukea!!', "Ei aukea täälläkään.\n"));
is(one("SELECT count(*) FROM outbox WHERE template = 'mass-incident' AND recipient = 'bo\@example.fi'"), 1, 'the fourth: its manager is asked');
is(one('SELECT count(*) FROM ticket_link WHERE relation <> \'related\''), 0, '... and nothing is linked');
my $proposal = newest_to('bo@example.fi');
my ($line) = text_of($proposal) =~ /^((?:TUKI-\d+ )+#parent TUKI-\d+)\r?$/m;
ok($line, 'the proposal has the line') or diag text_of($proposal);
my ($reply_to) = header($proposal, 'Reply-To') =~ /([\w.+-]+\@[\w.-]+)/;
write_to($reply_to, 'Bo <bo@example.fi>', 'Re: ' . header($proposal, 'Subject'), "$line\n", irt => header($proposal, 'Message-ID'));
is(one("SELECT count(*) FROM ticket_link WHERE relation = 'parent'"), 0, 'the address of one ticket proves nobody on the others');
my ($confirm) = text_of(newest_to('bo@example.fi')) =~ /mailto:(ict\+[a-z2-7]{36}\@example\.fi)/;
ok($confirm, '... the manager is asked to confirm') or diag text_of(newest_to('bo@example.fi'));
write_to($confirm, 'Bo <bo@example.fi>', 'OK', "\n");
is_deeply([map { "$_->[0] $_->[1]" } $db->sql("SELECT ticket_id, other_id FROM ticket_link WHERE relation = 'parent' ORDER BY 1, 2")],
	[map { "$outage[$_] $outage[0]" } 1 .. 3], 'and what was written is done: they are linked')
	or diag explain [$db->sql('SELECT ticket_id, other_id, relation FROM ticket_link')], text_of(newest_to('bo@example.fi'));

done_testing;

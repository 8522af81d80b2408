#!/usr/bin/perl
# Retention: what luukku-sched forgets of tickets that are done, when, and what stays.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use MIME::Base64 ();

my $desk = Luukku::Test::Desk->start(queues => <<'CONF');
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    mass: { people = 0; }; retention: { text = "365d"; attachments = "30d"; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; };
    retention: { text = "forever"; attachments = "forever"; }; }
CONF
my $db = $desk->db;
my $start = '2026-03-02T08:00:00Z';

sub once {
	my ($now) = @_;
	my $done = $desk->once(env => { LUUKKU_NOW => $now });
	is($done->{status}, 0, "a round at $now") or diag $done->{err};
	return;
}

# Secret words, each in another place.
sub with_file {
	my ($to, $subject, $from) = @_;
	my $boundary = 'b0undary';
	return mail(to => $to, from => $from, subject => $subject, headers => "Content-Type: multipart/mixed; boundary=$boundary\n",
		text => "--$boundary\nContent-Type: text/plain; charset=utf-8\n\nPotilaskertomus hukassa, sanasana.\n--$boundary\n"
			. "Content-Type: application/pdf; name=\"salaisuus.pdf\"\nContent-Transfer-Encoding: base64\n\n"
			. MIME::Base64::encode_base64('liitesisus' x 2000) . "--$boundary--\n");
}

$desk->deliver('ict', with_file('ict@example.fi', 'Kiusallinen otsikko', 'Aino Asiakas <asiakas@potilas.example>'));
$desk->deliver('ict', mail(to => 'ict@example.fi', subject => 'Avoin asia', from => 'toinen@potilas.example'));
$desk->deliver('hr', with_file('hr@example.fi', 'Palkka', 'Aino Asiakas <asiakas@potilas.example>'));
once($start);
my $first = $db->sql("SELECT id FROM ticket WHERE subject = 'Kiusallinen otsikko'");
my $hr = $db->sql("SELECT id FROM ticket WHERE queue = 'hr'");
my $open = $db->sql("SELECT id FROM ticket WHERE subject = 'Avoin asia'");
ok($first && $hr && $open, 'three tickets');

sub command {
	my ($ticket, @lines) = @_;
	my $done = run(['luukkuctl', '-c', $desk->conf, 'do', $ticket, @lines, '--as', 'bo@example.fi', '--text', $desk->dir . '/words'],
		env => { LUUKKU_NOW => '2026-03-02T09:00:00Z' });
	is($done->{status}, 0, "do $ticket @lines") or diag $done->{err};
	return;
}
spew($desk->dir . '/words', "Ratkaisun sanasana.\n");
command($first, 'subject sanasana sisäinen', 'field huone=sanasana', 'note');
command($first, 'resolve silent');
command($first, 'close');
$db->sql("INSERT INTO survey (ticket_id, queue, language, sent_at, outcome, score, comment, answered_at)
	VALUES ($first, 'ict', 'fi', '$start', 'score', 9, 'Kiitos sanasana', '$start')");
command($hr, 'resolve silent');
command($hr, 'close');

sub files { return scalar $db->sql("SELECT count(*) FROM attachment a JOIN message m ON m.id = a.message_id WHERE m.ticket_id = $_[0]") }

# Everything a stranger could read of a ticket or a person, table by table.
sub everything {
	my ($ticket, $address) = @_;
	my $text = '';
	for my $query (
		"SELECT subject, title, fields, resolution FROM ticket WHERE id = $ticket",
		"SELECT from_name, from_address, recipients_to, subject, text, reply_text, header_block, parsed, kind_reason, evidence_reason FROM message WHERE ticket_id = $ticket",
		"SELECT actor, reason, detail FROM event WHERE ticket_id = $ticket",
		"SELECT recipient, recipient_name, variables, form, wire, reason, last_reply FROM outbox WHERE ticket_id = $ticket",
		"SELECT reply FROM delivery d JOIN outbox o ON o.id = d.outbox_id WHERE o.ticket_id = $ticket",
		"SELECT explain, reason FROM arrival WHERE ticket_id = $ticket",
		"SELECT steps FROM command_run WHERE $ticket = ANY (tickets)",
		"SELECT comment FROM survey WHERE ticket_id = $ticket",
		"SELECT words FROM held_command WHERE ticket_id = $ticket",
		"SELECT words FROM message_search s JOIN message m ON m.id = s.message_id WHERE m.ticket_id = $ticket",
		)
	{
		$text .= (scalar($db->sql("SELECT coalesce(string_agg(q::text, E'\\n'), '') FROM ($query) q")) // "") . "\n";
	}
	return $text;
}
my $secrets = qr/sanasana|Kiusallinen|asiakas\@potilas|Aino Asiakas|salaisuus/i;
like(everything($first), $secrets, 'the words are there');

once('2026-03-31T08:00:00Z');
is(scalar files($first), 1, 'the day before: the file is there');
once('2026-04-02T08:00:00Z');
is(files($first), 0, 'retention.attachments is over: no file');
is(scalar $db->sql("SELECT count(*) FROM message WHERE ticket_id = $first AND raw_blob IS NOT NULL"), 0, 'no original mail either');
like(everything($first), $secrets, 'the words are still there');
is(files($hr), 1, 'the file of a queue that keeps for ever');
is(scalar $db->sql("SELECT count(*) FROM event WHERE ticket_id = $first AND event = 'files_forgotten'"), 1, 'its history says so');
$db->sql("UPDATE blob SET created_at = created_at - interval '2 days'");
once('2026-04-02T10:00:00Z');
is(scalar $db->sql('SELECT count(*) FROM blob b WHERE NOT EXISTS (SELECT FROM attachment a WHERE a.blob_id = b.id)
	AND NOT EXISTS (SELECT FROM message m WHERE m.raw_blob = b.id)'), 0, 'its content is gone too');

my $stages = $db->sql("SELECT string_agg(status || from_at || coalesce(to_at::text, ''), ',' ORDER BY id) FROM stage WHERE ticket_id = $first");
once('2027-03-01T08:00:00Z');
like(everything($first), $secrets, 'the day before: the words are there');
once('2027-03-03T08:00:00Z');
unlike(everything($first), $secrets, 'retention.text is over: no word, no name, no address');
is(scalar $db->sql("SELECT count(*) FROM participant WHERE ticket_id = $first"), 0, 'nobody is tied to it');
is(scalar $db->sql("SELECT string_agg(status || from_at || coalesce(to_at::text, ''), ',' ORDER BY id) FROM stage WHERE ticket_id = $first"),
	$stages, 'its stages stay for the figures');
isnt(scalar $db->sql("SELECT closed_at FROM ticket WHERE id = $first"), '', 'and its times');
is(scalar $db->sql("SELECT count(*) FROM person WHERE address = 'asiakas\@potilas.example'"), 1, 'who has another ticket with words stays known');
like(everything($open), qr/Avoin asia/, 'an open ticket is not touched, however old');
like(everything($hr), $secrets, 'nor a queue that keeps for ever');
is($desk->ctl('show', $first)->{status}, 0, 'show still works on what is left');
is(scalar $db->sql("SELECT count(*) FROM event WHERE ticket_id = $first AND event = 'words_forgotten'"), 1, 'told once');

# The last ticket of a person: they become a number, and would be a new one if they wrote again.
(my $text = slurp($desk->conf)) =~ s/text = "forever"; attachments = "forever"/text = "365d"; attachments = "30d"/ or die;
spew($desk->conf, $text, 0600);
$desk->give_away($desk->conf);
once('2027-03-04T08:00:00Z');
is(scalar $db->sql("SELECT count(*) FROM person WHERE address LIKE '%potilas.example' AND name IS NOT NULL"), 0, 'nobody is known by name');
is(scalar $db->sql("SELECT count(*) FROM person WHERE address LIKE 'person-%\@erased.invalid'"), 1, 'they are a number');
$desk->deliver('hr', mail(to => 'hr@example.fi', subject => 'Uusi asia', from => 'Aino Asiakas <asiakas@potilas.example>'));
once('2027-03-04T09:00:00Z');
is(scalar $db->sql("SELECT count(*) FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address = 'asiakas\@potilas.example'"), 1,
	'and a new customer when they write again');
done_testing;

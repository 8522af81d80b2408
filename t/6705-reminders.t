#!/usr/bin/perl
# Reminders on a journey through time: customers who do not answer, who are away, who have not heard
# for long; suppliers; tickets that nobody handles; a desk that was off for three days. Office hours
# 8-16 in Helsinki, summer time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use JSON::PP ();
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use MIME::QuotedPrint qw(decode_qp);
use POSIX ();
use Time::Local qw(timegm);

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" );',
	queues => <<'CONF',
  { name = "ict"; title = { fi = "ICT-tuki"; en = "ICT desk"; }; addresses = ( "ict@example.fi" );
    agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" ); acknowledge = false; notify = "none";
    customer_reminders = ( "3d", "4d" ); close_unanswered = true; tell_every = "5d"; reopen = "14d";
    tell_on_wait = true; mass: { people = 50; within = "1h"; similarity = 45; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); acknowledge = false; notify = "none"; }
CONF
	extra => <<'CONF',
calendars: ( { name = "office"; hours = "Mon-Fri 08:00-16:00"; holidays = ( "fi" ); } );
suppliers: ( { name = "atk"; addresses = ( "tuki@toimittaja.example" ); remind = ( "2d", "2d", "5d" );
  public_name = "Toimittaja Oy"; } );
CONF
);
my $db = $desk->db;
my $sched = program('luukku-sched');
my $now;

sub epoch {
	my ($y, $mo, $d, $h, $mi, $s) = $_[0] =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z\z/ or die $_[0];
	return timegm($s, $mi, $h, $d, $mo - 1, $y);
}

# "2026-08-03 10:00": so late it is in Helsinki from here on, where summer is three hours ahead.
sub at {
	my ($date, $h, $m) = $_[0] =~ /\A(\S+) (\d+):(\d+)\z/ or die $_[0];
	$now = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(epoch("${date}T00:00:00Z") + $h * 3600 + $m * 60 - 3 * 3600));
	return;
}

sub intake {
	my (@mails) = @_;
	$desk->deliver('ict', $_, at => epoch($now)) for @mails;
	my $done = $desk->once(env => { LUUKKU_NOW => $now });
	is($done->{status}, 0, "mail at $now") or diag $done->{err};
	return;
}

my $seen = 0;
# What went into the outbox meanwhile: "template recipient ticket", with luukku-sched at that time.
sub sched {
	my ($when) = @_;
	at($when) if $when;
	# As if the mailbox had been visited: from one that is away nobody is reminded.
	$db->sql("UPDATE mailbox SET last_ok_at = '$now'");
	my $done = run([$sched, '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => $now });
	is($done->{status}, 0, "luukku-sched at $now") or diag $done->{err};
	my $new = new_mails();
	# Nobody is reminded of what has not gone out.
	run([program('luukku-send'), '-c', $desk->conf, '--once'], env => { LUUKKU_NOW => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(epoch($now) + 10)) });
	return $new;
}

sub new_mails {
	my @rows = $db->sql("SELECT id, template, recipient, coalesce(ticket_id::text, '-'), state FROM outbox
		WHERE id > $seen ORDER BY id");
	$seen = $rows[-1][0] if @rows;
	return [map { join ' ', $_->[1], $_->[2] =~ s/\@.*//r, $_->[3], ($_->[4] =~ /held|suppressed/ ? $_->[4] : ()) } @rows];
}

# Aino's commands, with a text.
sub agent {
	my ($ticket, $text, @commands) = @_;
	my $done = $desk->ctl('do', "TUKI-$ticket", @commands, '--as', 'aino@example.fi', '--text', '-',
		{ in => $text, env => { LUUKKU_NOW => $now } });
	is($done->{status}, 0, "do @commands") or diag $done->{err};
	return;
}

sub ticket_of {
	my ($who) = @_;
	return scalar $db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address = '$who\@asiakas.example'
		ORDER BY t.id DESC LIMIT 1");
}

sub status { return scalar $db->sql("SELECT status FROM ticket WHERE id = $_[0]") }

sub history {
	my ($ticket, $like) = @_;
	return [map { $_->[0] } $db->sql("SELECT event FROM event WHERE ticket_id = $ticket AND event ~ '$like' ORDER BY id")];
}

# The newest mail to that person (about that ticket), its text part.
sub words_to {
	my ($who, $ticket) = @_;
	my $done = $desk->once(env => { LUUKKU_NOW => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(epoch($now) + 10)) });
	is($done->{status}, 0, 'mails go out') or diag $done->{err};
	new_mails();
	my ($mail) = grep { $_->{rcpt}[0] =~ /^\Q$who\E@/ && (!$ticket || header($_->{data}, 'Subject') =~ /TUKI-$ticket\b/) }
		reverse $desk->smtp->mails;
	return '' if !$mail;
	my ($part) = $mail->{data} =~ /Content-Type: text\/plain.*?\r\n\r\n(.*?)(?:\r\n--|\z)/s;
	return decode_qp($part // $mail->{data});
}

# Without the mornings' mails to the team.
sub others { return [grep { !/^owner-reminder/ } @{ $_[0] }] }

sub vacation {
	my ($who, $ticket, $text) = @_;
	return mail(from => "$who\@asiakas.example", subject => "Automaattinen vastaus: [TUKI-$ticket] Asia", text => $text,
		headers => "Auto-Submitted: auto-replied\n");
}

# --- one Monday -------------------------------------------------------------------------------------

at('2026-08-03 10:00');
my @who = qw(maija ville kalle nina sami outi robotti);
intake(map { mail(from => "$_\@asiakas.example", subject => "Asia ($_)", text => "Hei, $_ tarvitsee apua tulostimen kanssa.\n",
	$_ eq 'robotti' ? (headers => "Auto-Submitted: auto-generated\n") : ()) } @who);
my %ticket = map { $_ => ticket_of($_) } @who;
agent($ticket{$_}, 'Mikä tulostin?', 'wait customer') for qw(maija ville kalle robotti);
is_deeply(new_mails(), [map { "reply $_ $ticket{$_}" } qw(maija ville kalle robotti)], 'four are asked');
agent($ticket{sami}, 'Tulostin rikki, tilaus 17.', 'supplier atk');
at('2026-08-03 10:01');
is($desk->ctl('do', "TUKI-$ticket{sami}", 'wait supplier', { env => { LUUKKU_NOW => $now } })->{status}, 0, 'wait supplier');
is($desk->ctl('do', "TUKI-$ticket{outi}", 'wait until 2026-08-12', { env => { LUUKKU_NOW => $now } })->{status}, 0, 'wait until');
is_deeply(new_mails(), ["supplier tuki $ticket{sami}", "waiting sami $ticket{sami}", "waiting outi $ticket{outi}"],
	'whose ticket waits for others hears so once');
like(words_to('sami'), qr/odottaa ulkopuolista yritystä \(Toimittaja Oy\)/, 'with the public name');
like(words_to('outi'), qr/sovittuna aikana: ke 12\.8\.2026/, 'or until when');
is_deeply(sched(), [], 'nothing is due on the same day');

# --- who is away --------------------------------------------------------------------------------------

at('2026-08-03 10:05');
intake(vacation('ville', $ticket{ville}, "Olen lomalla, palaan 17.8.\n"), vacation('kalle', $ticket{kalle}, "Olen poissa.\n"),
	vacation('robotti', $ticket{robotti}, "Olen poissa.\n"));
is(status($ticket{$_}), 'waiting_customer', "$_: a vacation answer ends no wait") for qw(ville kalle);
is_deeply(history($ticket{$_}, '^reminders_moved'), ['reminders_moved'], "$_: but moves the reminders") for qw(ville kalle);
my %due = map { @$_ } $db->sql("SELECT ticket_id, to_char(due_at AT TIME ZONE 'Europe/Helsinki', 'YYYY-MM-DD HH24:MI') FROM timer
	WHERE kind = 'customer_reminder' ORDER BY 1");
is($due{ $ticket{maija} }, '2026-08-06 10:00', 'three open days');
like($due{ $ticket{ville} }, qr/\A2026-08-19 15:5[45]\z/, 'what was left of them, from Monday the 17th on');
is($due{ $ticket{kalle} }, '2026-08-20 10:00', 'ten open days more where no day is named');
at('2026-08-05 09:00');
intake(vacation('ville', $ticket{ville}, "Olen lomalla, palaan 30.11.\n"));
is_deeply(history($ticket{ville}, '^reminders_moved'), ['reminders_moved'], 'once');

# --- the supplier --------------------------------------------------------------------------------------

is_deeply(others(sched('2026-08-05 09:59')), [], 'not yet');
is_deeply(others(sched('2026-08-05 10:01')), ["supplier-reminder tuki $ticket{sami}"], 'the supplier after two open days');
like(words_to('tuki'), qr/Emme ole vielä saaneet vastausta.*Missä vaiheessa/s, 'friendly');
at('2026-08-06 11:00');
intake(mail(from => 'sami@asiakas.example', subject => "[TUKI-$ticket{sami}] Asia", text => "Onko asia edennyt?\n"));
is_deeply(history($ticket{sami}, 'chased'), ['chased', 'supplier_chased'], 'the customer asks: brought forward');
my @mails = (@{ new_mails() }, @{ sched('2026-08-06 11:01') });
is_deeply([grep { /^supplier-reminder/ } @mails], ["supplier-reminder tuki $ticket{sami}"], 'to now');
at('2026-08-06 12:00');
intake(mail(from => 'sami@asiakas.example', subject => "[TUKI-$ticket{sami}] Asia", text => "Onko asia edennyt?\n"));
is_deeply(history($ticket{sami}, 'supplier_chased'), ['supplier_chased'], 'not twice a day');
like(words_to('tuki'), qr/odotamme edelleen/, 'firmer');

# --- who does not answer ---------------------------------------------------------------------------------

my @reminded = $db->sql("SELECT recipient, to_char(created_at AT TIME ZONE 'Europe/Helsinki', 'DD.MM. HH24:MI') FROM outbox
	WHERE template = 'customer-reminder' ORDER BY id");
is_deeply(\@reminded, [['maija@asiakas.example', '06.08. 11:00']], 'Maija after three open days, nobody who is away');
unlike(words_to('maija'), qr/viimeinen/, 'the first reminder does not threaten');
is_deeply(others(sched('2026-08-12 07:59')), [], 'the desk is closed');
is_deeply([sort @{ others(sched('2026-08-12 08:01')) }], ["notice bo $ticket{outi}", "still-working nina $ticket{nina}",
	"still-working outi $ticket{outi}"],
	'the day of a wait: the manager of a ticket without owner');
like(words_to('bo', $ticket{outi}), qr/Päivä, jota tukipyyntö odotti, on tullut: TUKI-$ticket{outi}/, 'says the notice');
is(status($ticket{outi}), 'open', 'and it is open');
is_deeply(others(sched('2026-08-12 11:03')), ["customer-reminder maija $ticket{maija}"], 'the last reminder');
like(words_to('maija'), qr/viimeinen muistutus.*suljemme asian/s, 'says what follows');
is_deeply([sort @{ others(sched('2026-08-13 11:05')) }], ["still-working sami $ticket{sami}", "supplier-reminder tuki $ticket{sami}"],
	'the supplier for the last time');
my $told = $db->sql(qq{SELECT recipient FROM outbox WHERE template = 'owner-reminder'
	AND variables->'tickets' @> '[{"reference": "TUKI-$ticket{sami}", "is_supplier": true}]'});
is($told, 'bo@example.fi', 'and the manager hears');
is_deeply([$db->sql("SELECT kind FROM timer WHERE ticket_id = $ticket{sami}")], [['still_working']], 'that was all for the supplier');
is_deeply(others(sched('2026-08-18 10:59')), [], 'not yet');
my $closing = others(sched('2026-08-18 11:05'));
is_deeply([grep { /maija/ } @$closing], ["closed-unanswered maija $ticket{maija}"], 'closed');
is(status($ticket{maija}), 'closed', 'indeed');
is_deeply(history($ticket{maija}, 'customer_reminded|closed'), [qw(customer_reminded customer_reminded closed_unanswered)], 'with its history');
like(words_to('maija'), qr/suljimme asian TUKI-$ticket{maija}.*14 päivän kuluessa/s, 'the mail says how to reopen');
at('2026-08-25 09:00');
intake(mail(from => 'maija@asiakas.example', subject => "[TUKI-$ticket{maija}] Asia", text => "Tulostin on PC12345.\n"));
is(status($ticket{maija}), 'open', 'a week later an answer reopens it');
is($db->sql("SELECT reopened FROM ticket WHERE id = $ticket{maija}"), 1, 'counted');
sched();
is_deeply([$db->sql("SELECT recipient FROM outbox WHERE template IN ('customer-reminder', 'still-working') AND recipient ~ 'robotti'")], [],
	'a machine is never reminded');
is_deeply([$db->sql("SELECT recipient, to_char(created_at AT TIME ZONE 'Europe/Helsinki', 'DD.MM. HH24:MI') FROM outbox
	WHERE template = 'customer-reminder' AND recipient ~ 'ville|kalle' ORDER BY id")],
	[['ville@asiakas.example', '25.08. 09:00'], ['kalle@asiakas.example', '25.08. 09:00']], 'who was away is reminded later');

# --- who has not heard for long; nobody handles it ----------------------------------------------------------

sched('2026-09-01 10:00');
sched('2026-09-09 10:00');
sched('2026-09-16 10:30');
is_deeply([$db->sql("SELECT count(*) FROM outbox WHERE template = 'still-working' AND ticket_id = $ticket{nina}")], [[3]],
	'three times at most');
is(history($ticket{nina}, '^stalled')->[0], 'stalled', 'then the manager hears instead');
my @mornings = $db->sql(qq{SELECT to_char(created_at AT TIME ZONE 'Europe/Helsinki', 'DD.MM. HH24:MI') FROM outbox
	WHERE template = 'owner-reminder' AND recipient = 'bo\@example.fi' ORDER BY id LIMIT 2});
is_deeply(\@mornings, [['05.08. 09:00'], ['06.08. 11:00']], 'the manager of tickets without owner, once a day');
my ($first) = map { JSON::PP->new->decode($_->[0]) } $db->sql("SELECT variables FROM outbox WHERE template = 'owner-reminder' ORDER BY id LIMIT 1");
is_deeply([map { $_->{reference} } @{ $first->{tickets} }], ["TUKI-$ticket{nina}"], 'those that nobody has touched');
ok($first->{tickets}[0]{is_unanswered}, 'with the reason');
$db->sql("UPDATE ticket SET owner = 'aino\@example.fi' WHERE id = $ticket{nina}");
my $morning = sched('2026-09-17 08:01');
ok((grep { /^owner-reminder aino/ } @$morning), 'an owner hears of their own') or diag explain $morning;

# --- a desk that was off for three days -----------------------------------------------------------------------

at('2026-09-21 09:00');
intake(map { mail(from => "poissa$_\@asiakas.example", subject => "Toinen asia $_", text => "Ohjelma numero $_ kaatuu aina.\n") } 1 .. 3);
my @off = map { ticket_of("poissa$_") } 1 .. 3;
agent($_, 'Mikä ohjelma?', 'wait customer') for @off;
sched('2026-09-22 09:00');
is_deeply([grep { /customer-reminder/ } @{ sched('2026-09-27 12:00') }], [], 'back on a Sunday: reminders keep to the hours');
is_deeply([grep { /customer-reminder poissa/ } @{ sched('2026-09-28 08:00') }],
	[map { "customer-reminder poissa$_ $off[$_ - 1]" } 1 .. 3], 'on Monday at eight, each once, in order');
my ($next) = $db->sql("SELECT to_char(due_at AT TIME ZONE 'Europe/Helsinki', 'YYYY-MM-DD HH24:MI') FROM timer
	WHERE kind = 'customer_reminder' AND ticket_id = $off[0]");
is($next->[0], '2026-10-02 08:00', 'the next one counts from then');
agent($off[0], 'Korjattu.', 'resolve');
is_deeply([$db->sql("SELECT kind FROM timer WHERE ticket_id = $off[0]")], [['close_after']], 'resolving ends the reminders');

done_testing();

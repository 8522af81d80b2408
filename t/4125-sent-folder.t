#!/usr/bin/perl
# The folder of sent mail: answers that people write from the shared mailbox itself are the desk's
# answers, and nothing else that lies there is lost, sent again or acted on.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Desk qw(header mail);
use Test::More;

my $mailboxes = <<'CONF';
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; poll = "5s";
    user = "ict@example.fi"; password_file = "ict.pass"; after = "move:Luukku/Done"; on_backlog = "normal";
    sent = "Lähetetyt"; }
CONF
my $desk = Luukku::Test::Desk->start(mailboxes => encode('UTF-8', $mailboxes));
my $folder = 'Lähetetyt';
my ($aino, $maija) = ('Aino Aalto <aino@example.fi>', 'Maija Meri <maija@sairaala.example>');

sub sent {
	my ($mail, %option) = @_;
	$desk->deliver('ict', $mail, folder => $folder, flags => 'S', %option);
	return;
}

sub round {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, $what) or diag $done->{err};
	return decode("UTF-8", $done->{err});
}

sub ticket {
	my ($id, $columns) = @_;
	my ($row) = $desk->db->sql("SELECT $columns FROM ticket WHERE id = $id");
	return join ' ', map { $_ // '-' } @$row;
}

sub last_message {
	my ($columns) = @_;
	my ($row) = $desk->db->sql("SELECT $columns FROM message ORDER BY id DESC LIMIT 1");
	return join ' | ', map { $_ // '-' } @$row;
}

sub mails_out { return $desk->db->sql('SELECT count(*) FROM outbox') }

# --- a folder that is not there ---------------------------------------------------------------------
$desk->deliver('ict', mail(from => $maija, subject => 'Tulostin jumissa', id => 'first@sairaala.example',
	text => "Hei, tulostin on jumissa eikä tulosta mitään.\n"));
my $check = $desk->ctl('check', '--connect');
isnt($check->{status}, 0, 'check --connect: an error') or diag $check->{out};
like(decode("UTF-8", $check->{err} . $check->{out}), qr/mailboxes\[ict\]\.sent.*Lähetetyt/s, '... that names the setting and the folder');
my $said = round('a folder that is missing stops nothing');
like($said, qr/^<4>luukku-fetch: mailbox\.no_sent_folder mailbox=ict folder="Lähetetyt"/m,
	'... but is told');
is($desk->db->sql('SELECT count(*) FROM ticket'), 1, 'the mail is taken');
like($desk->db->sql("SELECT error FROM mailbox WHERE name = 'ict'") // '', qr/sent/, 'and the mailbox says so');
my ($id) = map { $_->[0] } $desk->db->sql('SELECT id FROM ticket');
my ($ack) = grep { $_->{rcpt}[0] =~ /maija/ } $desk->smtp->mails;
ok($ack, 'the customer was acknowledged');

# --- the answer -------------------------------------------------------------------------------------
my $before = mails_out();
sent(mail(from => 'ICT-tuki <ict@example.fi>', to => $maija, subject => 'Re: Tulostin jumissa', id => 'answer@example.fi',
	headers => "In-Reply-To: <first\@sairaala.example>\nReferences: <first\@sairaala.example>\n",
	text => encode('UTF-8', "Hei Maija,\n\navaa takaluukku ja vedä paperi ulos.\n\n#resolve\n\n"
		. "Maija Meri kirjoitti 20.11.2026 9.00:\n> Hei, tulostin on jumissa\n")), at => time - 30);
round('an answer written from the mailbox itself');
is($desk->dovecot->count('ict@example.fi', $folder), 1, 'the mail stays where it is');
is(last_message('direction, writer, kind, split_part(reply_text, E\'\\n\', 3)'),
	encode('UTF-8', 'out | agent | normal | avaa takaluukku ja vedä paperi ulos.'), 'is a message out of the ticket');
is(last_message('ticket_id'), $id, '... of that ticket');
is(ticket($id, 'status'), 'open', 'the ticket is open; what went out is no command');
is(ticket($id, "first_response_at BETWEEN now() - interval '40 s' AND now() - interval '20 s'"), 't',
	'answered when the server got the mail');
is(mails_out(), $before, 'nothing is sent for it');
is($desk->db->sql("SELECT outcome || ' ' || server FROM arrival ORDER BY id DESC LIMIT 1"), 'ticket done', 'the arrival says so');
is(join(' ', map { $_->[0] } $desk->db->sql("SELECT event FROM event WHERE message_id = (SELECT max(id) FROM message)
	AND event = 'answered'")), 'answered', 'and the history');

# --- the customer answers that ----------------------------------------------------------------------
$desk->deliver('ict', mail(from => $maija, subject => 'Vs: Tulostin jumissa', text => "Takaluukku ei aukea, mitä nyt?\n",
	headers => "In-Reply-To: <answer\@example.fi>\nReferences: <first\@sairaala.example> <answer\@example.fi>\n"));
round('the customer answers it');
is($desk->db->sql('SELECT count(*) FROM ticket'), 1, 'no second ticket');
is(last_message('direction, ticket_id'), "in | $id", 'the answer joins');

# --- what lies there and is no answer to the customer -----------------------------------------------
$before = mails_out();
sent(mail(from => 'ict@example.fi', to => 'tuki@laitetoimittaja.example', subject => "Fwd: Tulostin jumissa [TUKI-$id]",
	text => "Voitteko katsoa tätä?\n"));
round('words to somebody else');
is(last_message('direction, writer, ticket_id'), "note | agent | $id", 'are a note of the ticket');
my $kept = $desk->db->sql('SELECT count(*) FROM message');
sent(mail(from => 'ict@example.fi', to => 'Uusi Ukko <uusi@kunta.example>', subject => 'Kutsu koulutukseen', id => 'invite@example.fi',
	text => "Tervetuloa koulutukseen maanantaina kello kymmenen.\n"));
round('a mail about no ticket');
is(last_message("direction, coalesce(ticket_id, 0)"), 'out | 0', 'is kept');
is($desk->db->sql("SELECT outcome FROM arrival ORDER BY id DESC LIMIT 1"), 'control', '... as a control mail');
is($desk->db->sql('SELECT count(*) FROM message'), $kept + 1, '... once');
sent($ack->{data});
round("luukku's own mail, as providers keep it who file what is submitted");
like($desk->db->sql("SELECT outcome || ' ' || reason FROM arrival ORDER BY id DESC LIMIT 1"), qr/^control a mail of ours/, 'is known');
(my $rewritten = $ack->{data}) =~ s/^Message-ID:[^\r\n]*/Message-ID: <rewritten\@provider.example>/mi;
sent($rewritten);
round('... also where the provider has given it another Message-ID');
like($desk->db->sql("SELECT outcome || ' ' || reason FROM arrival ORDER BY id DESC LIMIT 1"), qr/^control a mail of ours/, 'is known by its reply address');
sent(mail(from => 'ict@example.fi', to => $maija, subject => "Re: [TUKI-$id]", text => "Lähetä salasanasi tänne.\n",
	headers => "Return-Path: <mallory\@evil.example>\nDelivered-To: ict+Lahetetyt\@example.fi\n"));
round('a mail that was delivered into the folder, not written there');
is($desk->db->sql("SELECT reason FROM quarantine ORDER BY id DESC LIMIT 1"), 'own_mail', 'is no answer: quarantine');
sent(mail(from => 'mallory@evil.example', to => $maija, subject => "Re: [TUKI-$id]", text => "Hei, vastaan tähän.\n"));
round('and one that is from no address of ours');
is($desk->db->sql("SELECT outcome FROM arrival ORDER BY id DESC LIMIT 1"), 'control', 'is kept and counted');
is(mails_out(), $before, 'none of them sent anything');
is($desk->db->sql("SELECT count(*) FROM message WHERE ticket_id = $id AND direction = 'out' AND writer = 'agent'"), 1,
	'and the customer was answered once');

# --- on behalf: Exchange names the person in Sender ---------------------------------------------------
is(ticket($id, 'owner'), '', 'nobody knows who wrote the first answer');
sent(mail(from => 'ict@example.fi', to => $maija, subject => "Re: Tulostin jumissa [TUKI-$id]", text => "Tulen käymään kello kaksi.\n",
	headers => "Sender: $aino\nIn-Reply-To: <first\@sairaala.example>\n"));
round('an answer on behalf of the mailbox');
is(ticket($id, 'owner'), 'aino@example.fi', 'whoever Sender names owns the ticket');

# --- somebody answers the mail that was about no ticket ----------------------------------------------
$desk->deliver('ict', mail(from => 'Uusi Ukko <uusi@kunta.example>', subject => 'Vs: Kutsu koulutukseen',
	text => "Kiitos kutsusta, mutta missä huoneessa se on?\n", headers => "In-Reply-To: <invite\@example.fi>\n"));
round('an answer to what was about no ticket');
my $new = $desk->db->sql('SELECT max(id) FROM ticket');
isnt($new, $id, 'opens a ticket');
is(join(' ', map { "$_->[0]" } $desk->db->sql("SELECT direction FROM message WHERE ticket_id = $new ORDER BY at, id LIMIT 2")),
	'out in', '... that shows what is answered');

# --- the same mail in INBOX first (the agent copied the mailbox) --------------------------------------
my ($welcome) = grep { $_->{rcpt}[0] =~ /^uusi/ } $desk->smtp->mails;
my $both = mail(from => 'ict@example.fi', to => "Uusi Ukko <uusi\@kunta.example>, ict\@example.fi",
	subject => "Vs: Kutsu koulutukseen [TUKI-$new]", text => "Huoneessa 12, toisessa kerroksessa.\n",
	headers => 'References: ' . header($welcome->{data}, 'Message-ID') . " <thanks\@kunta.example>\n");
$desk->deliver('ict', "Return-Path: <ict\@example.fi>\r\n$both");
round('the copy in INBOX comes first');
$before = mails_out();
sent($both);
round('then the one in the folder');
is($desk->db->sql("SELECT string_agg(direction || ' ' || writer, ', ') FROM message WHERE subject LIKE '%[TUKI-$new]' AND from_address = 'ict\@example.fi'"),
	'out agent', 'it is one message, and the answer');
isnt(ticket($new, 'first_response_at'), '', '... that stopped the clock');
is(mails_out(), $before, '... and nothing went out for it');

# --- first contact, and the old answers --------------------------------------------------------------
is($desk->db->sql('SELECT count(*) FROM quarantine'), 1, 'one mail is in quarantine');
$desk->start_over;
sent(mail(from => 'ict@example.fi', to => $maija, subject => "vanha $_", text => "Vanha vastaus $_.\n"), at => time - 30 * 86400) for 1 .. 3;
$said = round('first contact');
is($desk->db->sql('SELECT count(*) FROM message'), 0, 'what was written before the desk began is left alone');
is($desk->db->sql("SELECT left_count FROM folder WHERE mailbox = 'ict' AND name = '" . encode('UTF-8', $folder) . "'"), 3, '... and counted');

# --- while luukkud runs, and beside an agent who answers by the notice ---------------------------------
$desk->start_over;
my $queues = <<'CONF';
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); notify = "agents"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "aino@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
$desk->configure(agents => encode('UTF-8', '{ name = "Aino Aalto"; address = "aino@example.fi"; }'), queues => encode('UTF-8', $queues));
$desk->deliver('ict', mail(from => $maija, subject => 'Hiiri rikki', id => 'mouse@sairaala.example', text => "Hiiri on rikki.\n"));
$desk->dovecot->make_maildir('ict@example.fi', $folder);
$desk->up;
wait_until(sub { $desk->smtp->count >= 2 }, 30, 'acknowledgement and notice');
my ($notice) = grep { $_->{rcpt}[0] eq 'aino@example.fi' } $desk->smtp->mails;
my $second = time;
wait_until(sub { time > $second }, 5, 'the next second: a mailbox knows no smaller time');
sent(mail(from => 'ict@example.fi', to => $maija, subject => 'Re: Hiiri rikki', text => "Uusi hiiri tulee postissa.\n",
	headers => "In-Reply-To: <mouse\@sairaala.example>\n"));
ok(wait_until(sub { $desk->db->sql("SELECT count(*) FROM message WHERE direction = 'out' AND reply_text LIKE 'Uusi hiiri%'") }, 30,
		'the answer in the folder'), 'luukkud finds it at its next look');
$desk->deliver('ict', mail(from => $aino, to => header($notice->{data}, 'Reply-To'), subject => 'Re: Hiiri rikki',
	text => "Hae uusi hiiri varastosta.\n", headers => 'In-Reply-To: ' . header($notice->{data}, 'Message-ID') . "\n"));
wait_until(sub { $desk->smtp->count >= 3 }, 30, 'an answer to the agent');
is($desk->db->sql("SELECT count(*) FROM outbox WHERE template = 'held' AND recipient = 'aino\@example.fi'"), 1,
	'an answer written in ignorance of it is held');
is($desk->db->sql("SELECT count(*) FROM outbox WHERE template = 'reply'"), 0, '... and not sent');
$desk->down;
done_testing;

#!/usr/bin/perl
# A day at the desk by real servers alone: every mail is handed to Postfix, which delivers it into
# Dovecot's mailboxes, luukku's own among them. Bounces, vacation answers and a forwarding loop are
# those of Postfix and Sieve. Three customers, two agents, one supplier, forty mails.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Desk;
use Luukku::Test::Mail qw(answer header mail parts shown text_of);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(
	postfix => {
		people => [qw(maija@sairaala.example kaija@sairaala.example emma@school.example aino@example.fi tuki@valo.example)],
		sieve => [qw(sven@kommun.example cecilia@example.fi)],
		aliases => { 'emma@old-school.example' => 'ict@example.fi' } },
	site => 'languages = ( "fi", "sv", "en" );',
	mailboxes => <<'CONF',
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none";
    user = "ict@example.fi"; password_file = "ict.pass"; poll = "5s"; sent = "Sent";
    after = "move:Luukku/Done"; failed = "move:Luukku/Failed"; on_backlog = "normal"; },
  { name = "hr"; protocol = "pop3"; host = "127.0.0.1"; port = @POP3@; tls = "none";
    user = "hr@example.fi"; password_file = "hr.pass"; poll = "5s"; after = "delete"; on_backlog = "normal"; }
CONF
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; languages = ( "fi", "sv", "en" ); },
  { name = "Cecilia Ceder"; address = "cecilia@example.fi"; languages = ( "sv", "fi", "en" ); }
CONF
	queues => <<'CONF',
  { name = "ict"; title = { fi = "ICT-tuki"; sv = "ICT-stödet"; en = "ICT support"; };
    addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi", "cecilia@example.fi" );
    notify = "agents"; tell_on_transfer = true; mass: { people = 0; }; },
  { name = "hr"; title = { fi = "Henkilöstö"; sv = "Personal"; en = "Human resources"; };
    addresses = ( "hr@example.fi" ); agents = ( "aino@example.fi" ); notify = "agents"; tell_on_transfer = true;
    mass: { people = 0; }; }
CONF
	extra => <<'CONF',
breaker = ( "100/10m" ); # a day's mails within a minute
suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); domains = ( "valo.example" );
  reference = "/INC[0-9]{7}/"; } );
CONF
);
my ($dovecot, $postfix) = ($desk->dovecot, $desk->postfix);
$dovecot->make_maildir('ict@example.fi', 'Sent');

my %name = (maija => 'Maija Meri <maija@sairaala.example>', sven => 'Sven Sund <sven@kommun.example>',
	emma => 'Emma Early <emma@school.example>', aino => 'Aino Aalto <aino@example.fi>',
	cecilia => 'Cecilia Ceder <cecilia@example.fi>', valo => 'Valon tuki <tuki@valo.example>');
my %box = map { $_ => $name{$_} =~ /<(.*)>/ ? $1 : die } keys %name;
my @script;    # what people wrote

# Somebody's client hands the mail in: to whomever it names.
sub writes {
	my ($who, $what, $mail) = @_;
	my ($from) = (header($mail, 'From') =~ /([^<\s]+@[^>\s]+)/);
	my $to = join ', ', grep { defined } map { header($mail, $_) } qw(To Cc);
	$postfix->send($from, [$to =~ /([^<>\s,]+@[^<>\s,]+)/g], $mail);
	push @script, [$who, $what];
	return;
}

sub new_mail {
	my ($who, $to, $subject, $text, %more) = @_;
	return mail(from => $name{$who} // $who, to => $to, subject => encode('MIME-Q', $subject),
		text => encode('UTF-8', $text), %more);
}

sub subject {
	my ($words) = @_;
	return qr/^Subject:[^\n]*\Q$words\E/m;
}

# The newest mail in somebody's mailbox that fits, as { data }.
sub newest {
	my ($who, $like) = @_;
	my ($found) = grep { shown($_) =~ $like } map { { data => $_ } } reverse $dovecot->read_all($box{$who} // $who, 'INBOX');
	diag "no mail to $who like $like" if !$found;
	return $found;
}

sub says {
	my ($who, $like, $what, $text, %option) = @_;
	my $mail = newest($who, $like) or return fail($what);
	writes($who, $what, answer($mail, $name{$who}, $text, %option));
	return;
}

# luukkud, Postfix, and again what came back, until nothing moves any more.
sub round {
	my ($what) = @_;
	my $turns = 0;
	$postfix->wait_empty;
	while (1) {
		my $done = $desk->once;
		is($done->{status}, 0, "$what: luukkud --once") or diag $done->{err};
		$postfix->wait_empty;
		last if !$dovecot->count('ict@example.fi', 'INBOX', live => 1) && !$dovecot->count('hr@example.fi', 'INBOX', live => 1);
		last if ++$turns == 6;
	}
	cmp_ok($turns, '<', 6, "$what: comes to rest after $turns turns more");
	return;
}

sub ticket {
	my ($id, $columns) = @_;
	return join ' ', map { decode('UTF-8', $_ // '-') } @{ ($desk->db->sql("SELECT $columns FROM ticket WHERE id = $id"))[0] };
}

sub id_of {
	my ($subject) = @_;
	return scalar $desk->db->sql("SELECT max(id) FROM ticket WHERE subject LIKE '%$subject%'");
}

# --- 8 to 9: the mail of the night --------------------------------------------------------------------
writes(maija => 'a fault', new_mail('maija', 'ict@example.fi', 'Tulostin jumissa', "Hei,\n\ntulostin on jumissa eikä tulosta mitään. Voisitteko auttaa?\n"));
writes(sven => 'cannot log in', new_mail('sven', 'ict@example.fi', 'Inloggning', "Hej,\n\njag kan inte logga in på datorn efter semestern. Kan ni hjälpa mig?\n"));
writes(emma => 'for another queue', new_mail('emma', 'ict@example.fi', 'Salary question', "Hello,\n\nI have not received the salary that was promised for October.\n"));
writes(maija => 'to both queues', new_mail('maija', 'ict@example.fi, hr@example.fi', 'Uusi työntekijä aloittaa', "Hei,\n\nuusi työntekijä aloittaa maanantaina. Hän tarvitsee koneen ja avaimen.\n"));
writes(emma => 'from an address that forwards to the desk', new_mail('Emma Early <emma@old-school.example>', 'ict@example.fi', 'Keyboard', "Hello,\n\nplease send a new keyboard to my old room.\n"));
writes(maija => 'copies somebody who is gone', new_mail('maija', 'ict@example.fi', 'Puhelin', "Hei,\n\npuhelin ei soi enää lainkaan.\n", headers => "Cc: poissa\@sairaala.example\n"));
round('morning');
is($desk->db->sql('SELECT count(*) FROM ticket'), 6, 'six tickets');
my %id = (printer => id_of('Tulostin'), login => id_of('Inloggning'), salary => id_of('Salary'),
	joint => id_of('aloittaa'), keyboard => id_of('Keyboard'), phone => id_of('Puhelin'));
is($desk->db->sql("SELECT count(*) FROM outbox WHERE recipient = 'emma\@old-school.example'"), 1,
	'the address that forwards gets one acknowledgement');
is($desk->db->sql("SELECT count(*) FROM arrival WHERE outcome = 'control' AND reason LIKE 'a mail of ours came back%'"), 1,
	'... which comes back and ends there');
is($desk->db->sql("SELECT count(*) FROM outbox WHERE recipient = 'maija\@sairaala.example' AND ticket_id = $id{joint} AND template = 'acknowledgement'"), 1,
	'one mail to two queues is acknowledged once');

# --- 9 to 11: answers ---------------------------------------------------------------------------------
my $pdf = "%PDF-1.4\n" . join '', map { chr } 0 .. 255;
says(aino => subject('Tulostin jumissa'), 'answers, with a file', "Hei Maija,\n\nkokeile liitteen ohjetta: avaa takaluukku.\n\n-- \nAino Aalto\naino\@example.fi",
	file => 'ohje.pdf', bytes => $pdf);
$postfix->sieve($box{sven}, "require [\"vacation\"];\nvacation :days 1 :subject \"Autosvar\" \"Jag är på semester till fredag.\";\n");
says(cecilia => subject('Inloggning'), 'answers in HTML', '', html => 'Hej Sven,<br><br>ditt <b>konto</b> &auml;r &ouml;ppet igen.');
says(aino => subject('Salary question'), '#queue hr', "#queue hr\n");
says(aino => subject('Puhelin'), 'answers; one recipient does not exist', "Hei,\n\nvaihdamme puhelimen huomenna aamulla.\n");
round('answers');
is(ticket($id{printer}, 'status, owner'), 'open aino@example.fi', 'who answers first owns it');
my $got = newest('maija', qr/takaluukku/);
my ($file) = grep { ($_->{name} // '') eq 'ohje.pdf' } parts($got->{data});
is($file && $file->{text}, $pdf, 'the file arrives byte for byte');
is($desk->db->sql("SELECT count(*) FROM message WHERE ticket_id = $id{login} AND kind = 'auto_reply'"), 1, "Sven's vacation answer joins the ticket");
is(ticket($id{login}, 'status'), 'open', '... and moves nothing');
is(join(' ', map { @$_ } $desk->db->sql("SELECT o.state, d.status FROM outbox o JOIN delivery d ON d.outbox_id = o.id
	WHERE o.recipient = 'poissa\@sairaala.example' AND d.state = 'bounced' LIMIT 1")), 'failed 5.1.1', "Postfix's report about who is gone is counted");
ok(newest('aino', qr/poissa\@sairaala\.example/), '... and the owner told');
is(ticket($id{salary}, 'queue'), 'hr', 'the salary is with hr');

# --- 11 to 13: words back and forth -------------------------------------------------------------------
says(maija => qr/takaluukku/, 'it did not help', "Kiitos ohjeesta, mutta takaluukku ei aukea lainkaan.\n");
writes(sven => 'asks how it goes', new_mail('sven', 'ict@example.fi', 'Inloggning', "Hur går det?\n"));
says(aino => subject('Salary question'), 'answers for hr', "Hello Emma,\n\nthe salary comes on Friday.\n");
says(aino => subject('Uusi työntekijä'), 'a note', "#note\n\nAvaimet saa vahtimestarilta.\n");
round('noon');
says(aino => qr/ei aukea lainkaan/, '#ask a colleague', "#ask cecilia\@example.fi\n\nTunnetko tämän tulostimen salvan?\n");
says(aino => qr/ei aukea lainkaan/, '#supplier, #wait', "#supplier valo\n#wait supplier valo\n\nTulostimen takaluukku ei aukea, mitä tehdään?\n");
says(emma => qr/comes on Friday/, 'thanks', "Thank you very much!\n");
round('the agents ask around');
is(ticket($id{printer}, 'status, supplier'), 'waiting_supplier valo', 'waits for the supplier');
says(cecilia => qr/Tunnetko tämän/, 'answers the colleague', "Salpa on tunnettu valmistusvika, tilaa uusi.\n");
says(valo => qr/mitä tehdään/, 'answers with its own number', "Lähetämme uuden salvan huomenna, asia on meillä INC0001234.\n");
writes(valo => 'writes again, by that number alone', new_mail('valo', 'ict@example.fi', 'INC0001234 toimitus', "Salpa lähti postissa tänään teille päin.\n"));
round('they answer');
is($desk->db->sql('SELECT count(*) FROM ticket'), 6, 'still six tickets');
is(ticket($id{printer}, 'status'), 'open', 'the wait is over');

# --- 13 to 15: resolved, reopened, looked up ----------------------------------------------------------
says(aino => qr/Salpa lähti postissa/, '#resolve', "#resolve\n\nVaihdoimme takaluukun salvan, tulostin toimii taas.\n");
says(cecilia => subject('Inloggning'), '#list', "#list\n");
says(aino => subject('Uusi työntekijä'), '#search', "#search tulostin\n");
writes(maija => 'another matter', new_mail('maija', 'ict@example.fi', 'Näyttö pimeä', "Hei,\n\nnäyttö on pimeä, vaikka kaapeli on kiinni.\n"));
writes(maija => 'the same in other words', new_mail('maija', 'ict@example.fi', 'Lisätieto monitorista', "Hei,\n\nmonitorin virtavalo vilkkuu keltaisena.\n"));
round('afternoon');
is(ticket($id{printer}, 'status'), 'resolved', 'resolved');
$id{screen} = id_of('pime');
$id{more} = id_of('monitorista');
says(maija => qr/Vaihdoimme takaluukun/, 'thanks', "Kiitos!\n");
says(aino => subject('Lisätieto monitorista'), '#merge', "#merge TUKI-$id{screen}\n");
writes(emma => 'asks for her tickets', new_mail('emma', 'ict@example.fi', 'status', "\n"));
round('thanks and a merge');
is(ticket($id{printer}, 'status'), 'resolved', 'thanks open nothing');
is(ticket($id{more}, 'status, merged_into'), "merged $id{screen}", 'merged');
like(text_of(newest('emma', qr/TUKI-$id{salary}/)), qr/TUKI-$id{salary}/, 'the list is answered');
says(maija => qr/Vaihdoimme takaluukun/, 'broken again', "Tulostin meni taas rikki, nyt se savuaa.\n");
round('broken again');
is(ticket($id{printer}, 'status'), 'open', 'and open again');

# --- 15 to 16: proof ----------------------------------------------------------------------------------
writes(aino => 'without proof', new_mail('aino', 'ict@example.fi', "[TUKI-$id{phone}]", "#note\n\nUusi puhelin on tilattu verkkokaupasta.\n"));
my $notes = $desk->db->sql("SELECT count(*) FROM message WHERE ticket_id = $id{phone} AND direction = 'note' AND reply_text LIKE '%verkkokaupasta%'
	AND EXISTS (SELECT FROM event e WHERE e.message_id = message.id AND e.event = 'noted')");
writes(mallory => 'forges an agent', new_mail('Aino Aalto <aino@example.fi>, Mallory <mallory@evil.example>', 'ict@example.fi', "[TUKI-$id{phone}]", "#close\n"));
round('who is who');
my $held = newest('aino', qr/mailto:\S+subject=OK/);
ok($held, 'the agent is asked at the address on file');
my ($link) = text_of($held) =~ /mailto:(\S+?)\?subject=OK/;
like($link, qr/^ict\+[a-z2-7]{36}\@/, '... by a link with a token');
writes(aino => 'confirms by the link', new_mail('aino', $link // 'ict@example.fi', 'OK', "\n"));
round('confirmed');
is($desk->db->sql("SELECT count(*) FROM event WHERE ticket_id = $id{phone} AND event = 'noted'"), $notes + 1, 'what was held was run');
isnt(ticket($id{phone}, 'status'), 'closed', 'and what was forged was not');

# --- 16: the last ones --------------------------------------------------------------------------------
my $by_hand = mail(from => 'ICT-tuki <ict@example.fi>', to => $name{maija}, subject => encode('MIME-Q', "Re: Näyttö pimeä [TUKI-$id{screen}]"),
	text => encode('UTF-8', "Hei,\n\ntulen katsomaan näyttöä kello neljältä.\n"));
writes(cecilia => 'answers from the shared mailbox itself', $by_hand);
$dovecot->deliver('ict@example.fi', $by_hand, folder => 'Sent', flags => 'S');
says(cecilia => subject('Keyboard'), '#next', "#next\n");
round('by hand');
$postfix->sieve($box{cecilia}, "require [\"vacation\"];\nvacation :days 1 :subject \"Autosvar\" \"Jag är borta, åter 24.12.\";\n");
says(aino => subject('Näyttö pimeä'), '#ask a colleague who is away', "#ask cecilia\@example.fi\n\nOnko meillä tätä näyttöä varastossa?\n");
says(sven => qr/konto/, 'it works', "Tack, nu fungerar inloggningen, men skrivaren saknas.\n");
writes(kaija => "answers for a colleague", new_mail('Kaija Kuu <kaija@sairaala.example>', 'ict@example.fi', "Vs: Näyttö pimeä [TUKI-$id{screen}]", "Sama vika on minunkin huoneessani.\n"));
round('the last hour');
isnt(ticket($id{screen}, 'first_response_at'), '-', 'the answer from the mailbox itself counts');
is($desk->db->sql("SELECT count(*) FROM message WHERE ticket_id = $id{screen} AND direction = 'out' AND writer = 'agent'"), 1, '... once');
is($desk->db->sql("SELECT count(*) FROM absence WHERE agent = 'cecilia\@example.fi'"), 1, "Cecilia's vacation answer counts as absence");
says(aino => subject('Inloggning'), '#assign', "#assign aino\@example.fi\n");
says(aino => subject('Keyboard'), '#spam, by mistake', "#spam\n");
round('a mistake');
says(aino => subject('Keyboard'), '#undo', "#undo\n");
round('undone');
is(ticket($id{keyboard}, 'status'), 'new', 'is undone');

# --- what came of it ----------------------------------------------------------------------------------
is(scalar @script, 40, 'forty mails');
is_deeply([map { "@$_" } $desk->db->sql("SELECT recipient, template, state, reason FROM outbox
	WHERE state NOT IN ('sent', 'cancelled', 'suppressed') AND recipient NOT LIKE 'poissa%'")], [], 'nothing is left to send');
is($desk->db->sql("SELECT count(*) FROM arrival WHERE outcome NOT IN ('ticket', 'control', 'duplicate', 'quarantine')"), 0, 'every mail has its end');
is($desk->db->sql('SELECT count(*) FROM arrival'), $dovecot->count('ict@example.fi', 'Luukku/Done') + $dovecot->count('ict@example.fi', 'Sent')
	+ $desk->db->sql("SELECT count(*) FROM arrival WHERE mailbox = 'hr'"), 'as many as the mailboxes hold');
is($dovecot->count('ict@example.fi', 'Luukku/Failed'), 0, 'none failed');

sub table {
	my ($title, $rows) = @_;
	my @width;
	for my $row (@$rows) {
		for my $i (0 .. $#$row) {
			my $n = length $row->[$i];
			$width[$i] = $n if $n > ($width[$i] // 0);
		}
	}
	note '';
	note "$title:";
	for my $row (@$rows) {
		note '  ' . join('  ', map { $_ == $#$row ? $row->[$_] : sprintf("%-*s", $width[$_], $row->[$_]) } 0 .. $#$row);
	}
	return;
}

sub rows {
	my ($sql) = @_;
	return map { [map { decode('UTF-8', $_ // '-') } @$_] } $desk->db->sql($sql);
}

my $n = 0;
table('what people wrote', [map { [sprintf('%2d', ++$n), @$_] } @script]);
table('tickets', [[qw(ticket queue status owner supplier in out notes answered subject)],
	rows("SELECT 'TUKI-' || t.id, t.queue, t.status, coalesce(t.owner, '-'), coalesce(t.supplier, '-'),
		(SELECT count(*) FROM message m WHERE m.ticket_id = t.id AND direction = 'in'),
		(SELECT count(*) FROM message m WHERE m.ticket_id = t.id AND direction = 'out'),
		(SELECT count(*) FROM message m WHERE m.ticket_id = t.id AND direction = 'note'),
		CASE WHEN first_response_at IS NULL THEN 'no' ELSE 'yes' END, t.subject FROM ticket t ORDER BY t.id")]);
table('histories', [rows("SELECT 'TUKI-' || ticket_id, event, actor, left(reason, 90) FROM event WHERE ticket_id IS NOT NULL
	AND event NOT IN ('due', 'rule') ORDER BY ticket_id, id")]);
table('mail that is on no ticket', [rows("SELECT outcome, left(reason, 100), count(*) FROM arrival WHERE ticket_id IS NULL GROUP BY 1, 2 ORDER BY 1, 2")]);
for my $user ('ict@example.fi', 'hr@example.fi', @{ $desk->{people} }) {
	for my $folder ('INBOX', $dovecot->folders($user)) {
		my @mails = $dovecot->read_all($user, $folder);
		table("$user, $folder (" . @mails . ')', [map { my $mail = $_;
			[map { my $text = decode('MIME-Header', header($mail, $_) // '-'); length $text > 60 ? substr($text, 0, 57) . '...' : $text } qw(From Subject)] } @mails]);
	}
}
done_testing;

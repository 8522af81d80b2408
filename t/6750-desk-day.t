#!/usr/bin/perl
# A day at the desk, end to end: customers in three languages, two agents and a colleague of another
# queue, a supplier and an outsider, all by mail alone; Dovecot, luukkud and the sink.
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
	site => 'languages = ( "fi", "sv", "en" );',
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; languages = ( "fi", "sv", "en" ); },
  { name = "Cecilia Ceder"; address = "cecilia@example.fi"; languages = ( "sv", "fi", "en" ); },
  { name = "Bo Berg"; address = "bo@example.fi"; languages = ( "en" ); }
CONF
	queues => <<'CONF',
  { name = "ict"; title = { fi = "ICT-tuki"; sv = "ICT-stödet"; en = "ICT support"; };
    addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi", "cecilia@example.fi" );
    notify = "agents"; tell_on_transfer = true; },
  { name = "hr"; title = { fi = "Henkilöstö"; sv = "Personal"; en = "Human resources"; };
    addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "agents"; tell_on_transfer = true; }
CONF
	extra => <<'CONF',
breaker = ( "100/10m" ); # a day's mails within seconds
templates = "templates";
suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); domains = ( "valo.example" );
  reference = "/INC[0-9]{7}/"; } );
CONF
);

# Quick-fill texts: of the site, and of one queue.
my $templates = $desk->scratch('templates');
for my $file (['fi/quick/kiitos', "Kiitos yhteydenotosta, {{requester_name}}! Tapauksesi {{reference}} ({{queue_title}}) on kunnossa."],
	['queues/ict/fi/quick/tulostin', 'Tulostimen ohjeet ovat intranetissä.'], ['queues/hr/fi/quick/palkka', 'Palkka tulee perjantaina.']) {
	my ($path, $text) = @$file;
	my $dir = "$templates/$path";
	$dir =~ s{/[^/]*$}{};
	require File::Path;
	File::Path::make_path($dir);
	spew("$templates/$path.txt", encode('UTF-8', "$text\n"), 0644);
}

sub round {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, $what) or diag $done->{err};
	return;
}

# The newest mail to the address whose decoded subject and text match.
sub newest {
	my ($to, $like) = @_;
	my ($mail) = grep { shown($_) =~ $like } reverse grep { lc $_->{rcpt}[0] eq $to } $desk->smtp->mails;
	diag "no mail to $to like $like" if !$mail;
	return $mail;
}

sub write_to {
	my ($user, @arguments) = @_;
	$desk->deliver($user, @arguments);
	return;
}

sub ticket {
	my ($id, $columns) = @_;
	return join ' ', map { decode('UTF-8', $_ // '-') } @{ ($desk->db->sql("SELECT $columns FROM ticket WHERE id = $id"))[0] };
}

sub notes {
	my ($id) = @_;
	return join ' | ', map { join ': ', map { decode('UTF-8', $_ // '-') } @$_ }
		$desk->db->sql("SELECT writer, split_part(reply_text, E'\\n', 1) FROM message
			WHERE ticket_id = $id AND direction = 'note' ORDER BY id");
}

my $aino = 'Aino Aalto <aino@example.fi>';
my $cecilia = 'Cecilia Ceder <cecilia@example.fi>';
my $bo = 'Bo Berg <bo@example.fi>';
my $maija = 'Maija Meri <maija@sairaala.example>';
my $sven = 'Sven Sund <sven@kommun.example>';
my $emma = 'Emma Early <emma@school.example>';

# --- the morning: three customers write ------------------------------------------------------------
write_to('ict', mail(from => $maija, subject => 'Tulostin jumissa', text => encode('UTF-8',
	"Hei,\n\ntulostin on jumissa eikä tulosta enää mitään. Voisitteko ystävällisesti auttaa minua?\n")));
write_to('ict', mail(from => $sven, subject => 'Inloggning', text => encode('UTF-8',
	"Hej,\n\njag kan inte logga in på datorn efter semestern. Kan ni hjälpa mig så snart som möjligt?\n")));
write_to('ict', mail(from => $emma, subject => 'Salary question',
	text => "Hello,\n\nI have not received the salary that was promised to me for October. Could you please help?\n"));
round('three mails are taken');
my %id = map { $_->[1] => $_->[0] } $desk->db->sql('SELECT t.id, split_part(p.address, \'@\', 1) FROM ticket t
	JOIN person p ON p.id = t.requester_id');
is(join(' ', sort keys %id), 'emma maija sven', 'three tickets');
for my $who (['maija@sairaala.example', qr/olemme|vastaanott/i, 'fi'], ['sven@kommun.example', qr/meddelande/, 'sv'],
	['emma@school.example', qr/we have received/, 'en']) {
	my $got = newest($who->[0], qr/TUKI-/);
	like(text_of($got), $who->[1], "$who->[0] is acknowledged in $who->[2]");
}
for my $agent (qw(aino cecilia)) {
	is(scalar(grep { $_->{rcpt}[0] eq "$agent\@example.fi" } $desk->smtp->mails), 3, "$agent hears of all three");
}
my $notice = newest('aino@example.fi', qr/Tulostin jumissa/);
like(header($notice->{data}, 'From'), qr/^"?Maija Meri via ICT-tuki"? <ict\@example\.fi>$/, 'From shows whose words');

# --- answers from the notice ------------------------------------------------------------------------
my $pdf = "%PDF-1.4\n" . join '', map { chr } 0 .. 255;
write_to('ict', answer($notice, $aino, "Hei Maija,\n\nkokeile ohjetta liitteestä: sammuta ja avaa takaluukku.\n\n-- \nAino Aalto\naino\@example.fi",
	file => 'ohje.pdf', bytes => $pdf, intro => "ICT-tuki <ict\@example.fi> kirjoitti 20.11.2026 9.00:"));
my $to_cecilia = newest('cecilia@example.fi', qr/Inloggning/);
write_to('ict', answer($to_cecilia, $cecilia, '', intro => 'Den 20 nov. 2026 9.00 skrev ICT:',
	html => 'Hej Sven,<br><br>ditt <b>konto</b> &auml;r &ouml;ppet igen.'));
round('two answers are taken');
is(ticket($id{maija}, 'status, owner'), 'open aino@example.fi', 'who answers first owns it');
is(ticket($id{sven}, 'status, owner'), 'open cecilia@example.fi', '... each their own');
my $got = newest('maija@sairaala.example', qr/takaluukku/);
ok($got, 'the customer gets the answer') or diag explain [$desk->db->sql("SELECT at, event, reason FROM event ORDER BY id")];
is(Encode::decode('MIME-Header', header($got->{data}, 'From')), 'Aino Aalto <ict@example.fi>', "the agent's name, the queue's address");
like(text_of($got, 'text/html'), qr/sammuta ja avaa takaluukku/, 'as HTML, too');
unlike(text_of($got), qr/kirjoitti|Uusi tukipyynt|#take|mailto:/, 'nothing of the notice');
my ($file) = grep { ($_->{name} // '') eq 'ohje.pdf' } parts($got->{data});
is($file && $file->{text}, $pdf, 'the file goes along');
my $got_sven = newest('sven@kommun.example', qr/konto/);
like(text_of($got_sven), qr/ditt konto är öppet igen/, 'an answer in HTML alone has text');
unlike(shown($got_sven), qr/mailto:|Nytt ärende/, '... without the notice');

# --- the customer answers ---------------------------------------------------------------------------
write_to('ict', answer($got, $maija, 'Kiitos ohjeesta, mutta takaluukku ei aukea lainkaan.'));
round('the customer answers');
my $second = newest('aino@example.fi', qr/ei aukea lainkaan/);
ok($second, 'the owner hears of it');
ok(!(grep { shown($_) =~ /ei aukea lainkaan/ } grep { $_->{rcpt}[0] eq 'cecilia@example.fi' } $desk->smtp->mails),
	'and nobody else once there is an owner');
is(header($second->{data}, 'In-Reply-To'), header($notice->{data}, 'Message-ID'), 'in the thread of the first notice');

# --- notes, a question to a colleague and to an outsider, the supplier -------------------------------
write_to('ict', answer($second, $aino, "#note\n\nAsiakkaan laite on takuussa kesään asti.\n"));
write_to('ict', answer($second, $aino, "#ask bo\@example.fi\n\nBo, onko tälle laitteelle budjettia jäljellä?\n"));
write_to('ict', answer($second, $aino, "#ask olli\@ulkona.example\n\nOlli, tunnetko tämän laitteen vian?\n"));
write_to('ict', answer($second, $aino, "#supplier valo\n#wait supplier valo\n\nTulostimen takaluukku ei aukea, mitä tehdään?\n"));
round('an agent asks around');
is(ticket($id{maija}, 'status, supplier'), 'waiting_supplier valo', 'the ticket waits for the supplier');
my $to_bo = newest('bo@example.fi', qr/budjettia jäljellä/);
my $to_olli = newest('olli@ulkona.example', qr/tunnetko tämän/);
my $to_valo = newest('tuki@valo.example', qr/mitä tehdään/);
for my $mail ($to_bo, $to_olli, $to_valo) {
	unlike($mail->{data}, qr/maija|Merj|aino\@/i, "$mail->{rcpt}[0] sees no address of customer or agent");
	like(header($mail->{data}, 'Reply-To'), qr/ict\+[a-z2-7]{36}\@/, '... and answers to a token');
}
is($desk->db->sql("SELECT count(*) FROM consultation WHERE ended_at IS NULL") + 0, 2, 'two open questions');
write_to('ict', answer($to_bo, $bo, "Budjettia on vielä viisisataa euroa.\n\n#resolve\n"));
write_to('ict', answer($to_olli, 'Olli Outo <olli@ulkona.example>', 'Salpa on tunnettu valmistusvika siinä mallissa.'));
write_to('ict', answer($to_valo, 'Valon tuki <tuki@valo.example>', 'Lähetämme uuden salvan huomenna, asia on meillä INC0001234.'));
round('they answer');
is(ticket($id{maija}, 'status, owner'), 'open aino@example.fi', "the supplier's answer ends the wait; nobody resolved it");
like(notes($id{maija}), qr/consulted: Budjettia on.*consulted: Salpa on.*supplier: Lähetämme uuden salvan/, 'all are notes');
is($desk->db->sql('SELECT count(*) FROM consultation WHERE answered_at IS NOT NULL AND ended_at IS NOT NULL') + 0, 2,
	'both questions are over');
ok(newest('aino@example.fi', qr/Kysymykseen vastattiin.*Salpa on tunnettu/s), 'the asker hears of an answer');
ok(newest('aino@example.fi', qr/Toimittaja vastasi.*uuden salvan/s), 'and of the supplier');
is($desk->db->sql("SELECT count(*) FROM ticket") + 0, 3, 'no new tickets');
# A mail without token, from another person there: by the supplier's own reference.
write_to('ict', mail(from => 'Ville Valo <ville@valo.example>', subject => 'INC0001234 toimitus',
	text => encode('UTF-8', "Salpa lähti postissa tänään teille päin.\n")));
round('the supplier writes again');
is($desk->db->sql("SELECT count(*) FROM ticket") + 0, 3, 'its own reference ties it');
like(notes($id{maija}), qr/supplier: Salpa lähti postissa/, 'as a note');
is(ticket($id{maija}, 'supplier_references::text'), '{"valo INC0001234"}', 'the reference stands on the ticket');

# --- resolved ---------------------------------------------------------------------------------------
my $last = newest('aino@example.fi', qr/Salpa lähti postissa/);
ok($last, 'the owner hears of that, too');
write_to('ict', answer($last, $aino, "#resolve\n#template kiitos\n\nVaihdoimme takaluukun salvan, tulostin toimii taas.\n"));
write_to('ict', answer(newest('cecilia@example.fi', qr/Inloggning/), $cecilia, "#wait customer 3d\n#note\n\nVäntar på att Sven provar.\n"));
write_to('ict', answer(newest('cecilia@example.fi', qr/Inloggning/), $cecilia, '#mall'));
write_to('ict', answer(newest('cecilia@example.fi', qr/Inloggning/), $cecilia, '#mall kiitoss'));
round('one is resolved, one waits');
my $listed = text_of(newest('cecilia@example.fi', qr/#template kiitos/));
like($listed, qr/#template kiitos\n.*#template tulostin/s, 'templates are listed by mail');
unlike($listed, qr/palkka/, '... those of the ticket\'s queue');
like(text_of(newest('cecilia@example.fi', qr/kiitoss/)), qr/finns inte/, 'one that is not there is named');
is(ticket($id{maija}, 'status'), 'resolved', 'resolved');
my $told = newest('maija@sairaala.example', qr/Vaihdoimme takaluukun salvan/);
like(text_of($told), qr/toimii taas\.\n\nKiitos yhteydenotosta, Maija Meri! Tapauksesi TUKI-$id{maija} \(ICT-tuki\) on kunnossa\./,
	'the customer is told, with the text of a template');
like(ticket($id{maija}, 'resolution'), qr/Kiitos yhteydenotosta/, '... which is part of the resolution');
is(ticket($id{sven}, 'status'), 'waiting_customer', 'waits for the customer');
ok(newest('aino@example.fi', qr/Tehty/), 'a receipt in Finnish');
ok(newest('cecilia@example.fi', qr/Klart|Gjort|Utfört/), 'a receipt in Swedish');

# --- to another queue -------------------------------------------------------------------------------
write_to('ict', answer(newest('aino@example.fi', qr/Salary question/), $aino, "#queue hr\n"));
round('a transfer');
is(ticket($id{emma}, 'queue'), 'hr', 'it is in the other queue');
my $to_hr = newest('bo@example.fi', qr/moved to your queue.*Salary question/s);
ok($to_hr, "that queue's agent gets a notice");
like(text_of(newest('emma@school.example', qr/is now with/)), qr/Human resources/, 'the customer is told');
write_to('hr', answer($to_hr, $bo, "Hello Emma,\n\nthe salary comes on Friday.\n"));
write_to('ict', answer(newest('aino@example.fi', qr/Salary question/), $aino, "#note\n\nI still want to know.\n"));
round('hr answers; ict has lost sight of it');
my $salary = newest('emma@school.example', qr/comes on Friday/);
is($salary && header($salary->{data}, 'From'), 'Bo Berg <hr@example.fi>', 'from the new queue');
unlike(notes($id{emma}), qr/agent: I still want/, 'no note by an agent who has no part in it any more');

# --- what came of it --------------------------------------------------------------------------------
write_to('ict', answer($got_sven, $sven, 'Tack, nu fungerar det igen, men skrivaren saknas.'));
round('the last answer of the day');
is(ticket($id{sven}, 'status'), 'open', 'the customer ends the wait');
is_deeply([map { "@$_" } $desk->db->sql("SELECT recipient, template, state, reason FROM outbox WHERE state <> 'sent'")], [], 'all mail went out');
is_deeply([map { "@$_" } $desk->db->sql("SELECT reason, detail FROM quarantine")], [], 'nothing is in quarantine');
done_testing;

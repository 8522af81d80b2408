#!/usr/bin/perl
# Surveys from resolve to answer: who is asked and who is not, what an answer by the page or by mail does,
# and who ever sees a score. Time is the test's.

use strict;
use warnings;
use utf8;
use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header parts);
use Luukku::Test::Http;
use Luukku::Test::Survey;
use Luukku::Test::Web;
use Test::More;

begin();

my $web;
sub open_web { $web->stop if $web; $web = Luukku::Test::Web->start(desk => $desk, %port, now => iso($clock)); return }

# --- resolved, asked after the delay ---------------------------------------------------------------
my $ref = ask('ict', subject => 'Tulostin <3 ei toimi');
do_ticket($ref, 'resolve');
work();
is(surveys($ref), 0, 'no survey before the delay');
later($hour);
work();
is(surveys($ref), 1, 'one after it');
my $mail = mail_to('maija@asiakas.example', $ref);
my $token = Luukku::Test::Web::token($mail);
ok($token, 'the mail links to the page') or diag $mail;
like(header($mail, 'Auto-Submitted'), qr/auto-generated/, 'an automatic mail');
is(header($mail, 'Precedence'), undef, 'not in bulk');
like(header($mail, 'Reply-To'), qr/ict\+$token\@example\.fi/, 'and is answered by the same token');
like(text_of($mail), qr/mailto:ict(?:\+|%2B)$token\@example\.fi\?subject=/, 'with mailto: lines');
unlike(join('', map { @$_ } $db->sql("SELECT text FROM message WHERE direction = 'out'")), qr/$token/, 'the ticket does not keep the token');
work();
is(surveys($ref), 1, 'and only once');

# --- link scanners ---------------------------------------------------------------------------------
open_web();
my $page = "/s/$token";
my @scanners = ('Mozilla/5.0 (SafeLinks)', 'Barracuda Sentinel', 'proofpoint', 'Slackbot-LinkExpanding', 'facebookexternalhit/1.1');
my ($asked, $bad) = (0, 0);
for my $round (1 .. 40) {
	for my $agent (@scanners) {
		for my $path ($page, "$page?in_order=no&score=0&comment=x", "$page?lang=sv") {
			my $method = $round % 2 ? 'get' : 'head';
			my $answer = $web->public->$method($path, header => ["User-Agent: $agent"]);
			$asked++;
			$bad++ if $answer->{status} != 200;
		}
	}
}
for my $try (
	['PUT', ''], ['DELETE', ''], ['PATCH', 'in_order=no'], ['OPTIONS', ''], ['PROPFIND', ''],
	['POST', 'in_order=no', 'Content-Type: text/plain'], ['POST', '{"in_order":"no"}', 'Content-Type: application/json'],
	['POST', 'in_order=no', 'Content-Type: multipart/form-data; boundary=x'],
	['POST', 'in_order=no', 'Content-Type: application/x-www-form-urlencoded', 'Origin: https://evil.example'],
	['POST', 'in_order=no', 'Content-Type: application/x-www-form-urlencoded', 'Sec-Fetch-Site: cross-site'],
	['POST', 'in_order=no&in_order=yes', 'Content-Type: application/x-www-form-urlencoded'],
	['POST', 'in_order=maybe', 'Content-Type: application/x-www-form-urlencoded'],
	['POST', 'in_order=yes&score=11', 'Content-Type: application/x-www-form-urlencoded'],
	['POST', '', 'Content-Type: application/x-www-form-urlencoded'],
	['POST', 'in_order=yes&comment=' . ('x' x 2001), 'Content-Type: application/x-www-form-urlencoded'],
) {
	my ($method, $body, @header) = @$try;
	my $answer = $web->public->raw(join "\r\n", "$method $page HTTP/1.1", 'Host: tuki.example.fi', @header,
		'Content-Length: ' . length $body, '', $body);
	ok($answer->{status} >= 400 && $answer->{status} < 500, "$method @header " . substr($body, 0, 30) . ": $answer->{status}");
}
is($bad, 0, "$asked GETs and HEADs of link scanners are all answered");
is(answer_of($ref), 'none | - | - | -', 'and recorded nothing');
is(status($ref), 'resolved', 'the ticket is resolved as before');

# --- the page --------------------------------------------------------------------------------------
my $html = $web->public->get($page)->{body};
like($html, qr/<html lang="fi">/, 'in the language of the mail');
like($html, qr/<title>Onko asiasi kunnossa\? – Esimerkki Oy/, 'with a title');
like($html, qr/Tulostin &lt;3 ei toimi/, "the customer's subject, escaped");
unlike($html, qr/<script|\son[a-z]+=|<style>[^<]*url\(/i, 'no script, nothing to load');
like($html, qr/<form method="post"/, 'a form that posts to where it is');
for my $name (qw(in_order score comment lang)) { like($html, qr/name="$name"/, "the field $name") }
is(scalar(() = $html =~ /name="score" value="\d+"/g), 11, 'eleven scores');
like($web->public->get("$page?lang=sv")->{body}, qr/<html lang="sv">.*Är ditt ärende i ordning\?/s, 'in Swedish');
like($web->public->get("$page?lang=en")->{body}, qr/<html lang="en">.*Is your matter in order\?/s, 'in English');
my $wrong = $web->public->post($page, { in_order => '', score => '7', comment => '<b>"kiitos"</b>', lang => 'sv' });
is($wrong->{status}, 400, 'neither yes nor no is asked again');
like($wrong->{body}, qr/role="alert".*href="#yes">Välj ja eller nej/s, 'with the error first, linked to its field, in the language of the form');
like($wrong->{body}, qr/&lt;b&gt;&quot;kiitos&quot;&lt;\/b&gt;/, 'what was written is kept, escaped');
like($wrong->{body}, qr/value="7" checked/, 'and what was chosen');
for my $bad ('/s/', '/s/x', '/s/' . 'a' x 36, "/s/$token" . 'a', '/s/' . substr($token, 0, 35), '/s/' . ($token =~ tr/a-y/b-z/r)) {
	is($web->public->get($bad)->{status}, 404, "no page at $bad");
	is($web->public->post($bad, { in_order => 'no' })->{status}, 404, '... and no answer there');
}

# --- an answer, changed within the week ------------------------------------------------------------
my $done = $web->public->post($page, { in_order => 'yes', score => 9, comment => "Nopeaa & ystävällistä!\r\nKiitos <3" },
	header => ['Origin: https://tuki.example.fi', 'Sec-Fetch-Site: same-origin']);
is($done->{status}, 200, 'an answer is taken') or diag $done->{body};
like($done->{body}, qr/Kiitos vastauksesta/, 'and thanked for');
is(answer_of($ref), "score | 9 | Nopeaa & ystävällistä!\nKiitos <3 | page", 'and kept');
like($web->public->get($page)->{body}, qr/Olet jo vastannut.*value="9" checked/s, 'the page shows it');
later(6 * $day);
open_web();
is($web->public->post($page, { in_order => 'yes', score => 7 }, header => ['Origin: null'])->{status}, 200, 'changed after six days');
is(answer_of($ref), 'score | 7 | - | page', 'the last answer counts');
later(1 * $day + $hour);
open_web();
my $late = $web->public->post($page, { in_order => 'no', score => 0 });
is($late->{status}, 409, 'after the week it stands');
like($late->{body}, qr/Vastausta ei voi enää muuttaa.*vastaa mihin tahansa/s, 'said politely, with what to do');
like($web->public->get($page)->{body}, qr/Vastausta ei voi enää muuttaa/, 'so does the page');
is(answer_of($ref), 'score | 7 | - | page', 'and nothing has changed');
later(60);
work();
is(status($ref), 'resolved', 'the ticket neither');

# --- no; a score under reopen_below ----------------------------------------------------------------
sub survey_for {
	my ($queue, %mail) = @_;
	my $ref = ask($queue, %mail);
	do_ticket($ref, 'take', 'resolve');
	later($hour);
	work();
	return ($ref, Luukku::Test::Web::token(mail_to($mail{from} =~ /<(.*)>/, $ref) // ''));
}
my @bad_answers;
for my $case (['no', { in_order => 'no', score => 10, comment => "Salaiset sanat: ei toimi vieläkään." }],
	['low', { in_order => 'yes', score => 4, comment => 'Hirmusalainen moite.' }]) {
	my ($outcome, $fields) = @$case;
	my $address = "$outcome\@asiakas.example";
	my ($ref, $token) = survey_for('ict', from => "Asiakas <$address>", subject => "Ongelma $outcome");
	open_web();
	my $done = $web->public->post("/s/$token", $fields);
	like($done->{body}, qr/Avasimme asian uudelleen/, "$outcome: the page says that it is open again");
	later(60);
	work();
	is(answer_of($ref), "$outcome | - | $fields->{comment} | page", "$outcome: no number is kept");
	is(status($ref), 'open', "$outcome: it is open again");
	is(scalar $db->sql('SELECT coalesce(owner, $$nobody$$) FROM ticket WHERE id = ' . number($ref)), 'nobody', "$outcome: without owner");
	for my $manager ('bo@example.fi', 'mari@example.fi') {
		my $mail = mail_to($manager, $ref);
		ok($mail && text_of($mail) =~ /\Q$fields->{comment}\E/, "$outcome: $manager gets the customer's words") or diag $mail // 'no mail';
	}
	like(text_of(mail_to('mari@example.fi', $ref)), qr/säger att/, '... in the language of the manager');
	is(mail_to('aino@example.fi', $ref), undef, "$outcome: the agent gets nothing of it");
	push @bad_answers, [$ref, $address, $fields->{comment}];

	# The button again and again tells nobody anything new.
	my $mails = $db->sql(q{SELECT count(*) FROM outbox WHERE template = 'dissatisfied'});
	$web->public->post("/s/$token", $fields) for 1 .. 3;
	later(60);
	work();
	is($db->sql(q{SELECT count(*) FROM outbox WHERE template = 'dissatisfied'}), $mails, "$outcome: the same answer again is told once");

	# Once more, although the person was asked minutes ago.
	do_ticket($ref, 'resolve');
	later($hour);
	work();
	is(surveys($ref), 2, "$outcome: `every` does not bind its next survey");
	my $second = Luukku::Test::Web::token(mail_to($address, $ref));
	isnt($second, $token, '... which has a token of its own');
	open_web();
	is($web->public->post("/s/$second", { in_order => 'yes', score => 8 })->{status}, 200, '... and is answered');
	is(answer_of($ref), 'score | 8 | - | page', '... with a number this time');
	later(60);
	work();
	is(status($ref), 'resolved', '... that leaves it resolved');
}

# A manager who had a hand in it hears that it is open again, and not the words.
{
	my $ref = ask('ict', from => 'Ossi <ossi@asiakas.example>', subject => 'Mari hoitaa');
	my $done = $desk->ctl('do', $ref, 'take', 'resolve', '--as', 'mari@example.fi', '--text', "$dir/text", { env() });
	is($done->{status}, 0, 'a manager resolves it') or diag $done->{err};
	later($hour + 60);
	work();
	open_web();
	$web->public->post('/s/' . Luukku::Test::Web::token(mail_to('ossi@asiakas.example', $ref)), { in_order => 'no', comment => 'Mari oli epäystävällinen' });
	later(60);
	work();
	like(text_of(mail_to('bo@example.fi', $ref)), qr/Mari oli epäystävällinen/, 'the other manager reads the words');
	unlike(text_of(mail_to('mari@example.fi', $ref)), qr/epäystävällinen/, 'the one who took part does not');
	push @bad_answers, [$ref, 'ossi@asiakas.example', 'Mari oli epäystävällinen'];
}

# --- by mail ---------------------------------------------------------------------------------------
sub answer_by_mail {
	my ($ref, $address, $text, %option) = @_;
	my $mail = mail_to($address, $ref);
	my ($to) = header($mail, 'Reply-To') =~ /(\S+\@\S+?)>?$/;
	$desk->deliver('ict', mail(from => $option{from} // "<$address>", to => $to, subject => 'Vastaus kyselyyn',
		text => Encode::encode('UTF-8', $text)), at => $clock);
	later(60);
	work(1);
	return;
}
{
	my ($ref) = survey_for('ict', from => 'Posti <posti@asiakas.example>', subject => 'Postitse');
	my $mail = mail_to('posti@asiakas.example', $ref);
	my ($link) = text_of($mail) =~ /(mailto:\S+body=Kyll\S+)/;
	ok($link, 'a mailto: link that says yes');
	my ($body) = ($link // '') =~ /body=(\S+)/;
	$body = Encode::decode('UTF-8', ($body // '') =~ s/%([0-9A-F]{2})/chr hex $1/ger);
	like($body, qr/\AKyllä, asiani on kunnossa\.\r\n\r\nArvosana 0-10: \r\nKommentti: \r\n\z/, 'with the lines to fill in');
	my $before = $db->sql("SELECT count(*) FROM message WHERE ticket_id = " . number($ref));
	answer_by_mail($ref, 'posti@asiakas.example', $body =~ s/0-10: /0-10: 10/r =~ s/Kommentti: /Kommentti: Hyvä!/r);
	is(answer_of($ref), 'score | 10 | Hyvä! | mail', 'an answer by mail');
	answer_by_mail($ref, 'posti@asiakas.example', $body =~ s/0-10: /0-10: 9/r =~ s/Kommentti: /Kommentti: Nopeaa.\r\nHienoa./r
		. "\r\nYstävällisin terveisin  \r\nPosti Pekkala, osastonhoitaja\r\np. 040 123 4567\r\n", from => 'Posti Pekkala <posti@asiakas.example>');
	is(answer_of($ref), "score | 9 | Nopeaa.\nHienoa. | mail", 'comments are shown without a name: the signature is none of it');
	is(scalar $db->sql("SELECT outcome || ': ' || reason FROM arrival ORDER BY id DESC LIMIT 1"), 'control: an answer to the survey', 'is a control mail');
	is($db->sql("SELECT count(*) FROM message WHERE ticket_id = " . number($ref)), $before, 'and no message of the ticket');
	is(status($ref), 'resolved', 'which stays resolved');
	my $seen = $desk->json('trace', scalar $db->sql('SELECT message_id FROM message ORDER BY id DESC LIMIT 1'));
	is($seen->{outcome}, 'control', 'trace says so');
	unlike(join(' ', map { $_ // '' } @$seen{qw(reason outcome)}), qr/10|Hyvä/, 'without the answer');
	answer_by_mail($ref, 'posti@asiakas.example', "Ei, asiani ei ole kunnossa.\r\n\r\nMikä ei ole kunnossa: Väri on väärä.\r\n");
	is(answer_of($ref), 'no | - | Väri on väärä. | mail', 'changed by another mail to no');
	is(status($ref), 'open', 'which opens it again');

	($ref) = survey_for('ict', from => 'Numero <numero@asiakas.example>', subject => 'Pelkkä numero');
	answer_by_mail($ref, 'numero@asiakas.example', "8/10\n");
	is(answer_of($ref), 'score | 8 | - | mail', 'a number alone is an answer');
	answer_by_mail($ref, 'numero@asiakas.example', "Nej.\n\nDet fungerar inte.\n");
	is(answer_of($ref), 'no | - | Det fungerar inte. | mail', 'a no in another language, too');

	($ref) = survey_for('ict', from => 'Sana <sana@asiakas.example>', subject => 'Sanoja');
	answer_by_mail($ref, 'sana@asiakas.example', "Hei, tulostin meni taas rikki, voitteko katsoa?\n");
	is(answer_of($ref), 'none | - | - | -', 'other words are no answer');
	is(status($ref), 'open', 'but a message that opens the ticket again');
	($ref) = survey_for('ict', from => 'Vieras <vieras@asiakas.example>', subject => 'Vieraan');
	answer_by_mail($ref, 'vieras@asiakas.example', "Ei\n", from => '<joku@muu.example>');
	is(answer_of($ref), 'none | - | - | -', "nobody answers by somebody else's address");
	later(1);
	answer_by_mail($ref, 'vieras@asiakas.example', "kyllä\n");
	is(answer_of($ref), 'yes | - | - | mail', 'a plain yes has no number');
	later(8 * $day);
	answer_by_mail($ref, 'vieras@asiakas.example', "9\n");
	is(answer_of($ref), 'yes | - | - | mail', 'after the week it stands, by mail as well');
	answer_by_mail($ref, 'vieras@asiakas.example', "Ei\n\nSe hajosi taas.\n");
	is(status($ref), 'open', 'and a late no is a message that opens it again');
}

# --- excluded --------------------------------------------------------------------------------------
{
	my ($ref, $token) = survey_for('ict', from => 'Väärä <vaara@asiakas.example>', subject => 'Väärästä asiasta');
	open_web();
	$web->public->post("/s/$token", { in_order => 'yes', score => 5, comment => 'Tämä koski hissiä' });
	my $done = $desk->ctl('do', $ref, 'survey exclude koski hissiä', '--as', 'bo@example.fi', { env() });
	is($done->{status}, 0, 'a manager excludes it') or diag $done->{err};
	my $show = $desk->json('show', $ref)->{survey};
	is_deeply([sort keys %$show], [qw(answered_at comment excluded in_order score sent_at)], 'show: keys of the survey');
	is($show->{score}, 5, 'the score is kept');
	is($show->{comment}, 'Tämä koski hissiä', 'with its words');
	is($show->{excluded}, 'koski hissiä', 'and the reason why it does not count');
}

# --- who sees what ---------------------------------------------------------------------------------
{
	my @words = ('Salaiset sanat', 'Hirmusalainen moite', 'epäystävällinen', 'Tämä koski hissiä', 'Nopeaa & ystävällistä', 'Hyvä!');
	my @inside = map { Encode::encode('UTF-8', $_) } @words;
	my @found;
	my %manager = map { $_ => 1 } qw(bo@example.fi mari@example.fi);
	for my $mail ($desk->smtp->mails) {
		my $to = lc $mail->{rcpt}[0];
		next if $to !~ /\@example\.fi$/;
		my $text = join "\n", map { $_->{text} } parts($mail->{data});
		for my $word (@words) {
			next if index($text, $word) < 0;
			push @found, "$to: $word" if !$manager{$to} || mail_to($to, 'x');
		}
		push @found, "$to: a score" if $text =~ m{\b(?:score|arvosana|betyg)\b}i;
	}
	is(join("\n", @found), '', 'no mail to the team has a score, and none but to managers a word');

	my @places;
	for my $case (['#history', "SELECT count(*) FROM event WHERE event NOT LIKE 'survey%' AND (reason || detail::text)"],
		['events at all', 'SELECT count(*) FROM event WHERE (reason || detail::text)'],
		['messages of tickets', 'SELECT count(*) FROM message WHERE ticket_id IS NOT NULL AND (coalesce(text, $$$$) || coalesce(reply_text, $$$$))'],
		['arrivals', 'SELECT count(*) FROM arrival WHERE (reason || explain::text)']) {
		my ($what, $sql) = @$case;
		for my $word (@inside) {
			my $n = $db->sql("$sql LIKE '%' || \$w\$$word\$w\$ || '%'");
			push @places, "$what: $word" if $n;
		}
	}
	is(join("\n", map { Encode::decode('UTF-8', $_) } @places), '', 'neither the history, nor messages, nor arrivals have a word of it');
	is($db->sql(q{SELECT count(*) FROM message_search s JOIN message m ON m.id = s.message_id
		WHERE m.ticket_id IS NOT NULL AND s.words @@ to_tsquery('simple', 'salaiset | hirmusalainen | koski')}), 0, '#search finds nothing of it');
	for my $role (qw(luukku_read luukku_web)) {
		my (undef, $error) = $db->try_sql('SELECT score FROM survey', user => 'postgres', role => $role);
		is($error ? 1 : 0, $role eq 'luukku_read' ? 1 : 0, "$role " . ($error ? 'reads no score' : 'reads answers, to show them to those who gave them'));
	}
	note "who sees what of an answer:\n", map { sprintf "  %-22s %s\n", @$_ }
		['customer', 'own answer on the page for a week'], ['uninvolved managers', "words of a bad answer, no number"],
		['involved managers', 'that it is open again'], ['agents', 'that it is open again (status)'],
		['#history #search #list', 'nothing'], ['luukku_read', 'nothing of a single answer'], ['luukkuctl show', 'everything: the administrator'];
}

# --- figures for monitoring ------------------------------------------------------------------------
{
	my $metrics = $web->internal->get('/metrics');
	is($metrics->{status}, 200, '/metrics') or diag $metrics->{body};
	like(Luukku::Test::Http::header($metrics, 'Content-Type'), qr{^text/plain; version=0\.0\.4}, 'in the text format of Prometheus');
	my (%value, %type, @odd);
	for my $line (split /\n/, $metrics->{body}) {
		if ($line =~ /^# TYPE (\w+) (counter|gauge)$/) { $type{$1} = $2 }
		elsif ($line =~ /^# HELP \w+ \S/) { }
		elsif ($line =~ /^(\w+)(\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})? (-?\d+)$/) { push @odd, $line if !$type{$1}; $value{ $1 . ($2 // '') } = $3 }
		else { push @odd, $line }
	}
	is(join("\n", @odd), '', 'each line is of the format, each figure has its type');
	my $status = $desk->json('status');
	is($value{luukku_tickets_open}, $status->{tickets}{open}, 'open tickets as luukkuctl status has them');
	is($value{luukku_outbox_waiting}, $status->{outbox}{waiting}, 'mails that wait, too');
	is($value{luukku_outbox_failed}, $status->{outbox}{failed}, 'and that failed');
	is($value{luukku_quarantine_held}, $status->{quarantine}, 'and the quarantine');
	my $open = 0;
	$open += $value{$_} for grep { /^luukku_queue_tickets\{/ } keys %value;
	is($open, $status->{tickets}{open}, 'the queues add up to them');
	is($value{'luukku_mailbox_error{mailbox="ict"}'}, 0, 'the mailbox has no error');
	unlike($metrics->{body}, qr/survey|score/, 'nothing of surveys');
	my $before = $value{'luukku_mails_in_total{mailbox="ict",kind="normal",outcome="ticket"}'} // 0;
	ask('ict', from => 'L <laskuri@asiakas.example>', subject => 'Laskuri') for 1 .. 3;
	my $after = $web->internal->get('/metrics')->{body};
	like($after, qr/^luukku_mails_in_total\{mailbox="ict",kind="normal",outcome="ticket"\} @{[ $before + 3 ]}$/m, 'mails are counted');
	my ($again) = $web->internal->get('/metrics')->{body} =~ /^luukku_mails_in_total\{mailbox="ict",kind="normal",outcome="ticket"\} (\d+)$/m;
	is($again, $before + 3, '... once');
}

# --- erased ----------------------------------------------------------------------------------------
is($desk->ctl('person', 'erase', '--yes', 'vaara@asiakas.example')->{status}, 0, 'a person is erased');
is($db->sql(q{SELECT count(*) FROM survey s JOIN person p ON p.id = s.person_id WHERE p.address LIKE '%erased%' AND s.comment IS NOT NULL}), 0,
	'the words of answers with them');
unlike($web->log, qr/\b[a-z2-7]{36}\b/, 'no token in the log');
$web->stop;

# --- under luukkud ---------------------------------------------------------------------------------
$desk->up;
my $http = Luukku::Test::Http->new(port => $port{internal});
Luukku::Test::Base::wait_until('luukku-web to answer', sub { $http->get('/healthz')->{status} == 200 });
my ($child) = grep { $_->{name} eq 'luukku-web' } @{ $desk->json('status')->{daemons} };
is($child->{state}, 'running', 'luukkud runs luukku-web');
kill 'KILL', $child->{pid};
Luukku::Test::Base::wait_until('luukku-web to come back', sub {
	my ($now) = grep { $_->{name} eq 'luukku-web' } @{ $desk->json('status')->{daemons} };
	$now->{pid} && $now->{pid} != $child->{pid} && $http->get('/readyz')->{status} == 200;
}, 60);
pass('and starts it again when it dies');
$desk->down;

done_testing;

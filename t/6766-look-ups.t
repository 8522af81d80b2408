#!/usr/bin/perl
# Look-ups by mail, in each agent's language and to that agent alone: #list, #history, #search, #more,
# #help; luukkuctl list --search finds the same. And a deputy's first day.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode);
use Luukku::Test::Base;
use Luukku::Test::Desk qw(header mail parts);
use POSIX ();
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(
	site => 'languages = ( "fi", "sv", "en" ); senders_verified = true; authserv = ( "mx.example.fi" ); relays = ( "mx.example.fi" );',
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; languages = ( "fi", "sv", "en" ); },
  { name = "Cecilia Ceder"; address = "cecilia@example.fi"; languages = ( "sv", "fi", "en" ); },
  { name = "Bo Berg"; address = "bo@example.fi"; languages = ( "en", "fi", "sv" ); },
  { name = "Hanna Hako"; address = "hanna@example.fi"; languages = ( "fi" ); }
CONF
	queues => <<'CONF',
  { name = "ict"; title = "ICT"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi", "cecilia@example.fi", "bo@example.fi" );
    notify = "none"; mass: { people = 0; }; },
  { name = "hr"; title = "HR"; addresses = ( "hr@example.fi" ); agents = ( "hanna@example.fi", "aino@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
	extra => 'breaker = ( "2000/10m" );',
);
my $db = $desk->db;
my $n = 0;

sub round {
	my ($what) = @_;
	my $done = $desk->once;
	is($done->{status}, 0, $what) or diag $done->{err};
	return;
}

# Sends the lines as the agent, without any proof (proof => 1: with it); gives the Message-ID.
sub ask {
	my ($agent, $lines, $headers) = @_;
	my $id = 'look' . ++$n . ".$$\@example.fi";
	$desk->deliver('ict', mail(from => "$agent\@example.fi", subject => "kysy $n", text => encode('UTF-8', $lines), id => $id, headers => $headers // ''));
	return $id;
}

# The plain text of the answer to that mail, which goes to that agent and to nobody else.
sub answer {
	my ($agent, $id) = @_;
	my @mails = $db->sql("SELECT o.recipient, o.header_message_id FROM outbox o JOIN message m ON m.id = o.cause_id WHERE m.message_id = '$id'");
	is(join(' ', map { $_->[0] } @mails), "$agent\@example.fi", "... answered to $agent alone");
	my ($mail) = grep { @mails && index(header($_->{data}, 'Message-ID'), $mails[0][1]) >= 0 } $desk->smtp->mails;
	my ($text) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } $mail ? parts($mail->{data}) : ();
	return $text // '';
}

# One round of questions by several agents.
sub asked {
	my %who = @_;
	my $headers = delete $who{proof} ? "Authentication-Results: mx.example.fi; dkim=pass header.d=example.fi\n"
		. "Received: from client by mx.example.fi; Fri, 20 Nov 2026 09:00:00 +0000\n" : '';
	my %id = map { $_ => ask($_, $who{$_}, $headers) } sort keys %who;
	round(join ', ', map { "$_: $who{$_}" =~ s/\n.*//sr } sort keys %who);
	return { map { $_ => answer($_, $id{$_}) } sort keys %id };
}

sub refs { return [$_[0] =~ /^(TUKI-\d+) /mg] }

# --- 45 tickets in three languages ------------------------------------------------------------------
my @texts = (
	['Tulostimen väriaine', "Hei,\n\ntulostimet eivät tulosta lainkaan, väriaine on lopussa. Voisitteko ystävällisesti auttaa meitä mahdollisimman pian?\n"],
	['Skrivaren har slutat', "Hej,\n\nskrivarna på avdelningen fungerar inte längre efter semestern. Kan ni vara snälla och hjälpa oss så snart som möjligt?\n"],
	['The printers have stopped', "Hello,\n\nthe printers in our department have stopped working since yesterday. Could you please help us as soon as possible?\n"]);
for my $i (1 .. 45) {
	my ($subject, $text) = @{ $texts[$i % 3] };
	$desk->deliver('ict', mail(from => "Asiakas $i <asiakas$i\@client.example>", subject => encode('MIME-Q', "$subject $i"), text => encode('UTF-8', $text)));
}
round('45 tickets');
is($db->sql('SELECT count(*) FROM ticket'), 45, 'are there');
$db->sql("UPDATE ticket SET tags = '{toner}' WHERE id IN (SELECT id FROM ticket ORDER BY id LIMIT 3)");
$db->sql("UPDATE ticket SET owner = 'cecilia\@example.fi', priority = 'high' WHERE id IN (SELECT id FROM ticket ORDER BY id DESC LIMIT 4)");
is($db->sql("SELECT string_agg(l, ' ') FROM (SELECT DISTINCT language AS l FROM ticket ORDER BY 1) AS x"), 'en fi sv', 'in three languages');

# --- #list, 20 a mail -------------------------------------------------------------------------------
my %forms = (aino => ['#lista', '#lisää', qr/^Avoimet tukipyynnöt, kiireellisimmät ensin:$/m, qr/uusi  ict  tavallinen/],
	cecilia => ['#list', '#mer', qr/^Öppna ärenden, de mest brådskande först:$/m, qr/nytt  ict  viktig/], bo => ['#list', '#more', qr/^Open tickets, the most urgent first:$/m, qr/new  ict  normal/]);
my %seen;
for my $page (1 .. 3) {
	my $got = asked(map { $_ => $forms{$_}[$page == 1 ? 0 : 1] . "\n" } keys %forms);
	for my $agent (sort keys %forms) {
		my $text = $got->{$agent};
		is(scalar @{ refs($text) }, $page < 3 ? 20 : 5, "$agent: page $page");
		push @{ $seen{$agent} }, @{ refs($text) };
		like($text, $forms{$agent}[2], '... under a heading in their language') or diag $text;
		like($text, $forms{$agent}[3], '... states and priorities too') if $page == 1;
		like($text, qr/\Q$forms{$agent}[1]\E/, '... with the word for more') if $page < 3;
		unlike($text, qr/\Q$forms{$agent}[1]\E/, '... which the last page has not') if $page == 3;
		note "$agent, page $page:\n$text" if $page == 1;
	}
}
for my $agent (sort keys %seen) {
	my %once = map { $_ => 1 } @{ $seen{$agent} };
	is(scalar keys %once, 45, "$agent: all of them, each once");
}
my @own = @{ $seen{cecilia} }[0 .. 3];
is_deeply([sort @own], [map { "TUKI-$_->[0]" } $db->sql("SELECT id FROM ticket WHERE owner = 'cecilia\@example.fi' ORDER BY id::text")], "an agent's own come first");

# --- #search ----------------------------------------------------------------------------------------
my ($tagged) = $db->sql('SELECT id FROM ticket ORDER BY id LIMIT 1');
my $reference = "TUKI-$tagged->[0]";
my %count = ('tulostimella' => 15, 'väriaineen' => 15, 'skrivare' => 15, 'avdelning' => 15, 'printer' => 15, 'departments' => 15, 'toner' => 3, 'asiakas7@client.example' => 1,
	$reference => 1, '"väriaine on lopussa"' => 15, 'lentokone' => 0, 'tulostimet -tulostimet' => 0);
my %search = map { $_ => ask('bo', "#search $_\n") } sort keys %count;
round('all of these are searched for');
for my $words (sort keys %count) {
	my $text = answer('bo', $search{$words});
	is(scalar @{ refs($text) }, $count{$words}, "#search $words finds $count{$words}") or diag $text;
	my $listed = $desk->ctl('list', '--search', encode('UTF-8', $words), '--json');
	my $rows = JSON::PP->new->utf8->decode($listed->{out});
	is_deeply([sort map { $_->{ref} } @$rows], [sort @{ refs($text) }], '... and luukkuctl list --search the same');
}
my $hae = asked(aino => "#hae tulostimia\n", cecilia => "#sök skrivaren\n");
like($hae->{aino}, qr/^Haku: tulostimia$/m, 'a search in Finnish');
like($hae->{cecilia}, qr/^Sökning: skrivaren$/m, '... in Swedish');
is(scalar @{ refs($hae->{$_}) }, 15, "... $_ finds the forms of the word") for qw(aino cecilia);
like(asked(aino => "#hae lentokone\n")->{aino}, qr/^Mitään ei löytynyt\.$/m, 'nothing found is said in words');

# --- #history ---------------------------------------------------------------------------------------
$desk->ctl('do', $reference, "tag +x$_", '--as', 'bo') for 1 .. 22;
$desk->ctl('do', $reference, 'priority high', '--as', 'bo');
my $history = asked(aino => "#historia $reference\n", cecilia => "$reference #historik\n");
like($history->{aino}, qr/^Tukipyynnön $reference historia, uusin ensin:$/m, 'a history in Finnish');
like($history->{aino}, qr/bo\@example\.fi  tärkeys: tavallinen -> tärkeä$/m, '... with its words') or diag $history->{aino};
like($history->{cecilia}, qr/bo\@example\.fi  prioritet: normal -> viktig$/m, '... in Swedish');
my $more = asked(aino => "#lisää\n")->{aino};
like($more, qr/asiakas\d+\@client\.example  avattu/, '#more goes on to the opening');
my @lines = grep { /klo/ } split /\n/, $history->{aino};
is(scalar @lines, 20, '20 lines a mail');
note "history:\n$history->{aino}";

# --- #help ------------------------------------------------------------------------------------------
my $help = asked(aino => "#apua\n", cecilia => "#hjälp\n", bo => "#help\n");
like($help->{aino}, qr/^#ratkaise \[kiertotie tai hiljaa\] \[silti\]$/m, 'help in Finnish');
like($help->{cecilia}, qr/^#lös \[tillfällig eller tyst\] \[ändå\]$/m, '... in Swedish');
like($help->{bo}, qr/^#resolve \[workaround or silent\] \[anyway\]$/m, '... in English');
unlike($help->{aino}, qr/\b(?:or|none|NAME|anyway)\b/, 'no English in the Finnish one');
unlike($help->{cecilia}, qr/\b(?:or|none|NAME|anyway)\b/, '... nor in the Swedish one');
my $wrong = asked(proof => 1, aino => "#odota\n", cecilia => "#vänta\n");
like($wrong->{aino}, qr/kirjoitetaan: #odota asiakas/, 'what is wrong is said in Finnish') or diag $wrong->{aino};
like($wrong->{cecilia}, qr/skrivs: #vänta kund/, '... in Swedish');

# --- a deputy's first day -----------------------------------------------------------------------------
my @day = map { POSIX::strftime('%Y-%m-%d', localtime(time + $_ * 86400)) } 0 .. 9;
$db->sql("UPDATE ticket SET queue = 'hr' WHERE id = (SELECT max(id) FROM ticket WHERE owner = 'cecilia\@example.fi')");
$desk->smtp->clear;
is($desk->ctl('do', '-', "away $day[0]..$day[5] to bo", '--as', 'cecilia')->{status}, 0, 'away from today, with a deputy');
is($desk->ctl('do', '-', "away $day[2]..$day[5] to aino", '--as', 'hanna')->{status}, 0, 'another from the day after tomorrow');
round('the first day');
my @lists = grep { decode('MIME-Header', header($_->{data}, 'Subject')) eq 'You stand in from today' } $desk->smtp->mails;
is(join(' ', map { $_->{rcpt}[0] } @lists), 'bo@example.fi', 'the deputy gets the list');
my ($list) = map { $_->{text} } grep { $_->{type} eq 'text/plain' } map { parts($_->{data}) } @lists;
is(scalar @{ refs($list // '') }, 3, '... of the open tickets') or diag $list;
like($list, qr/^And 1 in queues that you do not see\.$/m, '... those of other queues as a number');
like($list, qr/Cecilia Ceder is away/, '... and whose they are');
note "the deputy's list:\n$list" if $list;
is_deeply([@{ refs(asked(bo => "#list\n")->{bo}) }[0 .. 2]], [@{ refs($list) }[0 .. 2]], '#list of the deputy begins with them');
round('later the same day');
is(scalar(grep { decode('MIME-Header', header($_->{data}, 'Subject')) eq 'You stand in from today' } $desk->smtp->mails), 1, 'it goes out once');
is($desk->ctl('do', '-', 'away none', '--as', 'hanna')->{status}, 0, 'the other stays after all');
$db->sql("UPDATE timer SET due_at = now() WHERE kind = 'hand_over'");
round('their first day');
is(scalar(grep { $_->{rcpt}[0] eq 'aino@example.fi' && decode('MIME-Header', header($_->{data}, 'Subject')) =~ /Sijaisuutesi/ } $desk->smtp->mails), 0,
	'an absence that was taken back sends none');
done_testing;

#!/usr/bin/perl
# The check at the end of every end-to-end test bites: each kind of leak is planted once.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(encode);
use Luukku::Test::Base;
use Luukku::Test::Desk;
use Luukku::Test::Leaks;
use MIME::Base64 ();
use Luukku::Test::Mail qw(answer header mail shown);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(
	site => 'admins = ( "admin@example.fi" );',
	agents => <<'CONF',
  { name = "Aino Aalto"; address = "aino@example.fi"; aliases = ( "a.aalto@example.fi" ); },
  { name = "Bo Berg"; address = "bo@example.fi"; }
CONF
	queues => <<'CONF',
  { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); managers = ( "bo@example.fi" );
    notify = "agents"; mass: { people = 0; }; },
  { name = "hr"; addresses = ( "hr@example.fi" ); agents = ( "bo@example.fi" ); notify = "none"; mass: { people = 0; }; }
CONF
	extra => 'suppliers: ( { name = "valo"; addresses = ( "tuki@valo.example" ); domains = ( "valo.example" ); } );');
my $aino = 'Aino Aalto <aino@example.fi>';
for my $who ('Maija Meri <maija@sairaala.example>', 'Kalle Koski <kalle@kunta.example>') {
	$desk->deliver('ict', mail(from => $who, subject => "Tulostin $who" =~ s/ <.*//r, text => "Hei, tulostin ei toimi.\n"));
}
is($desk->once->{status}, 0, 'two customers');
my ($notice) = grep { $_->{rcpt}[0] eq 'aino@example.fi' && shown($_) =~ /Tulostin Maija/ } $desk->smtp->mails;
$desk->deliver('ict', answer($notice, $aino, $_)) for "#note\n\nAsiakas on tunnettu hermoilija, ole varovainen.\n",
	"#supplier valo\n\nMeillä on teidän laitteenne rikki taas kerran.\n", encode('UTF-8', "Hei Maija, vaihdan osan huomenna.\n");
is($desk->once->{status}, 0, 'an agent writes');
my ($to_valo) = grep { $_->{rcpt}[0] eq 'tuki@valo.example' } $desk->smtp->mails;
$desk->deliver('ict', answer($to_valo, 'Valo <tuki@valo.example>', "Takuu on umpeutunut jo viime vuonna valitettavasti.\n"));
is($desk->once->{status}, 0, 'the supplier answers');

my @mails = $desk->smtp->mails;
my ($clean) = grep { $_->{rcpt}[0] =~ /maija/ && $_->{data} !~ /^Precedence/m } @mails;
my ($other) = grep { $_->{rcpt}[0] =~ /kalle/ } @mails;
my ($to_aino) = grep { $_->{rcpt}[0] eq 'aino@example.fi' } @mails;
ok($clean && $other && $to_aino, 'mails to plant leaks in');

sub found {
	my ($mails, %option) = @_;
	my $found = Luukku::Test::Leaks::find(db => $desk->db, mails => $mails, conf => slurp($desk->conf), %option);
	return @{ $found->{found} };
}

sub with_text {
	my ($mail, $text) = @_;
	my ($head) = split /\r?\n\r?\n/, $mail->{data}, 2;
	$head =~ s/\r?\nContent-(?:Type|Transfer-Encoding):[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*//gi;
	return { %$mail, data => "$head\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
			. MIME::Base64::encode_base64(encode('UTF-8', $text)) };
}

sub with_header {
	my ($mail, $line) = @_;
	return { %$mail, data => "$line\r\n$mail->{data}" };
}

is(join("\n", found(\@mails)), '', 'what was really sent is clean');
my ($ticket) = shown($to_aino) =~ /TUKI-(\d+)/;
my $survey = [{ ticket => $ticket, score => 3, lines => ['Kamalaa palvelua, ei ikinä enää.'] }];
my @plants = (
	['an agent\'s address in the text', with_text($clean, 'Kysy: aino@example.fi'), qr/got the address aino\@/],
	['an agent\'s alias in a header', with_header($clean, 'Sender: A.Aalto@Example.fi'), qr/got the address a\.aalto\@/],
	['a supplier\'s address', with_text($clean, 'Kysyimme: tuki@valo.example'), qr/got the address tuki\@valo/],
	['words of a note, in base64', with_text($clean, "Hei,\n\nAsiakas on tunnettu hermoilija, ole varovainen.\n"), qr/got the words/],
	['words to a supplier', with_text($clean, '> Meillä on teidän laitteenne rikki taas kerran.'), qr/got the words/],
	['words of a supplier', with_text($clean, 'Takuu on umpeutunut jo viime vuonna valitettavasti.'), qr/got the words/],
	['a header for the team', with_header($clean, 'X-Luukku-Ticket: TUKI-1001'), qr/got a header X-Luukku-Ticket/],
	['a List-Id', with_header($clean, 'List-Id: <ict.example.fi>'), qr/got a header List-Id/],
	['words of a notice', with_text($clean, 'Asiakas kysyy, miten asia etenee: TUKI-1001'), qr/of the template notice/],
	['an agent\'s reply address', with_text($clean, header($to_aino->{data}, 'Reply-To')), qr/got the reply address of aino/],
	['an agent\'s action link', with_text($clean, (shown($to_aino) =~ /(mailto:\S+\+[a-z2-7]{36}\@\S+)/)[0] // header($to_aino->{data}, 'Reply-To')), qr/got the reply address of aino/],
	['another customer\'s reply address', with_text($clean, header($other->{data}, 'Reply-To')), qr/got the reply address of kalle/],
	['two people in one envelope', { %$clean, rcpt => ['maija@sairaala.example', 'kalle@kunta.example'] }, qr/several people have one mail/],
	['a survey\'s comment, to an agent', with_text($to_aino, "> Kamalaa palvelua, ei ikinä enää.\n"), qr/got the survey comment/, survey => $survey],
	['a survey\'s score, to an agent', with_text($to_aino, "TUKI-$ticket: arvosana 3\n"), qr/got the score of ticket $ticket/, survey => $survey]);
for my $plant (@plants) {
	my ($what, $mail, $like, %option) = @$plant;
	my @found = found([@mails, $mail], %option);
	like(join("\n", @found), $like, "$what: found");
	note "  $_" for @found;
}
is(join("\n", found([with_text({ %$to_aino, rcpt => ['bo@example.fi'] }, "TUKI-$ticket: arvosana 3\n")], survey => $survey)), '',
	'a manager may read of a score');

# --- by itself ---------------------------------------------------------------------------------------
# A program that asks for nothing, and whose desk tells customers an agent's address.
sub program_with {
	my ($more) = @_;
	my $path = temp_dir() . '/leaky.t';
	spew($path, encode('UTF-8', <<"END"));
use strict;
use warnings;
use lib '$FindBin::Bin/lib';
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);
use Test::More;
my \$desk = Luukku::Test::Desk->start(extra => 'templates = "templates";');
my \$dir = \$desk->scratch('templates');
mkdir "\$dir/\$_" for 'fi', 'en';
spew("\$dir/\$_/acknowledgement.txt", "Aino hoitaa: aino\\\@example.fi\\n", 0644) for 'fi', 'en';
$more
\$desk->deliver('ict', mail(text => "Hei, tulostin ei toimi.\\n"));
is(\$desk->once->{status}, 0, 'a round');
done_testing;
END
	return run([$^X, $path], seconds => 120);
}
my $done = program_with('');
isnt($done->{status}, 0, 'a test program that leaks fails without having asked');
like($done->{out}, qr/^not ok 2 - nothing of the inside in the 1 mails/m, '... by one more test');
like($done->{err}, qr/asiakas\d+\@asiakas\.example got the address aino\@example\.fi/, '... that names it');
$done = program_with('$desk->expect_leak(qr/got the address aino/, "the template says so");');
is($done->{status}, 0, 'what is declared as meant passes') or diag $done->{out};
$done = program_with('$desk->expect_leak(qr/got the address aino/, "the template says so"); $desk->expect_leak(qr/never/, "what is not there");');
like($done->{out}, qr/^not ok 4 - as expected: what is not there/m, 'what is declared and does not happen fails');
done_testing;

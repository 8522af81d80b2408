#!/usr/bin/perl
# The desk live in a terminal, once and for scripts; and what a desk that only watches would have done, beside
# what people really did.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Encode qw(decode encode);
use IO::Select;
use IPC::Open3 qw(open3);
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $desk = Luukku::Test::Desk->start(mailboxes => <<'CONF', smtp => <<'SMTP');
  { name = "ict"; protocol = "imap"; host = "127.0.0.1"; port = @IMAP@; tls = "none"; poll = "5s";
    user = "ict@example.fi"; password_file = "ict.pass"; after = "keep"; on_backlog = "normal"; sent = "Sent"; }
CONF
  host = "127.0.0.1"; port = 9; tls = "none"; auth = "none"; envelope_from = "luukku-bounces@example.fi"; send = false;
SMTP

sub customer {
	my ($who, $subject, %option) = @_;
	return mail(from => "\u$who <$who\@asiakas.example>", subject => $subject, id => "$who\@asiakas.example", text =>
		"Hei, $subject. Voitteko auttaa minua?\n", %option);
}

sub answer {
	my ($who, $from) = @_;
	$desk->deliver('ict', mail(from => $from, to => "$who\@asiakas.example", subject => "Re: asia $who", id => "answer.$who\@example.fi",
		headers => "In-Reply-To: <$who\@asiakas.example>\nReferences: <$who\@asiakas.example>\n", text => "Hei, asia on kunnossa nyt.\n"),
		folder => 'Sent', flags => 'S');
	return;
}

# --- a trial ------------------------------------------------------------------------------------------
$desk->deliver('ict', $_) for map { customer($_, "asia $_") } qw(maija ville kalle nina);
$desk->deliver('ict', mail(from => 'uutiset@lista.example', subject => 'Uutisia', headers => "List-Id: <lista.example>\n"));
is($desk->once->{status}, 0, 'mails are taken');
answer('maija', 'ICT <ict@example.fi>');
answer('ville', 'Aino Aalto <aino@example.fi>');
answer('kalle', 'HR <hr@example.fi>');
is($desk->once->{status}, 0, 'answers of the old desk are seen');
$desk->deliver('ict', customer('maija', 'Re: asia maija', id => 'again@asiakas.example', headers =>
	"In-Reply-To: <answer.maija\@example.fi>\nReferences: <maija\@asiakas.example> <answer.maija\@example.fi>\n"));
is($desk->once->{status}, 0, 'and an answer to one of them');
is(scalar(() = $desk->smtp->mails), 0, 'nothing leaves');
my $trial = $desk->json('report', 'trial', '--from', '1d');
is($trial->{sends} ? 1 : 0, 0, 'smtp.send is false');
is_deeply($trial->{mails}, { ticket => 8, quarantine => 1 }, 'what became of the mails') or diag explain $trial;
is("$trial->{tickets} $trial->{answered}", '4 3', 'tickets, and those that people answered');
is_deeply([map { "$_->{template} $_->{mails} $_->{sent}" } grep { $_->{template} eq 'acknowledgement' } @{ $trial->{would_send} }],
	['acknowledgement 4 0'], 'what would have been sent');
is_deeply($trial->{agreement}{thread}, { compared => 1, agree => 1, permille => 1000 }, 'the answer is where it belongs');
is_deeply($trial->{agreement}{quarantine}, { compared => 1, agree => 1, permille => 1000 }, 'nobody answered the list');
is_deeply($trial->{agreement}{queue}, { compared => 3, agree => 2, permille => 666 }, 'two of three were answered from their queue');
my $kalle = $desk->db->sql("SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE p.address LIKE 'kalle%'");
is_deeply($trial->{elsewhere}, ["TUKI-$kalle is in ict, answered from hr"], 'and which was not');
my $text = $desk->ctl('report', 'trial');
is($text->{status}, 0, 'for people') or diag $text->{err};
note(decode('UTF-8', $text->{out}));
like($text->{out}, qr/^queue: the first answer came from the ticket's queue\s+66\.7 % \(2 of 3\)$/m, '... with the share that agrees');
unlike($desk->ctl('report', 'trial', '--from', '1d', '--json')->{out}, qr/asiakas\.example/, 'no address of a customer');
is($desk->ctl('report', 'trial', '--from', 'yesterday')->{status}, 64, 'a wrong time is refused');

# --- the desk, once ---------------------------------------------------------------------------------------
my $top = $desk->json('top');
is_deeply([map { "$_->{queue} $_->{open} $_->{no_owner}" } @{ $top->{queues} }], ['ict 4 3'], 'queues');
is($top->{mailboxes}[0]{name}, 'ict', 'mailboxes');
is($top->{quarantine}, 1, 'the quarantine');
cmp_ok($top->{outbox}{queued}, '>=', 4, 'the outbox');
cmp_ok(scalar(grep { $_->{reason} && $_->{event} } @{ $top->{decided} }), '>', 9, 'what was decided, and why');
is(scalar @{ $desk->json('top', '--limit', '3')->{decided} }, 3, '... as much as is asked for');
my $once = $desk->ctl('top', '--once')->{out};
like($once, qr/^MAILBOX .*^ict .*^QUEUE .*^ict +4 .*^OUTBOX .*^queued .*^DECIDED .*TUKI-\d+ +\w+/ms, 'as text');
is($desk->ctl('top', '--every', '0')->{status}, 64, 'a wrong number is refused');

# --- live -------------------------------------------------------------------------------------------------
$desk->db->sql("INSERT INTO event (at, actor, event, reason) VALUES (now(), 'sched', 'odd', E'evil\\e[2J words')");
local $ENV{SHELL} = '/bin/sh';
my $command = "stty cols 60 rows 12; " . program('luukkuctl') . ' -c ' . $desk->conf . " top --every 1; stty -a | grep -o 'icanon\\|-icanon'; echo over";
my $pid = open3(my $in, my $out, undef, 'script', '-qfc', $command, '/dev/null');
my $seen = '';
my $read = sub {
	my ($like, $seconds) = @_;
	my $deadline = time + $seconds;
	while ($seen !~ $like && time < $deadline) {
		next if !IO::Select->new($out)->can_read(1);
		last if !sysread $out, $seen, 65536, length $seen;
	}
	return $seen =~ $like;
};
ok($read->(qr/\e\[\?1049h\e\[\?25l.*QUEUE/s, 60), 'another screen, without a cursor');
ok($read->(qr/(?:\e\[H.*){2}/s, 60), 'shown anew by itself');
my ($first) = $seen =~ /\e\[H(.*?)\e\[J/s;
my @lines = map { s/\e\[K//r } split /\r*\n/, decode('UTF-8', $first);
cmp_ok(scalar @lines, '<=', 12, 'no more lines than the window has');
is_deeply([grep { length > 60 } @lines], [], 'nor columns');
unlike($seen, qr/\e\[2J/, 'words of mails cannot control the terminal');
print {$in} 'q';
$in->flush;
ok($read->(qr/over/, 30), 'q ends it');
like($seen, qr/\e\[\?25h\e\[\?1049l\s*icanon\s*over/, 'and the terminal is as it was');
close $in;
waitpid $pid, 0;

# A new size is seen at once, and Ctrl-C ends it at once, however long it would have waited. The shell
# hears of the key as well.
($command, $seen) = ("trap : INT; tty; " . $command =~ s/--every 1/--every 3600/r, '');
$pid = open3($in, $out, undef, 'script', '-qfc', $command, '/dev/null');
ok($read->(qr{^(/dev/\S+).*QUEUE.*\e\[J}s, 60), 'shown once an hour');
my ($tty) = $seen =~ m{^(/dev/\S+)};
system('stty', '-F', $tty, 'cols', 30, 'rows', 8);
# The frames of before come first.
my $fits = sub {
	my ($last) = $seen =~ /.*\e\[H(.*?)\e\[J/s;
	my @rows = map { s/\e\[K//r } split /\r*\n/, decode('UTF-8', $last // '');
	return @rows == 8 && !grep { length > 30 } @rows;
};
my $until = time + 60;
$read->(qr/(?!)/, 1) while !$fits->() && time < $until;
ok($fits->(), 'but anew when the window has another size, to which it keeps');
$seen = '';
print {$in} "\x03";
$in->flush;
ok($read->(qr/over/, 20), 'Ctrl-C ends it');
like($seen, qr/\e\[\?25h\e\[\?1049l\s*(?:\^C)?\s*icanon\s*over/, 'and the terminal is as it was');
close $in;
waitpid $pid, 0;
done_testing;

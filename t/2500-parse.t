#!/usr/bin/perl
# luukkuctl parse: one mail as luukku sees it, without configuration and database.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Luukku::Test::Base;
use Test::More;

program('luukkuctl');
program('luukku-parse');
my $dir = temp_dir();

sub mail {
	my ($name, $bytes) = @_;
	spew("$dir/$name", $bytes);
	return "$dir/$name";
}

sub parse {
	return run(['luukkuctl', 'parse', @_]);
}

my $finnish = mail('suomi.eml', <<'MAIL');
From: =?utf-8?Q?P=C3=A4ivi_=C3=96rn?= <paivi@asiakas.example>
To: ict@desk.example
Subject: =?iso-8859-1?Q?Ty=F6asema_rikki?=
Date: Fri, 27 Mar 2026 09:50:00 +0200
Message-ID: <m1@asiakas.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Hei, n=E4ytt=F6 on pime=E4 ja kone piippaa kolme kertaa joka kerta kun sen k=E4ynnist=E4n.

--b
Content-Type: text/plain; name*=utf-8''l%C3%A4mp%C3%B6.txt
Content-Disposition: attachment

44 C
--b--
MAIL

my $got = parse('--json', $finnish);
is($got->{status}, 0, 'a mail is read');
is($got->{err}, '', 'nothing on standard error');
my $json = eval { decode_json($got->{out}) };
ok($json, 'one JSON document') or diag($@);
is($json->{from}{name}, 'Päivi Örn', 'name decoded');
is($json->{subject}, 'Työasema rikki', 'subject decoded');
is($json->{date}, '2026-03-27T07:50:00Z', 'date in UTC');
is($json->{attachments}[0]{filename}, 'lämpö.txt', 'attachment name decoded');
is($json->{attachments}[0]{size}, 4, 'attachment size');
is($json->{language}, 'fi', 'language');
like($json->{text}, qr/^Hei, näyttö on pimeä/, 'text decoded');
is_deeply($json->{defects}, [], 'no defects');

my $people = parse($finnish);
is($people->{status}, 0, 'output for people');
like($people->{out}, qr/^Subject: +Ty\xc3\xb6asema rikki$/m, 'it names the subject');

my $piped = run(['luukkuctl', 'parse', '--json', '-'], in => slurp($finnish));
is($piped->{status}, 0, 'standard input');
is(decode_json($piped->{out})->{message_id}, 'm1@asiakas.example', 'the same mail');

# Many mails by one process: one line each, in order, and a missing one does not stop the rest.
my @names = map { mail("m$_.eml", "From: a\@x.example\nSubject: mail $_\n\nhello\n") } 1 .. 30;
my $many = run(['luukkuctl', 'parse', '--json', '--stdin0'],
	in => join("\0", @names[0 .. 9], "$dir/missing.eml", @names[10 .. 29]) . "\0");
my @lines = split /\n/, $many->{out};
is(scalar @lines, 30, 'one line a mail');
is_deeply([map { decode_json($_)->{subject} } @lines], [map { "mail $_" } 1 .. 30], 'in order');
is($many->{status}, 66, 'the missing one sets the exit status');
like($many->{err}, qr/missing\.eml: No such file/, 'and is named');

# Mistakes on the command line, and files that are none.
is(parse("$dir/none.eml")->{status}, 66, 'a missing file');
is(parse()->{status}, 64, 'no file');
is(parse('--nonsense', $finnish)->{status}, 64, 'an unknown option');
is(parse('--stdin0')->{status}, 64, '--stdin0 without --json');
my $empty = parse('--json', mail('empty.eml', ''));
is($empty->{status}, 0, 'an empty file is a mail');
is(decode_json($empty->{out})->{from}, undef, 'from nobody');

# Results of a trusted server only.
my $auth = mail('auth.eml', <<'MAIL');
Authentication-Results: mx.desk.example; spf=pass smtp.mailfrom=x.example; dmarc=fail
Received: from x.example by mx.desk.example; Fri, 27 Mar 2026 09:50:00 +0200
From: a@x.example
Subject: x

x
MAIL
my $trusted = decode_json(parse('--json', '--authserv', 'mx.desk.example', $auth)->{out});
is_deeply($trusted->{auth}, {spf => 'pass', dkim => undef, dmarc => 'fail'}, 'believed');
my $foreign = decode_json(parse('--json', '--authserv', 'mx.other.example', $auth)->{out});
is_deeply($foreign->{auth}, {spf => undef, dkim => undef, dmarc => undef}, 'not believed');
my $other_relay = decode_json(
	parse('--json', '--authserv', 'mx.desk.example', '--relay', 'mx2.desk.example', $auth)->{out});
is_deeply($other_relay->{auth}, {spf => undef, dkim => undef, dmarc => undef},
	'not above a Received line of ours');

# A parser that fails in each way: what can be read of the header, and why no more.
for my $case (
	['parse-crash', qr/crashed/],
	['parse-socket', qr/sandbox forbids/]) {
	my ($mode, $why) = @$case;
	my $failed = run(['luukkuctl', 'parse', '--json', $finnish], env => {LUUKKU_FAULT_MODE => $mode});
	is($failed->{status}, 0, "$mode: still an answer");
	my $mail = decode_json($failed->{out});
	is($mail->{subject}, 'Työasema rikki', "$mode: the subject");
	ok($mail->{suppress_reply}, "$mode: nothing automatic answers");
	like($mail->{defects}[0], $why, "$mode: the reason");
}

my $version = run(['luukku-parse', '--version']);
like($version->{out}, qr/seccomp/, '--version names the sandbox');
is(run(['luukku-parse', 'file.eml'])->{status}, 64, 'luukku-parse is not run by hand');

done_testing();

#!/usr/bin/perl
# The SMTP client against the sink: TLS, login, per-recipient answers, and what a lost connection
# means at each moment.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Probe;
use Luukku::Test::Smtp;
use Luukku::Test::Tls;
use Test::More;

my $tls = Luukku::Test::Tls->new;
my $smtp = Luukku::Test::Smtp->start(user => 'luukku', password => 'pass "word\\');
my $probe = Luukku::Test::Probe->new(host => 'localhost', port => $smtp->port, tls => 'starttls',
	ca => $tls->ca, user => 'luukku', password => 'pass "word\\', 'io-ms' => 3000, 'command-ms' => 3000);
my $mail = temp_dir() . '/mail';
my $bytes = "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nlast\r\n";
spew($mail, $bytes);

sub outcome {
	my ($done) = @_;
	return join '|', split /\n/, $done->{out};
}

sub send_to {
	my (@arguments) = @_;
	return $probe->run('smtp-send', 'bounce@example.fi', $mail, @arguments);
}

# --- ways in
for my $way (
	[ 'STARTTLS, AUTH PLAIN', {} ],
	[ 'STARTTLS, AUTH LOGIN', { auth => 'login' } ],
	[ 'implicit TLS, AUTH PLAIN', { port => $smtp->tls_port, tls => 'implicit' } ],
	)
{
	my ($name, $option) = @$way;
	$smtp->clear;
	my $done = send_to('a@b.fi', $option);
	is(outcome($done), 'a@b.fi sent 250 2.0.0 2.0.0 taken|alive=1', $name) or $smtp->show_log;
	my ($got) = $smtp->mails;
	is($got->{data}, $bytes, "$name: byte for byte, with no empty line at the end");
	is_deeply([ @{$got}{qw(from user helo)}, $got->{tls} ? 1 : 0, @{ $got->{rcpt} } ],
		[ 'bounce@example.fi', 'luukku', 'probe.test', 1, 'a@b.fi' ], "$name: the envelope");
}
my $wrong = send_to('a@b.fi', { password => 'wrong' });
is($wrong->{status}, 78, 'a wrong password is for a person to correct');
like($wrong->{err}, qr/^error CONFIG: localhost:\d+: login refused for luukku: check user and the password file \(server: 535/,
	'and says so');
my $unknown = send_to('a@b.fi', { auth => 'xoauth2' });
like($unknown->{err}, qr/does not offer the login XOAUTH2 \(it offers: PLAIN LOGIN\): set auth/, 'a login it does not offer');
{
	my $open = Luukku::Test::Smtp->start(tls => 0);
	my $done = send_to('a@b.fi', { port => $open->port, tls => 'none', auth => 'none' });
	is(outcome($done), 'a@b.fi sent 250 2.0.0 2.0.0 taken|alive=1', 'plain and without login on loopback');
	$open->stop;
	my $down = send_to('a@b.fi', { port => $open->port, tls => 'none', auth => 'none' });
	like($down->{err}, qr/^error RETRY: cannot reach localhost:\d+: Connection refused/, 'a server that is down');
	is($down->{status}, 75, 'is tried again');
}

# --- a mail whose lines end as they should not
spew($mail, "Subject: x\n\none\r.\rtwo\n.\nthree");
$smtp->clear;
is(outcome(send_to('a@b.fi')), 'a@b.fi sent 250 2.0.0 2.0.0 taken|alive=1', 'bare CR and LF');
is(($smtp->mails)[0]{data}, "Subject: x\r\n\r\none\r\n.\r\ntwo\r\n.\r\nthree\r\n", 'become CRLF, dots doubled: nothing is smuggled');
is($smtp->count, 1, 'one mail');
spew($mail, $bytes);

# --- per recipient
for my $pipelining (1, 0) {
	$smtp->clear;
	$smtp->rules({ pipelining => $pipelining ? JSON::PP::true() : JSON::PP::false() },
		{ at => 'rcpt', match => 'gone', reply => "550-5.1.1 no\r\n550 5.1.1 such user" },
		{ at => 'rcpt', match => 'busy', reply => '451 4.7.1 greylisted' },
		{ at => 'rcpt', match => 'plain', reply => '553 not here' });
	is(outcome(send_to('a@b.fi', 'gone@b.fi', 'busy@b.fi', 'plain@b.fi', 'c@b.fi', { repeat => 2 })),
		join('|', ('a@b.fi sent 250 2.0.0 2.0.0 taken', 'gone@b.fi permanent 550 5.1.1 5.1.1 no 5.1.1 such user',
			'busy@b.fi temporary 451 4.7.1 4.7.1 greylisted', 'plain@b.fi permanent 553 - not here',
			'c@b.fi sent 250 2.0.0 2.0.0 taken', 'alive=1') x 2),
		"each recipient has its own answer (pipelining $pipelining)");
	is_deeply([ map { $_->{rcpt} } $smtp->mails ], [ [ 'a@b.fi', 'c@b.fi' ], [ 'a@b.fi', 'c@b.fi' ] ], 'two mails on one connection');
	is(outcome(send_to('gone@b.fi', { repeat => 2 })),
		join('|', ('gone@b.fi permanent 550 5.1.1 5.1.1 no 5.1.1 such user', 'alive=1') x 2),
		'the connection survives a mail for nobody');
	$smtp->rules({ pipelining => $pipelining ? JSON::PP::true() : JSON::PP::false() },
		{ at => 'mail', times => 1, reply => '452 4.3.1 full' });
	is(outcome(send_to('a@b.fi', 'b@b.fi', { repeat => 2 })),
		'a@b.fi temporary 452 4.3.1 4.3.1 full|b@b.fi temporary 452 4.3.1 4.3.1 full|alive=1|'
		. 'a@b.fi sent 250 2.0.0 2.0.0 taken|b@b.fi sent 250 2.0.0 2.0.0 taken|alive=1', 'MAIL refused once');
}
is(outcome(send_to("a\@b.fi\nRCPT TO:<evil\@x.fi>")), "a\@b.fi|RCPT TO:<evil\@x.fi> permanent 0 5.1.3 the address cannot stand in an SMTP command|alive=1",
	'no second command in an address');
is(outcome(send_to("\xc3\xa4\@b.fi")), "\xc3\xa4\@b.fi permanent 0 5.6.7 the server does not take addresses outside ASCII (SMTPUTF8)|alive=1",
	'no address outside ASCII without SMTPUTF8');

# --- DATA and its answer
my $uncertain = qr/^a\@b\.fi uncertain 0 - localhost:\d+: the mail was sent but its answer was lost: [^|]+\|alive=0$/;
my $temporary = qr/^a\@b\.fi temporary 0 - localhost:\d+: [^|]+\|alive=0$/;
for my $case (
	[ { at => 'data', reply => '554 5.7.1 no' }, qr/^a\@b\.fi permanent 554 5\.7\.1 5\.7\.1 no\|alive=1$/, 'DATA refused' ],
	[ { at => 'dot', reply => '451 4.3.0 later' }, qr/^a\@b\.fi temporary 451 4\.3\.0 4\.3\.0 later\|alive=1$/, '4xx after the dot' ],
	[ { at => 'dot', reply => '554 5.7.1 spam' }, qr/^a\@b\.fi permanent 554 5\.7\.1 5\.7\.1 spam\|alive=1$/, '5xx after the dot' ],
	[ { at => 'dot', reply => '421 4.3.2 bye' }, qr/^a\@b\.fi temporary 421 4\.3\.2 4\.3\.2 bye\|alive=0$/, '421 after the dot' ],
	[ { at => 'dot', drop => 1, store => 1 }, $uncertain, 'answer lost, mail taken' ],
	[ { at => 'dot', drop => 1 }, $uncertain, 'answer lost, mail not taken' ],
	[ { at => 'dot', hang => 1 }, $uncertain, 'no answer in time' ],
	[ { at => 'dot', reply => 'garbage' }, $uncertain, 'an answer that is none' ],
	[ { at => 'mail', drop => 1 }, $temporary, 'dropped at MAIL' ],
	[ { at => 'rcpt', drop => 1 }, $temporary, 'dropped at RCPT' ],
	[ { at => 'data', drop => 1 }, $temporary, 'dropped at DATA' ],
	[ { at => 'mail', hang => 1 }, $temporary, 'hung at MAIL' ],
	[ { at => 'mail', reply => '421 4.3.2 bye' }, qr/^a\@b\.fi temporary 421 4\.3\.2 4\.3\.2 bye\|alive=0$/, '421 at MAIL' ],
	)
{
	my ($rule, $words, $name) = @$case;
	$smtp->rules($rule);
	like(outcome(send_to('a@b.fi')), $words, $name);
}
# dropped in the middle of a mail too long to be in flight at once: the dot was never sent
spew(temp_dir() . '/large', "Subject: x\r\n\r\n" . ("y" x 76 . "\r\n") x 200_000);
$smtp->rules({ at => 'body', drop => 1 });
like(outcome($probe->run('smtp-send', '', temp_dir() . '/large', 'a@b.fi')), $temporary, 'dropped within the mail');
$smtp->rules;
is(outcome($probe->run('smtp-send', '', temp_dir() . '/large', 'a@b.fi')), 'a@b.fi sent 250 2.0.0 2.0.0 taken|alive=1', '15 MB, from <>');
is(($smtp->mails)[-1]{from}, '', 'the null path');

# --- SIZE
$smtp->rules({ size => 1000 });
is(outcome($probe->run('smtp-send', '', temp_dir() . '/large', 'a@b.fi')),
	'a@b.fi permanent 0 5.3.4 the mail is larger than the server takes (SIZE)|alive=1', 'too large is known before');
send_to('a@b.fi');
is(($smtp->mails)[-1]{mail_parameters}, 'SIZE=' . length $bytes, 'SIZE= is said');

# --- at the door
for my $case (
	[ { at => 'connect', drop => 1 }, qr/^error RETRY: localhost:\d+: the server closed the connection/, 'dropped at once' ],
	[ { at => 'connect', hang => 1 }, qr/^error RETRY: localhost:\d+: no answer in time/, 'no greeting' ],
	[ { at => 'connect', reply => '554 5.3.2 closed' }, qr/^error RETRY: localhost:\d+: the server takes no mail now \(server: 554/, '554 greeting' ],
	[ { at => 'auth', reply => '454 4.7.0 later' }, qr/^error RETRY: localhost:\d+: login refused .*454/, 'a login that passes by itself' ],
	[ { starttls => JSON::PP::false() }, qr/^error CONFIG: localhost:\d+: the server does not offer STARTTLS/, 'STARTTLS hidden' ],
	)
{
	my ($rule, $words, $name) = @$case;
	$smtp->rules($rule);
	like(send_to('a@b.fi')->{err}, $words, $name);
}
$smtp->show_log if !Test::More->builder->is_passing;
$smtp->stop;
done_testing;

#!/usr/bin/perl
# Certificates that must be refused before anything secret is sent: IMAP, POP3 and SMTP, implicit
# TLS and STARTTLS. The servers' own logs show that no login was tried.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Dovecot;
use Luukku::Test::Peer;
use Luukku::Test::Probe;
use Luukku::Test::Smtp;
use Luukku::Test::Tls;
use Test::More;

if (my @missing = Luukku::Test::Dovecot::missing_packages()) {
	skip_or_die("missing: @missing");
}
my $tls = Luukku::Test::Tls->new;
my %login = (user => 'ict@example.fi', password => 'secret');
my $other_pin = $tls->cert('other')->{pin};

# certificate the server has => [ what the client is set to, what it must say ]
my %case = (
	evil => [ {}, qr/the certificate is not trusted \(its signer is not known\): set ca_file to .*pin = "sha256:[0-9a-f]{64}"/ ],
	self => [ {}, qr/the certificate is not trusted/ ],
	other => [ {}, qr/the certificate is for other\.test, not for localhost: set host/ ],
	expired => [ {}, qr/the certificate has expired: .*clock/ ],
	good => [ { ca => '', pin => $other_pin }, qr/the server's key is sha256:[0-9a-f]{64}, not the pinned one/ ],
);

for my $kind (sort keys %case) {
	my ($setting, $words) = @{ $case{$kind} };
	my $cert = $tls->cert($kind);
	my $dovecot = Luukku::Test::Dovecot->start(users => { $login{user} => $login{password} }, cert => $cert);
	my $smtp = Luukku::Test::Smtp->start(%login, cert => $cert);
	my %way = (
		'imap-login implicit' => [ $dovecot->port('imaps'), 'MAILBOX', 77 ],
		'imap-login starttls' => [ $dovecot->port('imap'),  'MAILBOX', 77 ],
		'pop3-list implicit'  => [ $dovecot->port('pop3s'), 'MAILBOX', 77 ],
		'pop3-list starttls'  => [ $dovecot->port('pop3'),  'MAILBOX', 77 ],
		'smtp-login implicit' => [ $smtp->tls_port,         'CONFIG',  78 ],
		'smtp-login starttls' => [ $smtp->port,             'CONFIG',  78 ],
	);
	for my $name (sort keys %way) {
		my ($command, $how) = split ' ', $name;
		my ($port, $code, $status) = @{ $way{$name} };
		my $probe = Luukku::Test::Probe->new(%login, host => 'localhost', port => $port,
			tls => $how, ca => $tls->ca, %$setting);
		my $done = $probe->run($command);
		is($done->{status}, $status, "$kind: $name is refused");
		like($done->{err}, qr/^error $code: localhost:$port: $words/, "$kind: $name says why");
	}
	is_deeply([ $dovecot->logins ], [], "$kind: Dovecot saw no login");
	is_deeply([ grep { /AUTH|MAIL|credential/ } $smtp->commands ], [], "$kind: the SMTP server saw no AUTH");
	like($smtp->log, qr/STARTTLS/, "$kind: it was asked for STARTTLS");
	note 'the log of the IMAP and POP3 server:';
	note grep { /-login/ } map { "$_\n" } split /\n/, $dovecot->log;
	if (!Test::More->builder->is_passing) {
		$dovecot->show_log;
		$smtp->show_log;
	}
	$dovecot->stop;
	$smtp->stop;
}

# --- the same servers with the right settings let us in: the refusals above were about certificates
{
	my $dovecot = Luukku::Test::Dovecot->start(users => { $login{user} => $login{password} },
		cert => $tls->cert('self'));
	my $probe = Luukku::Test::Probe->new(%login, host => 'localhost', port => $dovecot->port('imaps'),
		pin => $tls->cert('self')->{pin});
	is($probe->run('imap-login')->{status}, 0, 'a self-signed server with its key pinned');
	is(scalar(grep { /Login:/ } $dovecot->logins), 1, 'now Dovecot saw a login');
	$dovecot->stop;
}

# --- TLS 1.1, no TLS at all, STARTTLS hidden, text injected behind it, PREAUTH
my $cert = $tls->cert('good');
my @old = (tls => $cert, tls_version => 'TLSv1_1');
for my $peer (
	[ 'TLS 1.1', 'imap-login', 'implicit', [@old], qr/TLS 1\.2/ ],
	[ 'no TLS', 'imap-login', 'implicit', [ say => "* OK hello\r\n" ], qr/does not speak TLS here: check port and tls/ ],
	[ 'IMAP STARTTLS hidden', 'imap-login', 'starttls',
		[ say => "* OK hello\r\n", answer => [ qr/CAPABILITY/, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n" ] ],
		qr/does not offer STARTTLS, or somebody in between hides it; nothing was sent/ ],
	[ 'IMAP injection', 'imap-login', 'starttls',
		[ say => "* OK hello\r\n", answer => [ qr/CAPABILITY/, "* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done\r\n" ],
			answer => [ qr/STARTTLS/, "TAG OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n3 OK done\r\n" ] ],
		qr/sent plain text behind its STARTTLS answer: the connection cannot be trusted/ ],
	[ 'PREAUTH', 'imap-login', 'starttls', [ say => "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n" ],
		qr/greets as already logged in, so STARTTLS is not possible/ ],
	[ 'POP3 STLS hidden', 'pop3-list', 'starttls',
		[ say => "+OK hello\r\n", answer => [ qr/STLS/, "-ERR unknown\r\n" ] ],
		qr/does not offer STARTTLS \(STLS\)/ ],
	[ 'POP3 injection', 'pop3-list', 'starttls',
		[ say => "+OK hello\r\n", answer => [ qr/STLS/, "+OK go\r\n+OK injected\r\n" ] ],
		qr/sent plain text behind its STLS answer/ ],
	[ 'SMTP STARTTLS hidden', 'smtp-login', 'starttls',
		[ say => "220 hello\r\n", answer => [ qr/EHLO/, "250-me\r\n250 AUTH PLAIN\r\n" ] ],
		qr/does not offer STARTTLS/ ],
	[ 'SMTP injection', 'smtp-login', 'starttls',
		[ say => "220 hello\r\n", answer => [ qr/EHLO/, "250-me\r\n250 STARTTLS\r\n" ],
			answer => [ qr/STARTTLS/, "220 go\r\n250 AUTH PLAIN\r\n" ] ],
		qr/sent plain text behind its STARTTLS answer/ ],
	)
{
	my ($name, $command, $how, $script, $words) = @$peer;
	my $server = Luukku::Test::Peer->start(@$script);
	my $probe = Luukku::Test::Probe->new(%login, host => 'localhost', port => $server->port,
		tls => $how, ca => $tls->ca, 'io-ms' => 5000);
	my $done = $probe->run($command);
	isnt($done->{status}, 0, "$name is refused");
	like($done->{err}, $words, "$name: says why");
	unlike($server->heard, qr/LOGIN|AUTHENTICATE|USER|PASS|AUTH|c2VjcmV0/, "$name: no credential was sent");
	$server->stop;
}

# --- tls none to another machine
my $far = Luukku::Test::Probe->new(%login, host => '192.0.2.1', port => 143, tls => 'none')->run('imap-login');
like($far->{err}, qr/^error MAILBOX: 192\.0\.2\.1:143: tls = "none" is only for this machine/,
	'no password in the clear to another machine');
done_testing;

#!/usr/bin/perl
# The POP3 client against a real Dovecot: TLS, login, listing, bytes, deletion only by QUIT.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Dovecot;
use Luukku::Test::Probe;
use Luukku::Test::Tls;
use Test::More;

if (my @missing = Luukku::Test::Dovecot::missing_packages()) {
	skip_or_die("missing: @missing");
}
my $tls = Luukku::Test::Tls->new;
my ($user, $password) = ('hr@example.fi', 'two words');
my $dovecot = Luukku::Test::Dovecot->start(users => { $user => $password });
my $probe = Luukku::Test::Probe->new(host => 'localhost', port => $dovecot->port('pop3s'),
	ca => $tls->ca, user => $user, password => $password);

sub ok_run {
	my ($done, $what) = @_;
	is($done->{status}, 0, $what) or diag $done->{err}, $dovecot->log;
	return $done->{out};
}

is(ok_run($probe->run('pop3-list'), 'implicit TLS'), '', 'an empty mailbox');
ok_run($probe->run('pop3-list', { port => $dovecot->port('pop3'), tls => 'starttls' }), 'STLS');
ok_run($probe->run('pop3-list', { port => $dovecot->port('pop3'), tls => 'none' }), 'plain on loopback');
for my $way ({}, { port => $dovecot->port('pop3'), tls => 'starttls' }) {
	my $done = $probe->run('pop3-list', { %$way, password => 'wrong' });
	is($done->{status}, 77, 'a wrong password concerns this mailbox');
	like($done->{err}, qr/^error MAILBOX: localhost:\d+: login refused for hr\@example\.fi: check user and the password file/,
		'and says what to check');
}
my $long = $probe->run('pop3-list', { password => 'x' x 500 });
like($long->{err}, qr/password is too long for POP3/, 'a password that libetpan would cut is refused');

my @mail = map { "From: a\@b.fi\r\nSubject: $_\r\n\r\n" } 1 .. 3;
$mail[1] .= ".\r\n..\r\n.x\r\nnul:\0after\r\n\xff\r\n" . ('y' x 100_000) . "\r\n.\r\n";
$dovecot->deliver($user, $_) for @mail;
my @list = map { [split] } split /\n/, ok_run($probe->run('pop3-list'), 'list');
is_deeply([ map { $_->[0] } @list ], [ 1, 2, 3 ], 'numbers');
is_deeply([ map { $_->[1] } @list ], [ map { length } @mail ], 'sizes');
my %uidl = map { $_->[2] => 1 } @list;
is(scalar(keys %uidl), 3, 'three different UIDLs');
for my $i (1 .. 3) {
	my $got = ok_run($probe->run('pop3-fetch', $i), "fetch $i");
	# Dovecot itself hands out NUL as 0x80
	is(unpack('%32C*', $got =~ s/nul:.after/nul:?after/r), unpack('%32C*', $mail[$i - 1] =~ s/nul:.after/nul:?after/r), "mail $i byte for byte");
	is(length $got, length $mail[$i - 1], 'and in length');
}
is(ok_run($probe->run('pop3-fetch', 2, 1000, 'header'), 'header'), "From: a\@b.fi\r\nSubject: 2\r\n\r\n", 'TOP');
my $over = $probe->run('pop3-fetch', 2, 5000);
like($over->{err}, qr/^error MESSAGE: .*mail 2 is longer than 5000 bytes/, 'max_size holds');
my $none = $probe->run('pop3-fetch', 9);
like($none->{err}, qr/^error MESSAGE: .*the server does not give the mail/, 'a mail that is not there');

ok_run($probe->run('pop3-delete-drop', 1, 2), 'DELE without QUIT');
is($dovecot->count($user), 3, 'deletes nothing');
ok_run($probe->run('pop3-delete', 1, 2), 'DELE and QUIT');
is($dovecot->count($user), 1, 'deletes the two');
like(ok_run($probe->run('pop3-list'), 'list'), qr/^1 \d+ \Q$list[2][2]\E$/, 'the third keeps its UIDL');
$dovecot->show_log if !Test::More->builder->is_passing;
$dovecot->stop;
done_testing;

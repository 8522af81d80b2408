#!/usr/bin/perl

# Mailboxes in trouble: each says what is wrong and what to do, and the others go on.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Luukku::Test::Base qw(wait_until spew slurp);
use Luukku::Test::Desk qw(mail);
use Luukku::Test::Dovecot;
use Luukku::Test::Pg;
use Luukku::Test::Proc qw(free_port);
use Luukku::Test::Tls;
use Test::More;

my @names = qw(good evil othername starttls evilpop closed password folder);
my $tls = Luukku::Test::Tls->new;
my $evil = Luukku::Test::Dovecot->start(users => { map { ("$_\@example.fi" => 'box secret') } @names }, cert => $tls->cert('evil'));
my $other = Luukku::Test::Dovecot->start(users => { map { ("$_\@example.fi" => 'box secret') } @names }, cert => $tls->cert('other'));
my $closed = free_port();

sub mailbox {
	my ($name, $port, $protocol, $how) = @_;
	return qq{  { name = "$name"; protocol = "$protocol"; host = "127.0.0.1"; port = $port; tls = "$how";
    user = "$name\@example.fi"; password_file = "box.pass"; after = "keep"; on_backlog = "normal"; poll = "2s"; }};
}

sub mailboxes {
	my ($good) = @_;
	my $ca = $tls->ca;
	my @all = (
		mailbox('good', $good->port('imap'), 'imap', 'none'),
		mailbox('evil', $evil->port('imaps'), 'imap', 'implicit'),
		mailbox('othername', $other->port('imaps'), 'imap', 'implicit'),
		mailbox('starttls', $evil->port('imap'), 'imap', 'starttls'),
		mailbox('evilpop', $evil->port('pop3s'), 'pop3', 'implicit'),
		mailbox('closed', $closed, 'imap', 'none'),
		mailbox('password', $good->port('imap'), 'imap', 'none'),
		mailbox('folder', $good->port('imap'), 'imap', 'none'));
	s/(tls = "(?:implicit|starttls)";)/$1 ca_file = "$ca";/ for @all;
	$all[6] =~ s/box\.pass/wrong.pass/;
	$all[7] =~ s/after =/folders = ( "Puuttuu" ); after =/;
	return join ",\n", @all;
}

my $desk = Luukku::Test::Desk->start(pg => Luukku::Test::Pg->start(private => 1),
	smtp => 'send = false; envelope_from = "b@example.fi";',
	mailboxes => 'mailboxes come below');
$desk->dovecot->set_password("$_\@example.fi", 'box secret') for @names;
spew($desk->dir . '/box.pass', "box secret\n", 0600);
spew($desk->dir . '/wrong.pass', "wrong secret\n", 0600);
$desk->give_away(map { $desk->dir . "/$_.pass" } qw(box wrong));
$desk->configure(mailboxes => mailboxes($desk->dovecot));

sub error_of {
	my ($name) = @_;
	my $error = $desk->db->sql("SELECT error FROM mailbox WHERE name = '$name'");
	return $error // '';
}

# --- once: the worst status, and the good mailbox was taken
$desk->deliver('good', mail(subject => 'taken all the same'));
my $done = $desk->once;
is $done->{status}, 77, 'the status is that of a mailbox which refused us' or diag $done->{err};
is $desk->db->sql('SELECT count(*) FROM ticket'), 1, 'the good mailbox was taken';
like error_of('evil'), qr/certificate/i, 'a certificate of another CA';
like error_of('othername'), qr/certificate|name/i, 'a certificate for another name';
like error_of('starttls'), qr/certificate/i, 'another CA behind STARTTLS';
like error_of('evilpop'), qr/certificate/i, 'another CA, POP3';
like error_of('closed'), qr/127\.0\.0\.1.*refused/i, 'an unreachable host';
like error_of('password'), qr/login|password|authentication/i, 'a wrong password';
like error_of('folder'), qr/Puuttuu/, 'a folder that does not exist';
is error_of('good'), '', 'the good one has no error';
is scalar(grep { !/^$/ } $evil->logins, $other->logins), 0, 'no credential was sent to a wrong certificate'
	or diag $evil->log, $other->log;
unlike $done->{err} . join(' ', map { error_of($_) } qw(password evil)), qr/secret/, 'no secret in the log or the status';

# --- the same while luukkud runs: seen in the status, and the others go on
my $pid = $desk->up;
$desk->deliver('good', mail(subject => 'second'));
wait_until(sub { $desk->db->sql("SELECT count(*) FROM ticket WHERE subject = 'second'") }, 30, 'the second ticket');
wait_until(sub { my $status = $desk->json('status'); my %m = map { $_->{name} => $_ } @{ $status->{mailboxes} };
	$m{password}{error} && $m{closed}{error} && $m{good} && !$m{good}{error} }, 30, 'luukkuctl status to show the errors');
pass 'luukkuctl status shows what is wrong with which mailbox';

# --- repaired: a reload, and the error goes
spew($desk->dir . '/wrong.pass', "box secret\n", 0600);
$desk->give_away($desk->dir . '/wrong.pass');
kill 'HUP', $pid;
wait_until(sub { error_of('password') eq '' && $desk->db->sql("SELECT last_ok_at IS NOT NULL FROM mailbox WHERE name = 'password'") eq 't' },
	60, 'the repaired mailbox') or diag $desk->log;
pass 'a new password file and a reload repair it';

# --- the server goes away and comes back
$desk->dovecot->stop;
wait_until(sub { error_of('good') ne '' }, 30, 'the lost server to be noticed');
$desk->dovecot->launch;
$desk->deliver('good', mail(subject => 'third'));
wait_until(sub { $desk->db->sql("SELECT count(*) FROM ticket WHERE subject = 'third'") }, 60, 'the mail after the restart');
wait_until(sub { error_of('good') eq '' }, 30, 'its error to go');
pass 'a server that was away is taken up again by itself';

# --- the database goes away and comes back
my $before = $desk->db->sql('SELECT count(*) FROM ticket');
$desk->pg->stop;
$desk->deliver('good', mail(subject => 'fourth'));
wait_until(sub { $desk->log =~ /db\.away/ }, 30, 'the lost database to be noticed');
$desk->pg->start_again;
wait_until(sub { $desk->db->sql("SELECT count(*) FROM ticket WHERE subject = 'fourth'") }, 60, 'the mail after the database')
	or diag $desk->log;
$desk->down;
is $desk->db->sql("SELECT count(*) FROM ticket WHERE subject = 'fourth'"), 1, 'a database that was away loses nothing';
is $desk->db->sql("SELECT count(*) FROM message WHERE direction = 'in'"), 4, 'and doubles nothing';
$desk->show_log if !Test::More->builder->is_passing;
done_testing;

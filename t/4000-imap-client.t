#!/usr/bin/perl
# The IMAP client against a real Dovecot: TLS, login, listing, bytes, after-actions, IDLE.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::Dovecot;
use Luukku::Test::Probe;
use Luukku::Test::Proc ();
use Luukku::Test::Tls;
use Test::More;

if (my @missing = Luukku::Test::Dovecot::missing_packages()) {
	skip_or_die("missing: @missing");
}
my $tls = Luukku::Test::Tls->new;
my $user = 'ict@example.fi';
my $password = 'pass "word\\';
my $dovecot = Luukku::Test::Dovecot->start(users => { $user => $password });
my $probe = Luukku::Test::Probe->new(host => 'localhost', port => $dovecot->port('imaps'),
	ca => $tls->ca, user => $user, password => $password);

sub ok_run {
	my ($done, $what) = @_;
	is($done->{status}, 0, $what) or diag $done->{err}, $dovecot->log;
	return $done->{out};
}

# --- logging in
ok_run($probe->run('imap-login'), 'implicit TLS');
my %starttls = (port => $dovecot->port('imap'), tls => 'starttls');
ok_run($probe->run('imap-login', {%starttls}), 'STARTTLS');
ok_run($probe->run('imap-login', { %starttls, host => '127.0.0.1' }), 'an address in the certificate');
ok_run($probe->run('imap-login', { port => $dovecot->port('imap'), tls => 'none' }), 'plain on loopback');
ok_run($probe->run('imap-login', { ca => '', pin => $tls->cert('good')->{pin}, host => '::ffff:127.0.0.1' }),
	'a pinned key needs neither CA nor name');

# --- a wrong password
for my $way ({}, {%starttls}) {
	my $done = $probe->run('imap-login', { %$way, password => 'wrong' });
	is($done->{status}, 77, 'a wrong password concerns this mailbox');
	like($done->{err}, qr/^error MAILBOX: localhost:\d+: login refused for ict\@example\.fi: check user and the password file/,
		'and says what to check');
	unlike($done->{err}, qr/wrong/, 'without the password');
}
my $hostile = $probe->run('imap-login', { user => "ict\x01" });
like($hostile->{err}, qr/user name holds a control character/, 'no control character reaches the server');

# --- what is listed
my $dovecot_user = sub { $dovecot->deliver($user, @_) };
my $first = "From: a\@b.fi\r\nSubject: one\r\n\r\nhei\r\n";
$dovecot_user->($first, at => 1_700_000_000, flags => 'S');
my $bytes = "From: a\@b.fi\r\nSubject: two\r\n\r\n.dot\r\nä\xff\r\n" . ('x' x 20000) . "\r\n" x 3;
$dovecot_user->($bytes, at => 1_700_000_100);
my $list = ok_run($probe->run('imap-list', 'INBOX'), 'listing');
is($list, '1 ' . length($first) . " 2023-11-14T22:13:20Z seen\n2 " . length($bytes) . " 2023-11-14T22:15:00Z new\n",
	'UID, size, INTERNALDATE, \\Seen');
is(ok_run($probe->run('imap-list', 'INBOX', 1), 'above 1'), (split /^/, $list)[1], 'only newer UIDs');
is(ok_run($probe->run('imap-list', 'INBOX', 2), 'above the last'), '', 'and not the last one again (n:*)');
is(ok_run($probe->run('imap-list', 'INBOX', 0, 1), 'at most 1'), (split /^/, $list)[0], 'the oldest first');
like(ok_run($probe->run('imap-select', 'INBOX'), 'select'), qr/^uidvalidity=[1-9]\d* uidnext=3 exists=2$/,
	'UIDVALIDITY, UIDNEXT, EXISTS');
my $missing = $probe->run('imap-select', 'Nowhere');
is($missing->{status}, 77, 'a folder that is not there');
like($missing->{err}, qr/the folder "Nowhere" cannot be opened: check folders/, 'says so');

# --- bytes
is(ok_run($probe->run('imap-fetch', 'INBOX', 2), 'fetch'), $bytes, 'byte for byte');
is(ok_run($probe->run('imap-fetch', 'INBOX', 2, 1000, 'header'), 'header'), "From: a\@b.fi\r\nSubject: two\r\n\r\n",
	'the header alone');
my $gone = $probe->run('imap-fetch', 'INBOX', 99);
is_deeply([ @{$gone}{qw(status out err)} ], [ 0, '', "gone\n" ], 'a mail that is not there');
my $long = $probe->run('imap-fetch', 'INBOX', 2, 5000);
like($long->{err}, qr/^error MESSAGE: .*mail 2 is longer than 5000 bytes: raise max_size/, 'max_size holds');
is((grep { /:2,S/ } $dovecot->list($user))[1], undef, 'reading sets no flag');

# --- after-actions
ok_run($probe->run('imap-seen', 'INBOX', 2, 77), 'seen; one of the UIDs has gone');
is(scalar(grep { /:2,S/ } $dovecot->list($user)), 2, 'both are seen now');
$dovecot_user->("Subject: $_\r\n\r\n") for 3 .. 8;
ok_run($probe->run('imap-select', 'INBOX'), 'UIDs are given');
ok_run($probe->run('imap-move', 'INBOX', 'Käsitelty/Luukku & muut', 3, 4, 99), 'move to a missing folder');
is($dovecot->count($user, 'Käsitelty/Luukku & muut'), 2, 'both are there');
my $folder = 'Käsitelty/Luukku & muut';
utf8::encode($folder);
is_deeply([ $dovecot->subscriptions($user) ], [$folder], 'and the folder is subscribed to');
is($dovecot->count($user), 6, 'and no longer in INBOX');
ok_run($probe->run('imap-move', 'INBOX', 'Käsitelty/Luukku & muut', 3), 'what has been moved already is no error');
# a mail that a person has marked deleted, and not expunged, stays
my ($marked) = map { m{/([^/:]+)(:[^/]*)?\z} ? $_ : () } grep { /new|cur/ } ($dovecot->list($user))[2];
my $renamed = $marked =~ s{/new/}{/cur/}r;
$renamed =~ s/(:2,.*)?\z/:2,ST/;
rename $marked, $renamed or die "rename: $!";
ok_run($probe->run('imap-delete', 'INBOX', 6, 7), 'delete');
is($dovecot->count($user), 4, 'two are expunged');
ok(-e $renamed, 'a mail that somebody else marked is not');

# --- after COPY without MOVE and UIDPLUS
{
	my $old = Luukku::Test::Dovecot->start(users => { $user => $password },
		settings => 'imap_capability = IMAP4rev1 IDLE LITERAL+');
	$old->deliver($user, "Subject: $_\r\n\r\n") for 1 .. 3;
	my $there = Luukku::Test::Probe->new(%$probe, port => $old->port('imaps'));
	ok_run($there->run('imap-move', 'INBOX', 'Done', 1, 2), 'move on a server without MOVE');
	is($old->count($user, 'Done'), 2, 'copied');
	is($old->count($user, 'INBOX', live => 1), 1, 'and marked deleted, nothing else is touched');
	is($old->count($user, 'INBOX'), 3, 'but not expunged: without UIDPLUS that would take all marked mails');
	$old->stop;
}

# --- folders where the delimiter is not a slash
{
	my $dotted = Luukku::Test::Dovecot->start(users => { $user => $password }, separator => '.');
	$dotted->deliver($user, "Subject: 1\r\n\r\n");
	my $there = Luukku::Test::Probe->new(%$probe, port => $dotted->port('imaps'));
	ok_run($there->run('imap-move', 'INBOX', 'Luukku/Done', 1), 'move with another delimiter');
	is_deeply([ $dotted->folders($user) ], ['Luukku/Done'], 'one level below the other');
	$dotted->stop;
}

# --- waiting
for my $way ([ 'idle', 1 ], [ 'poll', 0 ]) {
	my ($how, $rings) = @$way;
	my $out = temp_dir() . "/wait-$how";
	my $pid = Luukku::Test::Proc::spawn(
		command => [ $probe->command('imap-wait', 'INBOX', $rings ? 30000 : 300, $how) ], log => $out);
	wait_until(sub { -e $out && slurp($out) =~ /waiting/ }, 20, 'the probe to wait');
	my $begun = time;
	$dovecot_user->("Subject: news\r\n\r\n") if $rings;
	wait_until(sub { !Luukku::Test::Proc::is_running($pid) }, 20, 'the probe to end');
	like(slurp($out), qr/^news=1$/m, "$how: " . ($rings ? 'woken by a new mail' : 'the time is news too'));
	cmp_ok(time - $begun, '<', 28, "$how: in time");
}

$dovecot->show_log if !Test::More->builder->is_passing;
$dovecot->stop;
done_testing;

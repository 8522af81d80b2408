#!/usr/bin/perl
# The site's keys: a new one signs, the old one is still believed, and it goes only when nothing
# hangs on it any more.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Desk qw(mail header);
use Luukku::Test::Proc qw(unprivileged_ids);

my $desk = Luukku::Test::Desk->start;
my $file = $desk->dir . '/site.key';
my ($uid) = unprivileged_ids();

sub fingerprints {
	return [$desk->ctl('key', 'list')->{out} =~ /^([0-9a-f]{16})  /mg];
}

sub refused {
	my ($name, $status, $why) = @_;
	my $before = slurp($file);
	my $done = $desk->ctl('key', 'retire');
	is($done->{status}, $status, "$name: exit status");
	like($done->{err}, $why, "$name: why");
	is(slurp($file), $before, "$name: the file stays as it was");
	return;
}

my ($old) = @{ fingerprints() };
refused('the only key', 77, qr/holds one key: make a new one with `luukkuctl key rotate`/);

$desk->deliver('ict', mail(subject => 'Näppäimistö rikki', from => 'aino.asiakas@example.org'));
$desk->once;
my ($acknowledgement) = $desk->smtp->mails;
my $reply_to = header($acknowledgement->{data}, 'Reply-To');
like($reply_to, qr/ict\+[a-z2-7]{36}\@example\.fi/, 'an acknowledgement under the first key');
my $sealed = run(['luukkuctl', '-c', $desk->conf, 'seal'], in => "smtp secret\n")->{out};
chomp $sealed;

my $rotated = $desk->ctl('key', 'rotate');
is($rotated->{status}, 0, 'key rotate') or diag $rotated->{err};
like($rotated->{out}, qr/a new key signs, 1 verify .*luukkuctl reload/s, 'key rotate says what to do');
unlike($rotated->{out}, qr/[0-9a-f]{32}/, 'and shows no key');
my @keys = @{ fingerprints() };
is(scalar @keys, 2, 'two keys');
is($keys[1], $old, 'the old one is second');
is((stat $file)[2] & 07777, 0600, 'only its owner can read the file');
is((stat $file)[4], $> == 0 ? $uid : $>, 'and it belongs to whom it belonged to');
like(slurp($file), qr/\A# signs since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n[0-9a-f]{64}\n[0-9a-f]{64}\n\z/, 'the file');

$desk->deliver('ict', mail(subject => 'Jotain aivan muuta', from => 'aino.asiakas@example.org', to => $reply_to));
$desk->once;
is($desk->db->sql('SELECT count(*) FROM ticket'), 1, 'a token under the old key still finds its ticket');
refused('an open ticket', 77, qr/1 tickets that are not closed were mailed under the oldest key \(TUKI-\d+\)/);

my $ticket = $desk->db->sql('SELECT id FROM ticket');
is($desk->ctl('do', $ticket, 'resolve silent', '--as', 'aino@example.fi')->{status}, 0, 'resolved');
refused('a resolved ticket', 77, qr/not closed/);
is($desk->ctl('do', $ticket, 'close', '--as', 'aino@example.fi')->{status}, 0, 'closed');

my $text = slurp($desk->conf);
(my $with_seal = $text) =~ s/(auth = "plain"; user = "luukku";\s+)password_file = "smtp\.pass"/$1password_sealed = "$sealed"/ or die;
spew($desk->conf, $with_seal, 0600);
$desk->give_away($desk->conf);
refused('a value that is sealed under it', 77, qr/luukku\.conf:\d+: this value is sealed under the oldest key: seal it anew/);
ok(!-e "$file.kept", 'nothing is left behind');
spew($desk->conf, $text, 0600);
$desk->give_away($desk->conf);

my $retired = $desk->ctl('key', 'retire');
is($retired->{status}, 0, 'key retire') or diag $retired->{err};
like($retired->{out}, qr/\b\Q$old\E is retired, 1 left/, 'key retire names it');
is_deeply(fingerprints(), [$keys[0]], 'the new key is left');
like(slurp($file), qr/\A# signs since \S+\n[0-9a-f]{64}\n\z/, 'the file again');

# A key that somebody wrote on top by hand: the file's last change counts.
spew($file, $desk->ctl('key', 'new')->{out} . slurp($file), 0600);
$desk->give_away($file);
is(scalar @{ fingerprints() }, 2, 'a key put in by hand');
is($desk->ctl('key', 'retire')->{status}, 0, 'nothing hangs on the other one');
is(scalar @{ fingerprints() }, 1, 'one is left');
unlike(slurp($file), qr/since/, 'its mark went with the key');
done_testing;

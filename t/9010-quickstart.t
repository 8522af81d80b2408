#!/usr/bin/perl
# contrib/quickstart/run: twice in a row, kept running and stopped, and on a mailbox of one's own.
# It checks what it shows by itself; here its exit status, its traces and its refusals are checked.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Dovecot;
use Luukku::Test::Pg;
use Luukku::Test::Tls;

my @missing = (Luukku::Test::Dovecot::missing_packages(), Luukku::Test::Pg::missing_packages());
skip_or_die("Debian packages are missing: @missing") if @missing;
program($_) for qw(luukkud luukkuctl luukku-fetch luukku-parse luukku-send luukku-sched luukku-lmtp);
my $dir = temp_dir();

# The second half alone: the first installs and builds, which t/run has just done.
sub quickstart {
	my ($options, %more) = @_;
	return run([$^X, '-I' . source_dir() . '/t/lib', source_dir() . '/contrib/quickstart/show.pl', @$options],
		env => { LC_ALL => 'C.UTF-8', LUUKKU_BUILD => build_dir(), TMPDIR => $dir, LUUKKU_TEST_PG => undef },
		seconds => 170, %more);
}

sub processes {
	my ($under) = @_;
	return grep { /\Q$under\E/ } split /\n/, run(['ps', '-eo', 'pid,args'])->{out};
}

for my $time (1, 2) {
	my @options = $time == 1 ? () : ('--dir', "$dir/again");
	my $begin = time;
	my $done = quickstart(\@options);
	is($done->{status}, 0, "run $time: exit status") or diag $done->{out}, $done->{err};
	cmp_ok(time - $begin, '<', 170, "run $time: below three minutes");
	like($done->{out}, qr/^All as it should be: 8 mails in, 5 tickets, 4 acknowledgements/m, "run $time: all there");
	like($done->{out}, qr/^  Reply-To: ict\+[a-z2-7]{36}\@example\.fi$/m, "run $time: shows an acknowledgement");
	like($done->{out}, qr/joined +joins: reply address of TUKI-\d+/, "run $time: shows the threaded reply");
	like($done->{out}, qr/^  From: Aino Aalto <ict\@example\.fi>$/m, "run $time: shows an agent's answer");
	like($done->{out}, qr/^  not_acknowledged: /m, "run $time: says why there was no answer");
	my @left = glob "$dir/luukku-quickstart-* $dir/again/*";
	is_deeply(\@left, [], "run $time: nothing is left");
	is_deeply([processes($dir)], [], "run $time: no process is left");
}

my $kept = quickstart(['--keep', '--dir', "$dir/kept"]);
is($kept->{status}, 0, '--keep: exit status') or diag $kept->{out}, $kept->{err};
like($kept->{out}, qr/^look around:$/m, '--keep: says how to look around');
cmp_ok(scalar processes("$dir/kept/bin/luukkud"), '>=', 1, '--keep: luukkud is running');
my ($alias) = $kept->{out} =~ /^  alias luukkuctl='(.*)'$/m;
my $list = run(['sh', '-c', "$alias list --status all"]);
is(() = $list->{out} =~ /^TUKI-/mg, 5, '--keep: the command it prints works');
is(quickstart(['--stop', "$dir/kept"])->{status}, 0, '--stop: exit status');
ok(!-e "$dir/kept", '--stop: nothing is left');
is_deeply([processes("$dir/kept")], [], '--stop: no process is left');
isnt(quickstart(['--stop', "$dir/kept"])->{status}, 0, '--stop: not twice');

# --- a mailbox of one's own ----------------------------------------------------------------------

my $tls = Luukku::Test::Tls->new;
my $dovecot = Luukku::Test::Dovecot->start(users => { 'me@home.example' => 'my secret' });
$dovecot->deliver('me@home.example', "From: friend\@away.example\nTo: me\@home.example\nSubject: hello\n"
	. "Message-ID: <1\@away.example>\n\nhow are you?\n", flags => 'S');
$dovecot->deliver('me@home.example', "From: other\@away.example\nTo: me\@home.example\nSubject: again\n"
	. "Message-ID: <2\@away.example>\n\nhello\n");
$dovecot->deliver('me@home.example', "From: old\@away.example\nTo: me\@home.example\nSubject: old\n"
	. "Message-ID: <3\@away.example>\n\nlong ago\n", at => time - 40 * 86400);
my $url = 'imaps://me@home.example@localhost:' . $dovecot->port('imaps');

# Names without what a mail server itself does with them, and contents.
sub mailbox {
	return map { my $path = $_; my ($flags) = $path =~ /:2,([A-Z]*)\z/;
		($flags // '') . ' ' . Digest::SHA::sha256_hex(slurp($path)) } $dovecot->list('me@home.example', 'INBOX');
}
my @before = mailbox();
my $own = quickstart(['--mailbox', $url, '--ca', $tls->ca, '--days', '30'], in => "my secret\n");
is($own->{status}, 0, '--mailbox: exit status') or diag $own->{out}, $own->{err};
is(() = $own->{out} =~ /^  TUKI-\d+ .* (?:hello|again)$/mg, 2, '--mailbox: the mails of the last days are tickets');
unlike($own->{out}, qr/^  TUKI-\d+ .* old$/m, '--mailbox: older mail is left');
is_deeply([mailbox()], \@before, '--mailbox: the mails stay where and as they are');
is_deeply([$dovecot->folders('me@home.example')], [], '--mailbox: no folder is made');
unlike($own->{out} . $own->{err}, qr/my secret/, '--mailbox: the password is shown nowhere');

for my $case (
	[[$url, '--ca', $tls->ca], "wrong\n", qr/password/i, 'a wrong password'],
	[[$url], "my secret\n", qr/certificate/i, 'a certificate that nobody knows'],
	[['imap://x'], "a\n", qr/write it as imaps/, 'no address'],
	[[$url], '', qr/no password was given/, 'no password'],
) {
	my ($options, $in, $message, $what) = @$case;
	my $refused = quickstart(['--mailbox', @$options], in => $in);
	isnt($refused->{status}, 0, "--mailbox with $what: refused");
	like($refused->{out} . $refused->{err}, $message, "--mailbox with $what: says so");
}
is(() = glob("$dir/luukku-quickstart-*"), 0, 'nothing is left after a refusal');
spew("$dir/mine", 'x');
isnt(quickstart(['--dir', $dir])->{status}, 0, '--dir: not one that is in use');

# The first half.
my $script = source_dir() . '/contrib/quickstart/run';
is(run(['sh', '-n', $script])->{status}, 0, 'run is POSIX sh');
like(run([$script, '--help'])->{out}, qr/^usage: contrib\/quickstart\/run/, 'run --help');

done_testing;

#!/usr/bin/perl
# A database whose disk is full: the message says what to do, nothing is half stored, and all goes
# on once there is space.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;
use Luukku::Test::Proc qw(unprivileged_ids);

# A disk of 16 MB; only root can make one, so what needs it is skipped for others.
my $small = temp_dir() . '/small';
mkdir $small or die "$small: $!";
my $mounted = run(['mount', '-t', 'tmpfs', '-o', 'size=16m,mode=755', 'tmpfs', $small]);

# Runs before the server's own end: a lazy unmount does not mind that it is in use.
END {
	my $status = $?;
	run(['umount', '-l', $small]) if $mounted && $mounted->{status} == 0;
	$? = $status;
}

sub content {
	my ($name, $size) = @_;
	my $file = temp_dir() . "/$name";
	spew($file, substr(pack('N*', 1 .. $size / 4 + 1), 0, $size));
	return $file;
}

SKIP: {
	skip 'no right to mount a small disk', 7 if $mounted->{status} != 0;
	my ($uid, $gid) = unprivileged_ids();
	chown $uid, $gid, $small or die "chown $small: $!";
	my $pg = Luukku::Test::Pg->start(private => 1);
	my $db = $pg->database;
	my $role = { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_lmtp' };
	$db->sql("CREATE TABLESPACE small LOCATION '$small'");
	$db->sql('ALTER TABLE blob_chunk SET TABLESPACE small');

	my $first = content('first', 4_000_000);
	is($db->helper('blob-store', $first, env => $role)->{status}, 0, 'what fits is stored');
	my $full = $db->helper('blob-store', content('huge', 30_000_000), env => $role);
	is($full->{status}, 75, 'what does not fit is to be tried again');
	like($full->{err}, qr/^RETRY: database: could not extend file .*No space left on device .*SQLSTATE 53100\): the database's disk is full: free space on the database host; mail waits on the mail server until then$/,
		'and the message says what to do');
	is($db->sql('SELECT count(*) FROM blob'), 1, 'nothing of it stays');
	is($db->helper('blob-load', 1, env => $role)->{out}, slurp($first), 'what was there is still there');

	is(run(['mount', '-o', 'remount,size=64m', $small])->{status}, 0, 'space is made');
	is($db->helper('blob-store', content('next', 30_000_000), env => $role)->{status}, 0,
		'and it goes on by itself');
}

done_testing;

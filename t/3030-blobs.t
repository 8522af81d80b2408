#!/usr/bin/perl
# Values there and back, and content of every awkward size stored once.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;
my $role = { LUUKKU_DB => $db->conninfo, LUUKKU_ROLE => 'luukku_lmtp' };

my $values = $db->helper('values');
is($values->{status}, 0, 'values') or diag $values->{err};
for my $line (split /\n/, $values->{out}) {
	my ($what, $ok) = $line =~ /^(.*) (\d)$/;
	is($ok, 1, "$what goes there and back");
}
is(() = $values->{out} =~ /\n/g, 12, 'all kinds were tried');

# --- content
my $chunk = 256 * 1024;
my %file;
for my $size (0, 1, 1999, $chunk - 1, $chunk, $chunk + 1, 2 * $chunk, 5_000_000) {
	my $bytes = '';
	my $seed = "seed $size";
	while (length $bytes < $size) {
		$seed = Digest::SHA::sha512($seed);
		$bytes .= $seed;
	}
	$file{$size} = temp_dir() . "/content$size";
	spew($file{$size}, substr $bytes, 0, $size);
}
my @sizes = sort { $a <=> $b } keys %file;
my $stored = $db->helper('blob-store', @file{@sizes}, env => $role);
is($stored->{status}, 0, 'store as luukku_lmtp') or diag $stored->{err};
my @blobs = $stored->{out} =~ /^blob (\d+) ([0-9a-f]{64})$/mg;
is(@blobs, 2 * @sizes, 'each got a number and a hash');
my %id;
for my $size (@sizes) {
	my ($id, $hash) = splice @blobs, 0, 2;
	$id{$size} = $id;
	my $loaded = $db->helper('blob-load', $id, env => $role);
	is($loaded->{status}, 0, "load $size bytes") or diag $loaded->{err};
	ok($loaded->{out} eq slurp($file{$size}), "$size bytes are the same");
	my ($row) = $db->sql("SELECT size, encode(hash, 'hex') FROM blob WHERE id = $id");
	is_deeply($row, [$size, $hash], 'and the row says so');
	my ($pieces) = $db->sql("SELECT count(*), coalesce(sum(octet_length(data)), 0),
		coalesce(max(octet_length(data)), 0) <= $chunk FROM blob_chunk WHERE blob_id = $id");
	is_deeply($pieces, [int(($size + $chunk - 1) / $chunk), $size, 't'], 'in pieces of 256 KiB');
}
my $again = $db->helper('blob-store', reverse(@file{@sizes}), env => $role);
is(join(' ', sort { $a <=> $b } $again->{out} =~ /^blob (\d+)/mg),
	join(' ', sort { $a <=> $b } values %id), 'the same content again is the same blob');
is($db->sql('SELECT count(*) FROM blob'), scalar @sizes, 'and is stored once');

# A part of a file is content of its own.
my $part = $db->helper('blob-part', $file{5_000_000}, 1_000_001, 700_003, env => $role);
my ($part_id) = $part->{out} =~ /^blob (\d+)$/m;
ok($db->helper('blob-load', $part_id, env => $role)->{out}
	eq substr(slurp($file{5_000_000}), 1_000_001, 700_003), 'a part of a file');
my $short = $db->helper('blob-part', $file{1999}, 1000, 1000, env => $role);
is($short->{status}, 65, 'a file shorter than it should be is refused');
like($short->{err}, qr/^DATA: /, 'as bad data');

# A source that fails in the middle of COPY leaves nothing.
my $before = $db->sql('SELECT count(*) FROM blob_chunk');
is($db->helper('blob-part', $file{5_000_000}, 4_000_000, 1_000_001, env => $role)->{status}, 65,
	'a large file that is too short');
is($db->sql('SELECT count(*) FROM blob_chunk'), $before, 'nothing is stored of it');

# Two that store the same new content at once end with one blob.
{
	my $same = temp_dir() . '/same';
	spew($same, 'twice' x 200_000);
	my @pids;
	for my $i (1 .. 4) {
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			my $done = $db->helper('blob-store', $same, env => $role);
			spew(temp_dir() . "/same$i", "$done->{status} $done->{out}$done->{err}");
			POSIX::_exit(0);
		}
		push @pids, $pid;
	}
	waitpid $_, 0 for @pids;
	my %seen = map { slurp(temp_dir() . "/same$_") => 1 } 1 .. 4;
	is(keys %seen, 1, 'four intakes of the same content get one number') or diag keys %seen;
	like((keys %seen)[0], qr/^0 blob \d+ /, 'and all succeed');
}

# --- damage
$db->sql("UPDATE blob_chunk SET data = set_byte(data, 100, get_byte(data, 100) # 1)
	WHERE blob_id = $id{5_000_000} AND n = 7");
my $damaged = $db->helper('blob-load', $id{5_000_000}, env => $role);
is($damaged->{status}, 65, 'damaged content is not passed off as good');
like($damaged->{err}, qr/^DATA: content \d+ is damaged in the database/, 'the message says so');
$db->sql("DELETE FROM blob_chunk WHERE blob_id = $id{$chunk}");
is($db->helper('blob-load', $id{$chunk}, env => $role)->{status}, 65, 'nor is missing content');
my $none = $db->helper('blob-load', 999_999, env => $role);
is($none->{status}, 66, 'content that is not there');
like($none->{err}, qr/^NOINPUT: content 999999 is not in the database/, 'is named');

done_testing;

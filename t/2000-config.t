#!/usr/bin/perl
# The configuration through the programs: what check says and exits with, what config shows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use JSON::PP;
use Luukku::Test::Base;

program('luukkuctl');
my $dir = temp_dir();
my $conf = "$dir/luukku.conf";
my $minimal = <<'END';
site: { domain = "example.fi"; spool_dir = "."; };
database: { conninfo = "dbname=luukku"; };
smtp: { host = "smtp.example.fi"; };
mailboxes: ( { name = "ict"; host = "imap.example.fi"; user = "ict@example.fi"; password_file = "ict.pass"; } );
agents: ( { name = "Aino"; address = "aino@example.fi"; } );
queues: ( { name = "ict"; addresses = ( "ict@example.fi" ); agents = ( "aino@example.fi" ); } );
END
spew($conf, $minimal, 0644);
spew("$dir/site.key", '0123456789abcdef' x 4 . "\n", 0600);
spew("$dir/ict.pass", "secret\n", 0600);

subtest 'a good configuration' => sub {
	my $done = run(['luukkuctl', '-c', $conf, 'check']);
	is $done->{status}, 0, 'exit status';
	like $done->{out}, qr/^configuration OK$/m, 'says so';
	is $done->{err}, '', 'and nothing else';
};

subtest 'files that are named' => sub {
	chmod 0644, "$dir/ict.pass" or die;
	my $done = run(['luukkuctl', '-c', $conf, 'check']);
	is $done->{status}, 78, 'EX_CONFIG';
	like $done->{err},
		qr{^\Q$conf\E:4: mailboxes\[ict\]\.password_file: .*ict\.pass is open to others .*chmod 600}m,
		'an open password file, with its line';
	chmod 0600, "$dir/ict.pass" or die;
	rename "$dir/site.key", "$dir/site.key.away" or die;
	$done = run(['luukkuctl', '-c', $conf, 'check']);
	is $done->{status}, 78, 'EX_CONFIG';
	like $done->{err}, qr/site\.key_file: cannot read .*luukkuctl key new/, 'what to do';
	rename "$dir/site.key.away", "$dir/site.key" or die;
};

subtest 'ten mistakes in one run' => sub {
	my $bad = "$dir/ten-mistakes.conf"; # beside the files that it names
	my $text = slurp(source_dir() . '/t/conf/bad/ten-mistakes.conf');
	$text =~ s/(domain = "example\.fi";)/$1 spool_dir = ".";/;
	spew($bad, $text, 0644);
	my $done = run(['luukkuctl', '-c', $bad, 'check']);
	is $done->{status}, 78, 'EX_CONFIG';
	my @lines = grep { m{ten-mistakes\.conf:\d+: } } split /\n/, $done->{err};
	is scalar @lines, 10, 'ten lines';
	my @numbers = map { m{:(\d+): } ? $1 : 0 } @lines;
	is "@numbers", join(' ', sort { $a <=> $b } @numbers), 'from top to bottom';
	is scalar(grep { /did you mean/ } @lines), 3, 'three of them guess';
	$done = run(['luukkuctl', '-c', $bad, 'check', '--json']);
	my $problems = decode_json($done->{out});
	is scalar(@$problems), 10, 'as JSON too';
	is_deeply [sort keys %{$problems->[0]}], [qw(file line message severity)], 'its keys';
	is $done->{status}, 78, 'EX_CONFIG';
};

subtest 'a missing configuration' => sub {
	my $done = run(['luukkuctl', '-c', "$dir/nosuch.conf", 'check']);
	is $done->{status}, 78, 'EX_CONFIG';
	like $done->{err}, qr/nosuch\.conf: cannot read it: No such file/, 'named';
};

subtest 'settings in force' => sub {
	spew("$dir/diff.conf", $minimal . "reload_limit = 30;\nbreaker = ( \"5/1m\" );\n", 0644);
	my $all = run(['luukkuctl', '-c', "$dir/diff.conf", 'config']);
	is $all->{status}, 0, 'config';
	like $all->{out}, qr/^mailboxes\[ict\]\.poll = "1m"$/m, 'a default in force';
	like $all->{out}, qr/^mailboxes\[ict\]\.password = file "\Q$dir\E\/ict\.pass"$/m,
		'a path is absolute';
	my $diff = run(['luukkuctl', '-c', "$dir/diff.conf", 'config', '--diff']);
	like $diff->{out}, qr/^reload_limit = 30$/m, 'what differs';
	unlike $diff->{out}, qr/poll/, 'and no default';
	my $defaults = run(['luukkuctl', '-c', "$dir/nosuch.conf", 'config', '--defaults']);
	is $defaults->{status}, 0, 'defaults need no configuration';
	like $defaults->{out}, qr/^reload_limit = 20   # /m, 'with prose';
};

subtest 'a secret is never shown' => sub {
	my $text = $minimal;
	$text =~ s/password_file = "ict\.pass"/password = "hush-hush"/;
	$text =~ s/dbname=luukku/dbname=luukku password=hush-hush/;
	spew("$dir/plain.conf", $text, 0600);
	for my $command (['check'], ['check', '--json'], ['config'], ['config', '--diff']) {
		my $done = run(['luukkuctl', '-c', "$dir/plain.conf", @$command]);
		is $done->{status}, 0, "@$command";
		unlike $done->{out} . $done->{err}, qr/hush/, 'no password';
	}
	my $done = run(['luukkuctl', '-c', "$dir/plain.conf", 'check']);
	like $done->{err}, qr/:4: warning: .*password stands here in plain text/, 'a warning';
	chmod 0644, "$dir/plain.conf" or die;
	$done = run(['luukkuctl', '-c', "$dir/plain.conf", 'check']);
	is $done->{status}, 78, 'refused where everybody may read it';
	unlike $done->{err}, qr/hush/, 'without the password';
};

subtest 'the sample' => sub {
	my $done = run(['luukkuctl', '-c', source_dir() . '/conf/luukku.conf', 'config', '--diff']);
	is $done->{status}, 0, 'loads';
	is $done->{err}, '', 'without a warning';
};

subtest 'the manual page' => sub {
	need_packages(mandoc => '/usr/bin/mandoc');
	my $done = run(['/usr/bin/mandoc', '-Tlint', '-W', 'warning',
		source_dir() . '/conf/luukku.conf.5']);
	is $done->{out} . $done->{err}, '', 'mandoc has nothing to say';
};

done_testing();

#!/usr/bin/perl
# What `cmake --install` puts where, that it is all there, and that the installed programs find each
# other and their templates without the build tree.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Find ();
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;

program('luukkuctl');
my ($build, $top, $dir) = (build_dir(), source_dir(), temp_dir());
skip_or_die("$build is no build directory") if !-e "$build/cmake_install.cmake";
my $done = run(['cmake', '--install', $build], env => { DESTDIR => "$dir/root" }, seconds => 120);
is($done->{status}, 0, 'cmake --install') or diag $done->{err}, $done->{out};

my ($prefix) = slurp("$build/CMakeCache.txt") =~ /^CMAKE_INSTALL_PREFIX:\w+=(.*)$/m;
my %mode;
File::Find::find({ no_chdir => 1, wanted => sub {
	return if !-f;
	my $path = $File::Find::name =~ s{^\Q$dir/root$prefix\E/}{}r;
	$mode{$path} = sprintf '%o', (stat)[2] & 0777;
} }, "$dir/root");

my @programs = map { m{^daemon/(luukku[\w-]*)\.c$} } tracked_files(qr{^daemon/luukku[\w-]*\.c$});
my %wanted = ('sbin/luukkud' => '755', 'bin/luukkuctl' => '755',
	'share/luukku/luukku.conf' => '644', 'share/doc/luukku/README' => '644',
	'share/doc/luukku/COPYING' => '644', 'share/man/man5/luukku.conf.5' => '644', 'share/man/man5/luukku-templates.5' => '644',
	'share/man/man7/luukku-schema.7' => '644', 'lib/systemd/system/luukkud.service' => '644',
	'share/bash-completion/completions/luukkuctl' => '644');
$wanted{"libexec/luukku/$_"} = '755' for grep { $_ ne 'luukkud' && $_ ne 'luukkuctl' } @programs;
$wanted{"share/man/man8/$_.8"} = '644' for @programs;
$wanted{ 'share/luukku/' . s{^conf/}{}r } = '644' for tracked_files(qr{^conf/templates/});
is_deeply(\%mode, \%wanted, 'these files are installed, with these modes, and no other');

my $unit = slurp("$dir/root$prefix/lib/systemd/system/luukkud.service");
like($unit, qr{^ExecStart=\Q$prefix\E/sbin/luukkud }m, 'the unit starts the installed luukkud');
unlike($unit, qr/\@\w+\@/, 'the unit has no placeholder left');
for my $program ('sbin/luukkud', 'bin/luukkuctl', map { "libexec/luukku/$_" } grep { /-/ } @programs) {
	my $path = "$dir/root$prefix/$program";
	unlike(run(['readelf', '-d', $path])->{out}, qr/R(?:UN)?PATH/, "$program has no path of the build in it")
		if -x '/usr/bin/readelf';
	is(run([$path, '--version'])->{status}, 0, "$program --version");
}

# In a mount namespace of its own the tree stands where it was made for; the build tree is hidden.
SKIP: {
	my $try = run(['unshare', '-m', 'true']);
	skip 'no mount namespaces here (root has them)', 4 if $> != 0 || $try->{status} != 0;
	mkdir "$dir/empty" or die $!;
	spew("$dir/mail.eml", "From: a\@example.fi\nSubject: =?utf-8?q?h=C3=A4iri=C3=B6?=\n\nhei\n");
	my @hide = $build =~ m{^/tmp/|^\Q$dir\E} ? () : ("mount --bind $dir/empty $build &&");
	my $inside = sub {
		my (@command) = @_;
		return run(['unshare', '-m', 'sh', '-c',
			"mkdir -p $prefix && mount --bind $dir/root$prefix $prefix && @hide cd / && \"\$@\"", 'sh', @command]);
	};
	my $parse = $inside->("$prefix/bin/luukkuctl", 'parse', '--json', "$dir/mail.eml");
	is($parse->{status}, 0, 'the installed luukkuctl finds luukku-parse') or diag $parse->{err};
	is(JSON::PP::decode_json($parse->{out} || '{}')->{subject}, "h\x{e4}iri\x{f6}", 'and it reads the mail');
	is($inside->("$prefix/bin/luukkuctl", 'key', 'new', "$dir/site.key")->{status}, 0, 'key new');
	mkdir "$dir/$_" or die $! for qw(run spool);
	spew("$dir/luukku.conf", <<"END", 0600);
site: { domain = "example.fi"; key_file = "$dir/site.key"; run_dir = "$dir/run"; spool_dir = "$dir/spool";
	user = "root"; };
database: { conninfo = "host=$dir/nowhere dbname=luukku user=luukku"; };
smtp: { send = false; envelope_from = "luukku\@example.fi"; };
mailboxes: ( { name = "pipe"; protocol = "none"; } );
queues: ( { name = "ict"; addresses = ( "ict\@example.fi" ); agents = ( "aino\@example.fi" ); title = "ICT"; } );
agents: ( { name = "Aino"; address = "aino\@example.fi"; } );
END
	my $test = $inside->("$prefix/sbin/luukkud", '-t', '-c', "$dir/luukku.conf");
	is($test->{status}, 0, 'luukkud -t finds luukkuctl') or diag $test->{err};
}

# The sample configuration parses; only what it names is missing here.
my $sample = run(['luukkuctl', '-c', "$dir/root$prefix/share/luukku/luukku.conf", 'check', '--json']);
my @other = grep { $_->{severity} eq 'error' && $_->{message} !~ m{cannot read /|there is no /} }
	@{ JSON::PP::decode_json($sample->{out}) };
is_deeply(\@other, [], 'the installed sample configuration has no error but files that are not here');

done_testing;

#!/usr/bin/perl
# What the programs are linked with, and what the modules export.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Test::More;

need_packages(binutils => '/usr/bin/nm');

# Libraries that must not be there, transitively.
my %without = (
	'luukkud'       => [qw(etpan gmime pq gnutls xml2)],
	'luukku-parse'  => [qw(etpan pq)],
	'luukku-sched'  => [qw(etpan)],
	'luukku-lmtp'   => [qw(etpan)],
	'luukku-web'    => [qw(etpan gmime)],
);
# And what must be, so that the test sees libraries at all.
my %with = (
	'luukku-fetch' => [qw(etpan gnutls pq)],
	'luukku-parse' => [qw(gmime)],
	'luukku-send'  => [qw(gnutls pq)],
	'luukkuctl'    => [qw(pq)],
	'luukkud'      => [qw(glib-2.0 sodium)],
);
for my $name (qw(luukkud luukku-fetch luukku-parse luukku-send luukku-sched luukku-lmtp luukku-web luukkuctl)) {
	my $ldd = run(['ldd', program($name)]);
	is($ldd->{status}, 0, "$name can be loaded");
	for my $library (@{ $without{$name} // [] }) {
		unlike($ldd->{out}, qr/\blib\Q$library\E[.-]/, "$name without $library");
	}
	for my $library (@{ $with{$name} // [] }) {
		like($ldd->{out}, qr/\blib\Q$library\E[.-]/, "$name with $library");
	}
}

# Every name a module exports begins with lk_, so that no library's name can meet it.
my $names = 0;
for my $module (qw(base conf mail net db desk daemon)) {
	my $nm = run(['nm', '-g', '--defined-only', '--format=posix', build_dir() . "/liblk$module.a"]);
	is($nm->{status}, 0, "lk$module was built");
	my @exported = grep { defined } map { /^(\w\S*) [A-TV-Z] / ? $1 : undef } split /\n/, $nm->{out};
	$names += @exported;
	my @foreign = grep { $_ !~ /^(?:lk_|__(?:asan|odr_asan|ubsan|sanitizer)|asan\.)/ } @exported;
	is("@foreign", '', "lk$module exports names of its own only");
}
cmp_ok($names, '>', 250, 'the exported names were found');

done_testing();

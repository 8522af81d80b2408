#!/usr/bin/perl
# A manual page for each program and file, without a warning, and in step with the code.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Test::More;

need_packages(mandoc => '/usr/bin/mandoc');

my @programs = map { m{^daemon/(luukku[\w-]*)\.c$} ? $1 : () } tracked_files(qr{^daemon/luukku[\w-]*\.c$});
cmp_ok(scalar @programs, '>=', 7, 'the programs were found');
my %page = map { $_ => 1 } tracked_files(qr{^(?:daemon|conf|sql|contrib)/.*\.[1-8]$});
ok($page{"daemon/$_.8"}, "daemon/$_.8 is there") for @programs;
ok($page{$_}, "$_ is there") for qw(conf/luukku.conf.5 sql/luukku-schema.7);

my $all = '';
for my $path (sort keys %page) {
	my $lint = run(['mandoc', '-Tlint', '-W', 'warning', source_dir() . "/$path"]);
	# "unknown architecture" and the like are outside of the page's power; nothing else is.
	is($lint->{out} . $lint->{err}, '', "$path without a warning");
	my $text = run(['mandoc', '-Tutf8', source_dir() . "/$path"]);
	cmp_ok(length $text->{out}, '>', 500, "$path says something");
	(my $plain = $text->{out}) =~ s/.\x08//g;
	$all .= $plain if $path =~ m{^daemon/};
	unlike(slurp(source_dir() . "/$path"), qr/\bTBW\b/, "$path is complete");
}

# Event names are API: luukkud.8 and its neighbours list each one that is logged, and no other.
my %logged;
for my $path (tracked_files(qr{^daemon/[^/]+\.c$})) {
	my $code = slurp(source_dir() . "/$path");
	$logged{$2} //= $path
		while $code =~ /\blk_(error|warning|info|debug)\(\s*"([^"]+)"/g;
	$logged{$1} //= $path while $code =~ /\blk_log\(\s*[^,]+,\s*"([^"]+)"/g;
}
cmp_ok(scalar keys %logged, '>', 30, 'events were found');
my @odd = grep { $_ !~ /^[a-z]+(?:\.[a-z_]+)+$/ } sort keys %logged;
is("@odd", '', 'event names are lower case words joined by dots');
my @unlisted = grep { $all !~ /(?<![\w.])\Q$_\E(?![\w.]\w)/ } sort keys %logged;
is(join("\n", map { "$_ ($logged{$_})" } @unlisted), '', 'each logged event is in a manual page');
my %listed;
for my $path (grep { m{^daemon/} } sort keys %page) {
	my $page = slurp(source_dir() . "/$path");
	$listed{$1} = $path
		while $page =~ /^\.It\s+(?:Sy|Li|Ic|Cm|Va|Ev|Dv)\s+([a-z]+\.[a-z_.]+)/mg;
}
my @gone = grep { !$logged{$_} } sort keys %listed;
is(join("\n", map { "$_ ($listed{$_})" } @gone), '', 'each listed event is logged');

done_testing();

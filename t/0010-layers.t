#!/usr/bin/perl
# Who may include whom, one foreign header for one module, and no foreign type through a header.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Test::More;

my @modules = qw(base conf mail net db desk);
my %may = (
	base   => [],
	conf   => ['base'],
	mail   => ['base'],
	net    => ['base'],
	db     => ['base'],
	desk   => [qw(base mail db)],
	daemon => \@modules,
);

# Foreign headers and the modules that may see them. GLib is everybody's.
my @foreign = (
	[qr{^sodium\b}               => 'base'],
	[qr{^jansson}                => 'base'],
	[qr{^libconfig}              => 'conf'],
	[qr{^pcre2}                  => 'base'],
	[qr{^gmime/}                 => 'mail'],
	[qr{^libxml/}                => 'mail'],
	[qr{^(?:ytnef|tnef)}         => 'mail'],
	[qr{^ksba\b}                 => 'mail'],
	[qr{^libexttextcat/}         => 'mail'],
	[qr{^libetpan/}              => 'net'],
	[qr{^gnutls/}                => 'net'],
	[qr{^curl/}                  => 'net'],
	[qr{^(?:libpq|postgres|pg)}  => 'db'],
	[qr{^seccomp}                => 'daemon'],
	[qr{^microhttpd}             => 'daemon'],
);
# What C, POSIX, Linux and GLib bring.
my $system = qr{^(?:(?:sys|netinet|arpa|linux|net|sanitizer)/\w+\.h|glib\.h|glib-unix\.h|(?:
	assert|ctype|dirent|errno|fcntl|float|getopt|glob|grp|iconv|inttypes|langinfo|limits|
	locale|malloc|math|netdb|poll|pwd|regex|sched|signal|spawn|stdarg|stdbool|stddef|stdint|
	dlfcn|stdio|stdlib|string|strings|sysexits|syslog|termios|time|ucontext|unistd|wchar
	)\.h)$}x;
# The types those headers bring, for headers that others see.
my $foreign_type = qr{\b(?:json_t|config_t|config_setting_t|pcre2_\w+|GMime\w+|xml[A-Z]\w+|
	mail(?:imap|smtp|pop3|stream|session)\w*|gnutls_\w+|CURL\w*|PGconn|PGresult|Oid|
	ksba_\w+|MHD_\w+|
	crypto_\w+_state|GObject\w*|GMainLoop|GThread|GVariant|GFile\b|GInputStream)}x;

my %text;
for my $path (tracked_files(qr{^(?:lib/\w+|daemon)/[^/]+\.[ch]$})) {
	$text{$path} = slurp(source_dir() . "/$path");
}
cmp_ok(scalar keys %text, '>', 60, 'the sources were found');

sub module_of {
	my ($path) = @_;
	return $path =~ m{^lib/(\w+)/} ? $1 : 'daemon';
}

sub includes {
	my ($path) = @_;
	return map { [$_ =~ /^([<"])(.*)[>"]$/] }
		$text{$path} =~ /^[ \t]*#[ \t]*include[ \t]*(<[^>]*>|"[^"]*")/mg;
}

for my $module (@modules, 'daemon') {
	my @own = grep { module_of($_) eq $module } sort keys %text;
	my $headers = grep { /\.h$/ } @own;
	cmp_ok($headers, '>', 0, "$module has headers");
	cmp_ok(@own - $headers, '>', 0, "$module has sources");
	my @broken;
	for my $path (@own) {
		for my $include (includes($path)) {
			my ($kind, $name) = @$include;
			if ($kind eq '<') {
				next if $name =~ $system;
				my ($rule) = grep { $name =~ $_->[0] } @foreign;
				my @homes = $rule ? @{$rule}[1 .. $#$rule] : ();
				push @broken, "$path: <$name> belongs to " . (join(', ', @homes) || 'nobody')
					if !grep { $_ eq $module } @homes;
			} elsif ($name eq 'queries.h') {
				push @broken, "$path: queries.h comes through lib/db" if $module ne 'db';
			} elsif (!exists $text{$name}) {
				push @broken, "$path: \"$name\" is no header of ours; write its path from the top";
			} else {
				my $other = module_of($name);
				push @broken, "$path: $module may not include $name"
					if $other ne $module && !grep { $_ eq $other } @{ $may{$module} };
			}
		}
	}
	is(join("\n", @broken), '', "$module includes what it may");
}

# Its own header first: that keeps every header complete in itself.
my @late;
for my $path (grep { /\.c$/ } sort keys %text) {
	my ($first) = includes($path);
	(my $own = $path) =~ s/\.c$/.h/;
	if (exists $text{$own}) {
		push @late, "$path: $own must come first" if !$first || $first->[1] ne $own;
	} elsif ($path =~ m{^lib/(\w+)/}) {
		push @late, "$path: a header of lib/$1 must come first"
			if !$first || $first->[1] !~ m{^lib/$1/};
	}
}
is(join("\n", @late), '', 'each source includes its own header first');

# A header that another module includes, with all it includes, must show nothing foreign.
sub closure {
	my ($path, $seen) = @_;
	return if $seen->{$path}++;
	for my $include (includes($path)) {
		closure($include->[1], $seen) if exists $text{ $include->[1] };
	}
	return;
}
my %public;
for my $path (sort keys %text) {
	for my $include (includes($path)) {
		my $name = $include->[1];
		closure($name, \%public) if exists $text{$name} && module_of($name) ne module_of($path);
	}
}
cmp_ok(scalar keys %public, '>', 15, 'headers between modules were found');
my @leaks;
for my $path (sort keys %public) {
	for my $include (includes($path)) {
		push @leaks, "$path: includes <$include->[1]>"
			if $include->[0] eq '<' && $include->[1] !~ $system;
	}
	(my $code = $text{$path}) =~ s{/\*.*?\*/}{}gs;
	push @leaks, "$path: shows $1" while $code =~ /($foreign_type)/g;
	push @leaks, "$path: says $1; write bool, int, int64_t, size_t or char"
		while $code =~ /\b(gboolean|gchar|gint\d*|guint\d*|glong|gulong|gsize|gssize|guchar)\b/g;
}
is(join("\n", @leaks), '', 'no foreign type crosses a module\'s header');

# A header that only includes others is an umbrella; each has its guard.
my (@umbrellas, @guards, %guard);
for my $path (grep { /\.h$/ } sort keys %text) {
	(my $code = $text{$path}) =~ s{/\*.*?\*/}{}gs;
	$code =~ s/\\\n/ /g;
	my $declares = $code =~ /^[ \t]*#[ \t]*define[ \t]+\w+[( \t]+\S/m;
	(my $rest = $code) =~ s/^[ \t]*#.*$//mg;
	push @umbrellas, $path if $rest !~ /\S/ && !$declares;
	my ($name) = $code =~ /^#ifndef (LK_\w+_H)\n#define \1\n/m;
	push @guards, "$path: no guard LK_..._H" if !$name;
	push @guards, "$path: $name guards $guard{$name} too" if $name && $guard{$name};
	$guard{$name} = $path if $name;
}
is(join("\n", @umbrellas), '', 'no umbrella header');
is(join("\n", @guards), '', 'each header has a guard of its own');

# What can run without a program's eyes: only programs log, lib/ returns errors.
my @loud;
for my $path (grep { m{^lib/} && $_ !~ m{^lib/base/log\.} } sort keys %text) {
	(my $code = $text{$path}) =~ s{/\*.*?\*/}{}gs;
	push @loud, "$path: $1" while $code =~ /\b(lk_(?:info|warning|error|log)\s*\(|g_(?:message|warning|info|print|printerr)\s*\(|fprintf\s*\(\s*stderr)/g;
}
is(join("\n", @loud), '', 'only daemon/ logs');

done_testing();

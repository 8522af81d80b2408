package Luukku::Test::Base;

# What every end-to-end test needs: where things are, commands with their output captured, waiting
# for a condition, skipping. Servers are in Luukku::Test::Dovecot and its neighbours.
#
#   use FindBin;
#   use lib "$FindBin::Bin/lib";
#   use Luukku::Test::Base;
#
#   source_dir()            the top of the source tree
#   build_dir()             $LUUKKU_BUILD, else build/ at the top
#   program('luukkuctl')    the path of a built program; skips (or dies) when it is not built
#   temp_dir()              one directory a test program, removed at its end
#   run(['luukkuctl', 'check'], in => TEXT, env => {..}, seconds => 60)
#                           { status, signal, out, err, timed_out }; a bare first word that is one
#                           of our programs is found in the build directory
#   wait_until(sub { .. }, SECONDS, 'words')   the condition's value; dies with the words
#   skip_or_die('why')      ends the test as skipped; dies under LUUKKU_TEST_MUST
#   need_packages('pkg' => '/path/it/has', ..)  skip_or_die naming what is missing
#   tracked_files(qr/\.c$/) paths from the top, of what belongs to the project
#   slurp(PATH), spew(PATH, BYTES, MODE)

use strict;
use warnings;
use Cwd ();
use Exporter 'import';
use File::Find ();
use File::Path ();
use File::Spec ();
use File::Temp ();
use IO::Select;
use POSIX ();
use Test::More ();
use Time::HiRes qw(time);

our @EXPORT = qw(source_dir build_dir program temp_dir run wait_until skip_or_die need_packages
	tracked_files slurp spew);

my $source = Cwd::realpath(
	File::Spec->catdir((File::Spec->splitpath(__FILE__))[1], (File::Spec->updir) x 4));

# Tests say how long something takes on a quiet machine; it may take several times that beside
# others, and only a failure waits so long.
my $patience = 5;

sub source_dir {
	return $source;
}

sub build_dir {
	my $dir = $ENV{LUUKKU_BUILD} // "$source/build";
	return File::Spec->file_name_is_absolute($dir) ? $dir : "$source/$dir";
}

# Can every user get into this directory?
sub is_open {
	my ($path) = @_;
	my $real = Cwd::realpath($path) // return 1;
	for (my $at = $real; $at ne '/'; $at = Cwd::realpath("$at/..")) {
		return 0 if !((stat $at)[2] & 0001);
	}
	return 1;
}

# Programs that root starts become another user, who must reach them and their templates. In a
# checkout that is closed to others, as one in /root is, the tests use copies.
my $bin_dir;

sub bin_dir {
	return $bin_dir if $bin_dir;
	my $dir = build_dir() . '/bin';
	if ($> == 0 && -e "$dir/luukkud" && !(is_open($dir) && is_open($source))) {
		my $copy = temp_dir() . '/copy-of-bin';
		system('cp', '-rL', $dir, $copy) == 0 or die "cannot copy $dir to $copy\n";
		$dir = $copy;
	}
	return $bin_dir = $dir;
}

sub program {
	my ($name) = @_;
	my $path = bin_dir() . "/$name";
	skip_or_die("$path is not built; run t/run") if !-x $path;
	return $path;
}

my $temp_dir;

sub temp_dir {
	if (!$temp_dir) {
		$temp_dir = File::Temp->newdir('luukku-t-XXXXXXXX', TMPDIR => 1);
		chmod 0755, "$temp_dir" or die "chmod $temp_dir: $!";
	}
	return "$temp_dir";
}

# Runs a command without a shell, feeds and reads it, kills its process group when the time is up.
sub run {
	my ($command, %option) = @_;
	my @argv = @$command;
	if ($argv[0] !~ m{/} && -x build_dir() . "/bin/$argv[0]") {
		$argv[0] = program($argv[0]);
	}
	my $in = File::Temp->new;
	binmode $in;
	print {$in} $option{in} // '';
	$in->flush;
	seek $in, 0, 0;
	my ($out, $out_end, $err, $err_end);
	pipe $out, $out_end or die "pipe: $!";
	pipe $err, $err_end or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		local %ENV = (%ENV, %{ $option{env} // {} });
		delete @ENV{ grep { !defined $ENV{$_} } keys %ENV };
		setpgrp 0, 0;
		chdir $option{dir} if defined $option{dir};
		POSIX::dup2(fileno $in, 0);
		POSIX::dup2(fileno $out_end, 1);
		POSIX::dup2(fileno $err_end, 2);
		{ no warnings; exec { $argv[0] } @argv; }
		print STDERR "cannot run $argv[0]: $!\n";
		POSIX::_exit(127);
	}
	close $out_end;
	close $err_end;
	my %text = (out => '', err => '');
	my $timed_out = read_both($out, $err, \%text, time + $patience * ($option{seconds} // 60));
	kill 'KILL', -$pid if $timed_out;
	waitpid $pid, 0;
	my $signal = $? & 127;
	my $status = $signal ? 128 + $signal : $? >> 8;
	$text{err} .= "$argv[0]: ended by the test, it took longer than its time\n" if $timed_out;
	return { %text, status => $status, signal => $signal, timed_out => $timed_out };
}

# Reads both pipes to their ends; true when the deadline came first.
sub read_both {
	my ($out, $err, $text, $deadline) = @_;
	my $select = IO::Select->new($out, $err);
	while ($select->count) {
		my $left = $deadline - time;
		return 1 if $left <= 0;
		for my $pipe ($select->can_read($left)) {
			my $key = $pipe == $out ? 'out' : 'err';
			my $n = sysread $pipe, $text->{$key}, 65536, length $text->{$key};
			$select->remove($pipe) if !$n;
		}
	}
	return 0;
}

# (condition, seconds, words) or, as in Luukku::Test::Proc, (words, condition, seconds).
sub wait_until {
	my @args = @_;
	my $words = ref $args[0] eq 'CODE' ? undef : shift @args;
	my ($condition, $seconds, $more) = @args;
	$words //= $more // 'a condition';
	my $deadline = time + $patience * ($seconds // 20);
	my $pause = 0.01;
	while (1) {
		my $value = $condition->();
		return $value if $value;
		die "gave up waiting: $words\n" if time > $deadline;
		select undef, undef, undef, $pause;
		$pause *= 1.3 if $pause < 0.1;    # a condition that asks a server costs something
	}
}

# is_fine => 1: nothing that is installed could change it.
sub skip_or_die {
	my ($why, %option) = @_;
	die "$why (LUUKKU_TEST_MUST is set: nothing may be skipped)\n" if $ENV{LUUKKU_TEST_MUST} && !$option{is_fine};
	Test::More::plan(skip_all => $why);
	return;
}

sub need_packages {
	my @pairs = @_;
	my @missing;
	while (my ($package, $path) = splice @pairs, 0, 2) {
		push @missing, $package if !-e $path;
	}
	skip_or_die('Debian packages are missing: ' . join(' ', @missing)) if @missing;
	return;
}

# What git tracks or would; without git, what lies there and is no build directory.
sub tracked_files {
	my ($pattern) = @_;
	my @files;
	if (-e "$source/.git") {
		my $list = run(['git', '-c', "safe.directory=$source", '-C', $source, 'ls-files', '-z',
				'--cached', '--others', '--exclude-standard']);
		@files = split /\0/, $list->{out} if $list->{status} == 0;
	}
	if (!@files) {
		File::Find::find({ no_chdir => 1, wanted => sub {
			my $path = File::Spec->abs2rel($File::Find::name, $source);
			if ($path =~ m{^(?:\.git|build[^/]*)$} && -d) {
				$File::Find::prune = 1;
				return;
			}
			push @files, $path if -f || -l;
		} }, $source);
	}
	return sort grep { $_ =~ $pattern && -e "$source/$_" } @files;
}

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or die "$path: $!\n";
	local $/ = undef;
	return scalar(<$in>) // '';
}

sub spew {
	my ($path, $bytes, $mode) = @_;
	open my $out, '>:raw', $path or die "$path: $!\n";
	print {$out} $bytes or die "$path: $!\n";
	close $out or die "$path: $!\n";
	if (defined $mode) {
		chmod $mode, $path or die "$path: $!\n";
	}
	return;
}

1;

package Luukku::Test::Proc;

# Child processes, ports and waiting, for the test servers. A child dies with its test however that
# ends: stopped by pid at END, and by PR_SET_PDEATHSIG (setpriv) when the test itself is killed.

use strict;
use warnings;
use Exporter 'import';
use Fcntl qw(F_DUPFD);
use File::Temp ();
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time);
use Luukku::Test::Base qw(wait_until);

our @EXPORT_OK = qw(wait_until free_port spawn stop_pid is_running run_dir log_as_comments slurp
	unprivileged_ids);

my %children;

# One directory for all servers of a test program, readable by the unprivileged user.
my $run_dir;

sub run_dir {
	if (!$run_dir) {
		$run_dir = File::Temp->newdir('luukku-t-XXXXXXXX', TMPDIR => 1);
		chmod 0755, "$run_dir" or die "chmod $run_dir: $!";
	}
	return "$run_dir";
}

# A loopback port that nobody listens on, never the same twice within one program. Below those that
# the system gives to whoever connects: one of theirs could be taken before our server has it.
my %given;
my ($first_port, $last_port) = (10_240, 32_000);

sub free_port {
	for (1 .. 1000) {
		my $port = $first_port + int rand $last_port - $first_port;
		next if $given{$port}++;
		my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'tcp',
			Listen => 1) // next;
		close $socket;
		return $port;
	}
	die "no free port between $first_port and $last_port\n";
}

# uid and gid for servers: ours, or those of `nobody` when we are root.
sub unprivileged_ids {
	return ($>, (split ' ', $))[0]) if $> != 0;
	my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
	die "no user nobody\n" if !defined $uid;
	return ($uid, $gid);
}

# Starts a program. Options: command => [..], log => FILE for its output, unprivileged => 1 to
# become `nobody` when root, env => {..}, stdin => FILE, fds => {3 => HANDLE, ..} for further open
# files. Returns the pid.
sub spawn {
	my (%option) = @_;
	my @command = @{ $option{command} };
	my @setpriv = ('setpriv', '--pdeathsig', $option{death_signal} // 'TERM');
	if ($option{unprivileged} && $> == 0) {
		my ($uid, $gid) = unprivileged_ids();
		push @setpriv, '--reuid', $uid, '--regid', $gid, '--clear-groups';
	}
	my $parent = $$;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		# Nothing here may run the END blocks or destructors of the test.
		my $ok = eval {
			open STDIN, '<', $option{stdin} // '/dev/null' or die "stdin: $!";
			if ($option{log}) {
				open STDOUT, '>>', $option{log} or die "$option{log}: $!";
				open STDERR, '>&', \*STDOUT or die "stderr: $!";
			}
			local %ENV = (%ENV, %{ $option{env} // {} });
			setpgrp(0, 0);
			give_fds($option{fds}) if $option{fds};
			exec { $setpriv[0] } @setpriv, '--', @command
				or die "cannot run $setpriv[0]: $!";
		};
		print STDERR $@ if !$ok;
		POSIX::_exit(127);
	}
	$children{$pid} = $parent;
	return $pid;
}

# Puts open files under the numbers that a program wants them under. None may lie on another's.
sub give_fds {
	my ($fds) = @_;
	my %spare;
	for my $number (keys %$fds) {
		$spare{$number} = fcntl $fds->{$number}, F_DUPFD, 64 or die "dup: $!";
	}
	for my $number (keys %$fds) {
		POSIX::dup2($spare{$number}, $number) // die "dup2: $!";
		POSIX::close($spare{$number});
	}
	return;
}

# Has the child not ended yet? Reaps it when it has.
sub is_running {
	my ($pid) = @_;
	return 0 if !$children{$pid};
	if (waitpid($pid, WNOHANG) == $pid) {
		delete $children{$pid};
		return 0;
	}
	return 1;
}

# Ends a child of ours: SIGTERM, SIGKILL after `seconds`. Then its process group, so that no
# grandchild stays.
sub stop_pid {
	my ($pid, $seconds) = @_;
	return if !$pid || !$children{$pid};
	kill 'TERM', $pid;
	eval { wait_until('end of a server', sub { !is_running($pid) }, $seconds // 10); 1 } or do {
		kill 'KILL', $pid;
		waitpid $pid, 0;
		delete $children{$pid};
	};
	kill 'KILL', -$pid;
	return;
}

sub slurp {
	my ($path) = @_;
	open my $in, '<:raw', $path or return;
	local $/ = undef;
	return scalar <$in>;
}

# The last lines of a log, as TAP comments.
sub log_as_comments {
	my ($title, $path, $most) = @_;
	my @lines = split /\n/, slurp($path) // '';
	$most //= 60;
	splice @lines, 0, @lines - $most if @lines > $most;
	print STDERR "# --- $title\n", map { "# $_\n" } @lines;
	return;
}

END {
	my $status = $?;
	for my $pid (grep { $children{$_} == $$ } keys %children) {
		stop_pid($pid, 3);
	}
	$? = $status;
}

1;

package Luukku::Test::Peer;

# A server that plays a script, for what no real server would do. One connection after the other,
# each with the script from its beginning.
#
#   my $peer = Luukku::Test::Peer->start(
#           tls => $tls->cert('good'),         # optional: speaks TLS from the start
#           tls_version => 'TLSv1_1',          # optional
#           say    => "* OK hello\r\n",        # sent at once
#           answer => [ qr/LOGIN/, "TAG OK\r\n" ],   # waits for a line that fits, then sends;
#                                                    # TAG is the first word of that line
#           close  => 1);                      # ends the connection there (it stays open otherwise)
#   $peer->port; $peer->heard    what clients sent; $peer->stop

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Luukku::Test::Proc qw(run_dir slurp);

my $instances = 0;

sub start {
	my ($class, @script) = @_;
	my $file = run_dir() . '/peer' . ++$instances;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Proto => 'tcp',
		Listen => 8) or die "listen: $!";
	my $parent = $$;
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		eval { serve($listener, $file, $parent, @script) };
		print STDERR $@ if $@;
		POSIX::_exit(0);
	}
	my $self = bless { pid => $pid, port => $listener->sockport, file => $file }, $class;
	close $listener;
	return $self;
}

sub port { return $_[0]{port} }

sub heard {
	my ($self) = @_;
	return slurp($self->{file}) // '';
}

sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!, $@);
	$self->stop;
	return;
}

sub serve {
	my ($listener, $file, $parent, @script) = @_;
	$SIG{PIPE} = 'IGNORE';
	open my $heard, '>>', $file or die "$file: $!";
	while (getppid == $parent) {
		next if !IO::Select->new($listener)->can_read(1);
		my $socket = $listener->accept or next;
		setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
		eval { play($socket, $heard, $parent, @script); 1 } or do {
			syswrite $heard, "! $@" if $@ ne "gone\n";
		};
		close $socket;
	}
	return;
}

# One line from the client, noted; dies when the client or the test has gone.
sub hear {
	my ($socket, $heard, $parent, $buffer) = @_;
	while ($$buffer !~ /\n/) {
		my $pending = $socket->can('pending') ? $socket->pending : 0;
		if (!$pending && !IO::Select->new($socket)->can_read(1)) {
			die "gone\n" if getppid != $parent;
			next;
		}
		my $n = sysread $socket, my $bytes, 65536;
		die "gone\n" if !$n;
		syswrite $heard, $bytes;
		$$buffer .= $bytes;
	}
	$$buffer =~ s/\A([^\n]*\n)//;
	return $1;
}

sub play {
	my ($socket, $heard, $parent, @script) = @_;
	my $buffer = '';
	my %tls;
	while (my ($what, $value) = splice @script, 0, 2) {
		if ($what =~ /^tls/) {
			$tls{$what} = $value;
			next;
		}
		begin_tls($socket, \%tls) if $tls{tls};
		if ($what eq 'say') {
			syswrite $socket, $value;
		}
		elsif ($what eq 'answer') {
			my ($wanted, $answer) = @$value;
			my $line;
			do { $line = hear($socket, $heard, $parent, \$buffer) } until $line =~ $wanted;
			my ($tag) = $line =~ /\A(\S+)/;
			(my $bytes = $answer) =~ s/TAG/$tag/g;
			syswrite $socket, $bytes;
		}
		elsif ($what eq 'close') {
			return;
		}
	}
	begin_tls($socket, \%tls) if $tls{tls};
	hear($socket, $heard, $parent, \$buffer) while 1;
	return;
}

sub begin_tls {
	my ($socket, $tls) = @_;
	my $cert = delete $tls->{tls};
	my %version = $tls->{tls_version}
		? (SSL_version => $tls->{tls_version}, SSL_cipher_list => 'ALL:@SECLEVEL=0') : ();
	IO::Socket::SSL->start_SSL($socket, SSL_server => 1, SSL_cert_file => $cert->{cert},
		SSL_key_file => $cert->{key}, %version) or die "gone\n";
	return;
}

1;

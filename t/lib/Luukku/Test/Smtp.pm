package Luukku::Test::Smtp;

# An SMTP server for tests: t/sink (its head comment has the rules) started and read.
#
#   my $smtp = Luukku::Test::Smtp->start(user => 'luukku', password => 'secret');
#   $smtp->port; $smtp->tls_port      STARTTLS on the first, implicit TLS on the second
#   $smtp->rules({ at => 'rcpt', match => 'gone@', reply => '550 5.1.1 unknown' }, ...)
#   my @mails = $smtp->wait_mails(3)  each { from, rcpt => [..], data, tls, user, ... }
#   $smtp->commands                   what clients said, "AUTH PLAIN" without credentials
#
# Options of start: cert => $tls->cert('good') (the default), tls => 0, user, password,
# plaintext_auth => 1, dir => DIR (kept), port => N, tls_port => N.

use strict;
use warnings;
use File::Basename ();
use JSON::PP ();
use Luukku::Test::Proc qw(wait_until spawn stop_pid is_running run_dir log_as_comments slurp);
use Luukku::Test::Tls;

my $instances = 0;
my $json = JSON::PP->new->canonical->utf8;
my $sink = File::Basename::dirname(__FILE__) . '/../../../sink';

sub start {
	my ($class, %option) = @_;
	my $dir = $option{dir} // run_dir() . '/smtp' . ++$instances;
	if (!-d $dir) {
		mkdir $dir or die "$dir: $!";
	}
	my @command = ($^X, $sink, '--quiet', '--dir', $dir, '--port', $option{port} // 0);
	if ($option{tls} // 1) {
		my $cert = $option{cert} // Luukku::Test::Tls->new->cert('good');
		push @command, '--cert', $cert->{cert}, '--key', $cert->{key},
			'--tls-port', $option{tls_port} // 0;
	}
	if (defined $option{user}) {
		open my $out, '>:raw', "$dir/password" or die "$dir/password: $!";
		print $out "$option{password}\n";
		close $out;
		push @command, '--user', $option{user}, '--password-file', "$dir/password";
	}
	push @command, '--plaintext-auth' if $option{plaintext_auth};
	my $self = bless { dir => $dir, command => \@command }, $class;
	$self->launch;
	return $self;
}

# Starts the sink; after ->stop again on the same ports, with what it already has.
sub launch {
	my ($self) = @_;
	my $ready = "$self->{dir}/ready";
	unlink $ready;
	my @command = @{ $self->{command} };
	if ($self->{port}) {
		push @command, '--port', $self->{port};
		push @command, '--tls-port', $self->{tls_port} if $self->{tls_port};
	}
	$self->{pid} = spawn(command => \@command, log => "$self->{dir}/output");
	eval {
		wait_until('the SMTP sink to listen', sub {
			die "the SMTP sink ended\n" if !is_running($self->{pid});
			return -e $ready;
		});
		1;
	} or do {
		my $why = $@;
		$self->show_log;
		die "the SMTP sink did not start: $why";
	};
	@{$self}{qw(port tls_port)} = split ' ', slurp($ready);
	return;
}

sub port     { return $_[0]{port} }
sub tls_port { return $_[0]{tls_port} }
sub dir      { return $_[0]{dir} }

# How to misbehave from now on; no rules: behaves.
sub rules {
	my ($self, @rules) = @_;
	my $path = "$self->{dir}/rules.json";
	unlink glob "'$self->{dir}'/count-*";
	open my $out, '>:raw', "$path.new" or die "$path.new: $!";
	print $out $json->encode(\@rules);
	close $out;
	rename "$path.new", $path or die "$path: $!";
	return;
}

# The mails taken so far, in order.
sub mails {
	my ($self) = @_;
	my @mails;
	for my $path (sort glob "'$self->{dir}'/mails/*.json") {
		my $mail = $json->decode(slurp($path));
		($mail->{path} = $path) =~ s/json\z/eml/;
		$mail->{data} = slurp($mail->{path});
		push @mails, $mail;
	}
	return @mails;
}

sub count {
	my ($self) = @_;
	my @found = glob "'$self->{dir}'/mails/*.json";
	return scalar @found;
}

# The mails, once there are at least n of them.
sub wait_mails {
	my ($self, $n, $seconds) = @_;
	eval {
		wait_until("$n mails at the SMTP sink", sub { $self->count >= $n }, $seconds);
		1;
	} or do {
		my $why = $@;
		$self->show_log;
		die $why . '(' . $self->count . " came)\n";
	};
	return $self->mails;
}

# Code that is to see the mails before they are forgotten.
sub before_clear {
	my ($self, $code) = @_;
	$self->{before_clear} = $code;
	return;
}

# Forgets the mails and the log.
sub clear {
	my ($self) = @_;
	$self->{before_clear}->() if $self->{before_clear} && $self->count > 0;
	unlink glob("'$self->{dir}'/mails/*"), "$self->{dir}/log";
	return;
}

sub log {
	my ($self) = @_;
	return slurp("$self->{dir}/log") // '';
}

# The commands of all connections, in order.
sub commands {
	my ($self) = @_;
	return $self->log =~ /^\d+> (.*)$/mg;
}

# How many connections there were.
sub connections {
	my ($self) = @_;
	return slurp("$self->{dir}/connections") // 0;
}

sub show_log {
	my ($self) = @_;
	log_as_comments('SMTP sink output', "$self->{dir}/output");
	log_as_comments('SMTP sink log', "$self->{dir}/log");
	return;
}

sub stop {
	my ($self) = @_;
	stop_pid(delete $self->{pid});
	return;
}

1;

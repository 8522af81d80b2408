package Luukku::Test::Postfix;

# A private Postfix on a free loopback port, with directories of its own and nothing of the system's,
# that delivers into the Maildirs of a Luukku::Test::Dovecot. Its master must be started by root: a
# test of anybody else's is skipped.
#
#   my $postfix = Luukku::Test::Postfix->start(
#           dovecot  => $dovecot,
#           users    => ['ict@example.fi', 'maija@sairaala.example'],
#           aliases  => { 'luukku-bounces@example.fi' => 'ict@example.fi',   # +EXTENSION is kept
#                         'loop@kierros.example' => 'ict@example.fi' },      # forwards what comes
#           sieve    => ['loma@sairaala.example'],       # delivered by Dovecot's LDA, with Sieve
#           lmtp     => { 'pipe@example.fi' => '127.0.0.1:24' });        # handed on over LMTP
#   $postfix->port             SMTP; 127.0.0.1 may send without login
#   $postfix->sieve($user, $script)
#   $postfix->send($from, [@to], $mail)     hands a mail in as a client does
#   $postfix->flush            tries at once what is deferred
#   $postfix->wait_empty       until everything in the queue is delivered or has bounced
#   $postfix->log; $postfix->show_log; $postfix->stop
#
# It is the last stop for the domains of its users; mail to anybody unknown there, and to any other
# domain, is taken and then bounces, by a delivery report of Postfix's own.

use strict;
use warnings;
use File::Path ();
use IO::Socket::INET;
use Luukku::Test::Base ();
use Luukku::Test::Proc qw(wait_until free_port spawn stop_pid is_running run_dir log_as_comments slurp
	unprivileged_ids);
use Net::SMTP ();

my $instances = 0;
my $daemons = '/usr/lib/postfix/sbin';

sub missing_packages {
	return grep { defined } (-x "$daemons/master" ? undef : 'postfix',
		-e '/usr/lib/dovecot/modules/lib90_sieve_plugin.so' ? undef : 'dovecot-sieve');
}

# Skips the test where Postfix cannot be.
sub can_run {
	my @missing = missing_packages();
	Luukku::Test::Base::skip_or_die('this machine has another MTA than Postfix', is_fine => 1)
		if @missing && $ENV{LUUKKU_TEST_OTHER_MTA};
	Luukku::Test::Base::skip_or_die("Debian packages are missing: @missing") if @missing;
	Luukku::Test::Base::skip_or_die('only root can start Postfix', is_fine => 1) if $> != 0;
	return;
}

# What a Luukku::Test::Dovecot needs in its settings, so that Sieve can answer.
sub dovecot_settings {
	my ($class, $port) = @_;
	return <<"END";
protocol lda {
  mail_plugins = \$mail_plugins sieve
}
hostname = mx.example.fi
postmaster_address = postmaster\@example.fi
recipient_delimiter = +
submission_host = 127.0.0.1:$port
plugin {
  sieve = ~/.dovecot.sieve
  sieve_vacation_min_period = 0
}
END
}

sub start {
	my ($class, %option) = @_;
	can_run();
	my $dir = run_dir() . '/postfix' . ++$instances;
	my $self = bless { dir => $dir, port => $option{port} // free_port(), dovecot => $option{dovecot},
		users => $option{users}, aliases => $option{aliases} // {}, sieve => $option{sieve} // [],
		lmtp => $option{lmtp} // {},
		size => $option{size} // 52428800 }, $class;
	$self->make_directories;
	$self->write_config;
	$self->launch;
	return $self;
}

# As post-install makes them.
sub make_directories {
	my ($self) = @_;
	my (undef, undef, $uid, $gid) = getpwnam 'postfix' or die "no user postfix\n";
	my $drop = getgrnam 'postdrop' // die "no group postdrop\n";
	my $queue = "$self->{dir}/queue";
	File::Path::make_path("$self->{dir}/conf", $queue, { mode => 0755 });
	for my $name (qw(active bounce corrupt defer deferred flush hold incoming private saved trace)) {
		mkdir "$queue/$name", 0700 or die "$queue/$name: $!";
		chown $uid, 0, "$queue/$name";
	}
	mkdir "$queue/pid", 0755 or die "$queue/pid: $!";
	mkdir "$queue/public";
	mkdir "$queue/maildrop";
	mkdir "$self->{dir}/data";
	chown $uid, $gid, "$self->{dir}/data";
	chmod 0700, "$self->{dir}/data";
	chown $uid, $drop, "$queue/public", "$queue/maildrop";
	chmod 0710, "$queue/public";
	chmod 01730, "$queue/maildrop";
	return;
}

sub write_file {
	my ($path, $text) = @_;
	open my $out, '>', $path or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
	return;
}

sub write_config {
	my ($self) = @_;
	my ($dir, $dovecot) = @{$self}{qw(dir dovecot)};
	my ($uid, $gid) = unprivileged_ids();
	my ($user, $group) = (scalar getpwuid $uid, scalar getgrgid $gid);
	my $mail = $dovecot->maildir('USER') =~ s{/USER/Maildir$}{}r;
	my %sieve = map { $_ => 1 } @{ $self->{sieve} };
	my %domains = map { (split /@/)[1] => 1 } @{ $self->{users} }, @{ $self->{sieve} }, map { keys %$_ } @{$self}{qw(aliases lmtp)};
	$dovecot->make_maildir($_) for @{ $self->{users} }, @{ $self->{sieve} };
	write_file("$dir/conf/mailboxes", join '', map { "$_ $_/Maildir/\n" } @{ $self->{users} }, @{ $self->{sieve} },
		keys %{ $self->{lmtp} });
	write_file("$dir/conf/aliases", join '', map { "$_ $self->{aliases}{$_}\n" } sort keys %{ $self->{aliases} });
	write_file("$dir/conf/transports", join '', (map { "$_ lda:\n" } @{ $self->{sieve} }),
		map { "$_ lmtp:inet:$self->{lmtp}{$_}\n" } sort keys %{ $self->{lmtp} });
	my $domains = join ' ', sort keys %domains;
	write_file("$dir/conf/main.cf", <<"END");
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
daemon_directory = $daemons
maillog_file = $dir/log
maillog_file_prefixes = $dir
myhostname = mx.example.fi
mydomain = example.fi
myorigin = example.fi
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:5.1.2 no such domain
default_transport = error:5.1.2 no such domain
recipient_delimiter = +
virtual_mailbox_domains = $domains
virtual_mailbox_base = $mail
virtual_mailbox_maps = texthash:$dir/conf/mailboxes
virtual_alias_maps = texthash:$dir/conf/aliases
transport_maps = texthash:$dir/conf/transports
virtual_uid_maps = static:$uid
virtual_gid_maps = static:$gid
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = $self->{size}
smtpd_reject_unlisted_recipient = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
lda_destination_recipient_limit = 1
hash_queue_names = flush
in_flow_delay = 0
notify_classes =
smtputf8_enable = no
END
	write_file("$dir/conf/master.cf", <<"END");
127.0.0.1:$self->{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
lmtp unix - - n - - lmtp
retry unix - - n - - error
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
lda unix - n n - - pipe
  flags=DRhu user=$user:$group argv=/usr/lib/dovecot/dovecot-lda -c $dovecot->{dir}/dovecot.conf
  -f \${sender} -a \${original_recipient} -d \${user}\@\${domain}
END
	return;
}

# The master changes its rights for a moment, by which the kernel forgets what it gets when the test
# dies; this one in between does not.
my $keeper = <<'END';
my $pid = fork // die "fork: $!";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!" if !$pid;
$SIG{TERM} = sub { kill 'TERM', $pid };
1 until waitpid($pid, 0) == $pid;
END

sub launch {
	my ($self) = @_;
	$self->{pid} = spawn(command => [$^X, '-e', $keeper, "$daemons/master", '-c', "$self->{dir}/conf", '-d'],
		log => "$self->{dir}/output", env => { MAIL_CONFIG => "$self->{dir}/conf" });
	eval {
		wait_until('Postfix to answer', sub {
			die "Postfix ended\n" if !is_running($self->{pid});
			my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 5)
				or return 0;
			return (<$socket> // '') =~ /^220 /;
		});
		1;
	} or do {
		my $why = $@;
		$self->show_log;
		die "Postfix did not start: $why";
	};
	return;
}

sub port { return $_[0]{port} }

# What Dovecot does with a user's mail on delivery.
sub sieve {
	my ($self, $user, $script) = @_;
	my $path = $self->{dovecot}->maildir($user) =~ s{/Maildir$}{/.dovecot.sieve}r;
	write_file($path, $script);
	my ($uid, $gid) = unprivileged_ids();
	(my $home = $path) =~ s{/[^/]*$}{};
	chown $uid, $gid, $path, $home;
	return;
}

sub send {
	my ($self, $from, $to, $mail) = @_;
	my $smtp = Net::SMTP->new('127.0.0.1', Port => $self->{port}, Hello => 'client.example', Timeout => 20)
		or die "no SMTP: $@";
	$mail =~ s/\r?\n/\n/g;
	my $done = $smtp->mail($from) && $smtp->to(@$to) && $smtp->data($mail);
	my $said = $smtp->message;
	$smtp->quit;
	die "Postfix refuses the mail: $said" if !$done;
	return;
}

sub flush {
	my ($self) = @_;
	my $done = Luukku::Test::Base::run(['/usr/sbin/postqueue', '-c', "$self->{dir}/conf", '-f']);
	die "postqueue: $done->{err}\n" if $done->{status} != 0;
	return;
}

# Mails in the queue; a delivery report is written before the mail that it is about goes.
sub queued {
	my ($self) = @_;
	my $n = 0;
	for my $name (qw(maildrop incoming active deferred defer bounce)) {
		opendir my $handle, "$self->{dir}/queue/$name" or die "$self->{dir}/queue/$name: $!";
		$n += grep { !/^\./ } readdir $handle;
	}
	return $n;
}

sub wait_empty {
	my ($self, $seconds) = @_;
	eval { wait_until("Postfix's queue to be empty", sub { $self->queued == 0 }, $seconds // 60); 1 } or do {
		my $why = $@;
		$self->show_log;
		die $why;
	};
	return;
}

sub log {
	my ($self) = @_;
	return slurp("$self->{dir}/log") // '';
}

sub show_log {
	my ($self) = @_;
	# A wrong setting is told to syslog alone by the daemons.
	my $said = Luukku::Test::Base::run(['/usr/sbin/postqueue', '-c', "$self->{dir}/conf", '-p']);
	print STDERR map { "# $_\n" } grep { /fatal|warning/ } split /\n/, $said->{err};
	log_as_comments('Postfix output', "$self->{dir}/output");
	log_as_comments('Postfix log', "$self->{dir}/log");
	return;
}

sub stop {
	my ($self) = @_;
	stop_pid(delete $self->{pid}, 10);
	return;
}

1;
